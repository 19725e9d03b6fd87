"""Tokens: for whom they are, for what, and who may have them."""

import asyncio
import json

import jwt
import pytest
from aiohttp.test_utils import make_mocked_request
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.core.identity import USER_CLIENT_ID, USER_OBJECT_ID, Identities, TokenError
from tests.emulator.conftest import Deployment

STORAGE = "https://storage.azure.com"


def request_token(identities: Identities, query: str, secret: str) -> tuple[int, dict[str, str]]:
    request = make_mocked_request("GET", f"/msi/token?{query}", headers={"X-IDENTITY-HEADER": secret})
    response = asyncio.run(identities.token_endpoint(request))
    assert isinstance(response.body, bytes)
    return response.status, json.loads(response.body)


def test_the_user_gets_a_token_for_the_audience_asked_for(identities: Identities) -> None:
    status, answer = request_token(identities, f"resource={STORAGE}/", identities.user_secret)
    assert (status, answer["client_id"]) == (200, USER_CLIENT_ID)
    assert identities.verify(answer["access_token"], {STORAGE}).object_id == USER_OBJECT_ID


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
    assert request_token(identities, f"resource={STORAGE}&client_id={USER_CLIENT_ID}", secret)[0] == 400


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
