"""Reading the items of a physical partition, or of one partition key, in the order of insertion or of properties.

A scan can be resumed after any item, and returns items that were added meanwhile exactly once, or not at all if their
place is before that item.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from emulator.services.cosmos.container import Item
from emulator.services.cosmos.ordered_index import Ordering, ensure_ordering
from emulator.services.cosmos.partitions import KeyRange


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
) -> Iterator[ScannedItem]:
    """The items of a scope.

    Args:
        database: A connection that nothing else uses meanwhile.
        scope: What to read.
        ordering: The order; None for the order of insertion.
        backwards: Read an ordering from its end.
        after: The item after which to resume, or None to start.
        now: The time, in seconds since 1970: expired items are left out.
    """
    if ordering is None:
        yield from _scan_insertions(database, scope, after or Position(), now)
    elif scope.effective_key is None and scope.keys is None:
        yield from _scan_ordering(database, scope, ordering, backwards=backwards, after=after, now=now)
    else:
        yield from _sort(database, scope, ordering, backwards=backwards, after=after, now=now)


def _scan_insertions(
    database: sqlite3.Connection, scope: Scope, after: Position, now: float
) -> Iterator[ScannedItem]:
    conditions = ["container = ?", "number > ?", "(expires IS NULL OR expires > ?)"]
    values: list[object] = [scope.container, after.number, now]
    if scope.effective_key is not None:
        conditions.append("effective_key = ?")
        values.append(scope.effective_key)
    else:
        conditions.append("partition = ?")
        values.append(scope.partition)
    if scope.keys is not None:
        conditions.append("effective_key >= ? AND effective_key < ?")
        values += [scope.keys.minimum, scope.keys.maximum]
    rows = database.execute(f"SELECT number, body FROM items WHERE {' AND '.join(conditions)} ORDER BY number", values)
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
) -> Iterator[ScannedItem]:
    number = ensure_ordering(database, scope.container, ordering)
    conditions = ["ordering = ?", "ordered.partition = ?", "(expires IS NULL OR expires > ?)"]
    values: list[object] = [number, scope.partition, now]
    if after is not None:
        conditions.append(f"(key, item) {'<' if backwards else '>'} (?, ?)")
        values += [after.key, after.number]
    direction = "DESC" if backwards else "ASC"
    rows = database.execute(
        "SELECT key, item, body FROM ordered CROSS JOIN items ON number = item"
        f" WHERE {' AND '.join(conditions)} ORDER BY key {direction}, item {direction}",
        values,
    )
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
) -> Iterator[ScannedItem]:
    entries: list[tuple[bytes, int, ScannedItem]] = []
    for scanned in _scan_insertions(database, scope, Position(), now):
        key = ordering.key_of(scanned.item)
        if key is not None:
            entries.append((key, scanned.position.number, scanned))
    entries.sort(key=lambda entry: entry[:2], reverse=backwards)
    for key, number, scanned in entries:
        if after is not None:
            place = (key, number)
            limit = (after.key, after.number)
            if (place >= limit) if backwards else (place <= limit):
                continue
        yield ScannedItem(item=scanned.item, body=scanned.body, position=Position(key=key, number=number))
