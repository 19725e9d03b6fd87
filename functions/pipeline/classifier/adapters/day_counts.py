"""Cosmos DB: counts the records of a day, and stores the counts."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import msgspec
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from common.adapters.cosmos import CosmosContainer
from common.adapters.query_text import format_time
from common.adapters.service_errors import ServiceBoundary
from common.domain import metrics
from common.domain.day_counts import DayCounts, day_counts_id, most_common
from common.domain.errors import ConfigurationError
from common.domain.models import Versioned
from msgspec import Struct

from classifier.domain.day_count_ports import StoredDayCounts

# The time of a record is indexed. The rows are added up here, because the SDK for Python has no GROUP BY over several
# partitions: https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/cosmos/azure-cosmos/README.md#limitations
_QUERY = (
    "SELECT c.status, c.category.name AS category, c.labels FROM c"
    " WHERE c.processedAt >= @start AND c.processedAt < @end"
)


class _Row(Struct, frozen=True):
    status: str
    category: str | None = None
    labels: tuple[str, ...] = ()


def _charge(headers: Mapping[str, str], _body: object = None) -> None:
    metrics.add("requestUnits", float(headers.get("x-ms-request-charge", 0)))


class CosmosDayCountStore:
    """`day_count_ports.DayCountStore` for the container `images`."""

    def __init__(self, container: ContainerProxy, boundary: ServiceBoundary) -> None:
        self._container = container
        self._items = CosmosContainer(container, boundary)
        self._boundary = boundary

    async def get(self, day: date) -> StoredDayCounts | None:
        """Implements `DayCountStore.get`."""
        item = await self._items.read(day_counts_id(day))
        return None if item is None else Versioned(item.decode(DayCounts), item.etag)

    async def count(self, day: date, *, counted_at: datetime) -> DayCounts:
        """Implements `DayCountStore.count`."""
        start = datetime.combine(day, time(), UTC)
        parameters: list[dict[str, object]] = [
            {"name": "@start", "value": format_time(start)},
            {"name": "@end", "value": format_time(start + timedelta(days=1))},
        ]
        statuses: Counter[str] = Counter()
        categories: Counter[str] = Counter()
        labels: Counter[str] = Counter()
        try:
            with self._boundary:
                # The SDK leaves the type of an item open.
                async for item in self._container.query_items(  # pyright: ignore[reportUnknownMemberType]
                    _QUERY, parameters=parameters, response_hook=_charge
                ):
                    row = msgspec.convert(item, _Row)
                    statuses[row.status] += 1
                    labels.update(row.labels)
                    if row.category is not None:
                        categories[row.category] += 1
        except CosmosResourceNotFoundError as error:
            raise ConfigurationError("ContainerNotFound", "the Cosmos DB container does not exist") from error
        return DayCounts(
            id=day_counts_id(day),
            day=day,
            counted_at=counted_at.isoformat(),
            statuses=dict(statuses),
            categories=most_common(categories),
            labels=most_common(labels),
        )

    async def put(self, counts: DayCounts, previous: StoredDayCounts | None) -> None:
        """Implements `DayCountStore.put`."""
        await self._items.write(counts.id, counts, None if previous is None else previous.etag)
