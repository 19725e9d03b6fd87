"""Tokens of callers: ours are let in, and every way in which one can be wrong is refused."""

import asyncio
import time
from typing import Any

import jwt
import pytest
from common.adapters.entra import Operators
from common.domain.errors import AuthorizationError
from common.settings import OperatorPrincipal
from cryptography.hazmat.primitives.asymmetric import rsa

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
TENANT, AUDIENCE, OPERATOR = "tenant-1", "api://pipeline", "AAAA-1"


def token(key: Any = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    claims = {
        "iss": f"https://sts.windows.net/{TENANT}/",
        "aud": AUDIENCE,
        "oid": OPERATOR,
        "exp": time.time() + 3600,
        "nbf": time.time() - 60,
    } | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "1"})


def principal(object_id: str, principal_type: Any = "User") -> OperatorPrincipal:
    return OperatorPrincipal(object_id=object_id, principal_type=principal_type)


def operators(
    *principals: OperatorPrincipal, tenant: str | None = TENANT, audience: str | None = AUDIENCE
) -> Operators:
    operators = Operators(principals or (principal(OPERATOR.lower()),), tenant=tenant, audience=audience)
    keys: Any = type("Keys", (), {"get_signing_key_from_jwt": lambda *_: type("K", (), {"key": KEY.public_key()})})()
    operators._keys = keys
    return operators


@pytest.mark.parametrize("issuer", [None, f"https://login.microsoftonline.com/{TENANT}/v2.0"])
def test_an_operators_token_is_good(issuer: str | None) -> None:
    changes = {"iss": issuer} if issuer else {}
    assert asyncio.run(operators().check(f"Bearer {token(**changes)}")) == OPERATOR.lower()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("", 401),
        (f"Basic {token()}", 401),
        ("Bearer abc", 401),
        (f"Bearer {token(OTHER)}", 401),
        (f"Bearer {token('x' * 64, 'HS256')}", 401),
        (f"Bearer {token(aud='https://management.azure.com')}", 401),
        (f"Bearer {token(iss='https://sts.windows.net/other/')}", 401),
        (f"Bearer {token(exp=time.time() - 60)}", 401),
        (f"Bearer {token(oid=None)}", 401),
        (f"Bearer {token(oid='bbbb-2')}", 403),
    ],
)
def test_any_other_token_is_not(authorization: str | None, status: int) -> None:
    with pytest.raises(AuthorizationError) as refusal:
        asyncio.run(operators().check(authorization))
    assert refusal.value.status == status


def test_without_operators_or_an_audience_every_caller_is_rejected() -> None:
    for unconfigured_operators in (
        operators(audience=None),
        operators(tenant=None),
        Operators((), tenant=TENANT, audience=AUDIENCE),
    ):
        with pytest.raises(AuthorizationError) as refusal:
            asyncio.run(unconfigured_operators.check(f"Bearer {token()}"))
        assert refusal.value.status == 403
        assert str(refusal.value) == ("nobody may call this app: the stack's operators and apiAudience are not set")


GROUP = "BBBB-2"


def test_a_service_principal_is_recognized_by_its_object_id() -> None:
    assert asyncio.run(operators(principal(OPERATOR, "ServicePrincipal")).check(f"Bearer {token()}")) == "aaaa-1"


def test_a_member_of_an_operators_group_is_let_in() -> None:
    groups = operators(principal(GROUP, "Group"))
    assert asyncio.run(groups.check(f"Bearer {token(groups=['cccc-3', GROUP.lower()])}")) == OPERATOR.lower()


