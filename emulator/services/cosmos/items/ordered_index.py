"""Items in the order of properties: what ORDER BY reads.

An ordering is made when a query first needs it and maintained by every write after that. It belongs to the emulator's
implementation: whether Azure would have an index for the query is decided elsewhere, by the container's policy.
"""

import json
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from emulator.services.cosmos.items.container import Item
from emulator.services.cosmos.items.indexing import read_properties
from emulator.services.cosmos.items.transactions import transaction

_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_COMPLEMENTS = bytes(range(255, -1, -1))


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """Properties by which items are sorted.

    Attributes:
        paths: The names that lead to each property.
        ascending: The direction of each property; the first is ascending, a query may read backwards.
        with_undefined: Whether items that lack a property take part, as the lowest.
    """

    paths: tuple[tuple[str, ...], ...]
    ascending: tuple[bool, ...]
    with_undefined: bool

    def to_text(self) -> str:
        """The text that identifies the ordering in the database."""
        return json.dumps([self.paths, self.ascending, self.with_undefined])

    @classmethod
    def of_text(cls, text: str) -> "Ordering":
        """The inverse of `to_text`."""
        paths, ascending, with_undefined = json.loads(text)
        return cls(
            paths=tuple(tuple(path) for path in paths), ascending=tuple(ascending), with_undefined=with_undefined
        )

    def key_of(self, item: Item) -> bytes | None:
        """The sort key of an item, or None if it has no place in the ordering."""
        keys: list[bytes] = []
        for path, ascending in zip(self.paths, self.ascending, strict=True):
            value = _value_at(item, path)
            if value is _MISSING and not self.with_undefined:
                return None
            key = order_key(value)
            keys.append(key if ascending else reversed_key(key))
        return b"".join(keys)


_MISSING = object()


def order_key(value: Any) -> bytes:
    """Bytes that sort as Cosmos DB sorts values: undefined, null, booleans, numbers, strings, arrays, objects.

    https://learn.microsoft.com/azure/cosmos-db/nosql/query/order-by
    """
    if value is _MISSING:
        return b"\x00"
    if value is None:
        return b"\x01"
    if isinstance(value, bool):
        return b"\x03" if value else b"\x02"
    if isinstance(value, (int, float)):
        return b"\x04" + _number_key(float(value))
    if isinstance(value, str):
        return b"\x05" + value.encode().replace(b"\x00", b"\x00\xff") + b"\x00\x00"
    tag = b"\x06" if isinstance(value, list) else b"\x07"
    return tag + json.dumps(value, sort_keys=True).encode() + b"\x00\x00"


def reversed_key(key: bytes) -> bytes:
    """The key of a value in descending order."""
    return key.translate(_COMPLEMENTS)


def _number_key(number: float) -> bytes:
    (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))
    return struct.pack(">Q", bits ^ _ALL if bits & _SIGN else bits | _SIGN)


def _value_at(item: Item, path: tuple[str, ...]) -> Any:
    value: Any = item
    for name in path:
        if isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return _MISSING
    return value


def ensure_ordering(database: sqlite3.Connection, container: int, ordering: Ordering) -> int:
    """The number of an ordering, which is made if it does not exist."""
    number = _find(database, container, ordering)
    if number is not None:
        return number
    with transaction(database):
        number = _find(database, container, ordering)
        return _create(database, container, ordering) if number is None else number


def add_entries(database: sqlite3.Connection, container: int, partition: int, number: int, item: Item) -> None:
    """Add a new item to every ordering of its container."""
    for ordering, key in _entries(database, container, item):
        database.execute("INSERT INTO ordered VALUES(?, ?, ?, ?)", (ordering, partition, key, number))


def remove_entries(database: sqlite3.Connection, container: int, partition: int, number: int, item: Item) -> None:
    """Remove an item from every ordering of its container."""
    for ordering, key in _entries(database, container, item):
        database.execute(
            "DELETE FROM ordered WHERE ordering = ? AND partition = ? AND key = ? AND item = ?",
            (ordering, partition, key, number),
        )


def drop_orderings(database: sqlite3.Connection, container: int) -> None:
    """Delete the orderings of a container."""
    database.execute(
        "DELETE FROM ordered WHERE ordering IN (SELECT number FROM orderings WHERE container = ?)", (container,)
    )
    database.execute("DELETE FROM orderings WHERE container = ?", (container,))


def _entries(database: sqlite3.Connection, container: int, item: Item) -> Iterator[tuple[int, bytes]]:
    rows = database.execute("SELECT number, terms FROM orderings WHERE container = ?", (container,)).fetchall()
    for number, terms in rows:
        key = Ordering.of_text(terms).key_of(item)
        if key is not None:
            yield number, key


def _find(database: sqlite3.Connection, container: int, ordering: Ordering) -> int | None:
    row = database.execute(
        "SELECT number FROM orderings WHERE container = ? AND terms = ?", (container, ordering.to_text())
    ).fetchone()
    return None if row is None else row[0]


def _create(database: sqlite3.Connection, container: int, ordering: Ordering) -> int:
    (number,) = database.execute(
        "INSERT INTO orderings(container, terms) VALUES(?, ?) RETURNING number", (container, ordering.to_text())
    ).fetchone()
    items = database.execute("SELECT number, partition, body FROM items WHERE container = ?", (container,))

    def entries() -> Iterator[tuple[int, int, bytes, int]]:
        for item, partition, body in items:
            key = ordering.key_of(read_properties(body, ordering.paths))
            if key is not None:
                yield number, partition, key, item

    database.executemany("INSERT INTO ordered VALUES(?, ?, ?, ?)", entries())
    return number
