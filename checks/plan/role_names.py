"""Names of Azure's built-in roles by GUID: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles."""

from collections.abc import Mapping

BUILT_IN_ROLES = {
    # Privileged roles, which nothing of this program is assigned.
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    # Roles of the program (infra/core/rbac.py).
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "19e7f393-937e-4f77-808e-94535e297925": "Storage Queue Data Reader",
    "8a0f0c08-91a1-4084-bc3d-661d67233fed": "Storage Queue Data Message Processor",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "d5a91429-5739-47e2-a06b-3470a27159e7": "EventGrid Data Sender",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
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
