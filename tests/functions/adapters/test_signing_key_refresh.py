"""Signing keys that are asked for anew are fetched, also within the hour for which they are used."""

from typing import Any

import jwt
import pytest
from classifier.adapters.signing_keys import SigningKeys
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
KEY_SET = {"keys": [RSAAlgorithm.to_jwk(KEY, as_dict=True) | {"kid": "1", "use": "sig"}]}


@pytest.mark.parametrize(("refresh", "requests"), [(False, 1), (True, 2)])
def test_keys_are_fetched_again_within_the_hour_only_on_request(
    monkeypatch: pytest.MonkeyPatch, *, refresh: bool, requests: int
) -> None:
    fetched: list[str] = []

    def fetch_data(client: jwt.PyJWKClient) -> Any:
        fetched.append(client.uri)
        return KEY_SET

    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", fetch_data)
    keys = SigningKeys("https://login/keys", now=lambda: 1000)
    keys.get_jwk_set()
    keys.get_jwk_set(refresh=refresh)
    assert fetched == ["https://login/keys"] * requests
