"""Azure Cosmos DB: database, autoscaled containers, and data-plane role assignments."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import cosmosdb

from infra.components.container_policies import (
    comparison_indexing_policy,
    key_value_indexing_policy,
    record_embedding_policy,
    record_full_text_policy,
    record_indexing_policy,
    vector_change_hook,
)
from infra.components.cosmos_account import create_cosmos_account
from infra.core.context import DeploymentContext, DiagnosticTarget, Principal, PrivateLinkTarget
from infra.core.error_hooks import KnownError, error_hooks
from infra.core.known_errors import ACCOUNT_LOCKED, PRINCIPAL_NOT_FOUND, VECTOR_SEARCH_INACTIVE

_DATABASE_NAME = "pipeline"
_SECONDS_PER_DAY = 24 * 3600
# A quarter of comparisons, of a few KB each: the smallest container has room and throughput for any sample.
_COMPARISON_DAYS = 90
_COMPARISONS_MAX_RU = 1000


class CosmosDatabase(pulumi.ComponentResource):
    """A Cosmos DB account with the containers `images` (a record per blob) and `analyses` (a result per content).

    Resources in the account are created one after the other, and deleted in the reverse order, because Azure locks the
    account during each operation.

    Args:
        name: Logical name.
        context: Where the component deploys.
        images_max_ru: Autoscale maximum of `images`, in RU/s.
        analyses_max_ru: Autoscale maximum of `analyses`, in RU/s.
        analysis_retention_days: Days after which an analysis is deleted.
        record_retention_days: Days after which a record is deleted; None keeps records.
        vector_search: Records can be searched by their embeddings. Azure decides that when the container is created,
            and a later change is refused at preview (docs/decisions/0043).
        comparisons: Create the container `comparisons`, for what a successor in the shadow found.
    """

    account: cosmosdb.DatabaseAccount
    database: cosmosdb.SqlResourceSqlDatabase
    images: cosmosdb.SqlResourceSqlContainer
    analyses: cosmosdb.SqlResourceSqlContainer
    comparisons: cosmosdb.SqlResourceSqlContainer | None
    # Of Cosmos DB's own role system, as far as `assign_data_role` created them.
    role_definitions: list[cosmosdb.SqlResourceSqlRoleDefinition]
    role_assignments: list[cosmosdb.SqlResourceSqlRoleAssignment]

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        images_max_ru: int,
        analyses_max_ru: int,
        analysis_retention_days: int,
        record_retention_days: int | None = None,
        vector_search: bool = False,
        comparisons: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:CosmosDatabase", name, {}, opts)
        self._context = context
        self._label = name
        self.role_definitions = []
        self.role_assignments = []
        self.account = create_cosmos_account(
            f"{name}-account",
            context=context,
            vector_search=vector_search,
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect_data),
        )
        self.database = self._create_database()
        # What the account consists of, in the order of creation: each resource depends on all before it.
        self._sequence: list[pulumi.Resource] = [self.database]
        self.images = self._create_container(
            "images",
            max_ru=images_max_ru,
            indexing_policy=record_indexing_policy(vector_search=vector_search),
            full_text_policy=record_full_text_policy(),
            vector_embedding_policy=record_embedding_policy() if vector_search else None,
            retention_days=record_retention_days,
            protect=context.protect_data,
        )
        self.analyses = self._create_container(
            "analyses",
            max_ru=analyses_max_ru,
            indexing_policy=key_value_indexing_policy(),
            retention_days=analysis_retention_days,
        )
        self.comparisons = None
        if comparisons:
            self.comparisons = self._create_container(
                "comparisons",
                max_ru=_COMPARISONS_MAX_RU,
                indexing_policy=comparison_indexing_policy(),
                retention_days=min(_COMPARISON_DAYS, record_retention_days or _COMPARISON_DAYS),
            )
        self.register_outputs({"endpoint": self.endpoint, "database": self.database.name})

    @property
    def private_link_targets(self) -> list[PrivateLinkTarget]:
        """What needs a private endpoint with private networking."""
        return [PrivateLinkTarget(name=self._label, resource_id=self.account.id, group_id="Sql")]

    @property
    def diagnostic_targets(self) -> list[DiagnosticTarget]:
        """What needs a diagnostic setting: the account's control plane; a row per request would cost more than that."""
        return [
            DiagnosticTarget(name=self._label, resource_id=self.account.id, log_categories=("ControlPlaneRequests",))
        ]

    @property
    def endpoint(self) -> pulumi.Output[str]:
        """The account's document URL."""
        return self.account.document_endpoint

    def assign_data_role(
        self,
        role: str,
        *,
        data_actions: Sequence[str],
        principals: Sequence[Principal],
        containers: Sequence[cosmosdb.SqlResourceSqlContainer],
    ) -> None:
        """Create a custom data-plane role and assign it to each principal on each container.

        Cosmos DB has its own role system: an ARM role gives no access to items, and these roles give none to the
        account. Without principals nothing is created.

        Args:
            role: Name of the role, unique in the account.
            data_actions: What the role allows.
            principals: The assignees.
            containers: The scopes.
        """
        if not principals:
            return
        definition_name = f"{self._label}-{role}-role"
        definition = cosmosdb.SqlResourceSqlRoleDefinition(
            definition_name,
            role_definition_id=self._context.names.guid("cosmos-role", role),
            role_name=role,
            type=cosmosdb.RoleDefinitionType.CUSTOM_ROLE,
            account_name=self.account.name,
            resource_group_name=self._context.resource_group_name,
            assignable_scopes=[self.account.id],
            permissions=[cosmosdb.PermissionArgs(data_actions=[*data_actions])],
            opts=self._sequential_opts(definition_name),
        )
        self._sequence.append(definition)
        self.role_definitions.append(definition)
        for principal in principals:
            for container in containers:
                self._assign(principal, definition, role, container)

    def _assign(
        self,
        principal: Principal,
        definition: cosmosdb.SqlResourceSqlRoleDefinition,
        role: str,
        container: cosmosdb.SqlResourceSqlContainer,
    ) -> None:
        names = {"images": self.images, "analyses": self.analyses, "comparisons": self.comparisons}
        container_label = f"{self._label}-{next(name for name in names if names[name] is container)}"
        name = f"{principal.name}-{role}-of-{container_label}"
        # azure-native's own replace rules are keyed by the provider's old module name and may not apply:
        # https://github.com/pulumi/pulumi-azure-native/issues/3701
        replacement = pulumi.ResourceOptions(replace_on_changes=["principalId", "scope"], delete_before_replace=True)
        assignment = cosmosdb.SqlResourceSqlRoleAssignment(
            name,
            role_assignment_id=self._context.names.guid(principal.name, role, container_label),
            account_name=self.account.name,
            resource_group_name=self._context.resource_group_name,
            principal_id=principal.object_id,
            role_definition_id=definition.id,
            # Cosmos DB's own form of a scope: dbs/colls, not ARM's sqlDatabases/containers.
            scope=pulumi.Output.concat(self.account.id, "/dbs/", self.database.name, "/colls/", container.name),
            opts=pulumi.ResourceOptions.merge(self._sequential_opts(name, PRINCIPAL_NOT_FOUND), replacement),
        )
        self._sequence.append(assignment)
        self.role_assignments.append(assignment)

    def _sequential_opts(self, resource_name: str, *known_errors: KnownError) -> pulumi.ResourceOptions:
        """Options of the account's next resource: depends on all before it, and is retried while the account is locked.

        On all and not only on the last: when some of them are deleted, Pulumi orders them by their direct dependencies,
        and those that are kept in between connect nothing
        (https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step_generator.go, ScheduleDeletes).
        """
        hooks = error_hooks(resource_name, ACCOUNT_LOCKED, *known_errors)
        return pulumi.ResourceOptions(parent=self, depends_on=[*self._sequence], hooks=hooks)

    def _create_database(self) -> cosmosdb.SqlResourceSqlDatabase:
        name = f"{self._label}-database"
        return cosmosdb.SqlResourceSqlDatabase(
            name,
            database_name=_DATABASE_NAME,
            account_name=self.account.name,
            resource_group_name=self._context.resource_group_name,
            resource=cosmosdb.SqlDatabaseResourceArgs(id=_DATABASE_NAME),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._context.protect_data,
                hooks=error_hooks(name, ACCOUNT_LOCKED),
            ),
        )

    def _create_container(
        self,
        container_name: str,
        *,
        max_ru: int,
        indexing_policy: cosmosdb.IndexingPolicyArgs,
        full_text_policy: cosmosdb.FullTextPolicyArgs | None = None,
        vector_embedding_policy: cosmosdb.VectorEmbeddingPolicyArgs | None = None,
        retention_days: int | None,
        protect: bool = False,
    ) -> cosmosdb.SqlResourceSqlContainer:
        name = f"{self._label}-{container_name}"
        known_errors = [VECTOR_SEARCH_INACTIVE] if vector_embedding_policy is not None else []
        container = cosmosdb.SqlResourceSqlContainer(
            name,
            container_name=container_name,
            database_name=self.database.name,
            account_name=self.account.name,
            resource_group_name=self._context.resource_group_name,
            resource=cosmosdb.SqlContainerResourceArgs(
                id=container_name,
                partition_key=cosmosdb.ContainerPartitionKeyArgs(
                    kind=cosmosdb.PartitionKind.HASH, paths=["/id"], version=2
                ),
                default_ttl=None if retention_days is None else retention_days * _SECONDS_PER_DAY,
                indexing_policy=indexing_policy,
                full_text_policy=full_text_policy,
                vector_embedding_policy=vector_embedding_policy,
            ),
            options=cosmosdb.CreateUpdateOptionsArgs(
                autoscale_settings=cosmosdb.AutoscaleSettingsArgs(max_throughput=max_ru)
            ),
            opts=pulumi.ResourceOptions.merge(
                self._sequential_opts(name, *known_errors),
                pulumi.ResourceOptions(
                    protect=protect,
                    hooks=pulumi.ResourceHookBinding(before_update=[vector_change_hook(name)]),
                    # A new container under the same name, for `pulumi up --replace`.
                    delete_before_replace=True,
                ),
            ),
        )
        self._sequence.append(container)
        return container
