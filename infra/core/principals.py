"""Principals of the directory, as settings name them: an object id and what kind of principal it belongs to."""

from dataclasses import dataclass
from typing import Literal

type PrincipalType = Literal["User", "Group", "ServicePrincipal"]

PRINCIPAL_TYPES: tuple[PrincipalType, ...] = ("User", "Group", "ServicePrincipal")


@dataclass(frozen=True, kw_only=True)
class DirectoryPrincipal:
    """A user, group or service principal of Microsoft Entra ID.

    The type is part of the setting because nothing can be derived from an object id, and Azure refuses a role
    assignment whose principal type does not match:
    https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---assigning-a-role-to-a-new-principal-sometimes-fails
    """

    object_id: str
    principal_type: PrincipalType
