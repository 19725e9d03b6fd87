"""The directions of items' vectors: what a ranking by cosine similarity reads in place of the items.

Directions are unit vectors of 32-bit numbers, so that an index says which items may be the most similar; the query
compares their vectors.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from emulator.services.cosmos.items.container import Item
from emulator.services.cosmos.items.indexed_item import IndexedItem
from emulator.services.cosmos.items.indexing import Path

_NUMBERS = {int, float}
_BLOCK = 4_096
_ROUNDING = 2.0**-24


class VectorIndex(msgspec.Struct, frozen=True, kw_only=True, tag="vectors"):
    """The vectors at a path.

    Attributes:
        path: The names that lead to the vector.
        dimensions: The length of the vectors; others are not in the index.
    """

    path: Path
    dimensions: int

    @property
    def error(self) -> float:
        """How much a similarity from the index differs from the exact one at most.

        Each of the two unit vectors, each product and each addition is rounded.
        """
        return (self.dimensions + 4) * _ROUNDING

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths of the properties that the index is about."""
        return (self.path,)

    def direction_of(self, item: Item) -> bytes | None:
        """The direction of an item's vector; None if there is none."""
        value: Any = item
        for name in self.path:
            value = value.get(name) if isinstance(value, dict) else None
        if not isinstance(value, list) or len(value) != self.dimensions or not set(map(type, value)) <= _NUMBERS:
            return None
        direction = direction_of(value)
        return None if direction is None else direction.tobytes()

    def add(self, database: sqlite3.Connection, vector_index: int, items: Iterable[IndexedItem]) -> None:
        """Add new items to the index with this number."""

        def directions() -> Iterator[tuple[int, int, int, bytes]]:
            for item in items:
                direction = self.direction_of(item.properties)
                if direction is not None:
                    yield vector_index, item.partition, item.number, direction

        database.executemany("INSERT INTO directions VALUES(?, ?, ?, ?)", directions())

    def remove(self, database: sqlite3.Connection, vector_index: int, item: IndexedItem) -> None:
        """Remove an item from the index with this number."""
        database.execute(
            "DELETE FROM directions WHERE vector_index = ? AND partition = ? AND item = ?",
            (vector_index, item.partition, item.number),
        )

    def drop(self, database: sqlite3.Connection, vector_index: int) -> None:
        """Remove all items from the index with this number."""
        database.execute("DELETE FROM directions WHERE vector_index = ?", (vector_index,))


def direction_of(vector: Sequence[float]) -> np.ndarray | None:
    """The unit vector of 32-bit numbers with the direction of a vector; None for a vector of zeros."""
    numbers = np.array(vector, dtype=np.float64)
    length = np.linalg.norm(numbers)
    return None if length == 0 else (numbers / length).astype(np.float32)


def most_similar(
    database: sqlite3.Connection, number: int, partition: int, direction: np.ndarray
) -> Iterator[tuple[int, float]]:
    """The numbers of the items of a physical partition with their similarities to a direction, the highest first.

    Args:
        database: The database.
        number: The number of the index.
        partition: The physical partition.
        direction: A unit vector.
    """
    rows = database.execute(
        "SELECT item, direction FROM directions WHERE vector_index = ? AND partition = ?", (number, partition)
    )
    items: list[int] = []
    similarities: list[np.ndarray] = []
    while block := rows.fetchmany(_BLOCK):
        items += [item for item, _ in block]
        matrix = np.frombuffer(b"".join(one for _, one in block), dtype=np.float32)
        similarities.append(matrix.reshape(len(block), -1) @ direction)
    if not items:
        return
    scores = np.concatenate(similarities)
    for position in np.argsort(-scores, kind="stable"):
        yield items[position], float(scores[position])
