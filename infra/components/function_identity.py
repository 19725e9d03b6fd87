"""Managed identity of the function app."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import authorization, managedidentity

from infra.core.context import DeploymentContext, Principal


class FunctionIdentity(pulumi.ComponentResource):
    """The user-assigned identity of the function app.

    It is created before the app, so that its role assignments can be effective when the app first starts.

    Args:
        name: Logical name.
        context: Where the component deploys.
        label: Part of the identity's name; empty for the pipeline app.
    """

    identity: managedidentity.UserAssignedIdentity
    principal: Principal

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        label: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:FunctionIdentity", name, {}, opts)
        self.identity = managedidentity.UserAssignedIdentity(
            name,
            resource_name_=context.names.resource_name(f"id-{label}" if label else "id"),
            resource_group_name=context.resource_group_name,
            location=context.location,
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.principal = Principal(
            name=name,
            object_id=self.identity.principal_id,
            principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
        )
        self.register_outputs({"principalId": self.identity.principal_id})
