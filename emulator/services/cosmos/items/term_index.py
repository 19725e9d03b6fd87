"""Which items have a value or a word at a path: what filters read.

A term is a hash, so that an index says which items may match; the query compares their values.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from emulator.services.cosmos.items.container import Item
from emulator.services.cosmos.items.indexed_item import IndexedItem
from emulator.services.cosmos.items.indexing import ELEMENT, Path
from emulator.services.cosmos.items.ordered_index import order_key
from emulator.services.cosmos.sql.runtime.full_text import words_of

_TERM_BYTES = 8


class TermIndex(msgspec.Struct, frozen=True, kw_only=True, tag="terms"):
    """The values at a path, or the words of the texts there.

    Attributes:
        path: The names that lead to the values; `[]` is any element of an array.
        language: The language of the texts; None for an index of whole values.
    """

    path: Path
    language: str | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths of the properties that the index is about."""
        return (self.path,)

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

    def add(self, database: sqlite3.Connection, term_index: int, items: Iterable[IndexedItem]) -> None:
        """Add new items to the index with this number."""
        lengths: list[tuple[int, int, int]] = []

        def postings() -> Iterator[tuple[int, int, int]]:
            for item in items:
                length = self.length_of(item.properties)
                if length is not None:
                    lengths.append((term_index, item.number, length))
                for term in self.terms_of(item.properties):
                    yield term_index, term, item.number

        database.executemany("INSERT INTO postings VALUES(?, ?, ?)", postings())
        database.executemany("INSERT INTO text_lengths VALUES(?, ?, ?)", lengths)

    def remove(self, database: sqlite3.Connection, term_index: int, item: IndexedItem) -> None:
        """Remove an item from the index with this number."""
        database.executemany(
            "DELETE FROM postings WHERE term_index = ? AND term = ? AND item = ?",
            [(term_index, term, item.number) for term in self.terms_of(item.properties)],
        )
        database.execute("DELETE FROM text_lengths WHERE term_index = ? AND item = ?", (term_index, item.number))

    def drop(self, database: sqlite3.Connection, term_index: int) -> None:
        """Remove all items from the index with this number."""
        database.execute("DELETE FROM postings WHERE term_index = ?", (term_index,))
        database.execute("DELETE FROM text_lengths WHERE term_index = ?", (term_index,))


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
