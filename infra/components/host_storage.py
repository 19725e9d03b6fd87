"""Storage account of the Functions host."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import storage

from infra.components.storage import create_container, create_storage_account, storage_diagnostic_target
from infra.core.context import DeploymentContext, DiagnosticTarget, PrivateLinkTarget, Scope


class HostStorage(pulumi.ComponentResource):
    """The storage account of the Functions host: its state, and the container of deployment packages.

    It is separate from the images because the host must own every blob of its account. Each app has one of its own:
    whoever may write another app's package runs as that app.

    Args:
        name: Logical name.
        context: Where the component deploys.
        purpose: Part of the account's name.
    """

    account: storage.StorageAccount
    packages: storage.BlobContainer
    # The whole account: the scope that the documented role of the host requires.
    account_scope: Scope

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        purpose: str = "host",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:HostStorage", name, {}, opts)
        self._label = name
        child_opts = pulumi.ResourceOptions(parent=self)
        self.account = create_storage_account(
            name,
            purpose=purpose,
            context=context,
            # Not geo-redundant: `pulumi up` can restore everything that is in it.
            zone_redundant_sku=storage.SkuName.STANDARD_ZRS,
            opts=child_opts,
        )
        self.packages = create_container(
            f"{name}-packages",
            container_name="packages",
            account=self.account,
            context=context,
            opts=child_opts,
        )
        self.account_scope = Scope(name=f"{name}-account", id=self.account.id)
        self.register_outputs({"account": self.account.name})

    @property
    def private_link_targets(self) -> list[PrivateLinkTarget]:
        """What needs a private endpoint with private networking."""
        return [PrivateLinkTarget(name=self._label, resource_id=self.account.id, group_id="blob")]

    @property
    def diagnostic_targets(self) -> list[DiagnosticTarget]:
        """What needs a diagnostic setting."""
        return [storage_diagnostic_target(self._label, account=self.account, service="blob")]

    @property
    def blob_endpoint(self) -> pulumi.Output[str]:
        """The account's blob service URL, with a slash at its end."""
        return self.account.primary_endpoints.apply(lambda endpoints: endpoints.blob)

    @property
    def packages_url(self) -> pulumi.Output[str]:
        """The URL of the container of deployment packages."""
        return pulumi.Output.concat(self.blob_endpoint, self.packages.name)
