"""Foundation: the resource group everything lives in, and the identity the function code runs as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, managedidentity, resources

from infra.config.settings import Settings
from infra.core.naming import Names
from infra.core.rbac import Principal, Scope


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a component puts its resources, what it calls and tags them, and how it guards them."""

    names: Names
    location: str
    resource_group_name: pulumi.Input[str]
    tags: Mapping[str, str]
    # Reached from the virtual network alone.
    private: bool = False
    # What holds data is not deleted by Pulumi, and can be brought back for a while when somebody else did.
    protect_data: bool = False
    zone_redundant: bool = False
    # Cosmos DB's own: Azure refuses zones in regions where it lacks capacity for them.
    cosmos_zone_redundant: bool = False

    @property
    def public_network_access(self) -> str:
        """`Enabled` or `Disabled`, as Azure's services call it."""
        return "Disabled" if self.private else "Enabled"


class Foundation(pulumi.ComponentResource):
    """A resource group and the user-assigned identity of the function app.

    The identity is made before the app, so that every role it needs can be in force when the app first starts.
    """

    place: Place
    group: resources.ResourceGroup
    identity: managedidentity.UserAssignedIdentity

    def __init__(
        self,
        name: str,
        *,
        settings: Settings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:foundation:Foundation", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        stack, location = pulumi.get_stack(), settings.location
        subscription = authorization.get_client_config().subscription_id
        names = Names(prefix=settings.name_prefix, stack=stack, subscription_id=subscription)
        tags = {"application": pulumi.get_project(), "environment": stack, **settings.tags}
        self.group = resources.ResourceGroup(
            f"{name}-group", resource_group_name=names.local("rg"), location=location, tags=tags, opts=child
        )
        self.place = Place(
            names=names,
            location=location,
            resource_group_name=self.group.name,
            tags=tags,
            private=settings.private,
            protect_data=settings.protect_data,
            zone_redundant=settings.zone_redundant,
            cosmos_zone_redundant=settings.cosmos_zone_redundant,
        )
        self.identity = managedidentity.UserAssignedIdentity(
            f"{name}-identity",
            resource_name_=names.local("id"),
            resource_group_name=self.group.name,
            location=location,
            tags=tags,
            opts=child,
        )
        self.register_outputs({"resourceGroup": self.group.name, "functionPrincipal": self.identity.principal_id})

    @property
    def scope(self) -> Scope:
        """The resource group: for budgets and definitions. No data role is granted here."""
        return Scope(name="group", id=self.group.id)

    @property
    def function(self) -> Principal:
        """The function code, as somebody to grant roles to."""
        return Principal(
            name="function",
            object_id=self.identity.principal_id,
            kind=authorization.PrincipalType.SERVICE_PRINCIPAL,
        )
