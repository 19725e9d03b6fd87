"""Azure AI Vision accounts."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import cognitiveservices

from infra.core.context import DeploymentContext, DiagnosticTarget, PrivateLinkTarget, Scope
from infra.core.error_hooks import error_hooks
from infra.core.known_errors import TERMS_NOT_ACCEPTED
from infra.dynamic.purge_deleted_account import PurgeDeletedAccount


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
        context = self._context
        account_name = context.names.global_name(f"vision{number}")
        purge = PurgeDeletedAccount(
            f"{name}-purge",
            account_name=account_name,
            context=context,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return cognitiveservices.Account(
            name,
            account_name=account_name,
            resource_group_name=context.resource_group_name,
            location=context.location,
            kind="ComputerVision",
            sku=cognitiveservices.SkuArgs(name="S1"),
            properties=cognitiveservices.AccountPropertiesArgs(
                # Regional host names refuse Entra tokens; the account needs a host name of its own.
                custom_sub_domain_name=account_name,
                disable_local_auth=True,
                public_network_access=context.public_network_access,
            ),
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[purge], hooks=error_hooks(name, TERMS_NOT_ACCEPTED)),
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
