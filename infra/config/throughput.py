"""Throughput that a Cosmos DB container needs for its requests and its storage; arithmetic.

Request units: https://learn.microsoft.com/azure/cosmos-db/understand-request-unit-consumption (2026-04-21).
"""

import math
from dataclasses import dataclass

# RU of a point read and of writing an item of up to so many KB, without indexed terms.
_REQUEST_UNITS = (
    (1, 1.00, 4.95),
    (2, 1.04, 6.29),
    (4, 1.14, 6.67),
    (8, 1.33, 7.04),
    (16, 1.67, 9.52),
    (32, 2.19, 11.23),
    (64, 4.76, 22.67),
)
# RU of each term that enters or leaves the index.
_RU_PER_TERM = 0.2
# A query, in each physical partition, and each item that it loads there. Measured on an account: 2.26 RU for a query
# with one row, 34.72 RU for one that loads 2,500 items of 0.3 KB, and 4,059.95 RU for one that loads 60,951 items of
# 399,998,938 bytes (https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-query-performance).
QUERY_RU = 2.25
_LOADED_ITEM_RU = 0.01
_LOADED_KB_RU = 0.0088
# Autoscale: a multiple of 1,000, at least 1,000; up to a million RU/s without a support ticket; and never less than ten
# RU/s for each GB that is stored. Azure also refuses less than a tenth of the highest maximum that there ever was.
# https://learn.microsoft.com/azure/cosmos-db/concepts-limits#minimum-throughput-on-container
MAX_RU_STEP = 1000
MAX_RU_CEILING = 1_000_000
RU_PER_STORED_GB = 10
# A physical partition holds 50 GB and serves 10,000 RU/s:
# https://learn.microsoft.com/azure/cosmos-db/partitioning-overview#physical-partitions
PARTITION_GB = 50
PARTITION_RU = 10_000


@dataclass(frozen=True, kw_only=True)
class ContainerSizing:
    """Size of a container.

    Attributes:
        max_ru: Autoscale maximum in RU/s.
        storage_gb: Storage that it allows for.
        physical_partitions: Partitions that throughput and storage need.
    """

    max_ru: int
    storage_gb: float
    physical_partitions: int


def read_ru(item_kb: float) -> float:
    """RU of reading one item by its id."""
    return next(read for size, read, _ in _REQUEST_UNITS if item_kb <= size)


def load_ru(item_kb: float) -> float:
    """RU of an item that a query loads, because the index alone does not answer it."""
    return _LOADED_ITEM_RU + _LOADED_KB_RU * item_kb


def create_ru(item_kb: float, terms: int = 0) -> float:
    """RU of creating an item of which `terms` values are indexed."""
    return next(write for size, _, write in _REQUEST_UNITS if item_kb <= size) + terms * _RU_PER_TERM


def replace_ru(old_kb: float, new_kb: float) -> float:
    """RU of replacing an item without indexed terms: the old one is deleted, which costs what creating it did."""
    return create_ru(old_kb) + create_ru(new_kb)


def size_container(*, ru_per_second: float, items: float, item_kb: float, index_share: float) -> ContainerSizing:
    """Size a container.

    Args:
        ru_per_second: Request units that its requests need.
        items: Number of stored items.
        item_kb: Size of an item.
        index_share: Size of the index as a share of the items' size.
    """
    storage_gb = items * item_kb * (1 + index_share) / 1_000_000
    steps = math.ceil(max(ru_per_second, storage_gb * RU_PER_STORED_GB) / MAX_RU_STEP)
    max_ru = max(1, steps) * MAX_RU_STEP
    return ContainerSizing(
        max_ru=max_ru,
        storage_gb=round(storage_gb, 1),
        physical_partitions=max(math.ceil(storage_gb / PARTITION_GB), math.ceil(max_ru / PARTITION_RU)),
    )
