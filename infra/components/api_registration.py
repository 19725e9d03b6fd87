"""App registration of the API: its app roles, who has them, and where browsers sign in."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from infra.core.app_roles import (
    SCOPE_DESCRIPTION,
    SCOPE_DISPLAY_NAME,
    SCOPE_ID,
    SCOPE_VALUE,
    AppRole,
    AppRoleAssignee,
)
from infra.core.context import DeploymentContext

# Azure CLI, which gets tokens without asking for consent:
# https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
AZURE_CLI_CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


class ApiRegistration(pulumi.ComponentResource):
    """An app registration of one tenant, without any credential, and its service principal.

    Whoever has none of the app roles gets no token. The parts of the registration are resources of their own: the
    identifier URI contains the client id, which Entra ID assigns, and an update of `azuread.Application` would remove
    an identifier URI that it does not state.

    Args:
        name: Logical name.
        context: Where the component deploys.
        assignees: The principals that get app roles.
    """

    client_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        assignees: Sequence[AppRoleAssignee],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        # Half a second, which stacks without an app registration of their own are spared.
        import pulumi_azuread as azuread  # noqa: PLC0415

        super().__init__("image-pipeline:index:ApiRegistration", name, {}, opts)
        names = context.names
        child = pulumi.ResourceOptions(parent=self)
        registration = azuread.ApplicationRegistration(
            f"{name}-registration",
            display_name=f"Image Pipeline API ({names.deployment_name}-{names.unique_suffix})",
            description="Sign-in to the API of the image pipeline. It has no credential.",
            sign_in_audience="AzureADMyOrg",
            requested_access_token_version=2,
            implicit_access_token_issuance_enabled=False,
            implicit_id_token_issuance_enabled=False,
            opts=child,
        )
        self.client_id = registration.client_id
        app_roles = {
            role: azuread.ApplicationAppRole(
                f"{name}-{_logical_name(role)}",
                application_id=registration.id,
                role_id=role.value.id,
                value=role.value.value,
                display_name=role.value.value,
                description=role.value.description,
                allowed_member_types=["User", "Application"],
                opts=child,
            )
            for role in AppRole
        }
        scope = azuread.ApplicationPermissionScope(
            f"{name}-scope",
            application_id=registration.id,
            scope_id=SCOPE_ID,
            value=SCOPE_VALUE,
            type="User",
            admin_consent_display_name=SCOPE_DISPLAY_NAME,
            admin_consent_description=SCOPE_DESCRIPTION,
            opts=child,
        )
        identifier_uri = azuread.ApplicationIdentifierUri(
            f"{name}-identifier-uri",
            application_id=registration.id,
            identifier_uri=pulumi.Output.concat("api://", registration.client_id),
            opts=child,
        )
        azuread.ApplicationPreAuthorized(
            f"{name}-azure-cli",
            application_id=registration.id,
            authorized_client_id=AZURE_CLI_CLIENT_ID,
            permission_ids=[scope.scope_id],
            opts=child,
        )
        service_principal = azuread.ServicePrincipal(
            f"{name}-service-principal",
            client_id=registration.client_id,
            app_role_assignment_required=True,
            # The provider removes its caller from the owners unless the caller is listed. Whoever has no role of an
            # administrator may assign app roles as an owner only.
            owners=[azuread.get_client_config().object_id],
            opts=pulumi.ResourceOptions(
                parent=self,
                # The roles of an assignment are looked up in the service principal, which gets them from the
                # registration.
                depends_on=[*app_roles.values(), scope, identifier_uri],
                # A later deployment may have another caller.
                ignore_changes=["owners"],
            ),
        )
        for assignee in assignees:
            for role in assignee.app_roles:
                azuread.AppRoleAssignment(
                    f"{name}-{_logical_name(role)}-of-{assignee.principal.object_id}",
                    app_role_id=app_roles[role].role_id,
                    principal_object_id=assignee.principal.object_id,
                    resource_object_id=service_principal.object_id,
                    opts=child,
                )
        self._label = name
        self._application_id = registration.id
        self.register_outputs({"clientId": self.client_id})

    def add_redirect_uris(self, redirect_uris: Sequence[pulumi.Input[str]]) -> None:
        """Add where browsers return to after sign-in, of the type single-page application. Call it once.

        A method, because the address of the app that serves a page is known only after the app, which in turn needs
        the client id.

        Args:
            redirect_uris: All of them.
        """
        import pulumi_azuread as azuread  # noqa: PLC0415 (as above)

        azuread.ApplicationRedirectUris(
            f"{self._label}-redirect-uris",
            application_id=self._application_id,
            type="SPA",
            redirect_uris=[*redirect_uris],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _logical_name(role: AppRole) -> str:
    """The part of logical names that stands for an app role, such as `images-read`."""
    return role.value.value.lower().replace(".", "-")
