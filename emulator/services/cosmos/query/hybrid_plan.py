"""The plan of ORDER BY RANK: one query for each score, and a query for the statistics of full text.

Recorded plans: QueryPlanRetrieverTests.cs and QueryPlanBaselineTests.Top.xml in
https://github.com/Azure/azure-cosmos-dotnet-v3
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from emulator.services.cosmos.errors import CosmosError, bad_request
from emulator.services.cosmos.query.paths import conjunction, constant_value, root_alias
from emulator.services.cosmos.query.plan_document import ASCENDING, DESCENDING, HybridSearchQueryInfo, QueryInfo
from emulator.services.cosmos.query.projection import payload_of
from emulator.services.cosmos.query.row_limits import RowLimits
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.printer import to_sql

# Each partition returns twice as many results as are wanted, and not less than this.
_MINIMUM_TOP = 120
_PREFIX = "documentdb-formattablehybridsearchquery"
_FILTER = tree.Placeholder("({documentdb-formattableorderbyquery-filter})")
# The scores of an item without the text or vector.
_NO_TEXT = -1
_NO_VECTOR = -1.79769e308


@dataclass(frozen=True, kw_only=True)
class _Component:
    """A score: its expression, its value for an item that has none, and whether its weight is negative."""

    score: tree.FunctionCall
    missing: float
    ascending: bool

    @property
    def defined_score(self) -> tree.Expression:
        return tree.Binary("??", self.score, tree.Constant(self.missing))


def hybrid_plan(query: tree.Query, parameters: Mapping[str, Any], limits: RowLimits) -> HybridSearchQueryInfo:
    """The plan of a query with ORDER BY RANK. Raises CosmosError 400."""
    scores, weights = _scores(query, parameters)
    components: list[_Component] = []
    statistics: list[tree.FunctionCall] = []
    for index, score in enumerate(scores):
        is_negative = weights is not None and weights[index] < 0
        if score.name.lower() == "fulltextscore":
            expression = _full_text_score(score, len(statistics))
            components.append(_Component(score=expression, missing=_NO_TEXT, ascending=is_negative))
            statistics.append(score)
        else:
            expression = tree.FunctionCall("_VectorScore", score.arguments)
            components.append(_Component(score=expression, missing=_NO_VECTOR, ascending=is_negative))
    return HybridSearchQueryInfo(
        global_statistics_query=_statistics_query(query, statistics),
        component_query_infos=[_component_info(query, component, components, limits) for component in components],
        component_weights=weights,
        skip=limits.offset,
        take=limits.take,
        requires_global_statistics=bool(statistics),
    )


def _scores(query: tree.Query, parameters: Mapping[str, Any]) -> tuple[list[tree.FunctionCall], list[float] | None]:
    """The scores, and their weights if the query has any."""
    assert query.order_by is not None
    (item,) = query.order_by.items
    if item.direction is not None:
        raise bad_request("Specifying a sort order (ASC or DESC) in the ORDER BY RANK clause is not allowed.")
    call = item.expression
    if not isinstance(call, tree.FunctionCall):
        raise _rank_error()
    if call.name.lower() != "rrf":
        return [_score(call)], None
    arguments = list(call.arguments)
    weights = None
    if arguments and not isinstance(arguments[-1], tree.FunctionCall):
        weights = _weights(arguments.pop(), len(arguments), parameters)
    if len(arguments) < 2:
        raise bad_request("The RRF function needs at least two scores.")
    return [_score(argument) for argument in arguments], weights


def _score(expression: tree.Expression) -> tree.FunctionCall:
    if isinstance(expression, tree.FunctionCall) and expression.name.lower() in {"fulltextscore", "vectordistance"}:
        return expression
    raise _rank_error()


def _weights(expression: tree.Expression, count: int, parameters: Mapping[str, Any]) -> list[float]:
    value = constant_value(expression, parameters)
    weights: list[float] = []
    if value is not None and isinstance(value[0], list):
        weights = [float(weight) for weight in value[0] if type(weight) in {int, float}]
    if len(weights) != count:
        raise bad_request(f"The weights of the RRF function must be an array of {count} numbers, one for each score.")
    return weights


def _full_text_score(score: tree.FunctionCall, index: int) -> tree.FunctionCall:
    path, *terms = score.arguments
    return tree.FunctionCall(
        "_FullTextScore",
        (
            path,
            tree.ArrayCreation(tuple(terms)),
            tree.Placeholder(f"{{{_PREFIX}-totaldocumentcount}}"),
            tree.Placeholder(f"{{{_PREFIX}-totalwordcount-{index}}}"),
            tree.Placeholder(f"{{{_PREFIX}-hitcountsarray-{index}}}"),
        ),
    )


def _statistics_query(query: tree.Query, scores: list[tree.FunctionCall]) -> str:
    statistics: list[tree.Expression] = []
    for score in scores:
        path, *terms = score.arguments
        words = tree.FunctionCall("SUM", (tree.FunctionCall("_FullTextWordCount", (path,)),))
        hits = tree.ArrayCreation(
            tuple(
                tree.FunctionCall("COUNTIF", (tree.FunctionCall("FullTextContains", (path, term)),)) for term in terms
            )
        )
        statistics.append(tree.ObjectCreation((("totalWordCount", words), ("hitCounts", hits))))
    projection = tree.SelectList(
        (
            tree.SelectItem(tree.FunctionCall("COUNT", (tree.Constant(1),)), "documentCount"),
            tree.SelectItem(tree.ArrayCreation(tuple(statistics)), "fullTextStatistics"),
        )
    )
    return to_sql(tree.Query(select=tree.Select(projection=projection), from_items=query.from_items[:1]))


def _component_info(
    query: tree.Query, component: _Component, components: list[_Component], limits: RowLimits
) -> QueryInfo:
    alias = root_alias(query)
    if alias is None:
        raise bad_request("ORDER BY RANK needs FROM with the container itself.")
    wanted = limits.skip + (limits.take or 0)
    top = max(2 * wanted, _MINIMUM_TOP)
    payload = tree.ObjectCreation(
        (
            ("payload", payload_of(query.select.projection, alias)),
            ("componentScores", tree.ArrayCreation(tuple(other.defined_score for other in components))),
        )
    )
    sort_values = tree.ArrayCreation((tree.ObjectCreation((("item", component.score),)),))
    conditions = (_FILTER,) if query.where is None else (query.where, _FILTER)
    rewritten = replace(
        query,
        select=tree.Select(
            projection=tree.SelectList(
                (
                    tree.SelectItem(tree.Property(tree.Identifier(alias), "_rid"), None),
                    tree.SelectItem(sort_values, "orderByItems"),
                    tree.SelectItem(payload, "payload"),
                )
            ),
            top=tree.Constant(top),
        ),
        where=conjunction(conditions),
        order_by=tree.OrderBy(
            items=(tree.OrderItem(expression=component.score, direction="ASC" if component.ascending else "DESC"),)
        ),
        offset_limit=None,
    )
    return QueryInfo(
        top=top,
        order_by=[ASCENDING if component.ascending else DESCENDING],
        order_by_expressions=[to_sql(component.score)],
        rewritten_query=to_sql(rewritten),
        has_non_streaming_order_by=True,
    )


def _rank_error() -> CosmosError:
    return bad_request("The ORDER BY RANK clause needs a FullTextScore, or RRF of FullTextScore and VectorDistance.")
