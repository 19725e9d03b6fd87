"""A query that is ready to run in a partition: checked, compiled, and taken apart into what the scan does for it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from emulator.services.cosmos.items.charges import QueryCost
from emulator.services.cosmos.items.container import Container, Item
from emulator.services.cosmos.items.indexing import full_text_indexes
from emulator.services.cosmos.items.ordered_index import Ordering
from emulator.services.cosmos.query.aggregation import aggregates_of
from emulator.services.cosmos.query.candidates import find_candidates
from emulator.services.cosmos.query.index_rules import check_indexes, has_ranking_index, ordering_of
from emulator.services.cosmos.query.index_use import split_condition
from emulator.services.cosmos.query.order import computed_order, property_orders
from emulator.services.cosmos.query.order_bounds import ALL_KEYS, order_bounds
from emulator.services.cosmos.query.paths import conjunction, root_alias
from emulator.services.cosmos.query.ranking import Ranking, find_ranking
from emulator.services.cosmos.query.row_limits import RowLimits, row_limits
from emulator.services.cosmos.query.scan import Plan, ScannedItem
from emulator.services.cosmos.query.search_options import distance_functions, languages
from emulator.services.cosmos.query.text_statistics import TextStatistics, find_statistics
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.engine.compiler import CompiledQuery, compile_query
from emulator.services.cosmos.sql.runtime.options import Options


@dataclass(frozen=True, kw_only=True)
class PreparedQuery:
    """A query for one partition.

    Attributes:
        limits: TOP, OFFSET and LIMIT of a query that is resumed after an item; a page applies them.
        plan: How items are read: in which order, for ORDER BY properties, and which of them.
        is_streaming: Whether each item is done with once its results are there.
        statistics: What a query for the statistics of full text counts, which the index has; None for other queries.
        ranking: What an index of the emulator ranks by; None for a query that reads all items.
        is_ranked_by_index: Whether the index alone ranks the items, so that no others are read than those returned.
    """

    limits: RowLimits
    plan: Plan
    is_streaming: bool
    statistics: tuple[TextStatistics, ...] | None
    ranking: Ranking | None
    is_ranked_by_index: bool
    _query: CompiledQuery
    _index_filter: CompiledQuery | None
    _reads_items: bool
    _parameters: Mapping[str, Any]
    _options: Options

    def run(self, items: Iterable[tuple[Item, str]], cost: QueryCost, now: float) -> Iterator[Any]:
        """The results for items, which come with their JSON texts; counts in `cost` what had to be read.

        `now` is the time in seconds since 1970.
        """
        options = replace(self._options, now=now)
        return self._query.run(self._loaded(items, cost, options), self._parameters, options=options)

    def matching(self, items: Iterable[ScannedItem], now: float) -> Iterator[ScannedItem]:
        """The items that the index does not rule out, each before the next one is read."""
        if self._index_filter is None:
            yield from items
            return
        current: ScannedItem | None = None

        def read() -> Iterator[Item]:
            nonlocal current
            for current in items:
                yield current.item

        for _ in self._index_filter.run(read(), self._parameters, options=replace(self._options, now=now)):
            assert current is not None
            yield current

    def _loaded(self, items: Iterable[tuple[Item, str]], cost: QueryCost, options: Options) -> Iterator[Item]:
        """The items that the index does not rule out."""
        body = ""

        def candidates() -> Iterator[Item]:
            nonlocal body
            for item, text in items:
                body = text
                yield item

        loaded: Iterator[Any] = candidates()
        if self._index_filter is not None:
            # Its results are the items themselves.
            loaded = cast("Iterator[Any]", self._index_filter.run(loaded, self._parameters, options=options))
        for item in loaded:
            if self._reads_items:
                cost.load(body)
            yield item


def prepare_query(query: tree.Query, parameters: Mapping[str, Any], container: Container) -> PreparedQuery:
    """The query, ready to run. Raises CosmosError and QueryError."""
    definition = container.definition
    orders = property_orders(query)
    check_indexes(query, orders, definition)
    is_ranked = query.order_by is not None and query.order_by.rank
    needs_all = bool(
        is_ranked
        or query.group_by
        or query.select.distinct
        or computed_order(query) is not None
        or aggregates_of(query)
    )
    stripped = replace(query, order_by=None) if orders else query
    if not needs_all:
        stripped = replace(stripped, select=replace(query.select, top=None), offset_limit=None)
    alias = root_alias(query)
    indexed, rest = split_condition(query, definition)
    if is_ranked:
        # A rank depends on statistics of the items that do not match, too.
        rest = (*indexed, *rest)
        indexed = ()
    index_filter = None
    if alias is not None and indexed:
        stripped = replace(stripped, where=conjunction(rest))
        index_filter = compile_query(
            tree.Query(
                select=tree.Select(projection=tree.SelectValue(tree.Identifier(alias))),
                from_items=query.from_items[:1],
                where=conjunction(indexed),
            )
        )
    options = Options(distance_functions=distance_functions(definition), languages=languages(definition))
    plan = _plan(indexed, alias, parameters, options, ordering_of(orders, definition))
    limits = row_limits(query, parameters)
    statistics = find_statistics(query, parameters, options.languages)
    if statistics is not None and not {texts.index.path for texts in statistics} <= full_text_indexes(definition):
        statistics = None
    is_ranked_by_index = not rest and limits.take is not None and has_ranking_index(query, definition)
    ranking = None
    if is_ranked_by_index:
        ranking = find_ranking(query, limits, parameters, definition, options.languages)
    return PreparedQuery(
        limits=RowLimits() if needs_all else limits,
        plan=plan,
        is_streaming=not needs_all,
        statistics=statistics,
        ranking=ranking,
        is_ranked_by_index=is_ranked_by_index,
        _query=compile_query(stripped),
        _index_filter=index_filter,
        _reads_items=bool(rest) or not (_is_count(query) or statistics),
        _parameters=parameters,
        _options=options,
    )


def _plan(
    conditions: tuple[tree.Expression, ...],
    alias: str | None,
    parameters: Mapping[str, Any],
    options: Options,
    order: tuple[Ordering | None, bool],
) -> Plan:
    """How the items are read for which the conditions, which the index answers, may hold."""
    ordering, is_backwards = order
    if alias is None:
        return Plan(ordering=ordering, backwards=is_backwards)
    bounds = ALL_KEYS
    if ordering is not None:
        bounds = order_bounds(ordering, conditions, alias=alias, parameters=parameters)
    candidates = find_candidates(conditions, alias=alias, parameters=parameters, languages=options.languages)
    return Plan(ordering=ordering, backwards=is_backwards, bounds=bounds, candidates=candidates)


def _is_count(query: tree.Query) -> bool:
    """Whether the query counts items and nothing else, which an index can do."""
    aggregates = aggregates_of(query)
    return (
        bool(aggregates)
        and not query.group_by
        and len(query.from_items) == 1
        and all(
            call.name.upper() == "COUNT" and all(isinstance(argument, tree.Constant) for argument in call.arguments)
            for call in aggregates
        )
    )
