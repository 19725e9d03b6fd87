"""Creation of objects in the emulated directory: what Microsoft Graph refuses, and what it adds."""

import base64
import uuid
from collections.abc import Callable, Mapping

from emulator.core.directory import Application, Directory
from emulator.core.resource_store import Properties, Resource, ResourceStore
from emulator.core.tenant import TENANT_ID
from emulator.core.users import find_user
from emulator.provider.errors import DeploymentError
from emulator.provider.validation import UNKNOWN
from schemas.azure_native.resource_type import ResourceType
from schemas.azuread import resource_types as types

# What Graph adds to the inputs, by type.
_ADDED = {
    types.REGISTRATION: ("clientId", "objectId", "publisherDomain"),
    types.SERVICE_PRINCIPAL: ("objectId", "displayName", "applicationTenantId"),
    types.APP_ROLE_ASSIGNMENT: ("principalDisplayName", "principalType", "resourceDisplayName"),
}
_PUBLISHER_DOMAIN = "emulator.onmicrosoft.com"


def preview_outputs(resource_type: ResourceType, inputs: Properties) -> Properties:
    """The outputs of a preview: the inputs, and UNKNOWN for what Graph adds."""
    return {**inputs, **dict.fromkeys(_ADDED.get(resource_type.type, ()), UNKNOWN)}


def updated_outputs(resource_type: ResourceType, inputs: Properties, before: Properties) -> Properties:
    """The outputs after an update, or of its preview: what Graph has added stays."""
    return {**inputs, **{name: before[name] for name in _ADDED.get(resource_type.type, ()) if name in before}}


def create_object(
    resource_type: ResourceType, inputs: Properties, directory: Directory, resources: ResourceStore
) -> Resource:
    """Return the new object, which is not stored yet.

    Args:
        resource_type: Its type.
        inputs: Its inputs, which `check_inputs` accepts.
        directory: The objects that exist.
        resources: The resources of the subscription, whose managed identities are principals of the directory.

    Raises:
        DeploymentError: Graph would refuse it.
    """
    create = _CREATE[resource_type.type]
    added, ids = create(inputs, directory, resources)
    object_id = resource_type.id.format(**inputs, **ids)
    if directory.objects.get(object_id) is not None:
        raise DeploymentError(f"A resource with the ID {object_id!r} already exists; import it, or remove it")
    return Resource(id=object_id, type=resource_type.type, inputs=inputs, outputs={**inputs, **added})


def check_update(resource: Resource, inputs: Properties, directory: Directory) -> None:
    """Raise DeploymentError if Graph would refuse the new inputs of an object."""
    if resource.type in {types.APP_ROLE, types.PERMISSION_SCOPE}:
        application = _application(inputs, directory)
        _check_value(inputs, application, own_id=inputs.get("roleId") or inputs.get("scopeId"))


type _Created = tuple[Properties, Mapping[str, str]]


def _application(inputs: Properties, directory: Directory) -> Application:
    for application in directory.applications():
        if application.id == inputs["applicationId"]:
            return application
    object_id = inputs["applicationId"].rpartition("/")[2]
    raise DeploymentError(_not_found(object_id))


def _not_found(object_id: str) -> str:
    return (
        f"Request_ResourceNotFound: Resource '{object_id}' does not exist or one of its queried reference-property"
        " objects are not present."
    )


def _check_value(inputs: Properties, application: Application, own_id: str | None) -> None:
    """App roles and permissions of an application share one set of values."""
    values = {**application.app_roles, **application.scopes}
    if inputs.get("value") in {value for id_, value in values.items() if id_ != own_id}:
        raise DeploymentError(
            f"DuplicateValue: Request contains a property with duplicate values: {inputs['value']} is the value of"
            " another app role or permission of the application"
        )


def _registration(_inputs: Properties, _directory: Directory, _resources: ResourceStore) -> _Created:
    object_id = str(uuid.uuid4())
    added = {"clientId": str(uuid.uuid4()), "objectId": object_id, "publisherDomain": _PUBLISHER_DOMAIN}
    return added, {"objectId": object_id}


def _sub_resource_with_value(inputs: Properties, directory: Directory, _resources: ResourceStore) -> _Created:
    application = _application(inputs, directory)
    _check_value(inputs, application, own_id=None)
    return {}, {}


