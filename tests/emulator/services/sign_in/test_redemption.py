"""The token endpoint: which tokens a browser gets for a code, and what is refused with which error of Entra ID."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.core.identity import Identities
from tests.emulator.services.sign_in.browser import Browser, error_code
from tests.emulator.tenant import OPERATOR, READER, TENANT, Tenant, deploy_application


def claims_of(token: str, signing_key: rsa.RSAPrivateKey, audience: str) -> dict[str, Any]:
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    return jwt.decode(token, signing_key.public_key(), algorithms=["RS256"], audience=audience, options=options)


def test_a_code_gives_an_access_token_with_the_app_roles(browser: Browser, signing_key: rsa.RSAPrivateKey) -> None:
    response = browser.redeem(browser.sign_in("operator"))
    assert (response.status, response.json["token_type"], response.json["expires_in"]) == (200, "Bearer", 3599)
    assert response.headers["Cache-Control"] == "no-store"
    assert f"api://{browser.client_id}/user_impersonation" in response.json["scope"].split()
    claims = claims_of(response.json["access_token"], signing_key, browser.client_id)
    assert {
        name: claims[name] for name in ("oid", "tid", "iss", "ver", "azp", "scp", "roles", "iat", "nbf", "exp")
    } == {
        "oid": OPERATOR,
        "tid": TENANT,
        "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        "ver": "2.0",
        "azp": browser.client_id,
        "scp": "user_impersonation",
        "roles": ["Images.Read", "Pipeline.Operate"],
        "iat": 1_800_000_000,
        "nbf": 1_800_000_000,
        "exp": 1_800_003_600,
    }


def test_a_code_gives_an_id_token_with_the_nonce(browser: Browser, signing_key: rsa.RSAPrivateKey) -> None:
    response = browser.redeem(browser.sign_in("reader"))
    claims = claims_of(response.json["id_token"], signing_key, browser.client_id)
    assert (claims["nonce"], claims["name"], claims["oid"]) == ("nonce-1", "Rita Reader", READER)
    assert {"azp", "scp"} & claims.keys() == set()
    access_claims = claims_of(response.json["access_token"], signing_key, browser.client_id)
    assert claims["sub"] == access_claims["sub"] != READER


def test_tokens_are_those_that_were_requested(browser: Browser) -> None:
    code = browser.sign_in("reader", scope=f"{browser.client_id}/.default")
    assert browser.redeem(code).json.keys() & {"access_token", "id_token", "refresh_token", "client_info"} == {
        "access_token"
    }
    code = browser.sign_in("reader", scope=f"openid {browser.client_id}/.default", prompt="login")
    response = browser.redeem(code, client_info="1").json
    assert response.keys() & {"access_token", "id_token", "refresh_token"} == {"access_token", "id_token"}
    text = response["client_info"]
    assert json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) == {"uid": READER, "utid": TENANT}


def test_a_code_is_redeemed_once_and_within_ten_minutes(browser: Browser) -> None:
    code = browser.sign_in("reader")
    assert browser.redeem(code).status == 200
    assert error_code(browser.redeem(code)) == (400, "invalid_grant", 54005)
    code = browser.sign_in("reader", prompt="login")
    browser.clock.now += 600
    assert error_code(browser.redeem(code)) == (400, "invalid_grant", 70008)


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant", 501481),
        ({"code_verifier": None}, "invalid_request", 900144),
        ({"code": "unknown"}, "invalid_grant", 70008),
        ({"code": None}, "invalid_request", 900144),
        ({"redirect_uri": "https://images.example/other"}, "invalid_client", 500112),
        ({"redirect_uri": None}, "invalid_request", 900144),
        ({"client_id": None}, "invalid_request", 900144),
        ({"client_id": "11111111-1111-4111-8111-111111111111"}, "unauthorized_client", 700016),
        ({"client_secret": "secret"}, "invalid_client", 700025),
        ({"grant_type": None}, "invalid_request", 900144),
        ({"grant_type": "password"}, "unsupported_grant_type", 70003),
        ({"grant_type": "client_credentials"}, "invalid_client", 7000218),
        ({"grant_type": "client_credentials", "client_secret": "secret"}, "invalid_client", 7000215),
    ],
)
def test_a_wrong_redemption_is_refused_and_the_code_stays_good(
    browser: Browser, changes: dict[str, str | None], error: str, code: int
) -> None:
    authorization_code = browser.sign_in("reader")
    assert error_code(browser.redeem(authorization_code, **changes)) == (400, error, code)
    assert browser.redeem(authorization_code).status == 200


def test_a_code_of_another_application_is_refused(tenant: Tenant, identities: Identities) -> None:
    other_client_id = deploy_application(tenant)
    browser = Browser(tenant, identities, deploy_application(tenant))
    code = browser.sign_in("reader")
    assert error_code(browser.redeem(code, client_id=other_client_id)) == (400, "invalid_grant", 70008)


def test_a_code_without_a_challenge_cannot_be_redeemed(browser: Browser) -> None:
    code = browser.sign_in("reader", code_challenge=None, code_challenge_method=None)
    assert error_code(browser.redeem(code)) == (400, "invalid_request", 9002325)


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        (None, 9002327),
        ("https://attacker.example", 9002326),
        ("http://images.example", 9002326),
        ("https://images.example:8443", 9002326),
        ("null", 9002326),
    ],
)
def test_tokens_go_to_the_origin_of_the_redirect_uri_alone(browser: Browser, origin: str | None, code: int) -> None:
    authorization_code = browser.sign_in("reader")
    browser.origin = origin
    response = browser.redeem(authorization_code)
    assert error_code(response) == (400, "invalid_request", code)
    assert "Access-Control-Allow-Origin" not in response.headers


def test_a_page_at_the_redirect_uri_may_read_the_response(browser: Browser) -> None:
    response = browser.redeem(browser.sign_in("reader"))
    assert (response.headers["Access-Control-Allow-Origin"], response.headers["Vary"]) == (
        "https://images.example",
        "Origin",
    )
    refusal = browser.redeem("unknown")
    assert refusal.headers["Access-Control-Allow-Origin"] == "https://images.example"


@pytest.mark.parametrize(("origin", "allowed"), [("https://images.example", True), ("https://attacker.example", False)])
def test_a_preflight_is_answered_for_redirect_uris(browser: Browser, origin: str, *, allowed: bool) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-client"}
    response = browser.send("OPTIONS", f"/{TENANT}/oauth2/v2.0/token", headers=headers)
    assert response.status == 204
    assert (response.headers.get("Access-Control-Allow-Origin") == origin) == allowed
    assert ("Access-Control-Allow-Methods" in response.headers) == allowed


def test_a_refresh_token_gives_new_tokens_and_a_new_one(browser: Browser, signing_key: rsa.RSAPrivateKey) -> None:
    first = browser.redeem(browser.sign_in("reader")).json["refresh_token"]
    browser.clock.now += 3600
    response = browser.refresh(first)
    assert response.status == 200
    assert response.json["refresh_token"] != first
    claims = claims_of(response.json["access_token"], signing_key, browser.client_id)
    assert (claims["iat"], claims["roles"]) == (1_800_003_600, ["Images.Read"])
    assert "nonce" not in claims_of(response.json["id_token"], signing_key, browser.client_id)


def test_refresh_tokens_of_a_browser_end_a_day_after_the_sign_in(browser: Browser) -> None:
    """https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-lifetime."""
    token = browser.redeem(browser.sign_in("reader")).json["refresh_token"]
    browser.clock.now += 24 * 3600 - 1
    token = browser.refresh(token).json["refresh_token"]
    browser.clock.now += 1
    assert error_code(browser.refresh(token)) == (400, "invalid_grant", 700084)


def test_a_refresh_token_is_for_its_client_and_origin(browser: Browser) -> None:
    token = browser.redeem(browser.sign_in("reader")).json["refresh_token"]
    assert error_code(browser.refresh("unknown")) == (400, "invalid_grant", 70000)
    assert error_code(browser.refresh(token, scope="api://other/.default")) == (400, "invalid_resource", 500011)
    browser.origin = "https://attacker.example"
    assert error_code(browser.refresh(token)) == (400, "invalid_request", 9002326)


def test_who_loses_the_app_role_gets_no_more_tokens(browser: Browser, tenant: Tenant) -> None:
    code = browser.sign_in("reader")
    token = browser.redeem(browser.sign_in("reader", prompt="login")).json["refresh_token"]
    for item in tenant.directory.objects:
        if item.inputs.get("principalObjectId") == READER:
            tenant.delete("AppRoleAssignment", item.id)
    assert error_code(browser.refresh(token)) == (400, "invalid_grant", 50105)
    assert error_code(browser.redeem(code)) == (400, "invalid_grant", 50105)


def test_an_application_that_is_gone_gives_no_tokens(browser: Browser, tenant: Tenant) -> None:
    token = browser.redeem(browser.sign_in("reader")).json["refresh_token"]
    (application,) = tenant.directory.applications()
    tenant.delete("ApplicationRegistration", application.id)
    assert error_code(browser.refresh(token)) == (400, "unauthorized_client", 700016)
