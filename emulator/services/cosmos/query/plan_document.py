"""The query plan, as the gateway sends it to SDKs.

Its form: `PartitionedQueryExecutionInfo` and `QueryInfo` in
https://github.com/Azure/azure-cosmos-dotnet-v3/tree/main/Microsoft.Azure.Cosmos/src/Query/Core/QueryPlan
"""

from typing import Any

import msgspec

ASCENDING = "Ascending"
DESCENDING = "Descending"


class QueryInfo(msgspec.Struct, kw_only=True, rename="camel"):
    """What an SDK does with the results of the partitions, and the query that it sends to each.

    Attributes:
        distinct_type: `None`, `Ordered` (equal results follow each other) or `Unordered`.
        top: TOP of the query.
        offset: OFFSET of the query.
        limit: LIMIT of the query.
        order_by: The direction of each item of ORDER BY.
        order_by_expressions: The items of ORDER BY.
        group_by_expressions: The items of GROUP BY.
        group_by_aliases: The names of the results' properties, with GROUP BY or aggregates.
        aggregates: The aggregate of `SELECT VALUE`.
        group_by_alias_to_aggregate_type: The aggregate of each property, or None.
        rewritten_query: The query for each partition; empty if it is the original.
        has_select_value: Whether the query is `SELECT VALUE`.
        d_count_info: Always None: for clients that declare the feature DCount.
        has_non_streaming_order_by: Whether results are sorted by a computed value, so that all must be read.
    """

    distinct_type: str = "None"
    top: int | None = None
    offset: int | None = None
    limit: int | None = None
    order_by: list[str] = []
    order_by_expressions: list[str] = []
    group_by_expressions: list[str] = []
    group_by_aliases: list[str] = []
    aggregates: list[str] = []
    group_by_alias_to_aggregate_type: dict[str, str | None] = {}
    rewritten_query: str = ""
    has_select_value: bool = False
    d_count_info: None = None
    has_non_streaming_order_by: bool = False

    @property
    def is_passed_through(self) -> bool:
        """Whether an SDK has nothing to do: the results of the partitions are those of the query."""
        return self == QueryInfo(has_select_value=self.has_select_value)


class HybridSearchQueryInfo(msgspec.Struct, kw_only=True, rename="camel"):
    """How an SDK ranks results by several scores.

    Attributes:
        global_statistics_query: The query for the numbers of items and words, which is sent to every partition first.
        component_query_infos: A query for each score.
        component_without_payload_query_infos: Always empty: for clients that declare another feature.
        projection_query_info: Always None: for clients that declare another feature.
        component_weights: The weight of each score, or None if all are 1.
        skip: OFFSET of the query.
        take: TOP or LIMIT of the query.
        requires_global_statistics: Whether a score is one of full text.
    """

    global_statistics_query: str
    component_query_infos: list[QueryInfo]
    component_without_payload_query_infos: list[QueryInfo] = []
    projection_query_info: None = None
    component_weights: list[float] | None = None
    skip: int | None = None
    take: int | None = None
    requires_global_statistics: bool = False


class QueryPlan(msgspec.Struct, kw_only=True, rename="camel"):
    """A query plan."""

    partitioned_query_execution_info_version: int = 2
    query_info: QueryInfo
    query_ranges: list[dict[str, Any]]
    hybrid_search_query_info: HybridSearchQueryInfo | None = None

    def to_json(self) -> str:
        """The plan as JSON text."""
        return msgspec.json.encode(self).decode()


def required_features(plan: QueryPlan) -> list[str]:
    """The features that a client must support to carry out the plan, by the names of the request header.

    https://github.com/Azure/azure-cosmos-dotnet-v3/blob/main/Microsoft.Azure.Cosmos/src/Query/Core/QueryPlan/QueryFeatures.cs
    """
    info = plan.query_info
    hybrid = plan.hybrid_search_query_info
    grouped = [aggregate for aggregate in info.group_by_alias_to_aggregate_type.values() if aggregate is not None]
    all_aggregates = [*info.aggregates, *grouped]
    features = {
        "Aggregate": bool(info.aggregates),
        "CompositeAggregate": bool({"Average", "Min", "Max"} & set(info.aggregates)),
        "CountIf": "CountIf" in all_aggregates,
        "Distinct": info.distinct_type != "None",
        "GroupBy": bool(info.group_by_expressions),
        "HybridSearch": hybrid is not None,
        "MultipleAggregates": len(grouped) > 1,
        "MultipleOrderBy": len(info.order_by) > 1,
        "NonStreamingOrderBy": info.has_non_streaming_order_by,
        "NonValueAggregate": bool(grouped),
        "OffsetAndLimit": info.offset is not None,
        "OrderBy": bool(info.order_by),
        "Top": info.top is not None,
        "WeightedRankFusion": hybrid is not None and hybrid.component_weights is not None,
    }
    return [feature for feature, is_needed in features.items() if is_needed]
