"""The azuread provider reports inputs that Entra ID would refuse, and those that the emulator does not support."""

from typing import Any

import grpc.aio
import pytest
from pulumi.runtime.proto import provider_pb2

from emulator.provider.validation import UNKNOWN
from tests.emulator.tenant import APPLICATION, READER, ROLE, ROLE_ID, SCOPE, Tenant, struct, urn


@pytest.mark.parametrize(
    ("kind", "inputs", "property_", "reason"),
    [
        ("ApplicationRegistration", {}, "displayName", "needs displayName"),
        ("ApplicationRegistration", {"displayName": "a", "logoutUrl": "x"}, "logoutUrl", "does not support logoutUrl"),
        (
            "ApplicationRegistration",
            {"displayName": "a", "signInAudience": "Everybody"},
            "signInAudience",
            "'Everybody'",
        ),
        (
            "ApplicationRegistration",
            {"displayName": "a", "requestedAccessTokenVersion": 3},
            "requestedAccessTokenVersion",
            "3 is not allowed; allowed: 1, 2",
        ),
        ("ApplicationAppRole", {**ROLE, "applicationId": APPLICATION, "roleId": "read"}, "roleId", "must match"),
        (
            "ApplicationAppRole",
            {**ROLE, "applicationId": APPLICATION, "value": "Images Read"},
            "value",
            "'Images Read'",
        ),
        ("ApplicationAppRole", {**ROLE, "applicationId": APPLICATION, "value": ".Read"}, "value", "no period first"),
        ("ApplicationAppRole", {**ROLE, "applicationId": APPLICATION, "value": "a" * 250}, "value", "1 to 249"),
        ("ApplicationAppRole", {**ROLE, "applicationId": APPLICATION, "description": ""}, "description", "empty"),
        (
            "ApplicationAppRole",
            {**ROLE, "applicationId": APPLICATION, "allowedMemberTypes": []},
            "allowedMemberTypes",
            "[] is not allowed",
        ),
        (
            "ApplicationAppRole",
            {**ROLE, "applicationId": APPLICATION, "allowedMemberTypes": ["Group"]},
            "allowedMemberTypes",
            "User, Application, or both",
        ),
        ("ApplicationPermissionScope", {**SCOPE, "applicationId": APPLICATION, "type": "All"}, "type", "Admin, User"),
        (
            "ApplicationPreAuthorized",
            {"applicationId": APPLICATION, "authorizedClientId": ROLE_ID, "permissionIds": ["x"]},
            "permissionIds",
            "'x' is not a GUID",
        ),
        ("ServicePrincipal", {"clientId": "api"}, "clientId", "must match"),
        ("ServicePrincipal", {"clientId": ROLE_ID, "useExisting": True}, "useExisting", "does not support useExisting"),
        (
            "AppRoleAssignment",
            {"appRoleId": "x", "principalObjectId": READER, "resourceObjectId": ROLE_ID},
            "appRoleId",
            "'x' is not a GUID",
        ),
    ],
)
def test_inputs_that_entra_id_refuses_are_reported(
    tenant: Tenant, kind: str, inputs: dict[str, Any], property_: str, reason: str
) -> None:
    for preview_only in (False, True):
        assert reason in tenant.failures(kind, inputs, preview_only=preview_only)[property_]


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("https://images.example/", None),
        ("https://images.example", None),
        ("http://localhost:5173/", None),
        ("http://127.0.0.1:5173/", None),
        ("http://images.example/", "the scheme must be https, except for localhost and 127.0.0.1"),
        ("http://[::1]/", "the scheme must be https, except for localhost and 127.0.0.1"),
        ("app://images", "it must be an absolute URI"),
        ("/signed-in", "it must be an absolute URI"),
        ("https://images.example/#a", "it has a fragment"),
        ("https://images.example/(a)", "it has a fragment, a blank, or one of the characters"),
        ("https://images.example/" + "a" * 234, "it is longer than 256 characters"),
    ],
)
def test_redirect_uris_are_https_or_on_this_machine(tenant: Tenant, uri: str, reason: str | None) -> None:
    inputs = {"applicationId": APPLICATION, "type": "SPA", "redirectUris": [uri]}
    problems = tenant.failures("ApplicationRedirectUris", inputs)
    assert (reason or "") in problems.get("redirectUris", "")
    assert (problems == {}) == (reason is None)


def test_there_are_at_most_256_redirect_uris(tenant: Tenant) -> None:
    inputs = {"applicationId": APPLICATION, "type": "SPA", "redirectUris": ["https://a.example/"] * 257}
    assert "at most 256" in tenant.failures("ApplicationRedirectUris", inputs)["redirectUris"]


@pytest.mark.parametrize(
    ("kind", "inputs", "property_"),
    [
        ("ApplicationRegistration", {"displayName": "a", "signInAudience": "AzureADMultipleOrgs"}, "signInAudience"),
        (
            "ApplicationRegistration",
            {"displayName": "a", "requestedAccessTokenVersion": 1},
            "requestedAccessTokenVersion",
        ),
        (
            "ApplicationRegistration",
            {"displayName": "a", "implicitIdTokenIssuanceEnabled": True},
            "implicitIdTokenIssuanceEnabled",
        ),
        (
            "ApplicationRedirectUris",
            {"applicationId": APPLICATION, "type": "Web", "redirectUris": ["https://a.example/"]},
            "type",
        ),
        (
            "ApplicationRedirectUris",
            {"applicationId": APPLICATION, "type": "SPA", "redirectUris": ["https://*.example/"]},
            "redirectUris",
        ),
    ],
)
def test_what_the_emulator_does_not_support_can_only_be_previewed(
    tenant: Tenant, kind: str, inputs: dict[str, Any], property_: str
) -> None:
    assert "support" in tenant.failures(kind, inputs)[property_]
    assert tenant.failures(kind, inputs, preview_only=True) == {}


def test_values_that_are_not_known_yet_are_not_checked(tenant: Tenant) -> None:
    inputs = {"clientId": UNKNOWN, "owners": [UNKNOWN], "appRoleAssignmentRequired": True}
    assert tenant.failures("ServicePrincipal", inputs) == {}
    inputs = {"applicationId": UNKNOWN, "identifierUri": f"api://{UNKNOWN}"}
    assert tenant.failures("ApplicationIdentifierUri", inputs) == {}


def test_other_types_are_refused(tenant: Tenant) -> None:
    request = provider_pb2.CheckRequest(urn=urn("ApplicationPassword"), news=struct({}))
    with pytest.raises(grpc.aio.AioRpcError, match="does not support azuread:index/applicationPassword"):
        tenant.call("Check", request)
