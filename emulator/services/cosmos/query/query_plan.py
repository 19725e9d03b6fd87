"""Query plans: how a query over several partitions becomes queries of one partition each, as Azure's gateway does it.

Recorded plans of the gateway: QueryPlanBaselineTests.*.xml in
https://github.com/Azure/azure-cosmos-dotnet-v3/tree/main/Microsoft.Azure.Cosmos/tests/Microsoft.Azure.Cosmos.Tests/BaselineTest/TestBaseline
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulator.services.cosmos.items.container import Container
from emulator.services.cosmos.items.errors import bad_request
from emulator.services.cosmos.query.aggregation import aggregate_info, aggregate_payload, aggregates_of
from emulator.services.cosmos.query.hybrid_plan import hybrid_plan
from emulator.services.cosmos.query.order import computed_order, property_orders
from emulator.services.cosmos.query.paths import conjunction, root_alias
from emulator.services.cosmos.query.plan_document import ASCENDING, DESCENDING, QueryInfo, QueryPlan
from emulator.services.cosmos.query.projection import payload_of
from emulator.services.cosmos.query.query_ranges import QueryRanges, query_ranges
from emulator.services.cosmos.query.row_limits import RowLimits, row_limits
from emulator.services.cosmos.query.search_options import is_ascending
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.engine.compiler import compile_query
from emulator.services.cosmos.sql.printer import to_sql

_FILTER = tree.Placeholder("({documentdb-formattableorderbyquery-filter})")


def plan_query(query: tree.Query, parameters: Mapping[str, Any], container: Container) -> QueryPlan:
    """The plan of a query. Raises CosmosError and QueryError."""
    compile_query(query)
    ranges = query_ranges(query, parameters, container)
    limits = row_limits(query, parameters)
    if query.order_by is not None and query.order_by.rank:
        return QueryPlan(
            query_info=QueryInfo(),
            query_ranges=ranges.to_json(),
            hybrid_search_query_info=hybrid_plan(query, limits),
        )
    return QueryPlan(
        query_info=_query_info(query, parameters, container, limits, ranges), query_ranges=ranges.to_json()
    )


def _query_info(
    query: tree.Query,
    parameters: Mapping[str, Any],
    container: Container,
    limits: RowLimits,
    ranges: QueryRanges,
) -> QueryInfo:
    info = QueryInfo(
        top=limits.top,
        offset=limits.offset,
        limit=limits.limit,
        has_select_value=isinstance(query.select.projection, tree.SelectValue),
    )
    if query.group_by or aggregates_of(query):
        aggregate_info(info, query)
        info.distinct_type = "Unordered" if query.select.distinct else "None"
        info.rewritten_query = to_sql(aggregate_payload(query))
        return info
    if computed_order(query) is not None:
        _computed_order_info(info, query, parameters, container, limits)
        return info
    orders = property_orders(query)
    if orders:
        assert query.order_by is not None
        info.order_by = [ASCENDING if order.ascending else DESCENDING for order in orders]
        info.order_by_expressions = [to_sql(item.expression) for item in query.order_by.items]
        info.distinct_type = _distinct_type(query)
        info.rewritten_query = to_sql(_ordered(query, limits))
        return info
    if ranges.is_single_key and not query.select.distinct:
        # The one partition does everything.
        info.offset = info.limit = None
        return info
    if query.select.distinct:
        info.distinct_type = "Unordered"
        if not limits.is_empty:
            info.rewritten_query = to_sql(_without_limits(query))
        return info
    if limits.offset is not None:
        info.rewritten_query = to_sql(replace(query, offset_limit=limits.from_start()))
    return info


def _computed_order_info(
    info: QueryInfo,
    query: tree.Query,
    parameters: Mapping[str, Any],
    container: Container,
    limits: RowLimits,
) -> None:
    order = computed_order(query)
    assert order is not None
    assert isinstance(order.expression, tree.FunctionCall)
    ascending = is_ascending(order.expression, query, parameters, container.definition)
    info.order_by = [ASCENDING if ascending else DESCENDING]
    info.order_by_expressions = [to_sql(order.expression)]
    info.has_non_streaming_order_by = True
    info.distinct_type = _distinct_type(query)
    info.rewritten_query = to_sql(_ordered(query, limits))


def _distinct_type(query: tree.Query) -> str:
    """Whether equal results follow each other: they do if they are what the query is sorted by."""
    if not query.select.distinct:
        return "None"
    assert query.order_by is not None
    sorted_by = [item.expression for item in query.order_by.items]
    match query.select.projection:
        case tree.SelectValue(expression):
            projected = [expression]
        case tree.SelectList(items):
            projected = [item.expression for item in items]
        case tree.SelectAll():
            projected = []
    return "Ordered" if projected == sorted_by else "Unordered"


def _ordered(query: tree.Query, limits: RowLimits) -> tree.Query:
    """The query with its results as `payload`, beside what they are sorted by."""
    assert query.order_by is not None
    alias = root_alias(query)
    if alias is None:
        raise bad_request("ORDER BY across partitions needs FROM with the container itself.")
    sort_values = tree.ArrayCreation(
        tuple(tree.ObjectCreation((("item", item.expression),)) for item in query.order_by.items)
    )
    projection = query.select.projection
    conditions = () if query.where is None else (query.where,)
    conditions += (_FILTER,)
    if isinstance(projection, tree.SelectValue):
        conditions += (tree.FunctionCall("IS_DEFINED", (projection.expression,)),)
    top = query.select.top
    return replace(
        query,
        select=tree.Select(
            projection=tree.SelectList(
                (
                    tree.SelectItem(tree.Property(tree.Identifier(alias), "_rid"), None),
                    tree.SelectItem(sort_values, "orderByItems"),
                    tree.SelectItem(payload_of(projection, alias), "payload"),
                )
            ),
            # With DISTINCT, the results of a partition that are left out are not known.
            top=None if query.select.distinct or top is None else tree.Constant(limits.top),
        ),
        where=conjunction(conditions),
        offset_limit=None if query.select.distinct or limits.offset is None else limits.from_start(),
    )


def _without_limits(query: tree.Query) -> tree.Query:
    return replace(query, select=replace(query.select, top=None), offset_limit=None)
