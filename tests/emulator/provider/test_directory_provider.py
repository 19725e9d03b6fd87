"""The azuread provider creates, changes and deletes objects of the tenant as Microsoft Graph does."""

import json
from importlib.resources import files
from typing import Any

import grpc.aio
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2

from emulator.provider.validation import UNKNOWN
from tests.emulator.conftest import Deployment
from tests.emulator.tenant import (
    APPLICATION,
    NOBODY,
    OTHER_ID,
    READER,
    ROLE,
    ROLE_ID,
    SCOPE,
    TENANT,
    Tenant,
    struct,
    urn,
)


def test_a_registration_gets_its_ids_from_entra_id(tenant: Tenant) -> None:
    object_id, outputs = tenant.create("ApplicationRegistration", displayName="API")
    assert object_id == f"/applications/{outputs['objectId']}"
    assert outputs["clientId"] != outputs["objectId"]
    other_id, _ = tenant.create("ApplicationRegistration", displayName="API")
    assert other_id != object_id


def test_a_preview_knows_no_ids(tenant: Tenant) -> None:
    request = provider_pb2.CreateRequest(
        urn=urn("ApplicationRegistration"), properties=struct({"displayName": "API"}), preview=True
    )
    response = tenant.call("Create", request)
    assert (response.id, json_format.MessageToDict(response.properties)) == (
        "",
        {"displayName": "API", "clientId": UNKNOWN, "objectId": UNKNOWN, "publisherDomain": UNKNOWN},
    )
    assert [*tenant.directory.objects] == []


def test_the_ids_of_parts_are_those_of_the_provider(tenant: Tenant) -> None:
    application_id, client_id = tenant.create_registration()
    object_id = application_id.removeprefix("/applications/")
    assert tenant.create("ApplicationAppRole", applicationId=application_id, **ROLE)[0] == (
        f"{application_id}/appRoles/{ROLE_ID}"
    )
    assert tenant.create("ApplicationPermissionScope", applicationId=application_id, **SCOPE)[0] == (
        f"{application_id}/permissionScopes/{OTHER_ID}"
    )
    redirect_uris = ["https://images.example/"]
    assert tenant.create(
        "ApplicationRedirectUris", applicationId=application_id, type="SPA", redirectUris=redirect_uris
    )[0] == (f"{application_id}/redirectUris/SPA")
    assert tenant.create(
        "ApplicationPreAuthorized", applicationId=application_id, authorizedClientId=ROLE_ID, permissionIds=[OTHER_ID]
    )[0] == (f"{object_id}/preAuthorizedApplication/{ROLE_ID}")
    identifier_uri = tenant.create(
        "ApplicationIdentifierUri", applicationId=application_id, identifierUri=f"api://{client_id}"
    )[0]
    assert identifier_uri.startswith(f"{application_id}/identifierUris/YXBpOi8v")
    (application,) = tenant.directory.applications()
    assert application.identifier_uris == (f"api://{client_id}",)
    assert application.app_roles == {ROLE_ID: "Images.Read"}
    assert application.scopes == {OTHER_ID: "user_impersonation"}
    assert application.spa_redirect_uris == ("https://images.example/",)
    assert application.pre_authorized == {ROLE_ID: (OTHER_ID,)}


@pytest.mark.parametrize("kind", ["ApplicationAppRole", "ApplicationPermissionScope"])
def test_values_of_roles_and_permissions_are_unique(tenant: Tenant, kind: str) -> None:
    application_id, _ = tenant.create_registration()
    tenant.create("ApplicationAppRole", applicationId=application_id, **ROLE)
    inputs: dict[str, Any] = {**(ROLE if kind == "ApplicationAppRole" else SCOPE), "value": "Images.Read"}
    inputs["roleId" if kind == "ApplicationAppRole" else "scopeId"] = OTHER_ID
    assert "DuplicateValue" in tenant.refusal(kind, applicationId=application_id, **inputs)


