"""Reading the items of a physical partition, or of one partition key, in the order of insertion or of properties.

A scan can be resumed after any item, and returns items that were added meanwhile exactly once, or not at all if their
place is before that item.
"""

import sqlite3
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass

import msgspec

from emulator.services.cosmos.items.container import Item
from emulator.services.cosmos.items.item_indexes import ensure_index
from emulator.services.cosmos.items.ordered_index import Ordering
from emulator.services.cosmos.items.partitions import KeyRange, single_key_range
from emulator.services.cosmos.query.candidate_sql import Arguments, CandidateSql, candidate_sql
from emulator.services.cosmos.query.candidates import Candidates
from emulator.services.cosmos.query.order_bounds import ALL_KEYS, KeyBounds

_ITEMS = "SELECT number, body FROM items WHERE container = ? AND number > ? AND (expires IS NULL OR expires > ?)"
_ONE_KEY = f"{_ITEMS} AND effective_key = ? ORDER BY number"
_PARTITION = f"{_ITEMS} AND partition = ? ORDER BY number"
_KEY_RANGE = f"{_ITEMS} AND partition = ? AND effective_key >= ? AND effective_key < ? ORDER BY number"
# The filter is applied before a body is read: those of all items are many pages of the file.
_CANDIDATES = (
    "SELECT items.number, items.body FROM items AS place CROSS JOIN items ON items.number = place.number"
    " WHERE place.container = ? AND place.partition = ? AND place.number > ? AND {0}"
    " AND (items.expires IS NULL OR items.expires > ?) ORDER BY place.number"
)
_FEW = (
    "SELECT number, body FROM items WHERE number IN ({0}) AND container = ? AND partition = ? AND number > ?"
    " AND (expires IS NULL OR expires > ?) AND {1} ORDER BY number"
)
_ORDERED = (
    "SELECT key, item, body FROM ordered CROSS JOIN items ON number = item"
    " WHERE ordering = ? AND ordered.partition = ? AND (expires IS NULL OR expires > ?) AND {0} AND (key, item)"
)
_FORWARDS = f"{_ORDERED} > (?, ?) AND key < ? ORDER BY key, item"
_BACKWARDS = f"{_ORDERED} < (?, ?) AND key >= ? ORDER BY key DESC, item DESC"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a query reads.

    Attributes:
        container: Number of the container in the store.
        partition: Number of the physical partition.
        keys: The effective partition keys in it, or None for all.
        effective_key: The one effective partition key, or None for several.
    """

    container: int
    partition: int
    keys: KeyRange | None = None
    effective_key: str | None = None

    @property
    def is_whole_partition(self) -> bool:
        """Whether a query reads all of the physical partition."""
        return self.effective_key is None and self.keys is None

    @property
    def identity(self) -> str:
        """A text that is the same for scopes with the same items, however a request states them."""
        keys = KeyRange() if self.keys is None else self.keys
        if self.effective_key is not None:
            keys = single_key_range(self.effective_key)
        return f"{self.container} {self.partition} {keys.minimum} {keys.maximum}"


@dataclass(frozen=True, kw_only=True)
class Position:
    """The place of an item in a scan: its sort key (empty in the order of insertion) and its number."""

    key: bytes = b""
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to read a scope.

    Attributes:
        ordering: The order; None for the order of insertion.
        backwards: Read an ordering from its end.
        bounds: The sort keys to read.
        candidates: The items to read; None for all.
    """

    ordering: Ordering | None = None
    backwards: bool = False
    bounds: KeyBounds = ALL_KEYS
    candidates: Candidates | None = None


@dataclass(frozen=True, kw_only=True)
class ScannedItem:
    """An item, its JSON text, and its place."""

    item: Item
    body: str
    position: Position


