"""App roles of the API's app registration, and who gets which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from infra.core.context import DirectoryPrincipal

# Delegated permission, with which a client calls the API as the user. Id and value must not change.
SCOPE_ID = "838d5842-3aef-4ebc-8b96-b8bd353b6ddc"
SCOPE_VALUE = "user_impersonation"
SCOPE_DISPLAY_NAME = "Access the image pipeline"
SCOPE_DESCRIPTION = "Call the API as the signed-in user, with the user's app roles."


@dataclass(frozen=True, kw_only=True)
class AppRoleDefinition:
    """An app role: https://learn.microsoft.com/graph/api/resources/approle.

    Attributes:
        id: GUID, unique within an app registration. It must not change: assignments refer to it.
        value: What the claim `roles` of an access token contains. `AppRole` of functions/common has the same values.
        description: Shown to administrators.
    """

    id: str
    value: str
    description: str


class AppRole(Enum):
    """The app roles."""

    IMAGES_READ = AppRoleDefinition(
        id="b5fb1818-c9db-4773-8e9b-9ca27140f68a",
        value="Images.Read",
        description="Read images and records, and search them.",
    )
    IMAGES_UPLOAD = AppRoleDefinition(
        id="9206da1f-ef6f-4b50-b07e-f5a17ab94ca2",
        value="Images.Upload",
        description="Upload new images.",
    )
    IMAGES_DELETE = AppRoleDefinition(
        id="8c1d009b-7436-4ae8-81b2-74a69d2e65a9",
        value="Images.Delete",
        description="Delete images with their records.",
    )
    PIPELINE_OPERATE = AppRoleDefinition(
        id="f0f4e779-13e6-4595-bbe8-9197843b46df",
        value="Pipeline.Operate",
        description="Call redrive and backfill.",
    )


# Uploaders see what became of their images, and operators what they delete (docs/decisions/0042).
READER_APP_ROLES = (AppRole.IMAGES_READ,)
UPLOADER_APP_ROLES = (AppRole.IMAGES_READ, AppRole.IMAGES_UPLOAD)
OPERATOR_APP_ROLES = (AppRole.IMAGES_READ, AppRole.IMAGES_DELETE, AppRole.PIPELINE_OPERATE)


@dataclass(frozen=True, kw_only=True)
class AppRoleAssignee:
    """A principal and the app roles that it gets.

    Attributes:
        principal: The user, group or service principal.
        app_roles: Each role once, in the order of `AppRole`.
    """

    principal: DirectoryPrincipal
    app_roles: tuple[AppRole, ...]


def derive_app_role_assignees(
    *,
    readers: Sequence[DirectoryPrincipal],
    uploaders: Sequence[DirectoryPrincipal],
    operators: Sequence[DirectoryPrincipal],
) -> list[AppRoleAssignee]:
    """Return each principal of the lists once, with the app roles of all lists that it is in, sorted by object id."""
    roles_by_list: Mapping[tuple[AppRole, ...], Sequence[DirectoryPrincipal]] = {
        READER_APP_ROLES: readers,
        UPLOADER_APP_ROLES: uploaders,
        OPERATOR_APP_ROLES: operators,
    }
    principals: dict[str, DirectoryPrincipal] = {}
    roles: dict[str, set[AppRole]] = {}
    for app_roles, listed_principals in roles_by_list.items():
        for principal in listed_principals:
            object_id = principal.object_id.lower()
            principals[object_id] = principal
            roles.setdefault(object_id, set()).update(app_roles)
    return [
        AppRoleAssignee(
            principal=principals[object_id],
            app_roles=tuple(role for role in AppRole if role in roles[object_id]),
        )
        for object_id in sorted(principals)
    ]
