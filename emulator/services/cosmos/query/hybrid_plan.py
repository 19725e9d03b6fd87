"""The plan of ORDER BY RANK: one query for each score, and a query for the statistics of full text.

Recorded plans: QueryPlanRetrieverTests.cs and QueryPlanBaselineTests.Top.xml in
https://github.com/Azure/azure-cosmos-dotnet-v3
"""

from dataclasses import dataclass, replace

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


def hybrid_plan(query: tree.Query, limits: RowLimits) -> HybridSearchQueryInfo:
    """The plan of a query with ORDER BY RANK, which `compile_query` has accepted."""
    scores, weights = _scores(query)
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


def _scores(query: tree.Query) -> tuple[list[tree.FunctionCall], list[float] | None]:
    """The scores, and their weights if the query has any."""
    assert query.order_by is not None
    (item,) = query.order_by.items
    call = item.expression
    assert isinstance(call, tree.FunctionCall)
    if call.name.lower() != "rrf":
        return [call], None
    scores = [argument for argument in call.arguments if isinstance(argument, tree.FunctionCall)]
    last = call.arguments[-1]
    if not isinstance(last, tree.ArrayCreation):
        return scores, None
    values = (constant_value(weight, {}) for weight in last.items)
    return scores, [float(value[0]) for value in values if value is not None]


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
    assert alias is not None
    result_count = limits.skip + (limits.take or 0)
    top = max(2 * result_count, _MINIMUM_TOP)
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
