"""When signing keys are fetched again, how long that may take, and what is logged when it fails."""

import logging
from typing import Any

import jwt
import pytest
from common.adapters.signing_keys import SigningKeys
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
KEY_SET = {"keys": [RSAAlgorithm.to_jwk(KEY, as_dict=True) | {"kid": "1", "use": "sig"}]}


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that keys were fetched from."""
    addresses: list[str] = []

    def fetch_data(client: jwt.PyJWKClient) -> Any:
        addresses.append(client.uri)
        return KEY_SET

    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", fetch_data)
    return addresses


@pytest.mark.parametrize(("arguments", "requests"), [({}, 1), ({"refresh": False}, 1), ({"refresh": True}, 2)])
def test_keys_are_fetched_again_within_the_hour_only_on_request(
    fetched: list[str], arguments: dict[str, bool], requests: int
) -> None:
    keys = SigningKeys("https://login/keys", now=lambda: 1000)
    keys.get_jwk_set()
    keys.get_jwk_set(**arguments)
    assert fetched == ["https://login/keys"] * requests


def test_the_address_has_ten_seconds_to_answer() -> None:
    assert SigningKeys("https://login/keys").timeout == 10


@pytest.mark.usefixtures("fetched")
def test_a_fetch_that_fails_is_logged_while_the_keys_stay_in_use(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keys = SigningKeys("https://login/keys", now=lambda: 1000)
    known = keys.get_jwk_set()

    def fail(_client: jwt.PyJWKClient) -> Any:
        raise jwt.PyJWKClientConnectionError("no answer")

    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", fail)
    assert keys.get_jwk_set(refresh=True) is known
    assert caplog.record_tuples == [
        ("classifier", logging.WARNING, "the signing keys could not be fetched; the known ones stay in use: no answer")
    ]