def _identifier_uri(inputs: Properties, directory: Directory, _resources: ResourceStore) -> _Created:
    """The forms that every tenant accepts: https://learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions."""
    application = _application(inputs, directory)
    uri = inputs["identifierUri"]
    if uri not in {f"api://{application.client_id}", f"api://{TENANT_ID}/{application.client_id}"}:
        raise DeploymentError(
            f"Failed to add identifier URI {uri}. All newly added URIs must contain a tenant verified domain, tenant"
            " ID, or app ID, as per the default tenant policy of your organization."
        )
    owner = directory.find_application(uri)
    if owner is not None and owner.id != application.id:
        raise DeploymentError("Another object with the same value for property identifierUris already exists.")
    return {}, {"encodedUri": base64.standard_b64encode(uri.encode()).decode()}


def _sub_resource(inputs: Properties, directory: Directory, _resources: ResourceStore) -> _Created:
    _application(inputs, directory)
    return {}, {}


def _pre_authorized(inputs: Properties, directory: Directory, _resources: ResourceStore) -> _Created:
    application = _application(inputs, directory)
    unknown = sorted(set(inputs["permissionIds"]) - application.scopes.keys())
    if unknown:
        raise DeploymentError(
            f"InvalidValue: Property PreAuthorizedApplication references permissions that cannot be found: {unknown}"
        )
    return {}, {"applicationObjectId": application.id.rpartition("/")[2]}


def _service_principal(inputs: Properties, directory: Directory, _resources: ResourceStore) -> _Created:
    application = directory.find_application(inputs["clientId"])
    if application is None or application.client_id != inputs["clientId"]:
        raise DeploymentError(
            f"The appId '{inputs['clientId']}' of the service principal does not reference a valid application object."
        )
    if application.service_principal_id is not None:
        raise DeploymentError(
            f"A resource with the ID '/servicePrincipals/{application.service_principal_id}' already exists; import"
            " it, or remove it"
        )
    object_id = str(uuid.uuid4())
    added = {"objectId": object_id, "displayName": application.display_name, "applicationTenantId": TENANT_ID}
    return added, {"objectId": object_id}


def _app_role_assignment(inputs: Properties, directory: Directory, resources: ResourceStore) -> _Created:
    application = next(
        (item for item in directory.applications() if item.service_principal_id == inputs["resourceObjectId"]), None
    )
    if application is None:
        raise DeploymentError(_not_found(inputs["resourceObjectId"]))
    role = next(
        (
            sub_resource
            for sub_resource in directory.sub_resources(application.id)
            if sub_resource.type == types.APP_ROLE and sub_resource.inputs["roleId"] == inputs["appRoleId"]
        ),
        None,
    )
    if role is None:
        raise DeploymentError(
            f"Request_BadRequest: Permission being assigned was not found on application '{application.client_id}'"
        )
    principal_type, display_name = _principal(inputs["principalObjectId"], directory, resources)
    member_type = "Application" if principal_type == "ServicePrincipal" else "User"
    if member_type not in role.inputs["allowedMemberTypes"]:
        raise DeploymentError(
            f"Request_BadRequest: the app role {role.inputs.get('value')} cannot be assigned to a {principal_type}"
        )
    if any(
        all(assignment.inputs[name].lower() == inputs[name].lower() for name in inputs)
        for assignment in directory.of_type(types.APP_ROLE_ASSIGNMENT)
    ):
        raise DeploymentError("Request_BadRequest: Permission being assigned already exists on the object")
    added = {
        "principalDisplayName": display_name,
        "principalType": principal_type,
        "resourceDisplayName": application.display_name,
    }
    return added, {"assignmentId": base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")}


def _principal(object_id: str, directory: Directory, resources: ResourceStore) -> tuple[str, str]:
    """Type and display name of a principal. Raises DeploymentError if the tenant has none with this object id."""
    user = find_user(object_id)
    if user is not None:
        return "User", user.display_name
    for identity in resources.of_type("managedidentity:UserAssignedIdentity"):
        if identity.outputs["principalId"].lower() == object_id.lower():
            return "ServicePrincipal", identity.name
    for service_principal in directory.of_type(types.SERVICE_PRINCIPAL):
        if service_principal.outputs["objectId"].lower() == object_id.lower():
            return "ServicePrincipal", service_principal.outputs["displayName"]
    raise DeploymentError(f"{_not_found(object_id)} The emulator's users are in emulator/core/users.py")


_CREATE: Mapping[str, Callable[[Properties, Directory, ResourceStore], _Created]] = {
    types.REGISTRATION: _registration,
    types.APP_ROLE: _sub_resource_with_value,
    types.PERMISSION_SCOPE: _sub_resource_with_value,
    types.IDENTIFIER_URI: _identifier_uri,
    types.REDIRECT_URIS: _sub_resource,
    types.PRE_AUTHORIZED: _pre_authorized,
    types.SERVICE_PRINCIPAL: _service_principal,
    types.APP_ROLE_ASSIGNMENT: _app_role_assignment,
}
