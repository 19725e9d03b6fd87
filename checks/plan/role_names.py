"""Names of Azure's built-in roles by GUID: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles."""

from collections.abc import Mapping

from policy.roles import ALLOWED

BUILT_IN_ROLES = {
    # Privileged roles, which nothing of this program is assigned.
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    # Roles of the program.
    **ALLOWED,
    # Cosmos DB's own role system: https://learn.microsoft.com/azure/cosmos-db/nosql/reference-data-plane-security.
    "00000000-0000-0000-0000-000000000001": "Cosmos DB Built-in Data Reader",
    "00000000-0000-0000-0000-000000000002": "Cosmos DB Built-in Data Contributor",
}


def role_name(role_definition_id: str, custom_roles: Mapping[str, str]) -> str:
    """The name of a role, or its GUID where the preview does not have the name.

    Args:
        role_definition_id: ARM id of the role definition.
        custom_roles: Names of the custom roles of the preview, by GUID.
    """
    guid = guid_of(role_definition_id)
    return custom_roles.get(guid) or BUILT_IN_ROLES.get(guid) or f"custom role {guid}"


def guid_of(role_definition_id: str) -> str:
    """The GUID in the ARM id of a role definition."""
    return role_definition_id.rpartition("/")[2].lower()