def test_a_role_may_keep_its_value_and_take_no_others(tenant: Tenant) -> None:
    application_id, _ = tenant.create_registration()
    role_id, outputs = tenant.create("ApplicationAppRole", applicationId=application_id, **ROLE)
    tenant.create("ApplicationPermissionScope", applicationId=application_id, **SCOPE)
    news: dict[str, Any] = {**outputs, "description": "Read images."}
    assert tenant.update("ApplicationAppRole", role_id, outputs, **news) == news
    with pytest.raises(grpc.aio.AioRpcError, match="DuplicateValue"):
        tenant.update("ApplicationAppRole", role_id, outputs, **{**news, "value": "user_impersonation"})


def test_an_update_keeps_the_ids(tenant: Tenant) -> None:
    object_id, outputs = tenant.create("ApplicationRegistration", displayName="API")
    for preview in (True, False):
        after = tenant.update("ApplicationRegistration", object_id, outputs, preview=preview, displayName="Other")
        assert after == {**outputs, "displayName": "Other"}
    (application,) = tenant.directory.applications()
    assert (application.display_name, application.client_id) == ("Other", outputs["clientId"])


@pytest.mark.parametrize(
    "kind", ["ApplicationAppRole", "ApplicationPermissionScope", "ApplicationRedirectUris", "ApplicationIdentifierUri"]
)
def test_a_part_needs_its_registration(tenant: Tenant, kind: str) -> None:
    inputs: dict[str, dict[str, Any]] = {
        "ApplicationAppRole": ROLE,
        "ApplicationPermissionScope": SCOPE,
        "ApplicationRedirectUris": {"type": "SPA", "redirectUris": ["https://a.example/"]},
        "ApplicationIdentifierUri": {"identifierUri": "api://x"},
    }
    assert "Request_ResourceNotFound: Resource '44444444" in tenant.refusal(
        kind, applicationId=APPLICATION, **inputs[kind]
    )


def test_a_part_exists_once(tenant: Tenant) -> None:
    application_id, _ = tenant.create_registration()
    inputs = {"applicationId": application_id, "type": "SPA", "redirectUris": ["https://a.example/"]}
    tenant.create("ApplicationRedirectUris", **inputs)
    assert "already exists; import it, or remove it" in tenant.refusal("ApplicationRedirectUris", **inputs)


@pytest.mark.parametrize("uri", ["api://image-pipeline", "https://images.example", "urn:images", "api://{client_id}/x"])
def test_an_identifier_uri_names_the_client(tenant: Tenant, uri: str) -> None:
    application_id, client_id = tenant.create_registration()
    inputs = {"applicationId": application_id, "identifierUri": uri.format(client_id=client_id)}
    assert "as per the default tenant policy" in tenant.refusal("ApplicationIdentifierUri", **inputs)
    inputs["identifierUri"] = f"api://{TENANT}/{client_id}"
    tenant.create("ApplicationIdentifierUri", **inputs)


def test_an_application_is_pre_authorized_for_permissions_that_exist(tenant: Tenant) -> None:
    application_id, _ = tenant.create_registration()
    inputs = {"applicationId": application_id, "authorizedClientId": ROLE_ID, "permissionIds": [OTHER_ID]}
    assert "permissions that cannot be found" in tenant.refusal("ApplicationPreAuthorized", **inputs)


def test_a_service_principal_belongs_to_one_application(tenant: Tenant) -> None:
    assert "does not reference a valid application object" in tenant.refusal("ServicePrincipal", clientId=NOBODY)
    _, client_id = tenant.create_registration()
    tenant.create("ServicePrincipal", clientId=client_id)
    assert "already exists; import it" in tenant.refusal("ServicePrincipal", clientId=client_id)


