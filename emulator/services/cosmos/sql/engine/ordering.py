"""ORDER BY: rows by the values of expressions, over all types. https://learn.microsoft.com/cosmos-db/query/order-by."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from emulator.services.cosmos.sql.engine.from_items import Rows
from emulator.services.cosmos.sql.runtime.scope import Evaluate, Row
from emulator.services.cosmos.sql.values import JSON, UNDEFINED, Value, order_key

type Key = tuple[int, int | float | str]

_SMALLEST_BUFFER = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SortKey:
    """An expression to sort by, and its direction."""

    evaluate: Evaluate
    descending: bool


class _Sorter:
    """Sorts results.

    Equal rows are in the order of the items; in the reverse order if the first expression is descending, as in
    Microsoft's reference engine (github.com/Azure/azure-cosmos-dotnet-v3, .../OfflineEngine/SqlInterpreter.cs).

    Args:
        keys: what to sort by.
        keep_undefined: whether rows without a value for the only key are results.
        limit: how many results are wanted at most, so that not all have to be stored.
    """

    def __init__(self, keys: Sequence[SortKey], *, keep_undefined: bool, limit: int | None) -> None:
        self._keys = keys
        self._skip_undefined = len(keys) == 1 and not keep_undefined
        self._limit = limit
        self._count = 0
        self._rows: list[tuple[int, list[Key], JSON]] = []
        self._buffer = None if limit is None else max(4 * limit, _SMALLEST_BUFFER)

    def add(self, row: Row, project: Callable[[Row], Value]) -> None:
        """Include a row, with the result that is made of it now."""
        values = [key.evaluate(row) for key in self._keys]
        if self._skip_undefined and values[0] is UNDEFINED:
            return
        result = project(row)
        if result is UNDEFINED:
            return
        self._rows.append((self._count, [order_key(value) for value in values], result))
        self._count += 1
        if self._buffer is not None and len(self._rows) >= self._buffer:
            self._sort()
            del self._rows[self._limit :]

    def results(self) -> Iterator[JSON]:
        """The results in their order."""
        self._sort()
        for _count, _keys, result in self._rows[: self._limit]:
            yield result

    def _sort(self) -> None:
        self._rows.sort(key=lambda entry: entry[0], reverse=self._keys[0].descending)
        # Sorting is stable, so the last key is sorted by first. Reversed sorting is stable too.
        for index in range(len(self._keys) - 1, -1, -1):
            descending = self._keys[index].descending
            self._rows.sort(key=lambda entry: entry[1][index], reverse=descending)


def sorted_results(
    rows: Rows, keys: Sequence[SortKey], project: Evaluate, *, keep_undefined: bool, limit: int | None
) -> Callable[[Row], Iterator[JSON]]:
    """The results of rows, sorted. The arguments are those of the sorter."""

    def results(row: Row) -> Iterator[JSON]:
        sorter = _Sorter(keys, keep_undefined=keep_undefined, limit=limit)
        for _ in rows(row):
            sorter.add(row, project)
        yield from sorter.results()

    return results
