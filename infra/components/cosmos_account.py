"""Azure Cosmos DB account."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import cosmosdb

from infra.core.context import DeploymentContext


def create_cosmos_account(
    name: str,
    *,
    context: DeploymentContext,
    vector_search: bool,
    opts: pulumi.ResourceOptions,
) -> cosmosdb.DatabaseAccount:
    """A Cosmos DB account for the NoSQL API that only Entra identities can use.

    Args:
        name: Logical name.
        context: Where the account is deployed. With `protect_data`, it has continuous backup.
        vector_search: Enable vector search for the account's containers.
        opts: Options of the account.
    """
    capabilities = None
    if vector_search:
        capabilities = [cosmosdb.CapabilityArgs(name="EnableNoSQLVectorSearch")]
    backup_policy = None
    if context.protect_data:
        # Restores any moment of the last seven days; this tier is free of charge:
        # https://learn.microsoft.com/azure/cosmos-db/continuous-backup-restore-introduction
        backup_policy = cosmosdb.ContinuousModeBackupPolicyArgs(
            type="Continuous",
            continuous_mode_properties=cosmosdb.ContinuousModePropertiesArgs(
                tier=cosmosdb.ContinuousTier.CONTINUOUS7_DAYS
            ),
        )
    return cosmosdb.DatabaseAccount(
        name,
        account_name=context.names.global_name("cosmos"),
        resource_group_name=context.resource_group_name,
        location=context.location,
        kind=cosmosdb.DatabaseAccountKind.GLOBAL_DOCUMENT_DB,
        database_account_offer_type=cosmosdb.DatabaseAccountOfferType.STANDARD,
        locations=[
            cosmosdb.LocationArgs(
                location_name=context.location,
                failover_priority=0,
                is_zone_redundant=context.cosmos_zone_redundant,
            )
        ],
        consistency_policy=cosmosdb.ConsistencyPolicyArgs(
            default_consistency_level=cosmosdb.DefaultConsistencyLevel.SESSION
        ),
        disable_local_auth=True,
        disable_key_based_metadata_write_access=True,
        minimal_tls_version=cosmosdb.MinimalTlsVersion.TLS12,
        enable_multiple_write_locations=False,
        # Without effect for one region. Azure changes the regions of an account in a deployment that changes nothing
        # else, so that a second region can be added:
        # https://learn.microsoft.com/azure/cosmos-db/nosql/manage-with-templates
        enable_automatic_failover=True,
        public_network_access=context.public_network_access,
        capabilities=capabilities,
        backup_policy=backup_policy,
        tags=context.tags,
        opts=opts,
    )
