"""Tokens: for whom they are, for what, and who may have them."""

import asyncio
import json

import jwt
import pytest
from aiohttp.test_utils import make_mocked_request
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.core.identity import USER_OBJECT_ID, Identities, TokenError
from tests.emulator.conftest import Deployment
from tests.emulator.tenant import AZURE_CLI, OPERATOR, ROLES, Tenant, deploy_application

STORAGE = "https://storage.azure.com"


def request_token(identities: Identities, query: str, secret: str) -> tuple[int, dict[str, str]]:
    request = make_mocked_request("GET", f"/msi/token?{query}", headers={"X-IDENTITY-HEADER": secret})
    response = asyncio.run(identities.token_endpoint(request))
    assert isinstance(response.body, bytes)
    return response.status, json.loads(response.body)


def test_the_user_gets_a_token_for_the_audience_asked_for(identities: Identities) -> None:
    status, answer = request_token(identities, f"resource={STORAGE}/", identities.user_secrets["deployer"])
    assert (status, answer["client_id"]) == (200, "04b07795-8ddb-461a-bbee-02f9e1bf7b46")
    assert identities.verify(answer["access_token"], {STORAGE}).object_id == USER_OBJECT_ID


def test_only_the_deployer_may_be_the_application_of_the_pipelines(identities: Identities) -> None:
    query = f"resource={STORAGE}&client_id=00000000-0000-4000-8000-0000000c11e4"
    status, answer = request_token(identities, query, identities.user_secrets["deployer"])
    assert (status, answer["client_id"]) == (200, "00000000-0000-4000-8000-0000000c11e4")
    assert identities.verify(answer["access_token"], {STORAGE}).object_id == USER_OBJECT_ID
    assert request_token(identities, query, identities.user_secrets["operator"])[0] == 400


def test_a_site_gets_its_own_identity_and_no_other(identities: Identities, deployment: Deployment) -> None:
    identity = deployment.add(
        "managedidentity:UserAssignedIdentity", resourceGroupName="rg", resourceName="id", location="x"
    )
    site = deployment.add(
        "web:WebApp", resourceGroupName="rg", name="site", identity={"userAssignedIdentities": [identity.id]}
    )
    secret = identities.app_secret(site.id)
    status, answer = request_token(identities, f"resource={STORAGE}&client_id={identity.outputs['clientId']}", secret)
    assert status == 200
    assert identities.verify(answer["access_token"], {STORAGE}).object_id == identity.outputs["principalId"]
    assert request_token(identities, f"resource={STORAGE}&client_id={AZURE_CLI}", secret)[0] == 400


@pytest.mark.parametrize(("query", "secret", "status"), [(f"resource={STORAGE}", "wrong", 401), ("", "wrong", 400)])
def test_strangers_get_nothing(identities: Identities, query: str, secret: str, status: int) -> None:
    assert request_token(identities, query, secret)[0] == status


def test_a_token_for_something_else_is_refused(identities: Identities) -> None:
    token, _ = identities.issue_token(USER_OBJECT_ID, "https://vault.azure.net")
    with pytest.raises(TokenError, match=r"is for https://vault\.azure\.net"):
        identities.verify(token, {STORAGE})


