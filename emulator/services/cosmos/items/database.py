"""The SQLite file of the item store: its tables, and how an older file becomes a current one."""

import json
import secrets
import sqlite3
from pathlib import Path

from emulator.services.cosmos.items.effective_partition_key import effective_partition_key
from emulator.services.cosmos.items.item_indexes import drop_indexes
from emulator.services.cosmos.items.partitions import partition_of
from emulator.services.cosmos.items.resource_ids import new_container_rid
from emulator.services.cosmos.items.stored_item import stored_body
from emulator.services.cosmos.items.transactions import transaction

_VERSION = 5
# The first version with the tables of `_TABLES`.
_ITEMS_VERSION = 2
_PARTITIONS = 3
_BUSY_SECONDS = 60
_INSERT = "INSERT INTO items(container, partition, effective_key, id, body, etag, expires)"
_TABLES = """
CREATE TABLE containers(
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    rid TEXT UNIQUE,
    writes INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE items(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    container INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    effective_key TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    etag TEXT NOT NULL,
    expires REAL,
    UNIQUE(container, effective_key, id)
);
CREATE INDEX items_by_key ON items(container, effective_key, number);
CREATE TABLE settings(partitions INTEGER NOT NULL, secret BLOB NOT NULL);
"""
# The tables of indexes that older versions have under other names or with other columns.
_OLD_INDEX_TABLES = (
    "orderings",
    "ordered",
    "term_indexes",
    "postings",
    "text_lengths",
    "vector_indexes",
    "directions",
)
_INDEX_TABLES = """
CREATE TABLE item_indexes(
    number INTEGER PRIMARY KEY,
    container INTEGER NOT NULL,
    definition TEXT NOT NULL,
    UNIQUE(container, definition)
);
CREATE TABLE ordered(
    ordering INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    key BLOB NOT NULL,
    item INTEGER NOT NULL,
    PRIMARY KEY(ordering, partition, key, item)
) WITHOUT ROWID;
CREATE TABLE postings(
    term_index INTEGER NOT NULL,
    term INTEGER NOT NULL,
    item INTEGER NOT NULL,
    PRIMARY KEY(term_index, term, item)
) WITHOUT ROWID;
CREATE TABLE text_lengths(
    term_index INTEGER NOT NULL,
    item INTEGER NOT NULL,
    words INTEGER NOT NULL,
    PRIMARY KEY(term_index, item)
) WITHOUT ROWID;
CREATE TABLE directions(
    vector_index INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    item INTEGER NOT NULL,
    direction BLOB NOT NULL,
    PRIMARY KEY(vector_index, partition, item)
) WITHOUT ROWID;
-- With what a count of items needs, so that it reads no bodies.
CREATE INDEX items_by_partition ON items(container, partition, number, expires);
"""


def open_database(path: Path, partitions: int | None) -> sqlite3.Connection:
    """Open the file for writing, and create or convert its tables; see `ItemStore`."""
    database = connect(path)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    with transaction(database):
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version < _ITEMS_VERSION:
            _create_tables(database, partitions or _PARTITIONS)
        if version < _VERSION:
            _create_index_tables(database)
            database.execute(f"PRAGMA user_version = {_VERSION}")
        (stored,) = database.execute("SELECT partitions FROM settings").fetchone()
        if partitions is not None and stored != partitions:
            _assign_partitions(database, partitions)
    return database


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the file. It may be used in any thread, but in one at a time."""
    return sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False)


def _create_tables(database: sqlite3.Connection, partitions: int) -> None:
    has_items = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'items'").fetchone() is not None
    if has_items:
        database.execute("ALTER TABLE items RENAME TO items_of_0_2")
    _execute_all(database, _TABLES)
    database.execute("INSERT INTO settings VALUES(?, ?)", (partitions, secrets.token_bytes(32)))
    if has_items:
        _convert_items(database, partitions)


def _create_index_tables(database: sqlite3.Connection) -> None:
    """Create the tables of indexes; the indexes of an older file are made again when a query needs them."""
    for table in _OLD_INDEX_TABLES:
        database.execute(f"DROP TABLE IF EXISTS {table}")
    database.execute("DROP INDEX IF EXISTS items_by_partition")
    _execute_all(database, _INDEX_TABLES)


def _execute_all(database: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        database.execute(statement)


def _convert_items(database: sqlite3.Connection, partitions: int) -> None:
    """Take over the items of release 0.2, whose partition keys had one value and whose items no resource ids."""
    for (key,) in database.execute("SELECT DISTINCT container FROM items_of_0_2").fetchall():
        database_id = key.rpartition("/containers/")[0]
        rid = new_container_rid(database_id)
        database.execute("INSERT INTO containers(key, rid) VALUES(?, ?)", (key, rid))
        (container,) = database.execute("SELECT number FROM containers WHERE key = ?", (key,)).fetchone()
        rows = database.execute(
            "SELECT partition, id, body, etag, expires FROM items_of_0_2 WHERE container = ?", (key,)
        )
        for partition, item_id, old_body, etag, expires in rows.fetchall():
            item = json.loads(old_body)
            effective_key = effective_partition_key(json.loads(partition), hierarchical=False)
            row = (container, partition_of(effective_key, partitions), effective_key, item_id, "", etag, expires)
            number = database.execute(f"{_INSERT} VALUES(?, ?, ?, ?, ?, ?, ?)", row).lastrowid
            assert number is not None
            body = stored_body(
                item, database_id=database_id, container_rid=rid, number=number, etag=etag, seconds=item["_ts"]
            )
            database.execute("UPDATE items SET body = ? WHERE number = ?", (body, number))
    database.execute("DROP TABLE items_of_0_2")


def _assign_partitions(database: sqlite3.Connection, partitions: int) -> None:
    database.create_function("partition_of", 1, lambda key: partition_of(key, partitions), deterministic=True)
    database.execute("UPDATE items SET partition = partition_of(effective_key)")
    for (container,) in database.execute("SELECT number FROM containers").fetchall():
        # They are made again when a query needs them.
        drop_indexes(database, container)
    database.execute("UPDATE settings SET partitions = ?", (partitions,))
