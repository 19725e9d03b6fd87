"""Storage accounts without shared keys, and what they contain."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import storage

from infra.core.context import DeploymentContext, DiagnosticTarget


def create_storage_account(
    name: str,
    *,
    purpose: str,
    context: DeploymentContext,
    zone_redundant_sku: storage.SkuName,
    opts: pulumi.ResourceOptions,
) -> storage.StorageAccount:
    """A storage account that only Entra identities can use, over TLS 1.2, without public blobs.

    With private networking its public endpoint is disabled. Azure's trusted services still pass, which is how Event
    Grid delivers: "any resource instances and exceptions that you previously configured, including Allow Azure services
    on the trusted services list to access this storage account, will remain in effect"
    (https://learn.microsoft.com/azure/storage/common/storage-network-security-limitations).
    """
    default_action = storage.DefaultAction.DENY if context.private_networking else storage.DefaultAction.ALLOW
    return storage.StorageAccount(
        f"{name}-account",
        account_name=context.names.storage_account_name(purpose),
        resource_group_name=context.resource_group_name,
        location=context.location,
        kind=storage.Kind.STORAGE_V2,
        sku=storage.SkuArgs(name=zone_redundant_sku if context.zone_redundant else storage.SkuName.STANDARD_LRS),
        allow_shared_key_access=False,
        default_to_o_auth_authentication=True,
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        is_local_user_enabled=False,
        minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
        enable_https_traffic_only=True,
        public_network_access=context.public_network_access,
        network_rule_set=storage.NetworkRuleSetArgs(
            default_action=default_action,
            bypass=storage.Bypass.AZURE_SERVICES,
        ),
        tags=context.tags,
        opts=opts,
    )


def create_container(
    name: str,
    *,
    container_name: str,
    account: storage.StorageAccount,
    context: DeploymentContext,
    opts: pulumi.ResourceOptions,
) -> storage.BlobContainer:
    """A blob container without public access."""
    return storage.BlobContainer(
        name,
        container_name=container_name,
        account_name=account.name,
        resource_group_name=context.resource_group_name,
        public_access=storage.PublicAccess.NONE,
        opts=opts,
    )


def create_queue(
    name: str,
    *,
    queue_name: str,
    account: storage.StorageAccount,
    context: DeploymentContext,
    opts: pulumi.ResourceOptions,
) -> storage.Queue:
    """A storage queue."""
    return storage.Queue(
        name,
        queue_name=queue_name,
        account_name=account.name,
        resource_group_name=context.resource_group_name,
        opts=opts,
    )


def storage_diagnostic_target(
    name: str, *, account: storage.StorageAccount, service: str, log_deletions: bool = True
) -> DiagnosticTarget:
    """Diagnostic target for one service of the account: writes, and deletions if `log_deletions` is set.

    Each logged request is a row that is paid for, and a diagnostic setting cannot sample. Reads are left out: they are
    most of the rows, and no alert, chart or audit needs them (docs/decisions/0032).
    """
    return DiagnosticTarget(
        name=f"{name}-{service}",
        resource_id=pulumi.Output.concat(account.id, f"/{service}Services/default"),
        log_categories=("StorageWrite", "StorageDelete") if log_deletions else ("StorageWrite",),
    )
