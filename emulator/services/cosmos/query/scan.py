"""Reading the items of a physical partition, or of one partition key, in the order of insertion or of properties.

A scan can be resumed after any item, and returns items that were added meanwhile exactly once, or not at all if their
place is before that item.
"""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

import msgspec

from emulator.services.cosmos.items.container import Item
from emulator.services.cosmos.items.ordered_index import Ordering, ensure_ordering
from emulator.services.cosmos.items.partitions import KeyRange

_ITEMS = "SELECT number, body FROM items WHERE container = ? AND number > ? AND (expires IS NULL OR expires > ?)"
_ONE_KEY = f"{_ITEMS} AND effective_key = ? ORDER BY number"
_PARTITION = f"{_ITEMS} AND partition = ? ORDER BY number"
_KEY_RANGE = f"{_ITEMS} AND partition = ? AND effective_key >= ? AND effective_key < ? ORDER BY number"
_ORDERED = (
    "SELECT key, item, body FROM ordered CROSS JOIN items ON number = item"
    " WHERE ordering = ? AND ordered.partition = ? AND (expires IS NULL OR expires > ?) AND (key, item)"
)
_FORWARDS = f"{_ORDERED} > (?, ?) ORDER BY key, item"
_BACKWARDS = f"{_ORDERED} < (?, ?) ORDER BY key DESC, item DESC"
_AFTER_ALL_KEYS = b"\xff"


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


@dataclass(frozen=True, kw_only=True)
class Position:
    """The place of an item in a scan: its sort key (empty in the order of insertion) and its number."""

    key: bytes = b""
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class ScannedItem:
    """An item, its JSON text, and its place."""

    item: Item
    body: str
    position: Position


def scan(
    database: sqlite3.Connection,
    scope: Scope,
    *,
    ordering: Ordering | None,
    backwards: bool,
    after: Position | None,
    now: float,
) -> Generator[ScannedItem]:
    """The items of a scope.

    Args:
        database: A connection that nothing else uses meanwhile.
        scope: What to read.
        ordering: The order; None for the order of insertion.
        backwards: Read an ordering from its end.
        after: The place after which to resume, or None to start.
        now: The time, in seconds since 1970: expired items are left out.
    """
    if ordering is None:
        yield from _scan_insertions(database, scope, after or Position(), now)
    elif scope.effective_key is None and scope.keys is None:
        yield from _scan_ordering(database, scope, ordering, backwards=backwards, after=after, now=now)
    else:
        yield from _sort(database, scope, ordering, backwards=backwards, after=after, now=now)


def _scan_insertions(database: sqlite3.Connection, scope: Scope, after: Position, now: float) -> Generator[ScannedItem]:
    start = (scope.container, after.number, now)
    if scope.effective_key is not None:
        rows = database.execute(_ONE_KEY, (*start, scope.effective_key))
    elif scope.keys is not None:
        rows = database.execute(_KEY_RANGE, (*start, scope.partition, scope.keys.minimum, scope.keys.maximum))
    else:
        rows = database.execute(_PARTITION, (*start, scope.partition))
    with closing(rows):
        for number, body in rows:
            yield ScannedItem(item=msgspec.json.decode(body), body=body, position=Position(number=number))


def _scan_ordering(
    database: sqlite3.Connection,
    scope: Scope,
    ordering: Ordering,
    *,
    backwards: bool,
    after: Position | None,
    now: float,
) -> Generator[ScannedItem]:
    number = ensure_ordering(database, scope.container, ordering)
    start = after or (Position(key=_AFTER_ALL_KEYS) if backwards else Position())
    rows = database.execute(
        _BACKWARDS if backwards else _FORWARDS, (number, scope.partition, now, start.key, start.number)
    )
    with closing(rows):
        for key, item, body in rows:
            yield ScannedItem(item=msgspec.json.decode(body), body=body, position=Position(key=key, number=item))


def _sort(
    database: sqlite3.Connection,
    scope: Scope,
    ordering: Ordering,
    *,
    backwards: bool,
    after: Position | None,
    now: float,
) -> Generator[ScannedItem]:
    entries: list[tuple[bytes, int, ScannedItem]] = []
    for scanned in _scan_insertions(database, scope, Position(), now):
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
