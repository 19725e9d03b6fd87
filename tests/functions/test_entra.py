"""Tokens of callers: ours are let in, and every way in which one can be wrong is refused."""

import asyncio
import time
from typing import Any

import jwt
import pytest
from classifier.adapters.entra import Operators
from classifier.errors import AuthorizationError
from cryptography.hazmat.primitives.asymmetric import rsa

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
TENANT, AUDIENCE, OPERATOR = "tenant-1", "api://pipeline", "AAAA-1"


def token(key: Any = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    claims = {
        "iss": f"https://sts.windows.net/{TENANT}/", "aud": AUDIENCE, "oid": OPERATOR, "exp": time.time() + 3600,
        "nbf": time.time() - 60,
    } | changes  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "1"})


def operators(*object_ids: str, tenant: str | None = TENANT, audience: str | None = AUDIENCE) -> Operators:
    found = Operators(object_ids or (OPERATOR.lower(),), tenant=tenant, audience=audience)
    found._keys = type("Keys", (), {"get_signing_key_from_jwt": lambda *_: type("K", (), {"key": KEY.public_key()})})()
    return found


@pytest.mark.parametrize("issuer", [None, f"https://login.microsoftonline.com/{TENANT}/v2.0"])
def test_an_operators_token_is_good(issuer: str | None) -> None:
    changes = {"iss": issuer} if issuer else {}
    assert asyncio.run(operators().check(f"Bearer {token(**changes)}")) == OPERATOR.lower()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("", 401),
        ("Basic abc", 401),
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


def test_without_operators_or_an_audience_nobody_is_let_in() -> None:
    for closed in (operators(audience=None), operators(tenant=None), Operators((), tenant=TENANT, audience=AUDIENCE)):
        with pytest.raises(AuthorizationError) as refusal:
            asyncio.run(closed.check(f"Bearer {token()}"))
        assert refusal.value.status == 403
