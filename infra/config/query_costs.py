"""What lists and searches over the records cost, by the number of images and the data model; arithmetic.

The figures behind docs/decisions/0043. A query pays for each physical partition that it reads, for the items that it
loads there, and not for those that the index leaves out.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from infra.config.sizing import (
    DAYS_PER_MONTH,
    DEFAULT_RETENTION_DAYS,
    RECORD_INDEX_SHARE,
    record_kb,
    record_request_units,
)
from infra.config.throughput import (
    PARTITION_GB,
    QUERY_RU,
    ContainerSizing,
    create_ru,
    load_ru,
    read_ru,
    size_container,
)

# A page of a list; one record more says whether there is another page.
_PAGE = 20
# What each partition returns to be ranked, by each score: twice a page, and not less than this. Recorded plans:
# https://github.com/Azure/azure-cosmos-dotnet-v3, QueryPlanBaselineTests.Top.xml.
_RANKED = 120
# Of the records with a label, the share whose confidence is at least 80 percent: assumed.
_CONFIDENT_SHARE = 0.6
# The item with the counts of a day, in KB: a thousand labels of about thirty bytes.
_DAY_COUNTS_KB = 30
_COUNTED_DAYS = 30
# What a read model repeats of a record: name, status, labels and caption, in KB, with the terms that its lists need.
_SUMMARY_KB = 1
_SUMMARY_TERMS = 20
# Labels of an image, about: a model by label has an item for each.
_LABELS = 17
# What a query may cost (`MAX_REQUEST_UNITS` in functions/common/adapters/record_queries.py).
QUERY_LIMIT_RU = 1_000


@dataclass(frozen=True, kw_only=True)
class RecordVolume:
    """The records of a year.

    Attributes:
        images_per_month: Images that come in.
        embeddings: Whether records have one.
        container: The container that holds them.
    """

    images_per_month: int
    embeddings: bool
    container: ContainerSizing

    @property
    def items(self) -> int:
        """Number of records."""
        return self.images_per_month * DEFAULT_RETENTION_DAYS // DAYS_PER_MONTH

    @property
    def images_per_day(self) -> float:
        """Images of a day."""
        return self.images_per_month / DAYS_PER_MONTH


def record_volume(images_per_month: int, *, peak_factor: int = 4, embeddings: bool = False) -> RecordVolume:
    """The records of `images_per_month` that are kept for a year, in a container of the size that they need."""
    seconds = DAYS_PER_MONTH * 24 * 3600
    container = size_container(
        ru_per_second=images_per_month / seconds * peak_factor * record_request_units(embeddings=embeddings),
        items=images_per_month * DEFAULT_RETENTION_DAYS / DAYS_PER_MONTH,
        item_kb=record_kb(embeddings=embeddings),
        index_share=RECORD_INDEX_SHARE,
    )
    return RecordVolume(images_per_month=images_per_month, embeddings=embeddings, container=container)


@dataclass(frozen=True, kw_only=True)
class RecordQuery:
    """A query over the records.

    Attributes:
        name: What it asks.
        request_units: Its charge for a volume.
    """

    name: str
    request_units: Callable[[RecordVolume], float]


def _fan_out(loaded_items: float, queries: int = 1) -> Callable[[RecordVolume], float]:
    """The charge of `queries` that each physical partition answers, and that load so many items there."""

    def request_units(volume: RecordVolume) -> float:
        loaded = loaded_items * load_ru(record_kb(embeddings=volume.embeddings))
        return volume.container.physical_partitions * (queries * QUERY_RU + loaded)

    return request_units


def _scan_of_days(days: int) -> Callable[[RecordVolume], float]:
    """The charge of a query that loads every record of some days."""

    def request_units(volume: RecordVolume) -> float:
        partitions = volume.container.physical_partitions
        return _fan_out(volume.images_per_day * days / partitions)(volume)

    return request_units


def _day_counts(_volume: RecordVolume) -> float:
    """The charge of reading the counts of some days, each an item."""
    return _COUNTED_DAYS * read_ru(_DAY_COUNTS_KB)


def _point_read(volume: RecordVolume) -> float:
    return read_ru(record_kb(embeddings=volume.embeddings))


# The SDK asks every partition for a whole page, because each may have all of its records.
RECORD_QUERIES = (
    RecordQuery(name="one record, by its id", request_units=_point_read),
    RecordQuery(name="newest 20; by time, status or category", request_units=_fan_out(_PAGE + 1)),
    RecordQuery(name="by one or several labels", request_units=_fan_out(_PAGE + 1)),
    RecordQuery(name="by label, 80 % confidence or more", request_units=_fan_out((_PAGE + 1) / _CONFIDENT_SHARE)),
    RecordQuery(name="with all of some words", request_units=_fan_out(_PAGE + 1)),
    # A query for the statistics of the words, and one for the best matches.
    RecordQuery(name="best 20 for some words", request_units=_fan_out(_RANKED, queries=2)),
    RecordQuery(name="similar images", request_units=_fan_out(_PAGE)),
    # The statistics, and the best matches by words and by embedding.
    RecordQuery(name="words and embedding, fused", request_units=_fan_out(2 * _RANKED, queries=3)),
    RecordQuery(name="counts of 30 days, from their items", request_units=_day_counts),
)


# Not used: it would load every record.
COUNTS_ON_DEMAND = RecordQuery(
    name=f"counts of {_COUNTED_DAYS} days, on demand", request_units=_scan_of_days(_COUNTED_DAYS)
)


@dataclass(frozen=True, kw_only=True)
class DataModel:
    """A way to store records for lists.

    Attributes:
        name: What it is.
        write_ru: Request units for a new image, of all its items.
        list_ru: Request units for 20 records by label, newest first.
        remark: What else it means.
    """

    name: str
    write_ru: Callable[[RecordVolume], float]
    list_ru: Callable[[RecordVolume], float]
    remark: str


def _record_write_ru(volume: RecordVolume) -> float:
    return record_request_units(embeddings=volume.embeddings)


def _one_partition(volume: RecordVolume) -> float:
    """A list within one partition of a read model, whose items are summaries."""
    del volume
    return QUERY_RU + (_PAGE + 1) * load_ru(_SUMMARY_KB)


def _month_list(volume: RecordVolume) -> float:
    """A list in the partitions of one month of twelve."""
    partitions = math.ceil(volume.container.physical_partitions / 12)
    container = replace(volume.container, physical_partitions=partitions)
    return _fan_out(_PAGE + 1)(replace(volume, container=container))


DATA_MODELS = (
    DataModel(
        name="`/id`, fan-out",
        write_ru=_record_write_ru,
        list_ru=_fan_out(_PAGE + 1),
        remark="one item for each image, nothing that can disagree",
    ),
    DataModel(
        name="read model by day",
        write_ru=lambda volume: _record_write_ru(volume) + create_ru(_SUMMARY_KB, _SUMMARY_TERMS),
        list_ru=_one_partition,
        remark="a rare label has to be looked for day by day, up to 365 times the charge; two items that can disagree",
    ),
    DataModel(
        name="read model by label",
        write_ru=lambda volume: _record_write_ru(volume) + _LABELS * create_ru(_SUMMARY_KB, 1),
        list_ru=_one_partition,
        remark=(
            "a logical partition has 20 GB at most, which a common label exceeds; several labels are joined by the app"
        ),
    ),
    DataModel(
        name="hierarchical key, `/month` and `/id`",
        write_ru=_record_write_ru,
        list_ru=_month_list,
        remark=(
            "nobody can read a record by the name of its blob without the month; a new upload leaves the old record"
        ),
    ),
)


def partitions_at_limit(query: RecordQuery, *, embeddings: bool = False) -> int | None:
    """Physical partitions up to which a query stays below the limit of request units; None if it reads one only."""

    def charge(partitions: int) -> float:
        container = ContainerSizing(max_ru=0, storage_gb=partitions * PARTITION_GB, physical_partitions=partitions)
        return query.request_units(RecordVolume(images_per_month=0, embeddings=embeddings, container=container))

    return None if charge(2) == charge(1) else int(QUERY_LIMIT_RU // charge(1))
