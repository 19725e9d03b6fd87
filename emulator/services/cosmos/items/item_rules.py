"""What Cosmos DB demands of an item, and of a partition key in a header.

Limits: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
"""

import json
import math
from typing import Any

import msgspec

from emulator.services.cosmos.items.container import Container, Item, PartitionKey
from emulator.services.cosmos.items.effective_partition_key import UNDEFINED, PartitionKeyValue
from emulator.services.cosmos.items.errors import CosmosError, backend_error, bad_request

_MAXIMUM_BYTES = 2 * 1024 * 1024
_MAXIMUM_ID_BYTES = 1023
_MAXIMUM_KEY_BYTES = 2048
_MAXIMUM_DEPTH = 128
_MAXIMUM_TTL = 2**31 - 1
# Whole numbers between these are stored exactly, all others as 64-bit floating point.
_MINIMUM_INTEGER = -(2**63)
_MAXIMUM_INTEGER = 2**64 - 1
_INVALID_PAYLOAD = "The request payload is invalid. Ensure to provide a valid request payload."


def read_item(body: bytes) -> Item:
    """The item in the body of a request. Raises CosmosError 400 or 413."""
    if len(body) > _MAXIMUM_BYTES:
        raise CosmosError(413, "RequestEntityTooLarge", "Request size is too large")
    try:
        item = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise backend_error(_INVALID_PAYLOAD) from error
    if not isinstance(item, dict):
        raise backend_error(_INVALID_PAYLOAD)
    item = _stored_value(item, 1)
    check_id(item)
    check_ttl(item)
    return item


def check_id(item: Item) -> None:
    """Raise CosmosError 400 unless the item has a legal id."""
    if "id" not in item:
        # https://github.com/Azure/azure-cosmos-dotnet-v3/issues/1159
        raise backend_error("The input content is invalid because the required properties - 'id; ' - are missing")
    item_id = item["id"]
    if (
        not isinstance(item_id, str)
        or not item_id
        or len(item_id.encode()) > _MAXIMUM_ID_BYTES
        or any(sign in item_id for sign in "/\\?#")
    ):
        raise backend_error(
            f"The input name '{item_id}' is invalid. Ensure to provide a unique non-empty string less than '1024'"
            " characters."
        )


def check_ttl(item: Item) -> None:
    """Raise CosmosError 400 unless the item's time to live is legal, whatever the container's is."""
    if "ttl" not in item:
        return
    ttl = item["ttl"]
    if isinstance(ttl, float) and ttl.is_integer():
        ttl = int(ttl)
    if isinstance(ttl, bool) or not isinstance(ttl, int) or not (ttl == -1 or 0 < ttl <= _MAXIMUM_TTL):
        text = "null" if ttl is None else str(item["ttl"])
        # https://github.com/Azure/Microsoft.Extensions.Caching.Cosmos/issues/83
        raise backend_error(
            f"The input ttl '{text}' is invalid. Ensure to provide a nonzero positive integer less than or equal to"
            f" '{_MAXIMUM_TTL}', or '-1' which means never expire."
        )


def check_partition_key(values: PartitionKey) -> None:
    """Raise CosmosError 400 if a value is longer than a partition key may be."""
    if any(isinstance(value, str) and len(value.encode()) > _MAXIMUM_KEY_BYTES for value in values):
        raise backend_error(f"The partition key value exceeds the maximum length of {_MAXIMUM_KEY_BYTES} bytes.")


def read_partition_key(header: str, container: Container, *, allow_prefix: bool = False) -> PartitionKey:
    """The partition key in the header `x-ms-documentdb-partitionkey`: a JSON array in which `{}` means undefined.

    Args:
        header: The header.
        container: The container.
        allow_prefix: Whether the first levels of a hierarchical key are enough, as they are for queries.

    Raises:
        CosmosError: 400.
    """
    try:
        values = msgspec.json.decode(header)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _invalid_key(header) from error
    if not isinstance(values, list):
        raise _invalid_key(header)
    key: list[PartitionKeyValue] = []
    for value in values:
        if value == {}:
            key.append(UNDEFINED)
        elif isinstance(value, (dict, list)):
            raise _invalid_key(header)
        else:
            key.append(value)
    levels = len(container.partition_paths)
    is_prefix = allow_prefix and container.is_hierarchical and 0 < len(key) < levels
    if len(key) != levels and not is_prefix:
        raise missing_partition_key() if len(key) < levels else _invalid_key(header)
    check_partition_key(tuple(key))
    return tuple(key)


def missing_partition_key() -> CosmosError:
    """400 for a request to an item without the header of its partition key, or with too few levels in it."""
    return bad_request(
        "The partition key supplied in x-ms-partitionkey header has fewer components than defined in the the"
        " collection.",
        sub_status=1001,
    )


def _invalid_key(header: str) -> CosmosError:
    return bad_request(f"Partition key {header} is invalid.")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _stored_value(value: Any, depth: int) -> Any:
    """The value as Cosmos DB stores it."""
    if isinstance(value, dict):
        _check_depth(depth)
        return {_stored_text(name): _stored_value(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        _check_depth(depth)
        return [_stored_value(inner, depth + 1) for inner in value]
    if isinstance(value, str):
        return _stored_text(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _stored_number(value)
    return value


def _stored_text(text: str) -> str:
    """The text, with the replacement character in place of halves of surrogate pairs."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _stored_number(number: float) -> int | float:
    if isinstance(number, int) and _MINIMUM_INTEGER <= number <= _MAXIMUM_INTEGER:
        return number
    try:
        stored = float(number)
    except OverflowError as error:
        raise backend_error(_INVALID_PAYLOAD) from error
    if math.isinf(stored):
        raise backend_error(_INVALID_PAYLOAD)
    if stored.is_integer() and abs(stored) < 2**53:
        return int(stored)
    return stored


def _check_depth(depth: int) -> None:
    if depth > _MAXIMUM_DEPTH:
        raise backend_error(_INVALID_PAYLOAD)
