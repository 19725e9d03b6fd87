"""Queries as closures: `compile_query` checks a query, `CompiledQuery.run` evaluates it over items."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.engine.checks import check_query, has_aggregate
from emulator.services.cosmos.sql.engine.expressions import ExpressionCompiler
from emulator.services.cosmos.sql.engine.finite import check_finite, may_be_infinite
from emulator.services.cosmos.sql.engine.from_items import FromCompiler, Rows, filtered
from emulator.services.cosmos.sql.engine.grouping import grouped, ungrouped
from emulator.services.cosmos.sql.engine.limits import Limits, compile_limits
from emulator.services.cosmos.sql.engine.ordering import SortKey, sorted_results
from emulator.services.cosmos.sql.engine.projection import compile_projection
from emulator.services.cosmos.sql.engine.ranking import RankCompiler, ranked_results
from emulator.services.cosmos.sql.functions.search import call_metric
from emulator.services.cosmos.sql.runtime.options import Options
from emulator.services.cosmos.sql.runtime.scope import Evaluate, Row, Scope, Slots
from emulator.services.cosmos.sql.runtime.vectors import is_ascending
from emulator.services.cosmos.sql.values import JSON, UNDEFINED, Item, identity

type Results = Callable[[Row], Iterator[JSON]]

_TICKS_PER_SECOND = 10_000_000


def compile_query(query: tree.Query) -> "CompiledQuery":
    """The query, ready to run.

    Raises InvalidQueryError with Azure's code and text if something is wrong with it, and UnsupportedQueryError if it
    needs what the emulator does not have. Errors that depend on the values of parameters are raised by `run`.
    """
    check_query(query)
    _QueryCompiler(None, Options(now=0.0)).compile(query)
    return CompiledQuery(query)


class CompiledQuery:
    """A query that has been checked."""

    def __init__(self, query: tree.Query) -> None:
        self.query = query

    def run(
        self, items: Iterable[Item], parameters: Mapping[str, JSON], *, options: Options | None = None
    ) -> Iterator[JSON]:
        """The results over the items of one partition, computed as they are read.

        Without ORDER BY, GROUP BY and aggregate functions, a result is yielded before the next item is read, and
        nothing is read after the last result of TOP or OFFSET LIMIT.

        Args:
            items: the items, complete with their system properties, in the order of their `_rid`.
            parameters: values by name, with the `@`. A parameter without a value is undefined.
            options: the container's policies.

        Raises:
            InvalidQueryError: for values that the query cannot be run with; also while results are read.
        """
        return _QueryCompiler(parameters, options or Options()).compile(self.query)(items)


def evaluate(
    query: tree.Query, items: Iterable[Item], parameters: Mapping[str, JSON], *, options: Options | None = None
) -> Iterator[JSON]:
    """The results of a query: `compile_query` and `run`."""
    return compile_query(query).run(items, parameters, options=options)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RowLoop:
    """FROM and WHERE of a query: rows, names, and the slots of the items of FROM and of the container."""

    scope: Scope
    rows: Rows
    item_slots: list[int]
    items_slot: int | None


class _QueryCompiler:
    """Compiles one query with the values of its parameters; None if they are not known, to check it."""

    def __init__(self, parameters: Mapping[str, JSON] | None, options: Options) -> None:
        self._parameters = parameters
        self._options = options
        self._slots = Slots()
        now = time.time() if options.now is None else options.now
        self._expressions = ExpressionCompiler(
            parameters, options, int(now * _TICKS_PER_SECOND), self._compile_subquery
        )
        self._from_items = FromCompiler(self._compile_subquery)

    def compile(self, query: tree.Query) -> Callable[[Iterable[Item]], Iterator[JSON]]:
        """A function of the container's items."""
        items_slot = self._slots.add()
        results = self._compile(query, None, items_slot)
        slots = self._slots
        needs_check = may_be_infinite(query)

        def run(items: Iterable[Item]) -> Iterator[JSON]:
            row = slots.new_row()
            row[items_slot] = items
            return _finite(results(row)) if needs_check else results(row)

        return run

    def _compile_subquery(self, query: tree.Query, scope: Scope, items_slot: int | None) -> Results:
        return self._compile(query, scope, items_slot)

    def _compile(self, query: tree.Query, parent: Scope | None, items_slot: int | None) -> Results:
        scope = Scope(slots=self._slots, parent=parent)
        rows, item_slots = self._from_items.compile(query.from_items, scope, items_slot)
        if query.where is not None:
            rows = filtered(rows, self._expressions.predicate(query.where, scope))
        limits = compile_limits(query, self._parameters)
        loop = _RowLoop(scope=scope, rows=rows, item_slots=item_slots, items_slot=items_slot)
        if query.group_by or has_aggregate(query):
            results = self._compile_aggregation(query, loop)
        else:
            results = self._compile_rows(query, loop, limits)
        if query.select.distinct:
            results = _distinct(results)
        return lambda row: limits.apply(results(row))

    def _compile_aggregation(self, query: tree.Query, loop: "_RowLoop") -> Results:
        keys = [self._expressions.compile(expression, loop.scope).evaluate for expression in query.group_by]
        loop.scope.aggregates = []
        project = compile_projection(query, self._expressions, loop.scope, loop.item_slots)
        aggregates = loop.scope.aggregates
        if keys:
            return grouped(loop.rows, keys, aggregates, project)
        return ungrouped(loop.rows, aggregates, project)

    def _compile_rows(self, query: tree.Query, loop: "_RowLoop", limits: Limits) -> Results:
        project = compile_projection(query, self._expressions, loop.scope, loop.item_slots)
        if query.order_by is None:
            return _in_order_of_items(loop.rows, project)
        if query.order_by.rank:
            call = query.order_by.items[0].expression
            assert isinstance(call, tree.FunctionCall)
            assert loop.items_slot is not None
            compiler = RankCompiler(self._expressions, self._options)
            components = compiler.components(call, loop.scope, loop.item_slots[0])
            return ranked_results(loop.rows, components, project, loop.items_slot)
        keys = [self._sort_key(item, loop.scope) for item in query.order_by.items]
        keep_undefined = self._options.order_by_undefined
        # DISTINCT counts after sorting, so it needs all results.
        limit = None if query.select.distinct else limits.end
        return sorted_results(loop.rows, keys, project, keep_undefined=keep_undefined, limit=limit)

    def _sort_key(self, item: tree.OrderItem, scope: Scope) -> SortKey:
        expression = item.expression
        evaluate = self._expressions.compile(expression, scope).evaluate
        descending = item.direction == "DESC"
        if isinstance(expression, tree.FunctionCall) and expression.name.upper() == "VECTORDISTANCE":
            arguments = self._expressions.compile_all(expression.arguments, scope)
            descending = not is_ascending(call_metric(expression.arguments, arguments, self._options))
        return SortKey(evaluate=evaluate, descending=descending)


def _in_order_of_items(rows: Rows, project: Evaluate) -> Results:
    def results(row: Row) -> Iterator[JSON]:
        for _ in rows(row):
            value = project(row)
            if value is not UNDEFINED:
                yield value

    return results


def _distinct(results: Results) -> Results:
    def distinct(row: Row) -> Iterator[JSON]:
        known: set[Any] = set()
        for value in results(row):
            key = identity(value)
            if key not in known:
                known.add(key)
                yield value

    return distinct


def _finite(results: Iterator[JSON]) -> Iterator[JSON]:
    for value in results:
        check_finite(value)
        yield value
