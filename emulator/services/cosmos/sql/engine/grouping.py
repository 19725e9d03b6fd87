"""Aggregates over all rows, or over each group of GROUP BY. https://learn.microsoft.com/cosmos-db/query/group-by."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.services.cosmos.sql.engine.from_items import Rows
from emulator.services.cosmos.sql.runtime.aggregates import Aggregate, new_aggregate
from emulator.services.cosmos.sql.runtime.scope import AggregateCall, Evaluate, Row
from emulator.services.cosmos.sql.values import JSON, UNDEFINED, identity

type Results = Callable[[Row], Iterator[JSON]]


@dataclass(frozen=True, slots=True)
class _Group:
    """The first row of a group, which has the values of its key, and the group's aggregates."""

    row: Row
    aggregates: list[Aggregate]

    def add(self, row: Row, calls: Sequence[AggregateCall]) -> None:
        for call, aggregate in zip(calls, self.aggregates, strict=True):
            value = call.argument(row)
            if value is not UNDEFINED:
                aggregate.add(value)

    def results(self, calls: Sequence[AggregateCall], project: Evaluate) -> Iterator[JSON]:
        for call, aggregate in zip(calls, self.aggregates, strict=True):
            self.row[call.slot] = aggregate.result()
        result = project(self.row)
        if result is not UNDEFINED:
            yield result


def _new_group(row: Row, calls: Sequence[AggregateCall]) -> _Group:
    return _Group(row.copy(), [new_aggregate(call.name) for call in calls])


def ungrouped(rows: Rows, calls: Sequence[AggregateCall], project: Evaluate) -> Results:
    """One result over all rows, also if there are none."""

    def results(row: Row) -> Iterator[JSON]:
        group = _new_group(row, calls)
        for _ in rows(row):
            group.add(row, calls)
        yield from group.results(calls, project)

    return results


def grouped(rows: Rows, keys: Sequence[Evaluate], calls: Sequence[AggregateCall], project: Evaluate) -> Results:
    """One result for each combination of the keys' values, in the order of their first rows."""

    def results(row: Row) -> Iterator[JSON]:
        groups: dict[tuple[Any, ...], _Group] = {}
        for _ in rows(row):
            key = tuple(identity(evaluate(row)) for evaluate in keys)
            group = groups.get(key)
            if group is None:
                group = groups[key] = _new_group(row, calls)
            group.add(row, calls)
        for group in groups.values():
            yield from group.results(calls, project)

    return results
