"""The emulated tenant's app registrations, service principals and app role assignments, as deployed."""

from collections.abc import Iterator
from dataclasses import dataclass

from emulator.core.resource_store import Resource, ResourceStore
from schemas.azuread.resource_types import (
    APP_ROLE,
    APP_ROLE_ASSIGNMENT,
    IDENTIFIER_URI,
    PERMISSION_SCOPE,
    PRE_AUTHORIZED,
    REDIRECT_URIS,
    REGISTRATION,
    SERVICE_PRINCIPAL,
)


@dataclass(frozen=True, kw_only=True)
class Application:
    """An app registration with its parts, and its service principal.

    Attributes:
        id: The registration's id, `/applications/<object id>`.
        client_id: The application (client) id.
        display_name: What the sign-in page shows.
        identifier_uris: Names of the application in scopes and audiences, beside the client id.
        app_roles: Values of the app roles by id.
        scopes: Values of the delegated permissions by id.
        spa_redirect_uris: Where browsers return to.
        pre_authorized: Permission ids by the client id of an application that needs no consent for them.
        service_principal_id: Object id of the service principal; None if there is none.
        assignment_required: Only principals with an app role get tokens.
    """

    id: str
    client_id: str
    display_name: str
    identifier_uris: tuple[str, ...]
    app_roles: dict[str, str]
    scopes: dict[str, str]
    spa_redirect_uris: tuple[str, ...]
    pre_authorized: dict[str, tuple[str, ...]]
    service_principal_id: str | None
    assignment_required: bool


class Directory:
    """The deployed objects of the tenant.

    Args:
        objects: The deployed resources of the azuread provider.
    """

    def __init__(self, objects: ResourceStore) -> None:
        self.objects = objects

    def of_type(self, type_: str) -> Iterator[Resource]:
        """The objects of a type, such as `REGISTRATION`."""
        return (resource for resource in self.objects if resource.type == type_)

    def sub_resources(self, application_id: str) -> list[Resource]:
        """The resources that are parts of an app registration."""
        return [
            resource
            for resource in self.objects
            if str(resource.inputs.get("applicationId", "")).lower() == application_id.lower()
        ]

    def applications(self) -> list[Application]:
        """All applications."""
        return [self._application(registration) for registration in self.of_type(REGISTRATION)]

    def find_application(self, name: str) -> Application | None:
        """Return the application with this client id or identifier URI, or None."""
        searched_name = name.rstrip("/").lower()
        for application in self.applications():
            names = (application.client_id, *application.identifier_uris)
            if searched_name in {known.rstrip("/").lower() for known in names}:
                return application
        return None

    def find_service_principal(self, client_id: str) -> Resource | None:
        """Return the service principal of an application, or None."""
        return next(
            (item for item in self.of_type(SERVICE_PRINCIPAL) if item.inputs["clientId"].lower() == client_id.lower()),
            None,
        )

    def app_roles_of(self, object_id: str, application: Application) -> list[str]:
        """Return the values of the app roles of an application that a principal has, sorted."""
        return sorted(
            application.app_roles[assignment.inputs["appRoleId"]]
            for assignment in self.of_type(APP_ROLE_ASSIGNMENT)
            if assignment.inputs["resourceObjectId"] == application.service_principal_id
            and assignment.inputs["principalObjectId"].lower() == object_id.lower()
            and assignment.inputs["appRoleId"] in application.app_roles
        )

    def _application(self, registration: Resource) -> Application:
        by_type: dict[str, list[Resource]] = {}
        for sub_resource in self.sub_resources(registration.id):
            by_type.setdefault(sub_resource.type, []).append(sub_resource)
        client_id = registration.outputs["clientId"]
        service_principal = self.find_service_principal(client_id)
        return Application(
            id=registration.id,
            client_id=client_id,
            display_name=registration.inputs["displayName"],
            identifier_uris=tuple(
                sub_resource.inputs["identifierUri"] for sub_resource in by_type.get(IDENTIFIER_URI, ())
            ),
            app_roles={
                sub_resource.inputs["roleId"]: sub_resource.inputs["value"]
                for sub_resource in by_type.get(APP_ROLE, ())
                if sub_resource.inputs.get("value")
            },
            scopes={
                sub_resource.inputs["scopeId"]: sub_resource.inputs["value"]
                for sub_resource in by_type.get(PERMISSION_SCOPE, ())
            },
            spa_redirect_uris=tuple(
                uri
                for sub_resource in by_type.get(REDIRECT_URIS, ())
                if sub_resource.inputs["type"] == "SPA"
                for uri in sub_resource.inputs["redirectUris"]
            ),
            pre_authorized={
                sub_resource.inputs["authorizedClientId"]: tuple(sub_resource.inputs["permissionIds"])
                for sub_resource in by_type.get(PRE_AUTHORIZED, ())
            },
            service_principal_id=service_principal.outputs["objectId"] if service_principal else None,
            assignment_required=bool(service_principal and service_principal.inputs.get("appRoleAssignmentRequired")),
        )
