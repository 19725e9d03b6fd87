"""The caller of an HTTP function, and the app roles that decide what a caller may do."""

from dataclasses import dataclass
from enum import StrEnum

from common.domain.errors import AuthorizationError


class AppRole(StrEnum):
    """The app roles of the API's app registration, as the claim `roles` of an access token names them.

    https://learn.microsoft.com/entra/identity-platform/howto-add-app-roles-in-apps
    """

    IMAGES_READ = "Images.Read"
    IMAGES_UPLOAD = "Images.Upload"
    IMAGES_DELETE = "Images.Delete"
    PIPELINE_OPERATE = "Pipeline.Operate"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A user, service principal or managed identity, as a valid access token describes it.

    Attributes:
        object_id: The object id in Microsoft Entra ID, in lower case.
        app_roles: The values of the app roles that are assigned to the principal.
    """

    object_id: str
    app_roles: frozenset[str]

    def require(self, role: AppRole) -> None:
        """Raise AuthorizationError with status 403 unless the principal has the app role."""
        if role not in self.app_roles:
            raise AuthorizationError(403, f"the caller does not have the app role {role}")