def test_a_listed_caller_is_let_in_with_more_groups_than_a_token_holds() -> None:
    both = operators(principal(GROUP, "Group"), principal(OPERATOR))
    claims: dict[str, Any] = {"_claim_names": {"groups": "src1"}}
    assert asyncio.run(both.check(f"Bearer {token(**claims)}")) == OPERATOR.lower()


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"groups": ["cccc-3"]}, "nor is any group that the token names"),
        ({"groups": "bbbb-2"}, "nor is any group that the token names"),
        ({"oid": GROUP}, "set groupMembershipClaims of the app registration to SecurityGroup"),
        ({"_claim_names": {"groups": "src1"}}, "in more groups than a token can hold"),
        ({"hasgroups": True}, "in more groups than a token can hold"),
        ({"_claim_names": {"other": "src1"}}, "the token names no groups"),
    ],
)
def test_a_caller_in_no_operators_group_is_refused_with_what_to_change(claims: dict[str, Any], sentence: str) -> None:
    """A group's object id as the caller's own gives nothing either."""
    with pytest.raises(AuthorizationError, match=sentence) as refusal:
        asyncio.run(operators(principal(GROUP, "Group")).check(f"Bearer {token(**claims)}"))
    assert refusal.value.status == 403


def test_the_object_id_of_a_user_is_no_group() -> None:
    with pytest.raises(AuthorizationError):
        asyncio.run(operators(principal(GROUP)).check(f"Bearer {token(groups=[GROUP])}"))


def refusal(authorization: str | None, *principals: OperatorPrincipal) -> tuple[int, str]:
    with pytest.raises(AuthorizationError) as raised:
        asyncio.run(operators(*principals).check(authorization))
    return raised.value.status, str(raised.value)


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "Bearer2", "", "DPoP"])
def test_a_good_token_under_another_scheme_is_no_bearer_token(scheme: str) -> None:
    assert refusal(f"{scheme} {token()}") == (401, "the request has no bearer token")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", token()])
def test_without_a_scheme_or_a_token_there_is_no_bearer_token(authorization: str | None) -> None:
    assert refusal(authorization) == (401, "the request has no bearer token")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(scheme: str) -> None:
    """https://www.rfc-editor.org/rfc/rfc9110#section-11.1."""
    assert asyncio.run(operators().check(f"{scheme} {token()}")) == "aaaa-1"


@pytest.mark.parametrize(
    ("configured_id", "claimed"), [("AAAA-1", "aaaa-1"), ("aaaa-1", "AAAA-1"), ("AaAa-1", "aAaA-1")]
)
def test_object_ids_have_no_case(configured_id: str, claimed: str) -> None:
    assert asyncio.run(operators(principal(configured_id)).check(f"Bearer {token(oid=claimed)}")) == "aaaa-1"
    group = operators(principal(configured_id, "Group"))
    assert asyncio.run(group.check(f"Bearer {token(oid='cccc-3', groups=[claimed])}")) == "cccc-3"


@pytest.mark.parametrize("claim", ["exp", "iss", "aud", "oid"])
def test_a_token_without_one_of_the_claims_is_refused(claim: str) -> None:
    without: dict[str, Any] = {claim: None}
    status, sentence = refusal(f"Bearer {token(**without)}")
    assert status == 401
    assert sentence.startswith("the token was refused: ")
    assert claim in sentence


@pytest.mark.parametrize(
    "issuer",
    [
        "https://sts.windows.net/tenant-2/",
        "https://sts.windows.net/tenant-1",
        "https://login.microsoftonline.com/tenant-2/v2.0",
        "https://login.microsoftonline.com/tenant-1/v1.0",
        "https://login.example/tenant-1/v2.0",
    ],
)
def test_a_token_of_another_issuer_is_refused(issuer: str) -> None:
    assert refusal(f"Bearer {token(iss=issuer)}")[0] == 401


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_a_token_that_is_signed_by_another_algorithm_is_refused(algorithm: str) -> None:
    assert refusal(f"Bearer {token(KEY, algorithm)}")[0] == 401


def test_a_caller_who_is_not_listed_is_named() -> None:
    assert refusal(f"Bearer {token(oid='BBBB-2')}") == (
        403,
        "bbbb-2 is not among the stack's operators, nor is any group that the token names",
    )
    assert (TENANT, AUDIENCE, OPERATOR) == ("tenant-1", "api://pipeline", "AAAA-1")
