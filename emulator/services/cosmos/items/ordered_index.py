"""Items in the order of properties: what ORDER BY reads."""

import json
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from emulator.services.cosmos.items.container import Item
from emulator.services.cosmos.items.indexed_item import IndexedItem

_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_COMPLEMENTS = bytes(range(255, -1, -1))


class Ordering(msgspec.Struct, frozen=True, kw_only=True, tag="ordering"):
    """Properties by which items are sorted.

    Attributes:
        paths: The names that lead to each property.
        ascending: The direction of each property; the first is ascending, a query may read backwards.
        with_undefined: Whether items that lack a property take part, as the lowest.
    """

    paths: tuple[tuple[str, ...], ...]
    ascending: tuple[bool, ...]
    with_undefined: bool

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

    def add(self, database: sqlite3.Connection, ordering: int, items: Iterable[IndexedItem]) -> None:
        """Add new items to the ordering with this number."""

        def entries() -> Iterator[tuple[int, int, bytes, int]]:
            for item in items:
                key = self.key_of(item.properties)
                if key is not None:
                    yield ordering, item.partition, key, item.number

        database.executemany("INSERT INTO ordered VALUES(?, ?, ?, ?)", entries())

    def remove(self, database: sqlite3.Connection, ordering: int, item: IndexedItem) -> None:
        """Remove an item from the ordering with this number."""
        key = self.key_of(item.properties)
        if key is not None:
            database.execute(
                "DELETE FROM ordered WHERE ordering = ? AND partition = ? AND key = ? AND item = ?",
                (ordering, item.partition, key, item.number),
            )

    def drop(self, database: sqlite3.Connection, ordering: int) -> None:
        """Remove all items from the ordering with this number."""
        database.execute("DELETE FROM ordered WHERE ordering = ?", (ordering,))


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
