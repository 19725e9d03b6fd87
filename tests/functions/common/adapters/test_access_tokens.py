"""Access tokens of callers: a valid one is accepted, and each way in which one can be wrong is refused by its name."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from common.adapters.access_tokens import TokenValidator
from common.adapters.signing_keys import SigningKeys
from common.domain.errors import AuthorizationError
from common.domain.principal import AppRole, Principal
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_KEY_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
CALLER = "99999999-8888-4777-8666-5555aaaabbbb"


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a version 2 access token; a change to None leaves the claim out."""
    now = int(time.time())
    values = {
        "aud": "client-1",
        "iss": "https://login.microsoftonline.com/tenant-1/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + 24 * 60 * 60,
        "azp": "client-1",
        "oid": CALLER,
        "tid": "tenant-1",
        "ver": "2.0",
        "roles": ["Images.Read"],
    } | changes
    return {name: value for name, value in values.items() if value is not None}


def bearer(key: Any = KEY, *, algorithm: str = "RS256", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """The value of Authorization with a token."""
    return "Bearer " + jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers or {"kid": "1"})


class OneKey(SigningKeys):
    """The signing keys of a tenant that has a single one."""

    def __init__(self) -> None:
        super().__init__("https://keys.invalid")

    def get_jwk_set(self, refresh: bool = False) -> jwt.PyJWKSet:
        key = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        return jwt.PyJWKSet.from_dict({"keys": [{**key, "kid": "1", "use": "sig"}]})


def validator() -> TokenValidator:
    token_validator = TokenValidator(tenant_id="tenant-1", client_id="client-1")
    token_validator._keys = OneKey()
    return token_validator


def refusal(authorization: str | None) -> tuple[int, str]:
    with pytest.raises(AuthorizationError) as raised:
        asyncio.run(validator().authenticate(authorization))
    return raised.value.status, str(raised.value)


def test_a_valid_token_names_the_caller_and_the_app_roles() -> None:
    principal = asyncio.run(validator().authenticate(bearer(oid=CALLER.upper(), roles=["Images.Read", "Other"])))
    assert principal == Principal(object_id=CALLER, app_roles=frozenset({"Images.Read", "Other"}))


@pytest.mark.parametrize("roles", [None, [], "Images.Read", {"Images.Read": 1}])
def test_without_a_list_of_roles_the_caller_has_none(roles: object) -> None:
    assert asyncio.run(validator().authenticate(bearer(roles=roles))).app_roles == frozenset()


@pytest.mark.parametrize(
    ("role", "value"),
    [
        (AppRole.IMAGES_READ, "Images.Read"),
        (AppRole.IMAGES_UPLOAD, "Images.Upload"),
        (AppRole.IMAGES_DELETE, "Images.Delete"),
        (AppRole.PIPELINE_OPERATE, "Pipeline.Operate"),
    ],
)
def test_the_role_that_is_required_and_no_other_is_enough(role: AppRole, value: str) -> None:
    others = sorted({"Images.Read", "Images.Upload", "Images.Delete", "Pipeline.Operate"} - {value})
    assert asyncio.run(validator().authorize(bearer(roles=[value]), role)).object_id == CALLER
    with pytest.raises(AuthorizationError) as raised:
        asyncio.run(validator().authorize(bearer(roles=[*others, value.lower()]), role))
    assert (raised.value.status, str(raised.value)) == (403, f"the caller does not have the app role {value}")


@pytest.mark.parametrize("missing", ["tenant_id", "client_id"])
def test_without_sign_in_every_caller_is_rejected(missing: str) -> None:
    arguments: dict[str, Any] = {"tenant_id": "tenant-1", "client_id": "client-1", missing: None}
    with pytest.raises(AuthorizationError) as raised:
        asyncio.run(TokenValidator(**arguments).authenticate(bearer()))
    assert (raised.value.status, str(raised.value)) == (
        403,
        "nobody may call this app: it was deployed without sign-in (setting signIn)",
    )


NO_TOKEN = "the request has no bearer token"


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", bearer().removeprefix("Bearer ")]
    + [bearer().replace("Bearer", scheme) for scheme in ("Basic", "Digest", "Bearer2", "DPoP", "")],
)
def test_a_request_without_a_bearer_token_is_refused(authorization: str | None) -> None:
    assert refusal(authorization) == (401, NO_TOKEN)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(scheme: str) -> None:
    """https://www.rfc-editor.org/rfc/rfc9110#section-11.1."""
    assert asyncio.run(validator().authenticate(bearer().replace("Bearer", scheme))).object_id == CALLER


def encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(algorithm: str) -> str:
    return f"Bearer {encode({'alg': algorithm, 'kid': '1', 'typ': 'JWT'})}.{encode(claims())}."


def hmac_with_public_key() -> str:
    """A token that is signed with HS256, and with the tenant's public key as the secret.

    PyJWT refuses to make one, so that its key is a text that only looks like the PEM file's.
    """
    signed = f"{encode({'alg': 'HS256', 'kid': '1', 'typ': 'JWT'})}.{encode(claims())}"
    signature = hmac.new(PUBLIC_KEY_PEM, signed.encode(), hashlib.sha256).digest()
    return f"Bearer {signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


