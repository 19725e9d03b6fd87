"""What adapters return when a service leaves a value out."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from classifier.adapters.cosmos_items import StoredItem, lease_end
from classifier.adapters.queues import StorageQueue


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({"id": "a", "claimedBy": "worker", "claimedUntil": 1700000000.5}, 1700000000.5),
        ({"id": "a", "findings": {}}, 0),
        ({"id": "a", "claimedUntil": "tomorrow"}, 0),
    ],
    ids=["lease", "analysis", "unreadable"],
)
def test_an_item_that_is_no_lease_has_expired(fields: dict[str, object], end: float) -> None:
    assert lease_end(StoredItem(fields=fields, etag="1")) == end


@pytest.mark.parametrize(("count", "length"), [(None, 0), (0, 0), (7, 7)])
def test_a_queue_without_a_message_count_is_empty(count: int | None, length: int) -> None:
    async def get_queue_properties() -> Any:
        return SimpleNamespace(approximate_message_count=count)

    client: Any = SimpleNamespace(get_queue_properties=get_queue_properties)
    assert asyncio.run(StorageQueue(client).length()) == length
