"""Rules about roles: which may be assigned, at which scopes, and what custom roles may allow."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from policy.model import UNKNOWN, Resource, ResourceRule, StackRule

# Built-in roles that may be assigned: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ALLOWED = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a": "Storage Blob Delegator",
    "19e7f393-937e-4f77-808e-94535e297925": "Storage Queue Data Reader",
    "8a0f0c08-91a1-4084-bc3d-661d67233fed": "Storage Queue Data Message Processor",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "d5a91429-5739-47e2-a06b-3470a27159e7": "EventGrid Data Sender",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "379c52cb-64de-498c-8b5b-c6170d6c49d4": "Cognitive Services Content Understanding Reader",
    "4b42bd01-da42-4c92-9b07-15ea5bd6a602": "Cognitive Services Content Understanding Owner",
}
_TOO_WIDE = re.compile(
    r"/|/subscriptions/[^/]+/?|/subscriptions/[^/]+/resourceGroups/[^/]+/?|/providers/Microsoft\.Management/.*",
    re.IGNORECASE,
)
_ITEMS_SCOPE = re.compile(r"/subscriptions/.+/databaseAccounts/[^/]+/dbs/[^/]+/colls/[^/]+", re.IGNORECASE)
ASSIGNMENT = "authorization:RoleAssignment"
_ITEMS_ASSIGNMENT = "cosmosdb:SqlResourceSqlRoleAssignment"


def role_guid(assignment: Resource) -> str:
    """The GUID of the role that is assigned, in lower case."""
    return str(assignment.get("roleDefinitionId")).rpartition("/")[2].lower()


def custom_role_guids(resources: Sequence[Resource]) -> dict[str, Resource]:
    """The stack's custom role definitions by GUID, in lower case.

    What Azure answers has no roleDefinitionId, which is an input of azure-native; the GUID is the name there.
    """
    return {
        str(resource.get("roleDefinitionId") or resource.get("name")).rpartition("/")[2].lower(): resource
        for resource in resources
        if resource.type == "authorization:RoleDefinition"
    }


def _from_the_list(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    own = custom_role_guids(resources)
    for resource in resources:
        if resource.type == ASSIGNMENT:
            guid = role_guid(resource)
            if guid not in ALLOWED and guid not in own:
                allowed = ", ".join(sorted(ALLOWED.values()))
                role = resource.get("roleDefinitionId")
                yield resource, f"roleDefinitionId is {role!r}; allowed: {allowed}, and the stack's custom roles"


def _too_wide(scope: Any, origin_types: set[str]) -> bool:
    """Whether a scope is more than one resource; before it is known, whether the types it comes from are."""
    if scope is UNKNOWN:
        # A value that comes out of a resource is that resource's id, or lies below it.
        return origin_types <= {"resources:ResourceGroup"}
    return _TOO_WIDE.fullmatch(str(scope)) is not None


def _a_container(scope: Any, origin_types: set[str]) -> bool:
    if scope is UNKNOWN:
        return "cosmosdb:SqlResourceSqlContainer" in origin_types
    return _ITEMS_SCOPE.fullmatch(str(scope)) is not None


def _narrow(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    types = {resource.urn: resource.type for resource in resources}
    for resource in resources:
        scope = resource.get("scope")
        origin_types = {types.get(urn, "") for urn in resource.property_dependencies.get("scope", ())}
        if resource.type == ASSIGNMENT and _too_wide(scope, origin_types):
            yield (
                resource,
                f"scope is {scope!r}; data roles are assigned on single resources, never on what contains them",
            )
        if resource.type == _ITEMS_ASSIGNMENT and not _a_container(scope, origin_types):
            yield resource, f"scope is {scope!r}; roles for items are assigned container by container"


def _spelled_out(resource: Resource) -> Iterator[str]:
    if resource.type not in {"authorization:RoleDefinition", "cosmosdb:SqlResourceSqlRoleDefinition"}:
        return
    permissions = resource.get("permissions")
    if not isinstance(permissions, list):
        yield f"permissions is {permissions!r}; it must be a list that can be checked"
        return
    for permission in cast("list[Any]", permissions):
        entry = Resource(urn=resource.urn, type=resource.type, properties=permission)
        if entry.get("actions"):
            yield f"actions is {entry.get('actions')!r}; custom roles of the stack must allow no management"
        actions: Any = entry.get("dataActions")
        spelled_out = isinstance(actions, list) and all(
            isinstance(action, str) and "*" not in action for action in cast("list[Any]", actions)
        )
        if not spelled_out:
            yield f"dataActions is {actions!r}; each must be spelled out, without *"


ROLES_FROM_THE_LIST = StackRule(
    name="roles-from-the-list",
    description="Only built-in roles from the list, and the stack's custom roles, are assigned.",
    check=_from_the_list,
)
ROLES_NARROW = StackRule(
    name="roles-narrow",
    description="No data role is assigned on a resource group, a subscription, or a whole Cosmos DB account.",
    check=_narrow,
)
ROLES_SPELLED_OUT = ResourceRule(
    name="roles-spelled-out",
    description="Custom roles allow data actions that are spelled out, and nothing else.",
    check=_spelled_out,
)
