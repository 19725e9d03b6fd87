"""Lists and searches over the records, in Cosmos DB."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError

from common.adapters.cosmos import CosmosContainer
from common.adapters.query_text import Position, QueryText, VectorField, list_query, search_query
from common.adapters.service_errors import ServiceBoundary
from common.domain import metrics, queries
from common.domain.cursors import CursorSigner
from common.domain.day_counts import DayCounts, add_up, day_counts_id
from common.domain.errors import ConfigurationError, InvalidQueryError, QueryTooExpensiveError
from common.domain.queries import RecordFilter, SortOrder
from common.domain.query_results import Match, MatchPage, RecordCounts, RecordPage, RecordSummary

# What one query may cost. The smallest container serves 1,000 RU/s, so that no caller takes more than a second of it;
# docs/decisions/0043 has what each query costs.
MAX_REQUEST_UNITS = 1_000.0
_CONCURRENT_READS = 32


class Charge:
    """The response hook of a query: adds up its charge. Raises QueryTooExpensiveError at the limit."""

    def __init__(self, limit: float = MAX_REQUEST_UNITS) -> None:
        self._limit = limit
        self.request_units = 0.0

    def __call__(self, headers: Mapping[str, str], _body: object = None) -> None:
        """Add the charge of one response, as the SDK calls it."""
        charge = float(headers.get("x-ms-request-charge", 0))
        self.request_units = round(self.request_units + charge, 2)
        metrics.add("requestUnits", charge)
        if self.request_units > self._limit:
            raise QueryTooExpensiveError(self.request_units, self._limit)


class _Row(RecordSummary, frozen=True, kw_only=True, rename="camel"):
    """A result of a search."""

    similarity: float | None = None


class CosmosRecordQueries:
    """`queries.RecordQueries` for the container `images`.

    Args:
        container: the container.
        boundary: of Cosmos DB.
        cursors: signs the cursors.
        vector_field: the embedding that searches compare.
    """

    def __init__(
        self,
        container: ContainerProxy,
        boundary: ServiceBoundary,
        cursors: CursorSigner,
        *,
        vector_field: VectorField = "vector",
    ) -> None:
        self._container = container
        self._items = CosmosContainer(container, boundary)
        self._boundary = boundary
        self._cursors = cursors
        self._vector_field: VectorField = vector_field

    async def list_records(
        self, record_filter: RecordFilter, *, order: SortOrder, page_size: int, cursor: str | None
    ) -> RecordPage:
        """Implements `queries.RecordQueries.list_records`.

        A page that reaches the limit of request units has the records until then, and a cursor.
        """
        record_filter.check()
        queries.check_page_size("page_size", page_size)
        identity = ("list", record_filter, order)
        after = None if cursor is None else await self._cursors.read(cursor, identity, Position)
        charge = Charge()
        records: list[RecordSummary] = []
        # One more than the page has says whether there is another page.
        query = list_query(record_filter, order, page_size + 1, after)
        try:
            await self._run(query, RecordSummary, records, charge)
            has_more = len(records) > page_size
        except QueryTooExpensiveError:
            if not records:
                raise
            has_more = True
        page = records[:page_size]
        next_cursor = None
        if has_more:
            next_cursor = await self._cursors.create(identity, Position(page[-1].processed_at, page[-1].id))
        return RecordPage(records=tuple(page), cursor=next_cursor, request_units=charge.request_units)

    async def search(
        self,
        record_filter: RecordFilter,
        *,
        words: Sequence[str],
        vector: Sequence[float] | None,
        page_size: int,
        cursor: str | None,
    ) -> MatchPage:
        """Implements `queries.RecordQueries.search`."""
        record_filter.check()
        queries.check_page_size("page_size", page_size)
        queries.check_words(words)
        if vector is not None:
            queries.check_vector(vector)
        elif not words:
            raise InvalidQueryError("a search needs words or a vector")
        identity = ("search", record_filter, [*words], None if vector is None else [*vector])
        offset = 0 if cursor is None else await self._cursors.read(cursor, identity, int)
        limit = min(page_size, queries.MAX_RANKED - offset)
        page = await self._search(
            search_query(
                record_filter,
                words=words,
                vector=vector,
                vector_field=self._vector_field,
                offset=offset,
                limit=limit,
            ),
            needs_similarity=not words,
        )
        end = offset + limit
        if len(page.matches) < limit or end >= queries.MAX_RANKED:
            return page
        return msgspec.structs.replace(page, cursor=await self._cursors.create(identity, end))

    async def find_similar(
        self, record_filter: RecordFilter, *, vector: Sequence[float], exclude_id: str | None, limit: int
    ) -> MatchPage:
        """Implements `queries.RecordQueries.find_similar`."""
        record_filter.check()
        queries.check_page_size("limit", limit)
        queries.check_vector(vector)
        return await self._search(
            search_query(
                record_filter,
                words=(),
                vector=vector,
                vector_field=self._vector_field,
                exclude_id=exclude_id,
                offset=0,
                limit=limit,
            ),
            needs_similarity=True,
        )

    async def count(self, first_day: date, last_day: date) -> RecordCounts:
        """Implements `queries.RecordQueries.count`, by the items that `reconcile` has written."""
        number = (last_day - first_day).days + 1
        if not 1 <= number <= queries.MAX_DAYS:
            raise InvalidQueryError(f"{first_day} to {last_day} are {number} days, not 1 to {queries.MAX_DAYS}")
        days = [first_day + timedelta(days=offset) for offset in range(number)]
        counts: list[DayCounts] = []
        with metrics.collect_metrics() as charge:
            for batch in itertools.batched(days, _CONCURRENT_READS, strict=False):
                items = await asyncio.gather(*(self._items.read(day_counts_id(day)) for day in batch))
                decoded = [item.decode(DayCounts) for item in items if item is not None]
                counts += [day for day in decoded if day is not None]
        request_units = charge.get("requestUnits", 0.0)
        metrics.add("requestUnits", request_units)
        return RecordCounts(
            first_day=first_day,
            last_day=last_day,
            counted_at=min((datetime.fromisoformat(day.counted_at) for day in counts), default=None),
            images=sum(sum(day.statuses.values()) for day in counts),
            statuses=add_up(day.statuses for day in counts),
            categories=add_up(day.categories for day in counts),
            labels=add_up(day.labels for day in counts),
            request_units=request_units,
        )

    async def _search(self, query: QueryText, *, needs_similarity: bool) -> MatchPage:
        """Run a ranked search. Its ranks are complete or nothing: there is no part of them to return at the limit."""
        charge = Charge()
        rows: list[_Row] = []
        await self._run(query, _Row, rows, charge)
        matches = [
            Match(record=row, similarity=row.similarity)
            for row in rows
            if row.similarity is not None or not needs_similarity
        ]
        return MatchPage(matches=tuple(matches), cursor=None, request_units=charge.request_units)

    async def _run[Row](self, query: QueryText, row_type: type[Row], rows: list[Row], charge: Charge) -> None:
        """Append the results of a query to `rows`, one by one."""
        try:
            with self._boundary:
                # The SDK leaves the type of an item open.
                async for item in self._container.query_items(  # pyright: ignore[reportUnknownMemberType]
                    query.text, parameters=query.parameter_list, response_hook=charge
                ):
                    # One by one, so that those before an error stay.
                    rows.append(msgspec.convert(item, row_type))  # noqa: PERF401
        except CosmosResourceNotFoundError as error:
            raise ConfigurationError("ContainerNotFound", "the Cosmos DB container does not exist") from error
        except CosmosHttpResponseError as error:
            if error.status_code != 400:
                raise
            # The texts are ours, so the container lacks an index or a policy that they need.
            raise ConfigurationError("QueryRefused", f"Cosmos DB refuses the query: {error.message}") from error
