"""What the store adds to an item, and what it compares with a request."""

import json

from emulator.services.cosmos.items.container import Container, Item, PartitionKey
from emulator.services.cosmos.items.errors import CosmosError, backend_error, bad_request
from emulator.services.cosmos.items.item_rules import check_partition_key
from emulator.services.cosmos.items.resource_ids import database_rid, item_rid

_MAXIMUM_BYTES = 2 * 1024 * 1024
_SYSTEM_PROPERTIES = ("_rid", "_self", "_etag", "_attachments", "_ts")


def check_item_key(container: Container, partition_key: PartitionKey, item: Item) -> None:
    """Raise CosmosError 400 if the item does not have the partition key of the request."""
    in_item = container.partition_key_of(item)
    check_partition_key(in_item)
    # Effective keys: `true` and 1 are equal in Python, and two keys in Cosmos DB.
    if container.effective_key(partition_key) != container.effective_key(in_item):
        raise bad_request(
            "PartitionKey extracted from document doesn't match the one specified in the header.", sub_status=1001
        )


def stored_body(item: Item, *, database_id: str, container_rid: str, number: int, etag: str, seconds: int) -> str:
    """The item's JSON text with the system properties, in the order of Cosmos DB. Raises CosmosError 413."""
    own = {name: value for name, value in item.items() if name not in _SYSTEM_PROPERTIES}
    rid = item_rid(container_rid, number)
    system = {
        "_rid": rid,
        "_self": f"dbs/{database_rid(database_id)}/colls/{container_rid}/docs/{rid}/",
        "_etag": etag,
        "_attachments": "attachments/",
        "_ts": seconds,
    }
    body = json.dumps({**own, **system}, ensure_ascii=False, separators=(",", ":"))
    if len(body.encode()) > _MAXIMUM_BYTES:
        raise CosmosError(413, "RequestEntityTooLarge", "Request size is too large")
    return body


def expiry(container: Container, item: Item, now: float) -> float | None:
    """An item's own ttl has an effect only if the container has a default.

    https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live
    """
    default_ttl = container.definition.default_ttl
    if default_ttl is None:
        return None
    ttl = item.get("ttl", default_ttl)
    if ttl == -1:
        return None
    return now + ttl


def check_etag(etag: str, if_match: str | None) -> None:
    """Raise CosmosError 412 if the item has another ETag than the request wants."""
    if if_match not in {None, "*", etag}:
        raise backend_error("One of the specified pre-condition is not met", status=412, code="PreconditionFailed")
