"""The counts of the records of one day: an item of the container `images` that `reconcile` writes.

Counting on demand costs request units for every record; an item for each day makes it a point read
(docs/decisions/0043).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import Struct

from common.domain.query_results import NamedCount

# Names of an item: a day has fewer categories, and of its labels the rarest are left out. Keeps an item at some 30 KB.
MAX_NAMES = 1_000


class DayCounts(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many records of one day (UTC) there were when they were counted.

    Attributes:
        id: see `day_counts_id`.
        day: the day on which the records were made.
        counted_at: when they were counted.
        statuses: records by status.
        categories: records by category.
        labels: records by label.
    """

    id: str
    day: date
    counted_at: str
    statuses: dict[str, int]
    categories: dict[str, int]
    labels: dict[str, int]


def day_counts_id(day: date) -> str:
    """Return the id of the item; no record has such an id, because theirs have no dash."""
    return f"counts-{day.isoformat()}"


def most_common(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the most frequent names, at most MAX_NAMES, most first."""
    return dict(Counter(counts).most_common(MAX_NAMES))


def add_up(counts: Iterable[Mapping[str, int]]) -> tuple[NamedCount, ...]:
    """Return the sums by name, most first, equal ones by name."""
    total: Counter[str] = Counter()
    for day in counts:
        total.update(day)
    ordered = sorted(total.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(NamedCount(name=name, count=count) for name, count in ordered)
