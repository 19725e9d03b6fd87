"""The counts of a day out of the rows of its records, and their item."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from classifier.adapters.day_counts import CosmosDayCountStore
from common.adapters.service_errors import ServiceBoundary
from common.domain.errors import ConcurrencyError, ConfigurationError
from common.domain.metrics import collect_metrics
from common.domain.models import Versioned

from tests.functions.pipeline.adapters.test_cosmos import Items

DAY = date(2026, 1, 2)
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class QueriedItems(Items):
    """A container in memory that answers each query with `rows`."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        super().__init__()
        self.rows = rows
        self.queries: list[tuple[str, list[dict[str, Any]]]] = []

    async def query_items(
        self, query: str, *, parameters: list[dict[str, Any]], response_hook: Any
    ) -> AsyncIterator[dict[str, Any]]:
        self.queries.append((query, parameters))
        if self.failure is not None:
            raise self.failure
        response_hook({"x-ms-request-charge": "4.5"}, None)
        for row in self.rows:
            yield row


def store_of(items: QueriedItems) -> CosmosDayCountStore:
    return CosmosDayCountStore(items, ServiceBoundary("Cosmos DB"))  # type: ignore[arg-type]


def test_the_records_of_a_day_are_added_up() -> None:
    items = QueriedItems(
        {"status": "classified", "category": "cat", "labels": ["cat", "sofa"]},
        {"status": "classified", "category": "sofa", "labels": ["sofa"]},
        {"status": "classified", "labels": []},
        {"status": "failed"},
    )
    with collect_metrics() as metrics:
        counts = asyncio.run(store_of(items).count(DAY, counted_at=NOON))
    assert (counts.id, counts.day, counts.counted_at) == ("counts-2026-01-02", DAY, "2026-01-02T12:00:00+00:00")
    assert counts.statuses == {"classified": 3, "failed": 1}
    assert counts.categories == {"cat": 1, "sofa": 1}
    assert counts.labels == {"sofa": 2, "cat": 1}
    assert metrics == {"requestUnits": 4.5}
    ((text, parameters),) = items.queries
    assert text == (
        "SELECT c.status, c.category.name AS category, c.labels FROM c"
        " WHERE c.processedAt >= @start AND c.processedAt < @end"
    )
    assert parameters == [
        {"name": "@start", "value": "2026-01-02T00:00:00+00:00"},
        {"name": "@end", "value": "2026-01-03T00:00:00+00:00"},
    ]


def test_of_a_thousand_labels_and_more_the_rarest_are_left_out() -> None:
    rows = [{"status": "classified", "labels": [f"label{number}", "common"]} for number in range(1_000)]
    counts = asyncio.run(store_of(QueriedItems(*rows)).count(DAY, counted_at=NOON))
    assert len(counts.labels) == 1_000
    assert counts.labels["common"] == 1_000


def test_counts_come_back_as_they_were_stored_and_are_replaced_under_their_etag() -> None:
    items = QueriedItems({"status": "failed"})
    store = store_of(items)

    async def use() -> None:
        counts = await store.count(DAY, counted_at=NOON)
        assert await store.get(DAY) is None
        await store.put(counts, None)
        assert await store.get(DAY) == Versioned(counts, "1")
        with pytest.raises(ConcurrencyError):
            await store.put(counts, None)
        await store.put(counts, Versioned(counts, "1"))

    asyncio.run(use())


def test_without_a_container_nothing_can_be_counted() -> None:
    items = QueriedItems()
    items.failure = CosmosResourceNotFoundError(status_code=404, message="m")
    with pytest.raises(ConfigurationError, match="does not exist"):
        asyncio.run(store_of(items).count(DAY, counted_at=NOON))
