"""FROM and JOIN: the rows of a query.

https://learn.microsoft.com/cosmos-db/query/from, https://learn.microsoft.com/cosmos-db/query/join
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.errors import InvalidQueryError
from emulator.services.cosmos.sql.runtime.paths import read_path
from emulator.services.cosmos.sql.runtime.scope import Row, Scope
from emulator.services.cosmos.sql.values import JSON, UNDEFINED

type Rows = Callable[[Row], Iterator[None]]
"""A loop over combinations of values: it puts each into the row's slots, and then yields."""

type Expand = Callable[[Row], Iterable[JSON]]
"""The values of one item of FROM, given those of the items before it."""

type CompileSubquery = Callable[[tree.Query, Scope, int | None], Callable[[Row], Iterator[JSON]]]
"""Compiles a subquery in a scope; the last argument is where the container's items are, if it may read them."""


class FromCompiler:
    """Compiles the items of FROM and JOIN."""

    def __init__(self, compile_subquery: CompileSubquery) -> None:
        self._compile_subquery = compile_subquery

    def compile(
        self, from_items: Sequence[tree.FromItem], scope: Scope, items_slot: int | None
    ) -> tuple[Rows, list[int]]:
        """The loop over all combinations, and the slots of the items.

        Args:
            from_items: what is in FROM and in each JOIN.
            scope: gets their aliases.
            items_slot: where the container's items are; None in a subquery, which cannot read the container.
        """
        rows: Rows = _single_row
        slots: list[int] = []
        for position, from_item in enumerate(from_items):
            container = items_slot if position == 0 else None
            expand = self._expand(from_item, scope, container)
            slot = scope.slots.add()
            slots.append(slot)
            alias = alias_of(from_item)
            if alias is not None:
                if alias in scope.names:
                    message = f"The input alias '{alias}' is specified more than once in the FROM clause."
                    raise InvalidQueryError("", message)
                scope.names[alias] = slot
            rows = _first_loop(expand, slot) if position == 0 else _nested_loop(rows, expand, slot)
        return rows, slots

    def _expand(self, from_item: tree.FromItem, scope: Scope, items_slot: int | None) -> Expand:
        if isinstance(from_item, tree.FromArray):
            arrays = self._expand(from_item.collection, scope, items_slot)
            return lambda row: (value for array in arrays(row) if type(array) is list for value in array)
        if isinstance(from_item, tree.FromSubquery):
            # A subquery in FROM may read the container, as in FROM (SELECT VALUE c FROM c).
            return self._compile_subquery(from_item.query, scope, items_slot)
        return _expand_path(from_item, scope, items_slot)


def alias_of(from_item: tree.FromItem) -> str | None:
    """The name that stands for the values of an item of FROM: its alias, or the last name of its path."""
    if isinstance(from_item, tree.FromPath) and from_item.alias is None:
        last = from_item.path[-1] if from_item.path else from_item.root
        return last if isinstance(last, str) else None
    return from_item.alias


def _expand_path(from_item: tree.FromPath, scope: Scope, items_slot: int | None) -> Expand:
    path = from_item.path
    slot = scope.resolve(from_item.root)
    if slot is not None:
        return lambda row: _defined(read_path(row[slot], path))
    if items_slot is None:
        raise InvalidQueryError("SC2001", f"Identifier '{from_item.root}' could not be resolved.", from_item.location)
    # The name of the container may be any: requests name it, queries need not.
    if not path:
        return lambda row: row[items_slot]
    return lambda row: (value for item in row[items_slot] for value in _defined(read_path(item, path)))


def _defined(value: JSON | object) -> Iterable[JSON]:
    return () if value is UNDEFINED else (value,)  # pyright: ignore[reportReturnType] (all other values are JSON)


def _single_row(_row: Row) -> Iterator[None]:
    yield None


def _first_loop(expand: Expand, slot: int) -> Rows:
    def rows(row: Row) -> Iterator[None]:
        for value in expand(row):
            row[slot] = value
            yield None

    return rows


def _nested_loop(outer: Rows, expand: Expand, slot: int) -> Rows:
    def rows(row: Row) -> Iterator[None]:
        for _ in outer(row):
            for value in expand(row):
                row[slot] = value
                yield None

    return rows


def filtered(rows: Rows, predicate: Callable[[Row], bool]) -> Rows:
    """The rows for which a predicate is true."""

    def matching(row: Row) -> Iterator[None]:
        for _ in rows(row):
            if predicate(row):
                yield None

    return matching
