"""Azure AI Vision accounts."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import cognitiveservices

from infra.components.cognitive_account import create_cognitive_account
from infra.core.context import DeploymentContext, DiagnosticTarget, PrivateLinkTarget, Scope
from infra.core.error_hooks import error_hooks
from infra.core.known_errors import TERMS_NOT_ACCEPTED


class VisionAccounts(pulumi.ComponentResource):
    """Azure AI Vision accounts for Entra identities only; each answers about ten calls per second by default.

    An account's name contains its number, so another account changes none of the others. Image Analysis 4.0 retires on
    2028-09-25: https://learn.microsoft.com/azure/ai-services/computer-vision/migration-options
    """

    accounts: list[cognitiveservices.Account]
    # One for each account: Azure offers no narrower scope for Vision.
    scopes: list[Scope]

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        count: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:VisionAccounts", name, {}, opts)
        self._context = context
        self.accounts = []
        self.scopes = []
        for number in range(1, count + 1):
            account_label = f"{name}-account-{number}"
            account = self._create_account(account_label, number)
            self.accounts.append(account)
            self.scopes.append(Scope(name=account_label, id=account.id))
        self.register_outputs({"endpoints": self.endpoints})

    def _create_account(self, name: str, number: int) -> cognitiveservices.Account:
        return create_cognitive_account(
            name,
            account_name=self._context.names.global_name(f"vision{number}"),
            kind="ComputerVision",
            sku_name="S1",
            context=self._context,
            parent=self,
            hooks=error_hooks(name, TERMS_NOT_ACCEPTED),
        )

    @property
    def private_link_targets(self) -> list[PrivateLinkTarget]:
        """What needs a private endpoint with private networking."""
        return [PrivateLinkTarget(name=scope.name, resource_id=scope.id, group_id="account") for scope in self.scopes]

    @property
    def diagnostic_targets(self) -> list[DiagnosticTarget]:
        """What needs a diagnostic setting. Logs of single calls are left out: they cost more than they are worth."""
        return [
            DiagnosticTarget(name=scope.name, resource_id=scope.id, log_categories=("Audit",), metrics=True)
            for scope in self.scopes
        ]

    @property
    def endpoints(self) -> list[pulumi.Output[str]]:
        """The accounts' own URLs, each with a slash at its end, in the order of their numbers."""
        return [account.properties.apply(lambda properties: properties.endpoint) for account in self.accounts]
