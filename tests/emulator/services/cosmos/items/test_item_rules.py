"""Bodies, ids, time to live and partition key headers that Cosmos DB accepts and refuses."""

import json
from typing import Any

import pytest

from emulator.services.cosmos.items.effective_partition_key import UNDEFINED
from emulator.services.cosmos.items.errors import CosmosError
from emulator.services.cosmos.items.item_rules import read_item, read_partition_key
from tests.emulator.services.cosmos.items.test_store import container


def refusal(body: bytes) -> tuple[int, str]:
    with pytest.raises(CosmosError) as raised:
        read_item(body)
    return raised.value.status, str(raised.value)


def nested(levels: int) -> bytes:
    return b'{"id":"a","x":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"a"', b'{"id":"a","n":NaN}', b'{"id":"a","n":Infinity}', b'{"id":"a","n":1e400}', nested(129)],
)
def test_bodies_that_are_no_items_are_refused(body: bytes) -> None:
    status, text = refusal(body)
    assert status == 400
    assert "The request payload is invalid. Ensure to provide a valid request payload." in text


def test_nesting_has_a_limit() -> None:
    assert read_item(nested(128))


def test_a_body_over_two_megabytes_is_refused() -> None:
    assert refusal(json.dumps({"id": "a", "x": "x" * 2_097_152}).encode())[0] == 413


def test_an_item_needs_an_id() -> None:
    assert "because the required properties - 'id; ' - are missing" in refusal(b"{}")[1]


@pytest.mark.parametrize("item_id", ["", 1, None, "a/b", "a\\b", "a?", "a#", "a" * 1024, "é" * 512])
def test_ids_that_cosmos_refuses_are_refused(item_id: Any) -> None:
    status, text = refusal(json.dumps({"id": item_id}).encode())
    assert status == 400
    assert "Ensure to provide a unique non-empty string" in text


@pytest.mark.parametrize("item_id", ["a" * 1023, "é" * 511, "a b:c"])
def test_ids_are_measured_in_bytes(item_id: str) -> None:
    assert read_item(json.dumps({"id": item_id}).encode())["id"] == item_id


@pytest.mark.parametrize("ttl", [0, -2, 1.5, "abc", None, True, 2147483648, [], {}])
def test_ttl_values_that_cosmos_refuses_are_refused(ttl: Any) -> None:
    status, text = refusal(json.dumps({"id": "a", "ttl": ttl}).encode())
    assert status == 400
    assert "Ensure to provide a nonzero positive integer less than or equal to '2147483647', or '-1'" in text


def test_the_refused_ttl_is_in_the_text() -> None:
    assert "The input ttl 'null' is invalid." in refusal(b'{"id":"a","ttl":null}')[1]


@pytest.mark.parametrize("ttl", [-1, 1, 2147483647])
def test_ttl_values_that_cosmos_accepts_are_accepted(ttl: int) -> None:
    assert read_item(json.dumps({"id": "a", "ttl": ttl}).encode())["ttl"] == ttl


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("9007199254740993", "9007199254740993"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("1.0", "1"),
        ("-0.0", "0"),
        ("1e-400", "0"),
        ("0.1000000000000000055511151231257827", "0.1"),
    ],
)
def test_numbers_are_stored_as_azure_stores_them(text: str, stored: str) -> None:
    item = read_item(f'{{"id":"a","n":{text}}}'.encode())
    assert json.dumps(item["n"]) == stored


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert read_item(b'{"id":"a","x":"\\ud800y","\\udc00":1}') == {"id": "a", "x": "\ufffdy", "\ufffd": 1}


IMAGES = container("images", "/id")
DAYS = container("days", "/tenant", "/day")


@pytest.mark.parametrize(
    ("header", "key"),
    [('["a"]', ("a",)), ("[1.5]", (1.5,)), ("[null]", (None,)), ("[{}]", (UNDEFINED,)), ("[true]", (True,))],
)
def test_partition_keys_are_read_from_the_header(header: str, key: tuple[Any, ...]) -> None:
    assert read_partition_key(header, IMAGES) == key


@pytest.mark.parametrize("header", ["a", "", "{}", '"a"', '["a","b"]', '[{"a":1}]', "[[]]", '["' + "a" * 2049 + '"]'])
def test_headers_that_are_no_partition_key_are_refused(header: str) -> None:
    with pytest.raises(CosmosError) as raised:
        read_partition_key(header, IMAGES)
    assert raised.value.status == 400


@pytest.mark.parametrize("header", ["[]", '["t"]'])
def test_too_few_levels_are_refused_but_for_a_query(header: str) -> None:
    with pytest.raises(CosmosError, match="has fewer components than defined") as raised:
        read_partition_key(header, DAYS)
    assert raised.value.sub_status == 1001
    assert read_partition_key('["t"]', DAYS, allow_prefix=True) == ("t",)
