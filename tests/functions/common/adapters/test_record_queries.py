"""The adapter of the queries with a fake container: pages, cursors, the limit of request units, and errors."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError
from common.adapters.record_queries import CosmosRecordQueries
from common.adapters.service_errors import ServiceBoundary
from common.domain.cursors import CursorSigner
from common.domain.errors import (
    AccessDeniedError,
    ConfigurationError,
    InvalidQueryError,
    QueryTooExpensiveError,
    RetryLaterError,
)
from common.domain.metrics import collect_metrics
from common.domain.queries import RecordFilter, SortOrder
from common.domain.query_results import NamedCount

from tests.support.cursor_keys import DayKeys
from tests.support.fake_query_container import FakeQueryContainer, row

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
VECTOR = [0.0] * 1024


def queries_of(container: FakeQueryContainer) -> CosmosRecordQueries:
    cursors = CursorSigner(DayKeys(), now=lambda: NOW)
    return CosmosRecordQueries(container, ServiceBoundary("Cosmos DB"), cursors)  # type: ignore[arg-type]


def list_page(container: FakeQueryContainer, page_size: int = 2, cursor: str | None = None, **fields: Any) -> Any:
    return asyncio.run(
        queries_of(container).list_records(
            RecordFilter(**fields), order=SortOrder.NEWEST, page_size=page_size, cursor=cursor
        )
    )


def search_page(container: FakeQueryContainer, page_size: int = 2, **arguments: Any) -> Any:
    arguments = {"words": ("cat",), "vector": None, "cursor": None} | arguments
    return asyncio.run(queries_of(container).search(RecordFilter(), page_size=page_size, **arguments))


def test_the_last_page_has_no_cursor() -> None:
    page = list_page(
        FakeQueryContainer(row(1), row(2, reason={"code": "C", "sentence": "s", "measured": 1, "limit": 2}))
    )
    assert [record.id for record in page.records] == ["id1", "id2"]
    assert (page.cursor, page.request_units) == (None, 20.0)
    assert (page.records[0].stamp, page.records[0].text, page.records[0].tags[0].confidence) == ("", "", None)


def test_the_next_page_begins_after_the_last_record() -> None:
    page = list_page(FakeQueryContainer(row(3), row(2), row(1)))
    assert [record.id for record in page.records] == ["id3", "id2"]
    container = FakeQueryContainer(row(1))
    assert list_page(container, cursor=page.cursor).cursor is None
    ((text, parameters),) = container.queries
    assert text.startswith("SELECT TOP 3 ")
    assert parameters == {"@start": "", "@lastTime": "2026-01-02T03:04:02+00:00", "@lastId": "id2"}


def test_a_cursor_of_another_filter_is_refused_before_a_query() -> None:
    cursor = list_page(FakeQueryContainer(row(3), row(2), row(1))).cursor
    container = FakeQueryContainer()
    with pytest.raises(InvalidQueryError, match="another query"):
        list_page(container, cursor=cursor, labels=("cat",))
    assert container.queries == []


def test_at_the_limit_of_request_units_a_page_ends_early_with_a_cursor() -> None:
    page = list_page(FakeQueryContainer(row(3), row(2), row(1), charge=500), page_size=10)
    assert [record.id for record in page.records] == ["id3", "id2"]
    assert page.request_units == 1500
    container = FakeQueryContainer()
    list_page(container, page_size=10, cursor=page.cursor)
    assert container.queries[0][1]["@lastId"] == "id2"


def test_a_list_that_reaches_the_limit_without_a_record_is_refused() -> None:
    with pytest.raises(QueryTooExpensiveError, match="stopped after 1001 request units; 1000 are allowed"):
        list_page(FakeQueryContainer(row(1), charge=1001))


def test_a_ranking_that_reaches_the_limit_is_refused() -> None:
    with pytest.raises(QueryTooExpensiveError):
        search_page(FakeQueryContainer(row(2), row(1), charge=501))


def test_the_charge_is_a_metric_of_the_invocation() -> None:
    with collect_metrics() as metrics:
        list_page(FakeQueryContainer(row(1), row(2), charge=2.5))
    assert metrics == {"requestUnits": 5.0}


def test_a_search_goes_on_by_its_offset_up_to_two_hundred_matches() -> None:
    rows = [row(number, similarity=0.5) for number in range(50)] * 2
    page = search_page(FakeQueryContainer(*rows, charge=1), page_size=100, vector=VECTOR)
    assert page.matches[0].similarity == 0.5
    container = FakeQueryContainer(*rows, charge=1)
    page = search_page(container, page_size=100, vector=VECTOR, cursor=page.cursor)
    assert container.queries[0][0].endswith(" OFFSET 100 LIMIT 100")
    assert page.cursor is None


def test_a_short_page_of_a_search_is_the_last() -> None:
    assert search_page(FakeQueryContainer(row(1))).cursor is None


def test_without_words_a_record_without_embedding_is_no_match() -> None:
    page = search_page(FakeQueryContainer(row(2, similarity=0.9), row(1)), words=(), vector=VECTOR)
    assert [match.record.id for match in page.matches] == ["id2"]


def test_a_search_needs_words_or_a_vector() -> None:
    with pytest.raises(InvalidQueryError, match="needs words or a vector"):
        search_page(FakeQueryContainer(), words=())


def test_similar_images_have_no_second_page() -> None:
    container = FakeQueryContainer(row(1, similarity=1.0), row(2))
    page = asyncio.run(queries_of(container).find_similar(RecordFilter(), vector=VECTOR, exclude_id="id0", limit=2))
    assert ([match.record.id for match in page.matches], page.cursor) == (["id1"], None)
    assert container.queries[0][1]["@excludedId"] == "id0"


def failure(status: int, message: str = "m") -> CosmosHttpResponseError:
    return CosmosHttpResponseError(status_code=status, message=message)


@pytest.mark.parametrize(
    ("error", "expected", "text"),
    [
        (failure(400, "The order by query does not have a corresponding composite index"), ConfigurationError, "index"),
        (failure(403), AccessDeniedError, "Cosmos DB"),
        (failure(429), RetryLaterError, "Cosmos DB"),
        (CosmosResourceNotFoundError(status_code=404, message="m"), ConfigurationError, "does not exist"),
    ],
)
def test_errors_of_the_service(error: Exception, expected: type[Exception], text: str) -> None:
    with pytest.raises(expected, match=text):
        list_page(FakeQueryContainer(error=error))


def day_item(day: str, counted_at: str, cats: int) -> dict[str, Any]:
    return {
        "id": f"counts-{day}",
        "day": day,
        "countedAt": counted_at,
        "statuses": {"classified": cats, "failed": 1},
        "categories": {"cat": cats},
        "labels": {"cat": cats, "sofa": 3},
        "_etag": "e",
    }


def test_counts_are_the_sums_of_the_days() -> None:
    container = FakeQueryContainer()
    for item in (
        day_item("2026-01-01", "2026-01-02T00:10:00+00:00", 4),
        day_item("2026-01-03", "2026-01-03T09:00:00+00:00", 2),
    ):
        container.items[item["id"]] = item
    with collect_metrics() as metrics:
        counts = asyncio.run(queries_of(container).count(date(2026, 1, 1), date(2026, 1, 3)))
    assert counts.images == 8
    assert counts.statuses == (NamedCount(name="classified", count=6), NamedCount(name="failed", count=2))
    assert counts.categories == (NamedCount(name="cat", count=6),)
    assert counts.labels == (NamedCount(name="cat", count=6), NamedCount(name="sofa", count=6))
    assert counts.counted_at == datetime(2026, 1, 2, 0, 10, tzinfo=UTC)
    assert metrics["requestUnits"] == counts.request_units > 0


def test_days_that_were_not_counted_have_no_counts() -> None:
    counts = asyncio.run(queries_of(FakeQueryContainer()).count(date(2026, 1, 1), date(2026, 1, 1)))
    assert (counts.images, counts.counted_at, counts.labels) == (0, None, ())


@pytest.mark.parametrize(
    ("first", "last", "days"), [((2026, 1, 2), (2026, 1, 1), 0), ((2025, 1, 1), (2026, 1, 2), 367)]
)
def test_the_range_of_days_is_limited(first: tuple[int, int, int], last: tuple[int, int, int], days: int) -> None:
    with pytest.raises(InvalidQueryError, match=f"are {days} days, not 1 to 366"):
        asyncio.run(queries_of(FakeQueryContainer()).count(date(*first), date(*last)))
