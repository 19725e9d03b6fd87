"""Database: the Cosmos DB account, its autoscaled containers, and who may do what with their items."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import cosmosdb

from infra.components.network import Door
from infra.components.resource_group import Place
from infra.components.vector_search import embedding_policy, vector_index
from infra.config.sizing import Sizing
from infra.core.error_hooks import KnownError, error_hooks
from infra.core.known_errors import ACCOUNT_LOCKED, PRINCIPAL_NOT_FOUND, VECTOR_SEARCH_INACTIVE
from infra.core.rbac import Principal
from infra.monitoring.diagnostics import Source

_DATA = "Microsoft.DocumentDB/databaseAccounts"
_ITEMS = f"{_DATA}/sqlDatabases/containers/items"
# Every client reads the account's metadata first:
# https://learn.microsoft.com/azure/cosmos-db/nosql/security/reference-data-plane-actions
_METADATA = f"{_DATA}/readMetadata"
WRITE_RECORDS = (_METADATA, *(f"{_ITEMS}/{verb}" for verb in ("read", "create", "replace", "delete")))
READ_RECORDS = (_METADATA, f"{_ITEMS}/read")


class Records(pulumi.ComponentResource):
    """`images`: one record for each blob. `analyses`: results by content, so that no picture is paid for twice.

    Each container has its own autoscale maximum, from `sizing`. Records are deleted after `retention_days`, or kept
    when it is None; analyses after `cache_days`. With `vectors`, records can be searched by their embeddings; Azure
    decides that when the container is made (docs/decisions/0024).
    """

    account: cosmosdb.DatabaseAccount
    database: cosmosdb.SqlResourceSqlDatabase
    images: cosmosdb.SqlResourceSqlContainer
    analyses: cosmosdb.SqlResourceSqlContainer
    # The custom roles of this account, as far as they are assigned.
    definitions: list[cosmosdb.SqlResourceSqlRoleDefinition]

    def __init__(
        self,
        name: str,
        *,
        place: Place,
        sizing: Sizing,
        cache_days: int,
        retention_days: int | None = None,
        vectors: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:database:Records", name, {}, opts)
        self._place, self._label = place, name
        self.definitions = []
        guarded = pulumi.ResourceOptions(parent=self, protect=place.protect_data)
        self.account = cosmosdb.DatabaseAccount(
            f"{name}-account",
            account_name=place.names.world("cosmos"),
            resource_group_name=place.resource_group_name,
            location=place.location,
            kind=cosmosdb.DatabaseAccountKind.GLOBAL_DOCUMENT_DB,
            database_account_offer_type=cosmosdb.DatabaseAccountOfferType.STANDARD,
            locations=[
                cosmosdb.LocationArgs(
                    location_name=place.location, failover_priority=0, is_zone_redundant=place.cosmos_zone_redundant
                )
            ],
            consistency_policy=cosmosdb.ConsistencyPolicyArgs(
                default_consistency_level=cosmosdb.DefaultConsistencyLevel.SESSION
            ),
            disable_local_auth=True,
            disable_key_based_metadata_write_access=True,
            minimal_tls_version=cosmosdb.MinimalTlsVersion.TLS12,
            enable_multiple_write_locations=False,
            public_network_access=place.public_network_access,
            capabilities=[cosmosdb.CapabilityArgs(name="EnableNoSQLVectorSearch")] if vectors else None,
            # Any moment of the last seven days can be brought back; this tier costs nothing:
            # https://learn.microsoft.com/azure/cosmos-db/continuous-backup-restore-introduction
            backup_policy=(
                cosmosdb.ContinuousModeBackupPolicyArgs(
                    type="Continuous",
                    continuous_mode_properties=cosmosdb.ContinuousModePropertiesArgs(
                        tier=cosmosdb.ContinuousTier.CONTINUOUS7_DAYS
                    ),
                )
                if place.protect_data
                else None
            ),
            tags=place.tags,
            opts=guarded,
        )
        self.database = cosmosdb.SqlResourceSqlDatabase(
            f"{name}-database",
            database_name="pipeline",
            account_name=self.account.name,
            resource_group_name=place.resource_group_name,
            resource=cosmosdb.SqlDatabaseResourceArgs(id="pipeline"),
            opts=pulumi.ResourceOptions.merge(
                guarded, pulumi.ResourceOptions(hooks=error_hooks(f"{name}-database", ACCOUNT_LOCKED))
            ),
        )
        # What was made last in the account: the next one depends on it, so that they are made one after the other, and
        # deleted in the reverse order.
        self._last: pulumi.Resource = self.database
        self.images = self._container(
            "images",
            autoscale_max_ru=sizing.images.max_ru,
            # What lists and searches ask for, and nothing else: an index entry is paid for at every write.
            indexed=["/processedAt/?", "/status/?", "/labels/[]/?", "/category/name/?"],
            retention_days=retention_days,
            vectors=vectors,
            protect=place.protect_data,
        )
        self.analyses = self._container(
            "analyses",
            autoscale_max_ru=sizing.analyses.max_ru,
            indexed=[],
            retention_days=cache_days,
        )
        self.register_outputs({"endpoint": self.endpoint, "database": self.database.name})

    @property
    def doors(self) -> list[Door]:
        """What is to be reached privately in a private place."""
        return [Door(name=self._label, id=self.account.id, group="Sql")]

    @property
    def sources(self) -> list[Source]:
        """Whose logs are kept: changes of the account; each single request would cost more to log than to serve."""
        return [Source(name=self._label, id=self.account.id, logs=("ControlPlaneRequests",))]

    @property
    def endpoint(self) -> pulumi.Output[str]:
        """The account's document URL."""
        return self.account.document_endpoint

    def allow(
        self,
        who: Sequence[Principal],
        actions: Sequence[str],
        *,
        on: Sequence[cosmosdb.SqlResourceSqlContainer],
        role: str,
    ) -> list[cosmosdb.SqlResourceSqlRoleAssignment]:
        """Each of `who` may do `actions` with the items of `on`, under a custom role called `role`; nothing else.

        Cosmos DB has its own role system: an ARM role gives no access to items, and these give none to the account.
        """
        if not who:
            return []
        names = self._place.names
        definition_name = f"{self._label}-{role}-role"
        definition = cosmosdb.SqlResourceSqlRoleDefinition(
            definition_name,
            role_definition_id=names.guid("cosmos-role", role),
            role_name=role,
            type=cosmosdb.RoleDefinitionType.CUSTOM_ROLE,
            account_name=self.account.name,
            resource_group_name=self._place.resource_group_name,
            assignable_scopes=[self.account.id],
            permissions=[cosmosdb.PermissionArgs(data_actions=[*actions])],
            opts=self._next_opts(definition_name),
        )
        self._last = definition
        self.definitions.append(definition)
        return [self._assignment(principal, definition, role, container) for principal in who for container in on]

    def _assignment(
        self,
        principal: Principal,
        definition: cosmosdb.SqlResourceSqlRoleDefinition,
        role: str,
        container: cosmosdb.SqlResourceSqlContainer,
    ) -> cosmosdb.SqlResourceSqlRoleAssignment:
        label = self._name_of(container)
        name = f"{principal.name}-{role}-of-{label}"
        # azure-native's own replace rules are keyed by the provider's old module name and may not apply:
        # https://github.com/pulumi/pulumi-azure-native/issues/3701
        replacement = pulumi.ResourceOptions(replace_on_changes=["principalId", "scope"], delete_before_replace=True)
        assignment = cosmosdb.SqlResourceSqlRoleAssignment(
            name,
            role_assignment_id=self._place.names.guid(principal.name, role, label),
            account_name=self.account.name,
            resource_group_name=self._place.resource_group_name,
            principal_id=principal.object_id,
            role_definition_id=definition.id,
            # Cosmos DB's own form of a scope: dbs/colls, not ARM's sqlDatabases/containers.
            scope=pulumi.Output.concat(self.account.id, "/dbs/", self.database.name, "/colls/", container.name),
            opts=pulumi.ResourceOptions.merge(self._next_opts(name, PRINCIPAL_NOT_FOUND), replacement),
        )
        self._last = assignment
        return assignment

    def _next_opts(self, resource_name: str, *known_errors: KnownError) -> pulumi.ResourceOptions:
        """The options of what is made next in the account: after what was made last; repeated while it is locked."""
        return pulumi.ResourceOptions(
            parent=self, depends_on=[self._last], hooks=error_hooks(resource_name, ACCOUNT_LOCKED, *known_errors)
        )

    def _name_of(self, container: cosmosdb.SqlResourceSqlContainer) -> str:
        return f"{self._label}-{'images' if container is self.images else 'analyses'}"

    def _container(
        self,
        container: str,
        *,
        autoscale_max_ru: int,
        indexed: Sequence[str],
        retention_days: int | None,
        vectors: bool = False,
        protect: bool = False,
    ) -> cosmosdb.SqlResourceSqlContainer:
        name = f"{self._label}-{container}"
        opts = self._next_opts(name, *([VECTOR_SEARCH_INACTIVE] if vectors else []))
        made = cosmosdb.SqlResourceSqlContainer(
            name,
            container_name=container,
            database_name=self.database.name,
            account_name=self.account.name,
            resource_group_name=self._place.resource_group_name,
            resource=cosmosdb.SqlContainerResourceArgs(
                id=container,
                partition_key=cosmosdb.ContainerPartitionKeyArgs(
                    kind=cosmosdb.PartitionKind.HASH, paths=["/id"], version=2
                ),
                default_ttl=retention_days * 24 * 3600 if retention_days else None,
                indexing_policy=cosmosdb.IndexingPolicyArgs(
                    indexing_mode=cosmosdb.IndexingMode.CONSISTENT,
                    automatic=True,
                    included_paths=[cosmosdb.IncludedPathArgs(path=path) for path in indexed],
                    excluded_paths=[cosmosdb.ExcludedPathArgs(path="/*")],
                    vector_indexes=[vector_index()] if vectors else None,
                ),
                vector_embedding_policy=embedding_policy() if vectors else None,
            ),
            options=cosmosdb.CreateUpdateOptionsArgs(
                autoscale_settings=cosmosdb.AutoscaleSettingsArgs(max_throughput=autoscale_max_ru)
            ),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=protect)),
        )
        self._last = made
        return made
