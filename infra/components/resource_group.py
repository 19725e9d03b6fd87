"""Resource group of the stack."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import resources

from infra.core.context import Scope
from infra.core.naming import Names


class ResourceGroup(pulumi.ComponentResource):
    """The resource group that holds all resources of the stack."""

    group: resources.ResourceGroup
    # For budgets and role definitions; data roles are assigned on single resources.
    scope: Scope

    def __init__(
        self,
        name: str,
        *,
        names: Names,
        location: str,
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:ResourceGroup", name, {}, opts)
        self.group = resources.ResourceGroup(
            name,
            resource_group_name=names.resource_name("rg"),
            location=location,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.scope = Scope(name=name, id=self.group.id)
        self.register_outputs({"resourceGroup": self.group.name})
