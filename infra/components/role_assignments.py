"""Custom role definitions and role assignments of Azure RBAC."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import authorization

from infra.core.context import DeploymentContext, Principal, Scope
from infra.core.error_hooks import error_hooks
from infra.core.known_errors import NOT_REPLICATED
from infra.core.rbac import BuiltInRole


class CustomRoleDefinition(pulumi.ComponentResource):
    """A custom role that allows some data actions and no management.

    Args:
        name: Logical name, such as `vision-caller`; part of the names of the role's assignments.
        context: Where the component deploys.
        title: Title of the role. Its name in the tenant is `Image Pipeline <title> (<deployment>-<suffix>)`; Azure
            requires the names of custom roles to be unique in the tenant.
        data_actions: What the role allows, each spelled out.
        scope: Where the role is defined; it can be assigned at and below this scope.
        more_assignable_scopes: ARM ids of further scopes where the role can be assigned.
    """

    definition: authorization.RoleDefinition
    # Name and GUID are known before the definition is created.
    label: str
    guid: str

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        title: str,
        data_actions: Sequence[str],
        scope: Scope,
        more_assignable_scopes: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:CustomRoleDefinition", name, {}, opts)
        names = context.names
        self.label = name
        self.guid = names.guid("role", name)
        self.definition = authorization.RoleDefinition(
            f"{name}-role",
            role_definition_id=self.guid,
            role_name=f"Image Pipeline {title} ({names.deployment_name}-{names.unique_suffix})",
            description=f"{', '.join(data_actions)}; nothing else.",
            role_type="CustomRole",
            scope=scope.id,
            assignable_scopes=[scope.id, *more_assignable_scopes],
            permissions=[authorization.PermissionArgs(actions=[], data_actions=[*data_actions])],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"roleDefinitionId": self.definition.id})


class RoleAssignments(pulumi.ComponentResource):
    """Role assignments of one principal, each of one role on one scope.

    Args:
        name: Logical name.
        context: Where the component deploys.
        principal: The assignee.
        role_definition_delay: What assignments of custom roles wait for (`infra.RoleDefinitionDelay`).
    """

    assignments: list[authorization.RoleAssignment]

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        principal: Principal,
        role_definition_delay: pulumi.Resource | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:RoleAssignments", name, {}, opts)
        self.assignments = []
        self._names = context.names
        self._principal = principal
        self._role_definition_delay = role_definition_delay
        self.register_outputs({})

    def assign(self, role: BuiltInRole | CustomRoleDefinition, scope: Scope) -> None:
        """Assign `role` on `scope`.

        The assignment's name is derived from logical names, not from ids, so that it is known at preview and stays the
        same. The principal's type is always stated: without it Azure refuses an identity that was created moments ago
        (https://learn.microsoft.com/azure/role-based-access-control/role-assignments-template#new-service-principal).
        """
        depends_on: list[pulumi.Resource] = []
        if isinstance(role, BuiltInRole):
            label = role.name.lower().replace("_", "-")
            guid = role.value
        else:
            label = role.label
            guid = role.guid
            depends_on.append(role.definition)
            if self._role_definition_delay is not None:
                depends_on.append(self._role_definition_delay)
        name = f"{self._principal.name}-{label}-on-{scope.name}"
        assignment = authorization.RoleAssignment(
            name,
            role_assignment_name=self._names.guid(self._principal.name, guid, scope.name),
            principal_id=self._principal.object_id,
            # Without a value, the SDK states the type User; an output without one is left out.
            principal_type=self._principal.principal_type or pulumi.Output.from_input(None),
            role_definition_id=f"/subscriptions/{self._names.subscription_id}/providers/Microsoft.Authorization"
            f"/roleDefinitions/{guid}",
            scope=scope.id,
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on, hooks=error_hooks(name, NOT_REPLICATED)),
        )
        self.assignments.append(assignment)