def scan(
    database: sqlite3.Connection, scope: Scope, plan: Plan, *, after: Position | None, now: float
) -> Generator[ScannedItem]:
    """The items of a scope.

    Args:
        database: A connection that nothing else uses meanwhile.
        scope: What to read.
        plan: How to read it.
        after: The place after which to resume, or None to start.
        now: The time, in seconds since 1970: expired items are left out.
    """
    filter_ = None
    if scope.is_whole_partition and plan.candidates is not None:
        filter_ = candidate_sql(database, scope.container, plan.candidates)
    if plan.ordering is None:
        yield from _scan_insertions(database, scope, filter_, after or Position(), now)
    elif scope.is_whole_partition and (filter_ is None or filter_.few is None):
        yield from _scan_ordering(database, scope, plan, plan.ordering, filter_, after=after, now=now)
    else:
        items = _scan_insertions(database, scope, filter_, Position(), now)
        yield from _sort(items, plan.ordering, backwards=plan.backwards, after=after)


def _scan_insertions(
    database: sqlite3.Connection, scope: Scope, filter_: CandidateSql | None, after: Position, now: float
) -> Generator[ScannedItem]:
    start = (scope.container, after.number, now)
    if scope.effective_key is not None:
        rows = database.execute(_ONE_KEY, (*start, scope.effective_key))
    elif scope.keys is not None:
        rows = database.execute(_KEY_RANGE, (*start, scope.partition, scope.keys.minimum, scope.keys.maximum))
    elif filter_ is None:
        rows = database.execute(_PARTITION, (*start, scope.partition))
    elif filter_.few is None:
        sql = _CANDIDATES.format(filter_.condition.format("place.number"))
        rows = database.execute(sql, (scope.container, scope.partition, after.number, *filter_.arguments, now))
    else:
        numbers, arguments = filter_.few
        sql = _FEW.format(numbers, filter_.condition.format("items.number"))
        start = (scope.container, scope.partition, after.number, now)
        rows = database.execute(sql, (*arguments, *start, *filter_.arguments))
    with closing(rows):
        for number, body in rows:
            yield ScannedItem(item=msgspec.json.decode(body), body=body, position=Position(number=number))


def _scan_ordering(
    database: sqlite3.Connection,
    scope: Scope,
    plan: Plan,
    ordering: Ordering,
    filter_: CandidateSql | None,
    *,
    after: Position | None,
    now: float,
) -> Generator[ScannedItem]:
    number = ensure_index(database, scope.container, ordering)
    condition = "1"
    arguments: Arguments = ()
    if filter_ is not None:
        condition = filter_.condition.format("ordered.item")
        arguments = filter_.arguments
    if plan.backwards:
        limit = (plan.bounds.maximum, 0)
        start = limit if after is None else min(limit, (after.key, after.number))
        sql = _BACKWARDS
        end = plan.bounds.minimum
    else:
        limit = (plan.bounds.minimum, 0)
        start = limit if after is None else max(limit, (after.key, after.number))
        sql = _FORWARDS
        end = plan.bounds.maximum
    rows = database.execute(sql.format(condition), (number, scope.partition, now, *arguments, *start, end))
    with closing(rows):
        for key, item, body in rows:
            yield ScannedItem(item=msgspec.json.decode(body), body=body, position=Position(key=key, number=item))


def _sort(
    items: Iterable[ScannedItem], ordering: Ordering, *, backwards: bool, after: Position | None
) -> Generator[ScannedItem]:
    entries: list[tuple[bytes, int, ScannedItem]] = []
    for scanned in items:
        key = ordering.key_of(scanned.item)
        if key is not None:
            entries.append((key, scanned.position.number, scanned))
    entries.sort(key=lambda entry: entry[:2], reverse=backwards)
    for key, number, scanned in entries:
        if after is not None:
            entry = (key, number)
            limit = (after.key, after.number)
            if (entry >= limit) if backwards else (entry <= limit):
                continue
        yield ScannedItem(item=scanned.item, body=scanned.body, position=Position(key=key, number=number))
