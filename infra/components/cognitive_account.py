"""Accounts of Azure AI services: for Entra identities only, each with a host name of its own."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import cognitiveservices

from infra.core.context import DeploymentContext
from infra.dynamic.purge_deleted_account import PurgeDeletedAccount


def create_cognitive_account(
    label: str,
    *,
    account_name: str,
    kind: str,
    sku_name: str,
    context: DeploymentContext,
    parent: pulumi.Resource,
    hooks: pulumi.ResourceHookBinding | None = None,
) -> cognitiveservices.Account:
    """Create an account, after a deleted one of this name was purged.

    Args:
        label: Logical name.
        account_name: Name in Azure, and first part of the host name.
        kind: Kind of the account, such as `ComputerVision`.
        sku_name: Pricing tier.
        context: Where the account is deployed.
        parent: The component that it belongs to.
        hooks: What handles errors of Azure that are known.
    """
    child = pulumi.ResourceOptions(parent=parent)
    purge = PurgeDeletedAccount(f"{label}-purge", account_name=account_name, context=context, opts=child)
    return cognitiveservices.Account(
        label,
        account_name=account_name,
        resource_group_name=context.resource_group_name,
        location=context.location,
        kind=kind,
        sku=cognitiveservices.SkuArgs(name=sku_name),
        properties=cognitiveservices.AccountPropertiesArgs(
            # Regional host names refuse Entra tokens; the account needs a host name of its own.
            custom_sub_domain_name=account_name,
            disable_local_auth=True,
            public_network_access=context.public_network_access,
        ),
        tags=context.tags,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[purge], hooks=hooks),
    )
