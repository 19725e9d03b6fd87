"""The directions of items' vectors: what a ranking by cosine similarity reads in place of the items.

A vector index is made when a query first needs it and maintained by every write after that, as the orderings of
`ordered_index`. It belongs to the emulator's implementation: whether Azure would have an index for a query is decided
elsewhere, by the container's policy. Directions are unit vectors of 32-bit numbers, so that an index says which items
may be the most similar; the query compares their vectors.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emulator.services.cosmos.items.container import Item
from emulator.services.cosmos.items.indexing import Path, read_properties
from emulator.services.cosmos.items.transactions import transaction

_NUMBERS = {int, float}
_BLOCK = 4_096
_ROUNDING = 2.0**-24


@dataclass(frozen=True, kw_only=True)
class VectorIndex:
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

    def to_text(self) -> str:
        """The text that identifies the index in the database."""
        return json.dumps([self.path, self.dimensions])

    @classmethod
    def of_text(cls, text: str) -> "VectorIndex":
        """The inverse of `to_text`."""
        path, dimensions = json.loads(text)
        return cls(path=tuple(path), dimensions=dimensions)

    def direction_of(self, item: Item) -> bytes | None:
        """The direction of an item's vector; None if there is none."""
        value: Any = item
        for name in self.path:
            value = value.get(name) if isinstance(value, dict) else None
        if not isinstance(value, list) or len(value) != self.dimensions or not set(map(type, value)) <= _NUMBERS:
            return None
        direction = direction_of(value)
        return None if direction is None else direction.tobytes()


def direction_of(vector: Sequence[float]) -> np.ndarray | None:
    """The unit vector of 32-bit numbers with the direction of a vector; None for a vector of zeros."""
    numbers = np.array(vector, dtype=np.float64)
    length = np.linalg.norm(numbers)
    return None if length == 0 else (numbers / length).astype(np.float32)


def ensure_vector_index(database: sqlite3.Connection, container: int, index: VectorIndex) -> int:
    """The number of an index, which is made if it does not exist."""
    number = _find(database, container, index)
    if number is not None:
        return number
    with transaction(database):
        number = _find(database, container, index)
        return _create(database, container, index) if number is None else number


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


def add_directions(database: sqlite3.Connection, container: int, partition: int, number: int, item: Item) -> None:
    """Add a new item to every vector index of its container."""
    for index_number, index in _indexes(database, container):
        direction = index.direction_of(item)
        if direction is not None:
            database.execute("INSERT INTO directions VALUES(?, ?, ?, ?)", (index_number, partition, number, direction))


def remove_directions(database: sqlite3.Connection, container: int, partition: int, number: int) -> None:
    """Remove an item from every vector index of its container."""
    for index_number, _ in _indexes(database, container):
        database.execute(
            "DELETE FROM directions WHERE vector_index = ? AND partition = ? AND item = ?",
            (index_number, partition, number),
        )


def drop_vector_indexes(database: sqlite3.Connection, container: int) -> None:
    """Delete the vector indexes of a container."""
    for index_number, _ in _indexes(database, container):
        database.execute("DELETE FROM directions WHERE vector_index = ?", (index_number,))
    database.execute("DELETE FROM vector_indexes WHERE container = ?", (container,))


def _indexes(database: sqlite3.Connection, container: int) -> list[tuple[int, VectorIndex]]:
    rows = database.execute("SELECT number, terms FROM vector_indexes WHERE container = ?", (container,)).fetchall()
    return [(number, VectorIndex.of_text(text)) for number, text in rows]


def _find(database: sqlite3.Connection, container: int, index: VectorIndex) -> int | None:
    row = database.execute(
        "SELECT number FROM vector_indexes WHERE container = ? AND terms = ?", (container, index.to_text())
    ).fetchone()
    return None if row is None else row[0]


def _create(database: sqlite3.Connection, container: int, index: VectorIndex) -> int:
    (number,) = database.execute(
        "INSERT INTO vector_indexes(container, terms) VALUES(?, ?) RETURNING number", (container, index.to_text())
    ).fetchone()
    items = database.execute("SELECT number, partition, body FROM items WHERE container = ?", (container,))

    def rows() -> Iterator[tuple[int, int, int, bytes]]:
        for item, partition, body in items:
            direction = index.direction_of(read_properties(body, [index.path]))
            if direction is not None:
                yield number, partition, item, direction

    database.executemany("INSERT INTO directions VALUES(?, ?, ?, ?)", rows())
    return number
