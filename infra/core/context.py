"""Value objects that components exchange: where they deploy, and what other components need to know of a resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import pulumi
from pulumi_azure_native import authorization

from infra.core.naming import Names

type PrincipalType = Literal["User", "Group", "ServicePrincipal"]

PRINCIPAL_TYPES: tuple[PrincipalType, ...] = ("User", "Group", "ServicePrincipal")


@dataclass(frozen=True, kw_only=True)
class DeploymentContext:
    """Where a component deploys its resources, how it names and tags them, and how it protects them.

    Attributes:
        names: Derives the names of the resources.
        location: Azure region, such as `northeurope`.
        resource_group_name: Resource group of all resources.
        tags: Tags of every resource that can have tags.
        private_networking: Disable public endpoints; services are reached through private endpoints.
        protect_data: Protect what holds data: Pulumi does not delete it, and deleted data can be restored for a while.
        zone_redundant: Spread storage and compute over availability zones.
        cosmos_zone_redundant: Spread Cosmos DB over availability zones. A value of its own, because Azure refuses zones
            for Cosmos DB in regions where it lacks capacity for them.
    """

    names: Names
    location: str
    resource_group_name: pulumi.Input[str]
    tags: Mapping[str, str]
    private_networking: bool = False
    protect_data: bool = False
    zone_redundant: bool = False
    cosmos_zone_redundant: bool = False

    @property
    def public_network_access(self) -> str:
        """The value of `publicNetworkAccess`: `Enabled` or `Disabled`."""
        return "Disabled" if self.private_networking else "Enabled"


@dataclass(frozen=True, kw_only=True)
class PrivateLinkTarget:
    """A resource that a private endpoint can connect to.

    Attributes:
        name: Part of the private endpoint's name.
        resource_id: ARM id of the resource.
        group_id: Sub-resource, such as `blob`:
            https://learn.microsoft.com/azure/private-link/private-endpoint-overview#private-link-resource
        more_zones: Private DNS zones of the resource besides that of its sub-resource.
    """

    name: str
    resource_id: pulumi.Output[str]
    group_id: str
    more_zones: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DiagnosticTarget:
    """A resource whose logs, and metrics if `metrics` is set, go to the Log Analytics workspace.

    Attributes:
        name: Part of the diagnostic setting's logical name.
        resource_id: ARM id of the resource.
        log_categories: From https://learn.microsoft.com/azure/azure-monitor/reference/logs-index
        metrics: Send all platform metrics as well.
    """

    name: str
    resource_id: pulumi.Output[str]
    log_categories: tuple[str, ...]
    metrics: bool = False


class AzureService(Protocol):
    """A component whose resources need private endpoints and diagnostic settings."""

    @property
    def private_link_targets(self) -> Sequence[PrivateLinkTarget]:
        """What needs a private endpoint with private networking."""
        ...

    @property
    def diagnostic_targets(self) -> Sequence[DiagnosticTarget]:
        """What needs a diagnostic setting."""
        ...


@dataclass(frozen=True, kw_only=True)
class DeploymentPackage:
    """A zip file that can be deployed to a function app."""

    path: Path
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A resource that a role can be assigned on.

    Attributes:
        name: Part of the role assignment's name, so it must not change.
        id: ARM id of the resource.
    """

    name: str
    id: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class DirectoryPrincipal:
    """A user, group or service principal of Microsoft Entra ID, as a setting states it.

    The type is part of the setting because nothing can be derived from an object id, and Azure refuses a role
    assignment whose principal type does not match:
    https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---assigning-a-role-to-a-new-principal-sometimes-fails
    """

    object_id: str
    principal_type: PrincipalType


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A role assignee.

    Attributes:
        name: Part of the role assignment's name, so it must not change.
        object_id: Object id in Microsoft Entra ID.
        principal_type: The type that belongs to the object id; None: Azure looks it up, which it cannot do for a
            principal that is minutes old.
    """

    name: str
    object_id: pulumi.Input[str]
    principal_type: authorization.PrincipalType | None

    @staticmethod
    def from_setting(setting: DirectoryPrincipal) -> Principal:
        """The assignee that a setting such as `uploaders` states."""
        prefixes = {"User": "user", "Group": "group", "ServicePrincipal": "service-principal"}
        return Principal(
            name=f"{prefixes[setting.principal_type]}-{setting.object_id}",
            object_id=setting.object_id,
            principal_type=authorization.PrincipalType(setting.principal_type),
        )


def derive_names(*, prefix: str) -> Names:
    """The names of the stack that is being deployed, in the deployer's subscription."""
    return Names(
        prefix=prefix,
        stack=pulumi.get_stack(),
        subscription_id=authorization.get_client_config().subscription_id,
    )


def derive_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags `application` and `environment`, and `tags`, which win over those."""
    return {"application": pulumi.get_project(), "environment": pulumi.get_stack(), **tags}