def test_a_forged_or_expired_token_is_refused(identities: Identities, signing_key: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = {"aud": STORAGE, "oid": USER_OBJECT_ID, "exp": 4_000_000_000}
    for forged in (
        jwt.encode(claims, other, algorithm="RS256"),
        jwt.encode(claims | {"exp": 1}, signing_key, algorithm="RS256"),
        jwt.encode(claims, "a shared secret of thirty-two bytes", algorithm="HS256"),
        "",
    ):
        with pytest.raises(TokenError):
            identities.verify(forged, {STORAGE})


TENANT_ID = "00000000-0000-4000-8000-000000007e4a"


def claims_for(identities: Identities, signing_key: rsa.RSAPrivateKey, client_id: str, user: str) -> dict[str, object]:
    status, answer = request_token(identities, f"resource={client_id}", identities.user_secrets[user])
    assert status == 200, answer
    return jwt.decode(answer["access_token"], signing_key.public_key(), algorithms=["RS256"], audience=client_id)


def test_a_token_for_a_deployed_application_has_the_assigned_app_roles(
    identities: Identities, signing_key: rsa.RSAPrivateKey, tenant: Tenant
) -> None:
    client_id = deploy_application(tenant)
    claims = claims_for(identities, signing_key, client_id, "operator")
    assert claims["roles"] == ["Images.Read", "Pipeline.Operate"]
    assert claims["iss"] == f"https://login.microsoftonline.com/{TENANT_ID}/v2.0"
    assert {name: claims[name] for name in ("oid", "tid", "ver", "scp", "azp", "azpacr", "preferred_username")} == {
        "oid": OPERATOR,
        "tid": TENANT_ID,
        "ver": "2.0",
        "scp": "user_impersonation",
        "azp": AZURE_CLI,
        "azpacr": "0",
        "preferred_username": "operator@emulator.onmicrosoft.com",
    }
    assert claims_for(identities, signing_key, client_id, "reader")["roles"] == ["Images.Read"]


def test_the_identifier_uri_names_the_application_too(
    identities: Identities, signing_key: rsa.RSAPrivateKey, tenant: Tenant
) -> None:
    client_id = deploy_application(tenant)
    _, answer = request_token(identities, f"resource=api://{client_id}", identities.user_secrets["reader"])
    key = signing_key.public_key()
    assert jwt.decode(answer["access_token"], key, algorithms=["RS256"], audience=client_id)["roles"] == ["Images.Read"]


@pytest.mark.parametrize("user", ["guest", "deployer", "uploader"])
def test_who_has_no_app_role_gets_no_token(identities: Identities, tenant: Tenant, user: str) -> None:
    client_id = deploy_application(tenant)
    status, answer = request_token(identities, f"resource={client_id}", identities.user_secrets[user])
    assert (status, answer["message"].partition(":")[0]) == (400, "AADSTS50105")


def test_a_managed_identity_has_app_roles_and_no_permission(
    identities: Identities, signing_key: rsa.RSAPrivateKey, tenant: Tenant, deployment: Deployment
) -> None:
    client_id = deploy_application(tenant)
    identity = deployment.add(
        "managedidentity:UserAssignedIdentity", resourceGroupName="rg", resourceName="id", location="x"
    )
    site = deployment.add(
        "web:WebApp", resourceGroupName="rg", name="site", identity={"userAssignedIdentities": [identity.id]}
    )
    query = f"resource={client_id}&client_id={identity.outputs['clientId']}"
    status, answer = request_token(identities, query, identities.app_secret(site.id))
    assert (status, answer["message"].partition(":")[0]) == (400, "AADSTS501051")
    (application,) = tenant.directory.applications()
    tenant.create(
        "AppRoleAssignment",
        appRoleId=ROLES["Images.Read"],
        principalObjectId=identity.outputs["principalId"],
        resourceObjectId=application.service_principal_id,
    )
    _, answer = request_token(identities, query, identities.app_secret(site.id))
    claims = jwt.decode(answer["access_token"], signing_key.public_key(), algorithms=["RS256"], audience=client_id)
    assert (claims["roles"], claims["azp"], claims["azpacr"]) == (["Images.Read"], identity.outputs["clientId"], "2")
    assert {"scp", "name", "preferred_username"} & claims.keys() == set()


def test_azure_cli_needs_to_be_pre_authorized(identities: Identities, tenant: Tenant) -> None:
    client_id = deploy_application(tenant)
    (application,) = tenant.directory.applications()
    object_id = application.id.removeprefix("/applications/")
    tenant.delete("ApplicationPreAuthorized", f"{object_id}/preAuthorizedApplication/{AZURE_CLI}")
    status, answer = request_token(identities, f"resource={client_id}", identities.user_secrets["reader"])
    assert (status, answer["message"].partition(":")[0]) == (400, "AADSTS65001")


@pytest.mark.parametrize("resource", ["api://image-pipeline", "11111111-1111-4111-8111-111111111111"])
def test_an_application_that_is_not_registered_gets_no_token(identities: Identities, resource: str) -> None:
    status, answer = request_token(identities, f"resource={resource}", identities.user_secrets["deployer"])
    assert (status, answer["message"]) == (
        400,
        f"AADSTS500011: The resource principal named {resource} was not found in the tenant {TENANT_ID}.",
    )
