"""Analyzers: Azure AI Vision accounts of the stack, an existing Custom Vision project, or a vision model of Foundry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from infra.components.foundry import FoundryAccount
from infra.components.vision import VisionAccounts
from infra.core.analysis import VISUAL_FEATURES, CustomVisionProject, FoundryModel
from infra.core.context import DeploymentContext, DiagnosticTarget, PrivateLinkTarget, Scope
from infra.core.rbac import BuiltInRole

_ACCOUNTS = "Microsoft.CognitiveServices/accounts"
# The data action that each feature needs. Cognitive Services User, the narrowest built-in role for them, may also list
# the accounts' keys and open support tickets (docs/decisions/0016).
# https://learn.microsoft.com/azure/role-based-access-control/permissions/ai-machine-learning
_DATA_ACTIONS = {
    **dict.fromkeys(VISUAL_FEATURES, f"{_ACCOUNTS}/ComputerVision/imageanalysis:analyze/action"),
    "safety": f"{_ACCOUNTS}/ComputerVision/analyze/action",
    "embeddings": f"{_ACCOUNTS}/ComputerVision/retrieval:vectorizeimage/action",
}
# Azure lists the prediction API's operations under both names, and does not document which one a prediction account
# checks: https://learn.microsoft.com/azure/role-based-access-control/permissions/ai-machine-learning
_PREDICTION_APIS = ("CustomVision", "CustomVision.Prediction")
# The narrowest built-in role for it, Cognitive Services OpenAI User, may also read files and fine-tuning jobs, generate
# images and transcribe audio (docs/decisions/0046). The error of a caller without it names exactly this action.
_CHAT_COMPLETIONS = f"{_ACCOUNTS}/OpenAI/deployments/chat/completions/action"


@dataclass(frozen=True, kw_only=True)
class Analyzer:
    """An image analyzer, as the function code, role assignments and the network need to know it.

    Attributes:
        name: Name of the code's analyzer module.
        options: Options of that module (`PIPELINE_ANALYZER_OPTIONS`).
        scopes: The accounts that are called.
        data_actions: What the function's identity needs on `scopes`.
        built_in_role: The role that it needs on `scopes` instead, if Azure has one that is as narrow.
        resource_group_ids: Resource groups of scopes outside the stack's own resource group.
    """

    name: str
    options: Mapping[str, Any]
    scopes: Sequence[Scope]
    data_actions: Sequence[str] = ()
    built_in_role: BuiltInRole | None = None
    resource_group_ids: Sequence[str] = ()
    private_link_targets: Sequence[PrivateLinkTarget] = ()
    diagnostic_targets: Sequence[DiagnosticTarget] = ()

    def without_metrics(self) -> Analyzer:
        """The analyzer without metrics of its accounts in the workspace: alerts on metrics are about the other."""
        targets = [replace(target, metrics=False) for target in self.diagnostic_targets]
        return replace(self, diagnostic_targets=targets)

    @property
    def options_json(self) -> pulumi.Output[str]:
        """The options as JSON."""
        return pulumi.Output.json_dumps(self.options, sort_keys=True)


def create_image_analysis(
    name: str,
    *,
    context: DeploymentContext,
    features: Sequence[str],
    language: str,
    gender_neutral_captions: bool,
    smart_crop_aspect_ratios: Sequence[float],
    account_count: int,
    calls_per_second: int,
    maximum_instances: int,
) -> Analyzer:
    """Create `account_count` Azure AI Vision accounts and return them as an analyzer.

    Args:
        name: Logical name.
        context: Where the accounts are deployed.
        features: What the analyzer looks for; decides which data actions it needs.
        language: Language of tags, objects and captions.
        gender_neutral_captions: Captions say person instead of man and woman.
        smart_crop_aspect_ratios: Width by height; if empty, the service chooses one.
        account_count: Number of accounts.
        calls_per_second: Rate limit of one account.
        maximum_instances: Instances of the function app that share the rate limit.
    """
    accounts = VisionAccounts(name, context=context, count=account_count)
    return Analyzer(
        name="image-analysis",
        options={
            "endpoints": accounts.endpoints,
            "language": language,
            "genderNeutralCaptions": gender_neutral_captions,
            "smartCropAspectRatios": [*smart_crop_aspect_ratios],
            "callsPerSecond": calls_per_second,
            "instances": maximum_instances,
        },
        data_actions=sorted({_DATA_ACTIONS[feature] for feature in features}),
        scopes=accounts.scopes,
        private_link_targets=accounts.private_link_targets,
        diagnostic_targets=accounts.diagnostic_targets,
    )


def use_custom_vision(
    name: str,
    *,
    project: CustomVisionProject,
    calls_per_second: int,
    maximum_instances: int,
) -> Analyzer:
    """Return an existing Custom Vision project as an analyzer; no resource is created.

    Args:
        name: Part of the role assignment's name.
        project: The project and its published iteration.
        calls_per_second: Rate limit of the prediction account.
        maximum_instances: Instances of the function app that share the rate limit.
    """
    operation = "detect" if project.task == "detection" else "classify"
    return Analyzer(
        name="custom-vision",
        options={
            "endpoint": project.endpoint,
            "project": project.project_id,
            "iteration": project.iteration,
            "task": project.task,
            "callsPerSecond": calls_per_second,
            "instances": maximum_instances,
        },
        data_actions=[f"{_ACCOUNTS}/{api}/{operation}/iterations/image/nostore/action" for api in _PREDICTION_APIS],
        scopes=[Scope(name=name, id=pulumi.Output.from_input(project.account_id))],
        resource_group_ids=[project.account_id.partition("/providers/")[0]],
    )


def create_foundry_vision(
    name: str,
    *,
    context: DeploymentContext,
    model: FoundryModel,
    capacity_ktpm: int,
    calls_per_second: float,
    categories: Sequence[str],
    language: str,
    maximum_instances: int,
) -> Analyzer:
    """Create a Foundry account with one vision model, and return it as an analyzer.

    Args:
        name: Logical name.
        context: Where the account is deployed, unless the model has a region of its own.
        model: The model and its deployment.
        capacity_ktpm: Thousands of tokens per minute of the deployment.
        calls_per_second: Calls per second that this capacity allows.
        categories: Categories of which the model chooses one for each image; none without.
        language: Language of tags and captions.
        maximum_instances: Instances of the function app that share the capacity.
    """
    account = FoundryAccount(
        name, context=context, location=model.location, models=[model], capacities_ktpm=[capacity_ktpm]
    )
    (deployment,) = account.deployments
    return Analyzer(
        name="foundry-vision",
        options={
            "endpoint": account.endpoint,
            "deployment": deployment.name,
            "model": f"{model.name} {model.version}",
            "categories": [*categories],
            "language": language,
            "callsPerSecond": calls_per_second,
            "instances": maximum_instances,
        },
        data_actions=[_CHAT_COMPLETIONS],
        scopes=[account.scope],
        private_link_targets=account.private_link_targets,
        diagnostic_targets=account.diagnostic_targets,
    )
