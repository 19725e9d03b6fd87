"""The texts of the queries over the records, in Cosmos DB's query language.

What comes from a caller is always a parameter; the texts hold nothing but constants, names of parameters and checked
numbers. https://learn.microsoft.com/azure/cosmos-db/nosql/query/
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from common.domain.queries import RecordFilter, SortOrder

type ParameterValue = str | float | list[float]
type VectorField = Literal["vector", "vector2"]

# The properties of `RecordSummary`: no more, because a query is charged for what it returns too.
_SUMMARY = (
    "c.id, c.stamp, c.status, c.reason, c.blob.container, c.blob.name, c.blob.etag, c.blob.contentType, c.image,"
    " c.labels, c.category, c.tags, c.caption, c.text, c.processedAt"
)


class Position(Struct, frozen=True, array_like=True):
    """The last record of a page: the next page begins after it."""

    processed_at: str
    id: str


class QueryText(Struct, frozen=True, kw_only=True):
    """A query and the values of its parameters by name."""

    text: str
    parameters: dict[str, ParameterValue]

    @property
    def parameter_list(self) -> list[dict[str, object]]:
        """The parameters as the SDK takes them."""
        return [{"name": name, "value": value} for name, value in self.parameters.items()]


def list_query(record_filter: RecordFilter, order: SortOrder, limit: int, after: Position | None) -> QueryText:
    """Return the query for up to `limit` records in the order of their time, after a position.

    The order by time and id is total, so that no record is on two pages and none is left out. With a category its name
    comes first in the order, which lets a composite index serve the filter and the order at once:
    https://learn.microsoft.com/azure/cosmos-db/index-policy#queries-with-a-filter-and-order-by
    """
    conditions, parameters = _conditions(record_filter)
    is_newest = order is SortOrder.NEWEST
    if after is not None:
        comparison = "<" if is_newest else ">"
        conditions += [
            f"c.processedAt {comparison}= @lastTime",
            f"(c.processedAt {comparison} @lastTime OR c.id {comparison} @lastId)",
        ]
        parameters |= {"@lastTime": after.processed_at, "@lastId": after.id}
    direction, opposite = ("DESC", "ASC") if is_newest else ("ASC", "DESC")
    order_by = f"c.processedAt {direction}, c.id {direction}"
    if record_filter.category is not None:
        order_by = f"c.category.name {opposite}, {order_by}"
    # S608: the texts have constants and names of parameters only.
    text = f"SELECT TOP {limit:d} {_SUMMARY} FROM c WHERE {' AND '.join(conditions)} ORDER BY {order_by}"  # noqa: S608
    return QueryText(text=text, parameters=parameters)


def search_query(
    record_filter: RecordFilter,
    *,
    words: Sequence[str],
    vector: Sequence[float] | None,
    vector_field: VectorField,
    exclude_id: str | None = None,
    offset: int,
    limit: int,
) -> QueryText:
    """Return the query for the best matches: by words, by an embedding, or by both ranks fused.

    https://learn.microsoft.com/azure/cosmos-db/gen-ai/hybrid-search
    """
    conditions, parameters = _conditions(record_filter)
    if exclude_id is not None:
        conditions.append("c.id != @excludedId")
        parameters["@excludedId"] = exclude_id
    searched = ", ".join(_add_texts(parameters, "searched", words))
    score = f"FullTextScore(c.text, {searched})"
    projection = _SUMMARY
    if vector is None:
        # Every record has a rank, so those without any of the words are excluded.
        conditions.append(f"FullTextContainsAny(c.text, {searched})")
        order_by = f"RANK {score}"
    else:
        distance = f"VectorDistance(c.{vector_field}, @vector)"
        parameters["@vector"] = [*vector]
        projection = f"{_SUMMARY}, {distance} AS similarity"
        order_by = f"RANK RRF({score}, {distance})" if searched else distance
    text = (
        f"SELECT {projection} FROM c WHERE {' AND '.join(conditions)} ORDER BY {order_by}"  # noqa: S608
        f" OFFSET {offset:d} LIMIT {limit:d}"
    )
    return QueryText(text=text, parameters=parameters)


def format_time(time: datetime) -> str:
    """Return the time as records have it: in UTC, so that the order of the texts is that of the times."""
    return time.astimezone(UTC).isoformat()


def _conditions(record_filter: RecordFilter) -> tuple[list[str], dict[str, ParameterValue]]:
    """Return the conditions of a filter, and their parameters."""
    # Other items of the container have no such time, and no comparison is true for them.
    start = "" if record_filter.start is None else format_time(record_filter.start)
    conditions = ["c.processedAt >= @start"]
    parameters: dict[str, ParameterValue] = {"@start": start}
    if record_filter.end is not None:
        conditions.append("c.processedAt < @end")
        parameters["@end"] = format_time(record_filter.end)
    if record_filter.status is not None:
        conditions.append("c.status = @status")
        parameters["@status"] = record_filter.status.value
    if record_filter.category is not None:
        conditions.append("c.category.name = @category")
        parameters["@category"] = record_filter.category
    for name in _add_texts(parameters, "label", record_filter.labels):
        # The index finds the label; the confidence is compared in the items that have it.
        conditions.append(f"ARRAY_CONTAINS(c.labels, {name})")
        if record_filter.min_confidence is not None:
            conditions.append(
                f"EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t.name = {name}"  # noqa: S608
                " AND t.confidence >= @minConfidence)"
            )
            parameters["@minConfidence"] = record_filter.min_confidence
    words = _add_texts(parameters, "word", record_filter.words)
    if words:
        conditions.append(f"FullTextContainsAll(c.text, {', '.join(words)})")
    return conditions, parameters


def _add_texts(parameters: dict[str, ParameterValue], prefix: str, texts: Sequence[str]) -> list[str]:
    """Add a parameter for each text, and return their names."""
    names = [f"@{prefix}{number}" for number in range(len(texts))]
    parameters.update(zip(names, texts, strict=True))
    return names
