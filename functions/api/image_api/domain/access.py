"""Who calls the API, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum


class AppRole(StrEnum):
    """The app roles of the API's registration, as access tokens have them in the claim `roles`."""

    READ = "Images.Read"
    UPLOAD = "Images.Upload"
    DELETE = "Images.Delete"
    OPERATE = "Pipeline.Operate"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The principal that a request's access token was issued for.

    Attributes:
        object_id: object ID of the user or service principal in Entra ID.
        roles: app roles of the token.
    """

    object_id: str
    roles: frozenset[str]
