"""Aggregates in a query plan: each partition returns what an SDK needs to combine them."""

from dataclasses import replace

from emulator.services.cosmos.items.errors import CosmosError, backend_error
from emulator.services.cosmos.query.plan_document import QueryInfo
from emulator.services.cosmos.query.projection import result_names
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.printer import to_sql
from emulator.services.cosmos.sql.traversal import walk

# The names of a plan, by the names of the functions.
_OPERATORS = {
    "COUNT": "Count",
    "COUNTIF": "CountIf",
    "SUM": "Sum",
    "MIN": "Min",
    "MAX": "Max",
    "AVG": "Average",
}


def aggregates_of(query: tree.Query) -> list[tree.FunctionCall]:
    """The aggregates in SELECT, without those of subqueries."""
    return [
        node
        for node in walk(query.select.projection, into_subqueries=False)
        if isinstance(node, tree.FunctionCall) and node.name.upper() in _OPERATORS
    ]


def aggregate_info(info: QueryInfo, query: tree.Query) -> None:
    """Fill in the parts of a plan that are about aggregates and GROUP BY. Raises CosmosError 400."""
    info.group_by_expressions = [to_sql(expression) for expression in query.group_by]
    match query.select.projection:
        case tree.SelectValue(expression):
            operator = _operator(expression)
            if operator is not None:
                info.aggregates = [operator]
            elif aggregates_of(query):
                raise _composition_error()
        case tree.SelectList(items):
            info.group_by_aliases = result_names(items)
            for name, item in zip(info.group_by_aliases, items, strict=True):
                operator = _operator(item.expression)
                is_composed = operator is None and any(
                    isinstance(node, tree.FunctionCall) and node.name.upper() in _OPERATORS
                    for node in walk(item.expression, into_subqueries=False)
                )
                if is_composed:
                    raise _composition_error()
                info.group_by_alias_to_aggregate_type[name] = operator
        case tree.SelectAll():
            raise backend_error("'SELECT *' is not allowed with GROUP BY.")


def aggregate_payload(query: tree.Query) -> tree.Query:
    """The query of one partition."""
    projection = query.select.projection
    if isinstance(projection, tree.SelectValue):
        operator = _operator(projection.expression)
        payload = projection.expression
        if operator is not None:
            payload = tree.ArrayCreation((_partial(projection.expression),))
        if not query.group_by:
            return replace(query, select=tree.Select(projection=tree.SelectValue(payload)), offset_limit=None)
    else:
        assert isinstance(projection, tree.SelectList)
        items = tuple(
            item if _operator(item.expression) is None else replace(item, expression=_partial(item.expression))
            for item in projection.items
        )
        names = result_names(projection.items)
        payload = tree.ObjectCreation(tuple((name, item.expression) for name, item in zip(names, items, strict=True)))
    results = [tree.SelectItem(payload, "payload")]
    if query.group_by:
        groups = tree.ArrayCreation(tuple(tree.ObjectCreation((("item", key),)) for key in query.group_by))
        results.insert(0, tree.SelectItem(groups, "groupByItems"))
    return replace(query, select=tree.Select(projection=tree.SelectList(tuple(results))), offset_limit=None)


def _operator(expression: tree.Expression) -> str | None:
    return _OPERATORS.get(expression.name.upper()) if isinstance(expression, tree.FunctionCall) else None


def _partial(expression: tree.Expression) -> tree.Expression:
    assert isinstance(expression, tree.FunctionCall)
    arguments = expression.arguments
    count = tree.FunctionCall("COUNT", arguments)
    match expression.name.upper():
        case "AVG":
            value = tree.ObjectCreation((("sum", tree.FunctionCall("SUM", arguments)), ("count", count)))
            return tree.ObjectCreation((("item", value),))
        case "MIN" | "MAX" as name:
            both = tree.ObjectCreation(((name.lower(), expression), ("count", count)))
            return tree.ObjectCreation((("item", expression), ("item2", both)))
        case _:
            return tree.ObjectCreation((("item", expression),))


def _composition_error() -> CosmosError:
    return backend_error("Compositions of aggregates and other expressions are not allowed.")
