"""Propagation: time for role definitions and role assignments to reach the services that check them."""

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


class _Wait(dynamic.ResourceProvider):
    """Waits `seconds` when there is an entry that was not there before, in this form.

    Azure offers no way to ask whether a definition or an assignment has arrived everywhere:
    https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
    """

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        time.sleep(int(props["seconds"]))
        return dynamic.CreateResult("propagation", props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        # Another number of seconds alone is no reason to wait again. A state of version 0.1.0 has no entries.
        return dynamic.DiffResult(changes=_olds.get("entries") != _news["entries"])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        before: Sequence[Any] = _olds.get("entries") or []
        if any(entry not in before for entry in _news["entries"]):
            time.sleep(int(_news["seconds"]))
        return dynamic.UpdateResult(_news)


def _definition_entry(definition: Definition) -> Mapping[str, pulumi.Input[Any]]:
    """What an assignment of the role depends on: its data actions, and where it can be assigned."""
    return {
        "id": definition.id,
        "dataActions": definition.permissions.apply(
            lambda permissions: sorted(action for part in permissions or () for action in part.data_actions or ())
        ),
        "assignableScopes": definition.assignable_scopes.apply(lambda scopes: sorted(scopes or ())),
    }


def _assignment_entry(assignment: Assignment) -> Mapping[str, pulumi.Input[Any]]:
    """Its id is made of logical names, so it stays the same when the assignment is replaced by another one."""
    return {
        "id": assignment.id,
        "principalId": assignment.principal_id,
        "roleDefinitionId": assignment.role_definition_id,
        "scope": assignment.scope,
    }


class RoleDefinitionDelay(dynamic.Resource, module="image-pipeline", name="RoleDefinitionDelay"):
    """Ready when `seconds` have passed since the last of `definitions` was made or changed; free at every later run.

    An assignment of a custom role depends on it. Azure's landing zones wait 60 seconds at the same place:
    https://github.com/Azure/terraform-azurerm-caf-enterprise-scale/wiki/%5BVariables%5D-create_duration_delay
    """

    def __init__(
        self,
        name: str,
        *,
        definitions: Sequence[authorization.RoleDefinition],
        seconds: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        entries = [_definition_entry(definition) for definition in definitions]
        super().__init__(_Wait(), name, {"entries": entries, "seconds": seconds}, opts)


class Propagation(dynamic.Resource, module="image-pipeline", name="Propagation"):
    """Ready when `seconds` have passed since the last of `grants` was made or changed; free at every later run.

    The data actions of `definitions`, the custom roles among the grants, count as part of them: a changed role takes
    as long to reach the services as a new assignment.
    """

    def __init__(
        self,
        name: str,
        *,
        grants: Sequence[Assignment],
        seconds: int,
        definitions: Sequence[Definition] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        entries = [*map(_assignment_entry, grants), *map(_definition_entry, definitions)]
        super().__init__(_Wait(), name, {"entries": entries, "seconds": seconds}, opts)
