"""Which items have a value or a word at a path: what filters read.

A term index is made when a query first needs it and maintained by every write after that, as the orderings of
`ordered_index`. It belongs to the emulator's implementation: whether Azure would have an index for a query is decided
elsewhere, by the container's policy. A term is a hash, so that an index says which items may match; the query compares
their values.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from emulator.services.cosmos.items.container import Item
from emulator.services.cosmos.items.indexing import ELEMENT, Path, read_properties
from emulator.services.cosmos.items.ordered_index import order_key
from emulator.services.cosmos.items.transactions import transaction
from emulator.services.cosmos.sql.runtime.full_text import words_of

_TERM_BYTES = 8


@dataclass(frozen=True, kw_only=True)
class TermIndex:
    """The values at a path, or the words of the texts there.

    Attributes:
        path: The names that lead to the values; `[]` is any element of an array.
        language: The language of the texts; None for an index of whole values.
    """

    path: Path
    language: str | None = None

    def to_text(self) -> str:
        """The text that identifies the index in the database."""
        return json.dumps([self.path, self.language])

    @classmethod
    def of_text(cls, text: str) -> "TermIndex":
        """The inverse of `to_text`."""
        path, language = json.loads(text)
        return cls(path=tuple(path), language=language)

    def terms_of(self, item: Item) -> set[int]:
        """The terms of an item."""
        terms: set[int] = set()
        for value in _values_at(item, self.path):
            if self.language is None:
                term = value_term(value)
                if term is not None:
                    terms.add(term)
            elif isinstance(value, str):
                terms.update(word_term(word) for word in words_of(value, self.language))
        return terms

    def length_of(self, item: Item) -> int | None:
        """The number of words of an item's text; None if there is no text, or the index is one of values."""
        if self.language is None:
            return None
        texts = [value for value in _values_at(item, self.path) if isinstance(value, str)]
        return sum(len(words_of(text, self.language)) for text in texts) if texts else None


def value_term(value: Any) -> int | None:
    """The term of a value; None for arrays and objects, and for what no item can have."""
    if isinstance(value, (list, dict)):
        return None
    try:
        return _hash(order_key(value))
    except (OverflowError, UnicodeEncodeError):
        return None


def word_term(word: str) -> int:
    """The term of a word."""
    return _hash(word.encode())


def ensure_term_index(database: sqlite3.Connection, container: int, index: TermIndex) -> int:
    """The number of an index, which is made if it does not exist."""
    number = _find(database, container, index)
    if number is not None:
        return number
    with transaction(database):
        number = _find(database, container, index)
        return _create(database, container, index) if number is None else number


def add_terms(database: sqlite3.Connection, container: int, number: int, item: Item) -> None:
    """Add a new item to every term index of its container."""
    for index_number, index in _indexes(database, container):
        _add(database, index_number, index, [(number, item)])


def remove_terms(database: sqlite3.Connection, container: int, number: int, item: Item) -> None:
    """Remove an item from every term index of its container."""
    for index_number, index in _indexes(database, container):
        database.executemany(
            "DELETE FROM postings WHERE term_index = ? AND term = ? AND item = ?",
            [(index_number, term, number) for term in index.terms_of(item)],
        )
        database.execute("DELETE FROM text_lengths WHERE term_index = ? AND item = ?", (index_number, number))


def drop_term_indexes(database: sqlite3.Connection, container: int) -> None:
    """Delete the term indexes of a container."""
    for index_number, _ in _indexes(database, container):
        database.execute("DELETE FROM postings WHERE term_index = ?", (index_number,))
        database.execute("DELETE FROM text_lengths WHERE term_index = ?", (index_number,))
    database.execute("DELETE FROM term_indexes WHERE container = ?", (container,))


def _indexes(database: sqlite3.Connection, container: int) -> list[tuple[int, TermIndex]]:
    rows = database.execute("SELECT number, terms FROM term_indexes WHERE container = ?", (container,)).fetchall()
    return [(number, TermIndex.of_text(text)) for number, text in rows]


def _add(database: sqlite3.Connection, index_number: int, index: TermIndex, items: Iterable[tuple[int, Item]]) -> None:
    """Add items, which come with their numbers, to an index."""
    lengths: list[tuple[int, int, int]] = []

    def postings() -> Iterator[tuple[int, int, int]]:
        for number, item in items:
            length = index.length_of(item)
            if length is not None:
                lengths.append((index_number, number, length))
            for term in index.terms_of(item):
                yield index_number, term, number

    database.executemany("INSERT INTO postings VALUES(?, ?, ?)", postings())
    database.executemany("INSERT INTO text_lengths VALUES(?, ?, ?)", lengths)


def _find(database: sqlite3.Connection, container: int, index: TermIndex) -> int | None:
    row = database.execute(
        "SELECT number FROM term_indexes WHERE container = ? AND terms = ?", (container, index.to_text())
    ).fetchone()
    return None if row is None else row[0]


def _create(database: sqlite3.Connection, container: int, index: TermIndex) -> int:
    (number,) = database.execute(
        "INSERT INTO term_indexes(container, terms) VALUES(?, ?) RETURNING number", (container, index.to_text())
    ).fetchone()
    items = database.execute("SELECT number, body FROM items WHERE container = ?", (container,))
    _add(database, number, index, ((item, read_properties(body, [index.path])) for item, body in items))
    return number


def _values_at(value: Any, path: Path) -> Iterator[Any]:
    if not path:
        yield value
        return
    name, *rest = path
    if isinstance(value, dict):
        # A property may have the name `[]`.
        if name in value:
            yield from _values_at(value[name], tuple(rest))
    elif name == ELEMENT and isinstance(value, list):
        for element in value:
            yield from _values_at(element, tuple(rest))


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=_TERM_BYTES).digest(), "big", signed=True)