NO_JWT = "the token is not a valid JSON web token"
NOT_RS256 = "the token is not signed with RS256"
MISSING = "the token is no access token: a claim is missing"
VERSION_1 = "the token is not of version 2: set requestedAccessTokenVersion of the app registration to 2"
ANOTHER_TENANT = "the token is of another tenant"
ANOTHER_APPLICATION = "the token is for another application"
UNKNOWN_KEY = "the token is signed with a key that the tenant does not have"
# When this module was imported, which may be an hour before its tests run.
NOW = time.time()
A_DAY = 24 * 60 * 60


@pytest.mark.parametrize(
    ("authorization", "sentence"),
    [
        ("Bearer abc", NO_JWT),
        ("Bearer a.b.c", NO_JWT),
        (bearer() + "AAAA", "the token's signature is wrong"),
        (bearer(OTHER_KEY), "the token's signature is wrong"),
        (unsigned("none"), NOT_RS256),
        (unsigned("None"), NOT_RS256),
        (hmac_with_public_key(), NOT_RS256),
        (bearer("x" * 64, algorithm="HS256"), NOT_RS256),
        (bearer(algorithm="RS512"), NOT_RS256),
        (bearer(algorithm="PS256"), NOT_RS256),
        (bearer(headers={"kid": "2"}), UNKNOWN_KEY),
        (bearer(headers={"typ": "JWT"}), UNKNOWN_KEY),
        (bearer(headers={"kid": "../1"}), UNKNOWN_KEY),
        (bearer(exp=NOW - 61), "the token has expired"),
        (bearer(nbf=NOW + A_DAY), "the token is not valid yet"),
        (bearer(iat=NOW + A_DAY), "the token is not valid yet"),
        (bearer(ver="1.0", iss="https://sts.windows.net/tenant-1/", aud="api://client-1"), VERSION_1),
        (bearer(ver="1.0", azp=None, appid="client-1"), VERSION_1),
        (bearer(ver=2.0), VERSION_1),
        (bearer(iss="https://login.microsoftonline.com/tenant-2/v2.0", tid="tenant-2"), ANOTHER_TENANT),
        (bearer(iss="https://login.microsoftonline.com/tenant-2/v2.0"), ANOTHER_TENANT),
        (bearer(tid="tenant-2"), ANOTHER_TENANT),
        (bearer(iss="https://login.microsoftonline.com/tenant-1/v2.0/"), ANOTHER_TENANT),
        (bearer(iss="https://login.example/tenant-1/v2.0"), ANOTHER_TENANT),
        (bearer(iss="https://sts.windows.net/tenant-1/"), ANOTHER_TENANT),
        (bearer(aud="client-2"), ANOTHER_APPLICATION),
        (bearer(aud="api://client-1"), ANOTHER_APPLICATION),
        (bearer(aud=["client-1", "client-2"]), ANOTHER_APPLICATION),
        (bearer(aud="https://management.azure.com"), ANOTHER_APPLICATION),
    ],
)
def test_a_token_that_is_wrong_is_refused_with_the_reason(authorization: str, sentence: str) -> None:
    assert refusal(authorization) == (401, sentence)


@pytest.mark.parametrize("claim", ["aud", "azp", "exp", "iat", "iss", "nbf", "oid", "tid", "ver"])
def test_a_token_without_one_of_the_claims_is_refused(claim: str) -> None:
    changes: dict[str, Any] = {claim: None}
    assert refusal(bearer(**changes)) == (401, MISSING)


def test_an_id_token_is_no_access_token() -> None:
    """It has the audience, issuer and roles of an access token, but no azp."""
    assert refusal(bearer(azp=None, nonce="n", preferred_username="a@example.com", sub="s")) == (401, MISSING)


@pytest.mark.parametrize("changes", [{"exp": NOW - 30}, {"nbf": NOW + 30}, {"iat": NOW + 30}])
def test_clocks_may_differ_by_a_minute(changes: dict[str, float]) -> None:
    times: dict[str, Any] = {name: value + (time.time() - NOW) for name, value in changes.items()}
    assert asyncio.run(validator().authenticate(bearer(**times))).object_id == CALLER


def test_a_refusal_says_nothing_of_what_is_in_the_token() -> None:
    for authorization in (
        bearer(headers={"kid": "secret"}),
        bearer(aud="secret"),
        bearer(tid="secret"),
        bearer(ver="secret"),
        bearer(exp="secret"),
    ):
        assert "secret" not in refusal(authorization)[1]


def test_the_keys_are_those_of_the_tenant() -> None:
    keys = TokenValidator(tenant_id="tenant-1", client_id="client-1")._keys
    assert isinstance(keys, SigningKeys)
    assert keys.uri == "https://login.microsoftonline.com/tenant-1/discovery/v2.0/keys"
