"""What is wrong with a query although its syntax is right, with Azure's codes and texts.

Recorded: LinqGeneralBaselineTests, LinqAggregateFunctionBaselineTests, LinqFullTextBaselineTests and
QueryPlanBaselineTests in github.com/Azure/azure-cosmos-dotnet-v3.
"""

from collections.abc import Iterator

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.engine.rank_checks import check_rank
from emulator.services.cosmos.sql.errors import InvalidQueryError
from emulator.services.cosmos.sql.printer import to_sql
from emulator.services.cosmos.sql.runtime.aggregates import AGGREGATE_NAMES
from emulator.services.cosmos.sql.runtime.paths import split_path
from emulator.services.cosmos.sql.traversal import child_nodes, walk

_MAX_JOINS = 10
"""https://learn.microsoft.com/azure/cosmos-db/concepts-limits#sql-query-limits"""

_SORTED_BY_SCORE = frozenset({"VECTORDISTANCE", "_VECTORSCORE", "_FULLTEXTSCORE"})


def check_query(query: tree.Query) -> None:
    """Raises InvalidQueryError for the first thing that is wrong with a query or one of its subqueries."""
    queries = [node for node in walk(query) if isinstance(node, tree.Query)]
    for subquery in queries[1:]:
        _check_subquery(subquery)
    for node in queries:
        _check_clauses(node)
        _check_aggregates(node)


def is_aggregate(node: object) -> bool:
    """Whether a node is a call of an aggregate function."""
    return isinstance(node, tree.FunctionCall) and node.name.upper() in AGGREGATE_NAMES


def has_aggregate(query: tree.Query) -> bool:
    """Whether the SELECT clause of a query, other than its subqueries, has an aggregate function."""
    return any(is_aggregate(node) for node in walk(query.select, into_subqueries=False))


def _check_subquery(query: tree.Query) -> None:
    if query.order_by is not None and query.order_by.rank:
        raise InvalidQueryError("SC2228", "The ORDER BY RANK clause is not supported in subqueries.")
    if query.order_by is not None:
        raise InvalidQueryError("SC2202", "'ORDER BY' is not supported in subqueries.")
    if query.select.top is not None:
        raise InvalidQueryError("SC2203", "'TOP' is not supported in subqueries.")
    if query.offset_limit is not None:
        raise InvalidQueryError("SC2204", "'OFFSET LIMIT' clause is not supported in subqueries.")


def _check_clauses(query: tree.Query) -> None:
    if len(query.from_items) > _MAX_JOINS + 1:
        message = f"The SQL query exceeded the maximum number of joins. The allowed limit is {_MAX_JOINS}."
        raise InvalidQueryError("SC3021", message)
    if query.order_by is None:
        return
    if query.group_by:
        raise InvalidQueryError("", "'ORDER BY' is not supported with 'GROUP BY'.")
    if query.order_by.rank:
        check_rank(query, query.order_by)
        return
    for item in query.order_by.items:
        _check_order_item(item, query)


def _check_order_item(item: tree.OrderItem, query: tree.Query) -> None:
    expression = item.expression
    if _is_document_path(expression, query):
        return
    if not isinstance(expression, tree.FunctionCall) or expression.name.upper() not in _SORTED_BY_SCORE:
        message = "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path."
        raise InvalidQueryError(2206, message)
    if expression.name.upper() == "VECTORDISTANCE" and item.direction is not None:
        raise InvalidQueryError(
            "", "Specifying a sorting order (ASC or DESC) with VectorDistance function is not supported."
        )


def _is_document_path(expression: tree.Expression, query: tree.Query) -> bool:
    """Whether an expression is a path of the items, also if its alias is that of a subquery with such a path."""
    path = split_path(expression)
    if path is None:
        return False
    identifier, names = path
    for item in query.from_items:
        if isinstance(item, tree.FromSubquery) and item.alias == identifier.name:
            projection = item.query.select.projection
            if isinstance(projection, tree.SelectValue):
                return _is_document_path(projection.expression, item.query)
            if isinstance(projection, tree.SelectList):
                selected = [other.expression for other in projection.items if names[:1] == (other.alias,)]
                return not selected or _is_document_path(selected[0], item.query)
    return True


def _check_aggregates(query: tree.Query) -> None:
    for node in walk(query.select, into_subqueries=False):
        if isinstance(node, tree.FunctionCall) and is_aggregate(node):
            inner = [other for argument in node.arguments for other in walk(argument)]
            if any(is_aggregate(other) or isinstance(other, tree.Subquery) for other in inner):
                message = "Cannot perform an aggregate function on an expression containing an aggregate or a subquery."
                raise InvalidQueryError("SC2101", message, node.location)
    if query.group_by and isinstance(query.select.projection, tree.SelectAll):
        raise InvalidQueryError("SC2041", "'SELECT *' is not allowed with GROUP BY.")
    for expression in query.group_by:
        if any(is_aggregate(node) or isinstance(node, tree.Subquery) for node in walk(expression)):
            raise InvalidQueryError("", "The GROUP BY clause must not contain aggregate functions or subqueries.")
    if query.group_by or has_aggregate(query):
        for expression in _selected(query):
            _check_grouped(expression, query.group_by)


def _selected(query: tree.Query) -> Iterator[tree.Expression]:
    projection = query.select.projection
    if isinstance(projection, tree.SelectValue):
        yield projection.expression
    elif isinstance(projection, tree.SelectList):
        for item in projection.items:
            yield item.expression


def _is_grouped(node: object, group_by: tuple[tree.Expression, ...]) -> bool:
    """Whether a node is an expression of the GROUP BY clause, or a property of the value of one."""
    while node not in group_by:
        if not isinstance(node, tree.Property):
            return False
        node = node.parent
    return True


def _check_grouped(node: object, group_by: tuple[tree.Expression, ...]) -> None:
    """Each property of the select list must be in an aggregate function or in the GROUP BY clause."""
    if _is_grouped(node, group_by) or is_aggregate(node):
        return
    if isinstance(node, tree.Subquery):
        raise InvalidQueryError("", "Subqueries are not supported in the SELECT clause of a query with aggregates.")
    if isinstance(node, tree.Property | tree.Identifier) and split_path(node) is not None:
        message = (
            f"Property reference '{to_sql(node)}' is invalid in the select list because it is not contained in either"
            " an aggregate function or the GROUP BY clause."
        )
        raise InvalidQueryError("SC2102", message)
    for child in child_nodes(node):
        _check_grouped(child, group_by)
