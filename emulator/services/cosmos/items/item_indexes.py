"""The indexes of a container's items that the emulator has made: orderings, term indexes and vector indexes."""

import sqlite3

import msgspec

from emulator.services.cosmos.items.ordered_index import add_entries, drop_orderings, remove_entries
from emulator.services.cosmos.items.term_index import add_terms, drop_term_indexes, remove_terms
from emulator.services.cosmos.items.vector_index import add_directions, drop_vector_indexes, remove_directions


def index_item(database: sqlite3.Connection, container: int, partition: int, number: int, body: str) -> None:
    """Add a new item to every index of its container."""
    if _has_indexes(database, container):
        item = msgspec.json.decode(body)
        add_entries(database, container, partition, number, item)
        add_terms(database, container, number, item)
        add_directions(database, container, partition, number, item)


def unindex_item(database: sqlite3.Connection, container: int, partition: int, number: int, body: str) -> None:
    """Remove an item from every index of its container."""
    if _has_indexes(database, container):
        item = msgspec.json.decode(body)
        remove_entries(database, container, partition, number, item)
        remove_terms(database, container, number, item)
        remove_directions(database, container, partition, number)


def drop_indexes(database: sqlite3.Connection, container: int) -> None:
    """Delete the indexes of a container."""
    drop_orderings(database, container)
    drop_term_indexes(database, container)
    drop_vector_indexes(database, container)


def _has_indexes(database: sqlite3.Connection, container: int) -> bool:
    row = database.execute(
        "SELECT 1 FROM orderings WHERE container = ? UNION ALL SELECT 1 FROM term_indexes WHERE container = ?"
        " UNION ALL SELECT 1 FROM vector_indexes WHERE container = ? LIMIT 1",
        (container, container, container),
    ).fetchone()
    return row is not None
