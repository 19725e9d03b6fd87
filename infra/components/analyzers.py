"""Analyzers: who looks at the images, what the code is told of it, and what it may call there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.components.network import Door
from infra.components.resource_group import Place
from infra.components.vision import VisionPool
from infra.config.settings import VISUAL_FEATURES, Settings
from infra.core.rbac import Scope
from infra.monitoring.diagnostics import Source

_ACCOUNTS = "Microsoft.CognitiveServices/accounts"
# What each feature calls. Cognitive Services User, the narrowest built-in role for it, may also list the accounts' keys
# and open support tickets (docs/decisions/0016).
# https://learn.microsoft.com/azure/role-based-access-control/permissions/ai-machine-learning
_ACTIONS = {
    **dict.fromkeys(VISUAL_FEATURES, f"{_ACCOUNTS}/ComputerVision/imageanalysis:analyze/action"),
    "safety": f"{_ACCOUNTS}/ComputerVision/analyze/action",
    "embeddings": f"{_ACCOUNTS}/ComputerVision/retrieval:vectorizeimage/action",
}
# Azure lists the prediction API's operations under both names, and does not document which one a prediction account
# checks: https://learn.microsoft.com/azure/role-based-access-control/permissions/ai-machine-learning
_PREDICTION_APIS = ("CustomVision", "CustomVision.Prediction")


@dataclass(frozen=True, kw_only=True)
class Analyzer:
    """An analyser: `name` and `options` for the code, and the `actions` on `scopes` that it needs.

    `groups` are the resource groups of scopes that lie outside the stack's own.
    """

    name: str
    options: Mapping[str, Any]
    actions: Sequence[str]
    scopes: Sequence[Scope]
    groups: Sequence[str] = ()
    doors: Sequence[Door] = ()
    sources: Sequence[Source] = ()

    @property
    def options_json(self) -> pulumi.Output[str]:
        """The options, as the code reads them."""
        return pulumi.Output.json_dumps(self.options, sort_keys=True)


def analyzer(name: str, *, place: Place, settings: Settings) -> Analyzer:
    """The analyser that the settings ask for: Vision accounts of the stack's own, or a Custom Vision project's."""
    rate = {"callsPerSecond": settings.vision_calls_per_second, "instances": settings.sizing.maximum_instances}
    if settings.custom_vision is not None:
        account, *told = (settings.custom_vision[part] for part in ("accountId", "endpoint", "project", "iteration"))
        task = settings.custom_vision["task"]
        return Analyzer(
            name=settings.analyzer,
            options={**dict(zip(("endpoint", "project", "iteration"), told, strict=True)), "task": task, **rate},
            actions=[
                f"{_ACCOUNTS}/{api}/{'detect' if task == 'detection' else 'classify'}/iterations/image/nostore/action"
                for api in _PREDICTION_APIS
            ],
            scopes=[Scope(name=f"{name}-custom-vision", id=pulumi.Output.from_input(account))],
            groups=[account.partition("/providers/")[0]],
        )
    pool = VisionPool(name, place=place, count=settings.sizing.vision_accounts)
    return Analyzer(
        name=settings.analyzer,
        options={
            "endpoints": pool.endpoints,
            "language": settings.language,
            "genderNeutralCaptions": settings.gender_neutral_captions,
            "smartCropAspectRatios": settings.smart_crop_aspect_ratios,
            **rate,
        },
        actions=sorted({_ACTIONS[feature] for feature in settings.features}),
        scopes=pool.scopes,
        doors=pool.doors,
        sources=pool.sources,
    )
