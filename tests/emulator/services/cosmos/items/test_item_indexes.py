"""Indexes of items: made from the stored items, maintained by writes, dropped, and made anew for an older file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from emulator.core.container_policies import ContainerDefinition, PartitionKeyDefinition
from emulator.services.cosmos.items.container import Container
from emulator.services.cosmos.items.database import connect
from emulator.services.cosmos.items.item_indexes import ItemIndex, drop_indexes, ensure_index
from emulator.services.cosmos.items.ordered_index import Ordering
from emulator.services.cosmos.items.store import ItemStore
from emulator.services.cosmos.items.term_index import TermIndex
from emulator.services.cosmos.items.vector_index import VectorIndex

A = ("a",)
IMAGES = Container(
    key="/db/containers/images",
    definition=ContainerDefinition(id="images", partition_key=PartitionKeyDefinition(paths=("/id",), kind="Hash")),
)
TABLES = ("item_indexes", "ordered", "postings", "text_lengths", "directions")
# What versions 2, 3 and 4 of the file added.
OLD_TABLES = {
    2: """
        CREATE TABLE orderings(
            number INTEGER PRIMARY KEY, container INTEGER NOT NULL, terms TEXT NOT NULL, UNIQUE(container, terms));
        CREATE TABLE ordered(
            ordering INTEGER NOT NULL, partition INTEGER NOT NULL, key BLOB NOT NULL, item INTEGER NOT NULL,
            PRIMARY KEY(ordering, partition, key, item)) WITHOUT ROWID;
        INSERT INTO orderings VALUES(1, 1, '[[["n"]], [true], false]');
        INSERT INTO ordered VALUES(1, 1, x'00', 1);
    """,
    3: """
        CREATE TABLE term_indexes(
            number INTEGER PRIMARY KEY, container INTEGER NOT NULL, terms TEXT NOT NULL, UNIQUE(container, terms));
        CREATE TABLE postings(
            term_index INTEGER NOT NULL, term INTEGER NOT NULL, item INTEGER NOT NULL,
            PRIMARY KEY(term_index, term, item)) WITHOUT ROWID;
        CREATE TABLE text_lengths(
            term_index INTEGER NOT NULL, item INTEGER NOT NULL, words INTEGER NOT NULL,
            PRIMARY KEY(term_index, item)) WITHOUT ROWID;
        INSERT INTO term_indexes VALUES(1, 1, '[["n"], null]');
        INSERT INTO postings VALUES(1, 7, 1);
    """,
    4: """
        CREATE TABLE vector_indexes(
            number INTEGER PRIMARY KEY, container INTEGER NOT NULL, terms TEXT NOT NULL, UNIQUE(container, terms));
        CREATE TABLE directions(
            vector_index INTEGER NOT NULL, partition INTEGER NOT NULL, item INTEGER NOT NULL, direction BLOB NOT NULL,
            PRIMARY KEY(vector_index, partition, item)) WITHOUT ROWID;
        INSERT INTO vector_indexes VALUES(1, 1, '[["v"], 2]');
        INSERT INTO directions VALUES(1, 1, 1, x'00');
    """,
}


def stored_rows(database: sqlite3.Connection) -> list[list[tuple[object, ...]]]:
    """The rows of each of the tables of indexes."""
    return [database.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES]


@pytest.mark.parametrize(
    "index",
    [
        Ordering(paths=(("n",),), ascending=(True,), with_undefined=True),
        TermIndex(path=("n",)),
        TermIndex(path=("text",), language="en-US"),
        VectorIndex(path=("vector",), dimensions=2),
    ],
)
def test_an_index_is_the_same_made_before_the_items_and_after_them(tmp_path: Path, index: ItemIndex) -> None:
    with closing(ItemStore(tmp_path / "cosmos.db")) as store, closing(connect(store.path)) as database:
        container = store.open_container(IMAGES).number
        first = ensure_index(database, container, index)
        for number, name in enumerate("abc"):
            item = {"id": name, "n": number, "text": f"cat {name}", "vector": [1, number]}
            store.create(IMAGES, (name,), item)
        store.replace(IMAGES, A, "a", {"id": "a", "n": 9, "text": "dog", "vector": [0, 1]}, None)
        store.delete(IMAGES, ("b",), "b", None)
        maintained = stored_rows(database)
        assert ensure_index(database, container, index) == first
        assert stored_rows(database) == maintained

        drop_indexes(database, container)
        assert stored_rows(database) == [[], [], [], [], []]

        ensure_index(database, container, index)
        assert stored_rows(database) == maintained
        assert any(maintained[1:])


def test_indexes_of_every_kind_share_the_numbers(tmp_path: Path) -> None:
    with closing(ItemStore(tmp_path / "cosmos.db")) as store, closing(connect(store.path)) as database:
        container = store.open_container(IMAGES).number
        indexes: list[ItemIndex] = [
            TermIndex(path=("a",)),
            TermIndex(path=("a",), language="en-US"),
            VectorIndex(path=("a",), dimensions=2),
            VectorIndex(path=("a",), dimensions=3),
            Ordering(paths=(("a",),), ascending=(True,), with_undefined=True),
            Ordering(paths=(("a",),), ascending=(False,), with_undefined=True),
        ]
        numbers = [ensure_index(database, container, index) for index in indexes]
        assert len(set(numbers)) == len(indexes)
        assert [ensure_index(database, container, index) for index in indexes] == numbers
        assert ensure_index(database, container + 1, indexes[0]) not in numbers


@pytest.mark.parametrize("version", [2, 3, 4])
def test_the_indexes_of_an_older_file_are_made_anew(tmp_path: Path, version: int) -> None:
    path = tmp_path / "cosmos.db"
    with closing(ItemStore(path)) as store:
        store.create(IMAGES, A, {"id": "a"})
    with closing(sqlite3.connect(path)) as old:
        for table in TABLES:
            old.execute(f"DROP TABLE {table}")
        for added, statements in OLD_TABLES.items():
            if added <= version:
                old.executescript(statements)
        old.execute(f"PRAGMA user_version = {version}")
    for _ in range(2):
        with closing(ItemStore(path)) as store:
            store.replace(IMAGES, A, "a", {"id": "a", "n": 2}, None)
            assert store.read(IMAGES, A, "a").item["n"] == 2
    with closing(sqlite3.connect(path)) as current:
        tables = {name for (name,) in current.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert not {"orderings", "term_indexes", "vector_indexes"} & tables
        assert stored_rows(current) == [[], [], [], [], []]
