"""The indexes of a container's items: orderings, term indexes and vector indexes.

An index is made when a query first needs it and maintained by every write after that. It belongs to the emulator's
implementation: whether Azure would have an index for the query is decided elsewhere, by the container's policy.
"""

import sqlite3

import msgspec

from emulator.services.cosmos.items.indexed_item import IndexedItem
from emulator.services.cosmos.items.indexing import read_properties
from emulator.services.cosmos.items.ordered_index import Ordering
from emulator.services.cosmos.items.term_index import TermIndex
from emulator.services.cosmos.items.transactions import transaction
from emulator.services.cosmos.items.vector_index import VectorIndex

type ItemIndex = Ordering | TermIndex | VectorIndex
_DEFINITION: msgspec.json.Decoder[ItemIndex] = msgspec.json.Decoder(Ordering | TermIndex | VectorIndex)


def ensure_index(database: sqlite3.Connection, container: int, index: ItemIndex) -> int:
    """The number of an index, which is made if it does not exist."""
    number = _find(database, container, index)
    if number is not None:
        return number
    with transaction(database):
        number = _find(database, container, index)
        return _create(database, container, index) if number is None else number


def index_item(database: sqlite3.Connection, container: int, partition: int, number: int, body: str) -> None:
    """Add a new item to every index of its container."""
    indexes = _indexes(database, container)
    if indexes:
        item = IndexedItem(number=number, partition=partition, properties=msgspec.json.decode(body))
        for index_number, index in indexes:
            index.add(database, index_number, [item])


def unindex_item(database: sqlite3.Connection, container: int, partition: int, number: int, body: str) -> None:
    """Remove an item from every index of its container."""
    indexes = _indexes(database, container)
    if indexes:
        item = IndexedItem(number=number, partition=partition, properties=msgspec.json.decode(body))
        for index_number, index in indexes:
            index.remove(database, index_number, item)


def drop_indexes(database: sqlite3.Connection, container: int) -> None:
    """Delete the indexes of a container."""
    for index_number, index in _indexes(database, container):
        index.drop(database, index_number)
    database.execute("DELETE FROM item_indexes WHERE container = ?", (container,))


def _indexes(database: sqlite3.Connection, container: int) -> list[tuple[int, ItemIndex]]:
    rows = database.execute("SELECT number, definition FROM item_indexes WHERE container = ?", (container,)).fetchall()
    return [(number, _DEFINITION.decode(definition)) for number, definition in rows]


def _find(database: sqlite3.Connection, container: int, index: ItemIndex) -> int | None:
    row = database.execute(
        "SELECT number FROM item_indexes WHERE container = ? AND definition = ?", (container, _definition(index))
    ).fetchone()
    return None if row is None else row[0]


def _create(database: sqlite3.Connection, container: int, index: ItemIndex) -> int:
    (index_number,) = database.execute(
        "INSERT INTO item_indexes(container, definition) VALUES(?, ?) RETURNING number",
        (container, _definition(index)),
    ).fetchone()
    rows = database.execute("SELECT number, partition, body FROM items WHERE container = ?", (container,))
    items = (
        IndexedItem(number=number, partition=partition, properties=read_properties(body, index.paths))
        for number, partition, body in rows
    )
    index.add(database, index_number, items)
    return index_number


def _definition(index: ItemIndex) -> str:
    """The text that identifies an index in the database."""
    return msgspec.json.encode(index).decode()
