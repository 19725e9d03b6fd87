"""Delays after changes of Azure RBAC, for role definitions to replicate and role assignments to become effective."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import dynamic
from pulumi_azure_native import authorization, cosmosdb

# Azure's role assignments and Cosmos DB's own.
type Assignment = authorization.RoleAssignment | cosmosdb.SqlResourceSqlRoleAssignment
type Definition = authorization.RoleDefinition | cosmosdb.SqlResourceSqlRoleDefinition


class _DelayProvider(dynamic.ResourceProvider):
    """Waits `seconds` when an entry is new or has changed.

    Azure offers no way to query whether a definition or an assignment is effective everywhere:
    https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
    """

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        time.sleep(int(props["seconds"]))
        return dynamic.CreateResult("delay", props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        # Another number of seconds alone is no reason to wait again.
        return dynamic.DiffResult(changes=_olds["entries"] != _news["entries"])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        previous: Sequence[Any] = _olds["entries"]
        if any(entry not in previous for entry in _news["entries"]):
            time.sleep(int(_news["seconds"]))
        return dynamic.UpdateResult(_news)


def _definition_entry(definition: Definition) -> Mapping[str, pulumi.Input[Any]]:
    """What of a role definition must replicate: its data actions, and where it can be assigned."""
    return {
        "id": definition.id,
        "dataActions": definition.permissions.apply(
            lambda permissions: sorted(
                action for permission in permissions or () for action in permission.data_actions or ()
            )
        ),
        "assignableScopes": definition.assignable_scopes.apply(lambda scopes: sorted(scopes or ())),
    }


def _assignment_entry(assignment: Assignment) -> Mapping[str, pulumi.Input[Any]]:
    """What of a role assignment must become effective.

    The id alone is not enough: it is derived from logical names, so it stays the same when an assignment is replaced.
    """
    return {
        "id": assignment.id,
        "principalId": assignment.principal_id,
        "roleDefinitionId": assignment.role_definition_id,
        "scope": assignment.scope,
    }


class RoleDefinitionDelay(dynamic.Resource, module="image-pipeline", name="RoleDefinitionDelay"):
    """Waits after a role definition was created or changed; later runs do not wait.

    Assignments of custom roles must depend on it. Azure's landing zones wait 60 seconds at the same place:
    https://github.com/Azure/terraform-azurerm-caf-enterprise-scale/wiki/%5BVariables%5D-create_duration_delay
    """

    def __init__(
        self,
        name: str,
        *,
        role_definitions: Sequence[authorization.RoleDefinition],
        seconds: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        entries = [_definition_entry(definition) for definition in role_definitions]
        super().__init__(_DelayProvider(), name, {"entries": entries, "seconds": seconds}, opts)


class RoleAssignmentDelay(dynamic.Resource, module="image-pipeline", name="RoleAssignmentDelay"):
    """Waits after a role assignment was created or changed; later runs do not wait.

    What relies on the assignments must depend on it.

    Args:
        name: Logical name.
        role_assignments: The assignments that must become effective.
        seconds: How long to wait.
        role_definitions: Custom roles among the assignments. A change of their data actions takes as long to become
            effective as a new assignment.
    """

    def __init__(
        self,
        name: str,
        *,
        role_assignments: Sequence[Assignment],
        seconds: int,
        role_definitions: Sequence[Definition] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        entries = [
            *[_assignment_entry(assignment) for assignment in role_assignments],
            *[_definition_entry(definition) for definition in role_definitions],
        ]
        super().__init__(_DelayProvider(), name, {"entries": entries, "seconds": seconds}, opts)
