"""The app registration of the API: single tenant, no credential, app roles, and who has which."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra.core.app_roles import AppRole, AppRoleAssignee, derive_app_role_assignees
from infra.core.context import DirectoryPrincipal
from tests.conftest import RecordedResource, Recorder, run_program

ALICE = "99999999-8888-4777-8666-55555555aaaa"
BOB = "99999999-8888-4777-8666-55555555bbbb"
CAROL = "99999999-8888-4777-8666-55555555cccc"
REGISTRATION = "/azuread:index/applicationRegistration:ApplicationRegistration::api-registration"
ROLE_IDS = {
    "Images.Read": "b5fb1818-c9db-4773-8e9b-9ca27140f68a",
    "Images.Upload": "9206da1f-ef6f-4b50-b07e-f5a17ab94ca2",
    "Images.Delete": "8c1d009b-7436-4ae8-81b2-74a69d2e65a9",
    "Pipeline.Operate": "f0f4e779-13e6-4595-bbe8-9197843b46df",
}


def principal(object_id: str, principal_type: Any = "User") -> DirectoryPrincipal:
    return DirectoryPrincipal(object_id=object_id, principal_type=principal_type)


def setting(object_id: str, principal_type: str = "User") -> dict[str, str]:
    return {"objectId": object_id, "principalType": principal_type}


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    config: Mapping[str, Any] = {
        "readers": [setting(ALICE), setting(BOB, "Group")],
        "uploaders": [setting(ALICE)],
        "operators": [setting(CAROL, "ServicePrincipal")],
        "spaRedirectUris": ["https://images.example/", "http://localhost:5173/"],
    }
    return run_program("dev", config)


def directory_resources(recorder: Recorder, kind: str) -> list[RecordedResource]:
    token = f"azuread:index/{kind[0].lower()}{kind[1:]}:{kind}"
    return [resource for resource in recorder.resources if resource.type == token]


def one(recorder: Recorder, kind: str) -> RecordedResource:
    (resource,) = directory_resources(recorder, kind)
    return resource


def test_the_registration_is_for_one_tenant_and_for_tokens_of_version_2(recorder: Recorder) -> None:
    registration = one(recorder, "ApplicationRegistration")
    assert registration.inputs == {
        "displayName": registration.inputs["displayName"],
        "description": "Sign-in to the API of the image pipeline. It has no credential.",
        "signInAudience": "AzureADMyOrg",
        "requestedAccessTokenVersion": 2,
        "implicitAccessTokenIssuanceEnabled": False,
        "implicitIdTokenIssuanceEnabled": False,
    }
    assert registration.inputs["displayName"].startswith("Image Pipeline API (imgpipe-dev-")


def test_there_is_no_credential_and_nothing_else(recorder: Recorder) -> None:
    resource_types = {
        resource.type.rpartition(":")[2] for resource in recorder.resources if resource.type.startswith("azuread:")
    }
    assert resource_types == {
        "AppRoleAssignment",
        "ApplicationAppRole",
        "ApplicationIdentifierUri",
        "ApplicationPermissionScope",
        "ApplicationPreAuthorized",
        "ApplicationRedirectUris",
        "ApplicationRegistration",
        "ServicePrincipal",
    }


def test_the_app_roles_are_for_people_and_for_programs(recorder: Recorder) -> None:
    roles = directory_resources(recorder, "ApplicationAppRole")
    assert {role.inputs["value"]: role.inputs["roleId"] for role in roles} == ROLE_IDS
    for role in roles:
        assert role.inputs["allowedMemberTypes"] == ["User", "Application"]
        assert role.inputs["applicationId"] == REGISTRATION
        assert role.inputs["displayName"] == role.inputs["value"]


def test_the_identifier_uri_has_the_client_id(recorder: Recorder) -> None:
    assert one(recorder, "ApplicationIdentifierUri").inputs == {
        "applicationId": REGISTRATION,
        "identifierUri": "api://api-client",
    }


def test_azure_cli_gets_tokens_without_consent(recorder: Recorder) -> None:
    scope = one(recorder, "ApplicationPermissionScope")
    assert (scope.inputs["value"], scope.inputs["type"]) == ("user_impersonation", "User")
    assert one(recorder, "ApplicationPreAuthorized").inputs == {
        "applicationId": REGISTRATION,
        "authorizedClientId": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "permissionIds": [scope.inputs["scopeId"]],
    }


def test_browsers_return_to_the_page_and_the_redirect_uris_of_the_settings(recorder: Recorder, dev: Recorder) -> None:
    assert one(recorder, "ApplicationRedirectUris").inputs == {
        "applicationId": REGISTRATION,
        "type": "SPA",
        "redirectUris": ["https://api-app.example/", "https://images.example/", "http://localhost:5173/"],
    }
    assert one(dev, "ApplicationRedirectUris").inputs["redirectUris"] == ["https://api-app.example/"]


def test_whoever_has_no_app_role_gets_no_token(recorder: Recorder) -> None:
    service_principal = one(recorder, "ServicePrincipal")
    assert service_principal.inputs == {
        "clientId": "api-client",
        "appRoleAssignmentRequired": True,
        "owners": ["deployer"],
    }
    assert service_principal.ignore_changes == ("owners",)
    roles = {f"{role.type}::{role.name}" for role in directory_resources(recorder, "ApplicationAppRole")}
    assert roles <= service_principal.dependencies


def test_each_list_gives_its_app_roles_and_no_more(recorder: Recorder) -> None:
    names = {role_id: value for value, role_id in ROLE_IDS.items()}
    assignments = directory_resources(recorder, "AppRoleAssignment")
    assert {(names[a.inputs["appRoleId"]], a.inputs["principalObjectId"]) for a in assignments} == {
        ("Images.Read", ALICE),
        ("Images.Upload", ALICE),
        ("Images.Read", BOB),
        ("Images.Read", CAROL),
        ("Images.Delete", CAROL),
        ("Pipeline.Operate", CAROL),
    }
    assert {assignment.inputs["resourceObjectId"] for assignment in assignments} == {"api-service-principal"}
    assert len(assignments) == 6


def test_whoever_is_in_several_lists_gets_each_role_once() -> None:
    assignees = derive_app_role_assignees(
        readers=[principal(BOB), principal(ALICE)],
        uploaders=[principal(ALICE.upper())],
        operators=[principal(ALICE)],
    )
    assert assignees == [
        AppRoleAssignee(
            principal=principal(ALICE),
            app_roles=(AppRole.IMAGES_READ, AppRole.IMAGES_UPLOAD, AppRole.IMAGES_DELETE, AppRole.PIPELINE_OPERATE),
        ),
        AppRoleAssignee(principal=principal(BOB), app_roles=(AppRole.IMAGES_READ,)),
    ]


def test_nobody_listed_gets_nothing(dev: Recorder) -> None:
    assert derive_app_role_assignees(readers=[], uploaders=[], operators=[]) == []
    assert directory_resources(dev, "AppRoleAssignment") == []


def test_an_existing_registration_is_not_touched(prod: Recorder) -> None:
    assert [resource.type for resource in prod.resources if resource.type.startswith("azuread:")] == []
    assert prod.outputs["apiClientId"] == "00000000-0000-0000-0000-000000000000"
    assert prod.outputs["tenantId"] == "tenant"
