"""A Microsoft Foundry account with deployments of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pulumi
from pulumi_azure_native import cognitiveservices

from infra.components.cognitive_account import create_cognitive_account
from infra.core.analysis import FoundryModel
from infra.core.context import DeploymentContext, DiagnosticTarget, PrivateLinkTarget, Scope
from infra.core.error_hooks import error_hooks
from infra.core.known_errors import FOUNDRY_ACCOUNT_BUSY, QUOTA_EXCEEDED

# Besides that of Cognitive Services, which the network has for every account:
# https://learn.microsoft.com/azure/foundry/how-to/configure-private-link
_MORE_ZONES = ("privatelink.openai.azure.com", "privatelink.services.ai.azure.com")
# Azure's own policy; a policy of the subscription needs a review by Microsoft to allow more:
# https://learn.microsoft.com/azure/foundry/openai/concepts/default-safety-policies
_CONTENT_FILTER = "Microsoft.DefaultV2"


class FoundryAccount(pulumi.ComponentResource):
    """A Foundry account for Entra identities only, with one deployment for each model.

    Args:
        name: Logical name.
        context: Where the account is deployed.
        location: Azure region of the account, if it is another one than that of the context.
        models: The models; a deployment has the name of its model and version, so that a new one exists before the
            old one is deleted.
        capacities_ktpm: Thousands of tokens per minute of each model.
        account_label: First part of the account's name in Azure.
    """

    account: cognitiveservices.Account
    # In the order of the models, each made after the one before it.
    deployments: list[cognitiveservices.Deployment]

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        location: str | None,
        models: Sequence[FoundryModel],
        capacities_ktpm: Sequence[int],
        account_label: str = "foundry",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:FoundryAccount", name, {}, opts)
        self._context = context
        self._label = f"{name}-account"
        self._account_label = account_label
        self.account = self._create_account(location or context.location)
        self.deployments = []
        for model, capacity in zip(models, capacities_ktpm, strict=True):
            self.deployments.append(self._create_deployment(name, model, capacity))
        self.register_outputs({"endpoint": self.endpoint})

    def _create_account(self, location: str) -> cognitiveservices.Account:
        """The account. A region of its own is part of its name, which a deleted account in another region keeps."""
        label = self._account_label if location == self._context.location else f"{self._account_label}-{location}"
        return create_cognitive_account(
            self._label,
            account_name=self._context.names.global_name(label),
            kind="AIServices",
            sku_name="S0",
            context=replace(self._context, location=location),
            parent=self,
        )

    def _create_deployment(self, name: str, model: FoundryModel, capacity_ktpm: int) -> cognitiveservices.Deployment:
        """A deployment, made after the previous ones: an account refuses two operations at a time."""
        label = f"{name}-{model.name}-{model.version}"
        return cognitiveservices.Deployment(
            label,
            account_name=self.account.name,
            deployment_name=f"{model.name}-{model.version}",
            resource_group_name=self._context.resource_group_name,
            sku=cognitiveservices.SkuArgs(name=model.deployment_type, capacity=capacity_ktpm),
            properties=cognitiveservices.DeploymentPropertiesArgs(
                model=cognitiveservices.DeploymentModelArgs(format="OpenAI", name=model.name, version=model.version),
                rai_policy_name=_CONTENT_FILTER,
                # Not before: another version answers differently. Not never: calls would fail from that day on.
                version_upgrade_option="OnceCurrentVersionExpired",
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*self.deployments],
                hooks=error_hooks(label, FOUNDRY_ACCOUNT_BUSY, QUOTA_EXCEEDED),
            ),
        )

    @property
    def scope(self) -> Scope:
        """The account: Azure offers no narrower scope for calls to a deployment."""
        return Scope(name=self._label, id=self.account.id)

    @property
    def endpoint(self) -> pulumi.Output[str]:
        """The URL of the models, with a slash at its end."""
        return pulumi.Output.concat("https://", self.account.name, ".openai.azure.com/")

    @property
    def content_understanding_endpoint(self) -> pulumi.Output[str]:
        """The URL of Content Understanding, with a slash at its end.

        The host name of the documentation; that of Cognitive Services is reported to answer as well, and not to:
        https://learn.microsoft.com/azure/ai-services/content-understanding/quickstart/use-rest-api
        """
        return pulumi.Output.concat("https://", self.account.name, ".services.ai.azure.com/")

    @property
    def private_link_targets(self) -> list[PrivateLinkTarget]:
        """What needs a private endpoint with private networking. It is connected after the deployments were made."""
        deployed = [deployment.id for deployment in self.deployments]
        account_id = pulumi.Output.all(self.account.id, *deployed).apply(lambda ids: ids[0])
        return [PrivateLinkTarget(name=self._label, resource_id=account_id, group_id="account", more_zones=_MORE_ZONES)]

    @property
    def diagnostic_targets(self) -> list[DiagnosticTarget]:
        """What needs a diagnostic setting. Logs of single calls are left out: they cost more than they are worth."""
        return [
            DiagnosticTarget(name=self._label, resource_id=self.account.id, log_categories=("Audit",), metrics=True)
        ]