def test_users_and_managed_identities_get_app_roles(tenant: Tenant, deployment: Deployment) -> None:
    identity = deployment.add(
        "managedidentity:UserAssignedIdentity", resourceGroupName="rg", resourceName="id-api", location="x"
    )
    _, service_principal = tenant.create_registration_with_role()
    for object_id, principal_type, name in (
        (READER, "User", "Rita Reader"),
        (identity.outputs["principalId"], "ServicePrincipal", "id-api"),
    ):
        _, outputs = tenant.create(
            "AppRoleAssignment", appRoleId=ROLE_ID, principalObjectId=object_id, resourceObjectId=service_principal
        )
        assert (outputs["principalType"], outputs["principalDisplayName"]) == (principal_type, name)
        (application,) = tenant.directory.applications()
        assert tenant.directory.app_roles_of(object_id.upper(), application) == ["Images.Read"]
    assert tenant.directory.app_roles_of(NOBODY, application) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"principalObjectId": NOBODY}, f"Request_ResourceNotFound: Resource '{NOBODY}' does not exist"),
        ({"resourceObjectId": NOBODY}, f"Request_ResourceNotFound: Resource '{NOBODY}' does not exist"),
        ({"appRoleId": NOBODY}, "Permission being assigned was not found on application"),
        ({}, "Permission being assigned already exists on the object"),
    ],
)
def test_an_assignment_that_graph_refuses_is_refused(tenant: Tenant, changes: dict[str, str], reason: str) -> None:
    _, service_principal = tenant.create_registration_with_role()
    inputs = {"appRoleId": ROLE_ID, "principalObjectId": READER, "resourceObjectId": service_principal}
    tenant.create("AppRoleAssignment", **inputs)
    assert reason in tenant.refusal("AppRoleAssignment", **{**inputs, **changes})


def test_a_role_for_programs_is_not_assigned_to_people(tenant: Tenant) -> None:
    application_id, client_id = tenant.create_registration()
    role: dict[str, Any] = {**ROLE, "allowedMemberTypes": ["Application"]}
    tenant.create("ApplicationAppRole", applicationId=application_id, **role)
    _, outputs = tenant.create("ServicePrincipal", clientId=client_id)
    inputs = {"appRoleId": ROLE_ID, "principalObjectId": READER, "resourceObjectId": outputs["objectId"]}
    assert "Images.Read cannot be assigned to a User" in tenant.refusal("AppRoleAssignment", **inputs)


def test_what_belongs_to_a_registration_is_deleted_with_it(tenant: Tenant) -> None:
    application_id, service_principal = tenant.create_registration_with_role()
    tenant.create("AppRoleAssignment", appRoleId=ROLE_ID, principalObjectId=READER, resourceObjectId=service_principal)
    tenant.delete("ApplicationRegistration", application_id)
    assert [*tenant.directory.objects] == []
    tenant.delete("ApplicationRegistration", application_id)


def test_an_object_can_be_read_until_it_is_deleted(tenant: Tenant) -> None:
    object_id, outputs = tenant.create("ApplicationRegistration", displayName="API")
    request = provider_pb2.ReadRequest(urn=urn("ApplicationRegistration"), id=object_id)
    response = tenant.call("Read", request)
    assert (response.id, json_format.MessageToDict(response.properties)) == (object_id, outputs)
    tenant.delete("ApplicationRegistration", object_id)
    assert tenant.call("Read", request).id == ""


def test_the_preview_provider_changes_nothing(tenant: Tenant) -> None:
    request = provider_pb2.CreateRequest(urn=urn("ApplicationRegistration"), properties=struct({"displayName": "a"}))
    with pytest.raises(grpc.aio.AioRpcError, match="this provider previews only"):
        tenant.call("Create", request, preview_only=True)


def test_the_client_configuration_is_that_of_the_deployer(tenant: Tenant) -> None:
    request = provider_pb2.InvokeRequest(tok="azuread:index/getClientConfig:getClientConfig")
    answer = json_format.MessageToDict(getattr(tenant.call("Invoke", request), "return"))
    assert (answer["objectId"], answer["tenantId"]) == ("00000000-0000-4000-8000-00000000a11c", TENANT)
    with pytest.raises(grpc.aio.AioRpcError, match="does not support the function azuread:index/getUser:getUser"):
        tenant.call("Invoke", provider_pb2.InvokeRequest(tok="azuread:index/getUser:getUser"))


def test_the_version_is_that_of_the_installed_package(tenant: Tenant) -> None:
    plugin = json.loads((files("pulumi_azuread") / "pulumi-plugin.json").read_text())
    assert tenant.call("GetPluginInfo", struct_pb2.Struct()).version == plugin["version"] == "6.11.1"
