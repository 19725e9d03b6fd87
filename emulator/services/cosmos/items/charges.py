"""Request charges: a model of Cosmos DB's request units (RU), with its sources; see README.md of the emulator.

Every figure is of one physical partition: a query that fans out pays the base charge once for each.
"""

from dataclasses import dataclass

import msgspec

from emulator.services.cosmos.items.container import Container, Item
from emulator.services.cosmos.items.indexing import count_terms

_KILOBYTE = 1024
# A point read of 1 KB is 1 RU, of 100 KB 10 RU: https://learn.microsoft.com/azure/cosmos-db/request-units
_READ = 1.0
_READ_PER_KILOBYTE = 9 / 99
# Inserting 1 KB without an index is 5.5 RU: https://learn.microsoft.com/azure/cosmos-db/optimize-cost-reads-writes
_WRITE_PER_KILOBYTE = 5.5
# Measured on an account: items of some properties, indexed by default, cost 6.67 to create and to delete, and 10.67 to
# 11.05 to replace.
_TERM = 0.2
# Measured on an account: 2.26 for a query with one row, 34.72 for one that loads and returns 2,500 items of 0.3 KB.
_QUERY = 2.25
# The same measurement, and 4,059.95 RU for loading 60,951 items of 399,998,938 bytes:
# https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-query-performance
_LOADED_ITEM = 0.01
_LOADED_KILOBYTE = 0.0088
# The same measurement, `SELECT *` beside two properties: 38.14 and 34.72.
_OUTPUT_KILOBYTE = 0.005
# A request that is refused with 429.
REJECTED = 0.38


@dataclass(kw_only=True)
class QueryCost:
    """What a query has read and returned so far in one physical partition; sizes in bytes."""

    loaded_items: int = 0
    loaded_bytes: int = 0
    output_items: int = 0
    output_bytes: int = 0

    def load(self, body: str) -> None:
        """Count an item that the query had to read."""
        self.loaded_items += 1
        self.loaded_bytes += len(body)

    def load_only(self, items: int) -> None:
        """Count no more than `items` of the items, of mean size: the index says which they are."""
        if self.loaded_items > items:
            self.loaded_bytes = round(self.loaded_bytes * items / self.loaded_items)
            self.loaded_items = items

    def output(self, result: bytes) -> None:
        """Count a result, in JSON."""
        self.output_items += 1
        self.output_bytes += len(result)

    @property
    def charge(self) -> float:
        """The request charge so far."""
        return (
            _QUERY
            + _LOADED_ITEM * self.loaded_items
            + _LOADED_KILOBYTE * self.loaded_bytes / _KILOBYTE
            + _OUTPUT_KILOBYTE * self.output_bytes / _KILOBYTE
        )


def query_metrics(cost: QueryCost, seconds: float) -> str:
    """The header `x-ms-documentdb-query-metrics`, with those of its values that the emulator has.

    https://learn.microsoft.com/azure/cosmos-db/nosql/query-metrics-performance
    """
    utilization = min(cost.output_items / cost.loaded_items, 1) if cost.loaded_items else 1
    values = {
        "totalExecutionTimeInMs": f"{1000 * seconds:.2f}",
        "retrievedDocumentCount": str(cost.loaded_items),
        "retrievedDocumentSize": str(cost.loaded_bytes),
        "outputDocumentCount": str(cost.output_items),
        "outputDocumentSize": str(cost.output_bytes),
        "indexUtilizationRatio": f"{utilization:.2f}",
    }
    return ";".join(f"{name}={value}" for name, value in values.items())


def read_charge(body: str) -> float:
    """The charge of a point read."""
    return _READ + _READ_PER_KILOBYTE * max(_kilobytes(body) - 1, 0)


def write_charge(container: Container, body: str) -> float:
    """The charge of creating or deleting an item."""
    item: Item = msgspec.json.decode(body)
    return _WRITE_PER_KILOBYTE * max(_kilobytes(body), 1) + _TERM * count_terms(
        container.definition.indexing_policy, item
    )


def replace_charge(body: str) -> float:
    """The charge of replacing an item: twice the insertion, but index terms that stay cost nothing."""
    return 2 * _WRITE_PER_KILOBYTE * max(_kilobytes(body), 1) + _TERM


def format_charge(charge: float) -> str:
    """The charge as in the header `x-ms-request-charge`."""
    return f"{charge:.2f}".rstrip("0").rstrip(".")


def _kilobytes(body: str) -> float:
    return len(body.encode()) / _KILOBYTE
