"""The tenant's signing keys: fetched every hour from a server, and used for a day when it does not answer."""

import asyncio
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
from common.adapters.access_tokens import TokenValidator
from common.adapters.signing_keys import SigningKeys
from common.domain.errors import AuthorizationError
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

HOUR, DAY = 3600, 24 * 3600
KEYS = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048) for kid in ("1", "2")}


def key_set(*kids: str) -> str:
    return json.dumps(
        {
            "keys": [
                RSAAlgorithm.to_jwk(KEYS[kid].public_key(), as_dict=True) | {"kid": kid, "use": "sig"} for kid in kids
            ]
        }
    )


class KeyServer:
    """An address with keys; `answer` is its status and body."""

    def __init__(self) -> None:
        self.answer: tuple[int, str] = (200, key_set("1"))
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests += 1
                status, body = outer.answer
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 (the base class's name)

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"


@pytest.fixture
def server() -> Iterator[KeyServer]:
    key_server = KeyServer()
    thread = Thread(target=key_server.server.serve_forever, args=(0.01,))
    thread.start()
    yield key_server
    key_server.server.shutdown()
    thread.join()
    key_server.server.server_close()


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_keys_are_fetched_once_an_hour(server: KeyServer) -> None:
    clock = Clock()
    keys = SigningKeys(server.url, now=clock)
    for clock.now, requests in ((0, 1), (1, 1), (HOUR - 1, 1), (HOUR, 2), (HOUR + 1, 2)):
        assert keys.get_signing_key("1").key_id == "1"
        assert server.requests == requests


@pytest.mark.parametrize("answer", [(503, "down"), (200, "<html>proxy</html>"), (200, "[]"), (200, '{"keys": []}')])
def test_keys_that_cannot_be_fetched_again_are_used_for_a_day(server: KeyServer, answer: tuple[int, str]) -> None:
    clock = Clock()
    keys = SigningKeys(server.url, now=clock)
    keys.get_signing_key("1")
    server.answer = answer
    clock.now += DAY
    assert keys.get_signing_key("1").key_id == "1"
    assert server.requests == 2
    clock.now += 299
    with pytest.raises(jwt.PyJWKClientError, match="Unable to find a signing key"):
        keys.get_signing_key("2")
    assert server.requests == 2
    clock.now += 1
    with pytest.raises(jwt.PyJWKClientConnectionError, match="the signing keys could not be fetched"):
        keys.get_signing_key("1")
    server.answer = (200, key_set("1", "2"))
    assert keys.get_signing_key("2").key_id == "2"


def test_a_key_that_was_removed_is_refused_after_the_next_refresh(server: KeyServer) -> None:
    clock = Clock()
    keys = SigningKeys(server.url, now=clock)
    keys.get_signing_key("1")
    server.answer = (200, key_set("2"))
    clock.now += HOUR
    with pytest.raises(jwt.PyJWKClientError, match="Unable to find a signing key"):
        keys.get_signing_key("1")


def validator(server: KeyServer, clock: Clock) -> TokenValidator:
    token_validator = TokenValidator(tenant_id="t", client_id="c")
    token_validator._keys = SigningKeys(server.url, now=clock)
    return token_validator


def authorization() -> str:
    claims = {
        "iss": "https://login.microsoftonline.com/t/v2.0",
        "aud": "c",
        "azp": "c",
        "oid": "caller-1",
        "tid": "t",
        "ver": "2.0",
        "iat": time.time(),
        "nbf": time.time(),
        "exp": time.time() + DAY,
    }
    return "Bearer " + jwt.encode(claims, KEYS["1"], algorithm="RS256", headers={"kid": "1"})


def test_a_token_is_checked_while_the_address_does_not_answer(server: KeyServer) -> None:
    clock = Clock()
    token_validator = validator(server, clock)
    assert asyncio.run(token_validator.authenticate(authorization())).object_id == "caller-1"
    server.answer = (500, "")
    clock.now += 12 * HOUR
    assert asyncio.run(token_validator.authenticate(authorization())).object_id == "caller-1"


def test_a_token_that_cannot_be_checked_is_no_refusal_of_the_caller(server: KeyServer) -> None:
    server.answer = (500, "")
    with pytest.raises(
        AuthorizationError, match="the token cannot be checked: the signing keys could not be fetched"
    ) as error:
        asyncio.run(validator(server, Clock()).authenticate(authorization()))
    assert error.value.status == 503
