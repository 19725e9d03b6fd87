"""Lists, searches and counts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from common.domain.errors import QueryTooExpensiveError
from common.domain.queries import RecordFilter
from common.domain.record import RecordStatus

from tests.support.in_memory_api import NOW, Answer, InMemoryApi, create_record

type Send = Callable[..., Answer]


def test_a_list_is_newest_first_with_an_address_for_each_image(api: InMemoryApi, send: Send) -> None:
    api.add(create_record("old.png", processed_at=NOW - timedelta(days=1)))
    api.add(create_record("new.png"))
    answer = send("GET", "/api/images", token="reader")
    assert answer.status == 200
    assert [item["name"] for item in answer.json["items"]] == ["new.png", "old.png"]
    item = answer.json["items"][0]
    assert item == {
        "id": item["id"],
        "name": "new.png",
        "status": "classified",
        "reason": None,
        "caption": "a cat on the grass",
        "category": {"name": "cat", "confidence": 0.93},
        "labels": [{"name": "cat", "confidence": 0.93}, {"name": "grass", "confidence": 0.71}],
        "image": {"width": 640, "height": 480, "format": "PNG"},
        "processedAt": "2026-01-02T03:04:05+00:00",
        "contentUrl": "https://acct.blob.core.windows.net/images/new.png"
        "?sp=r&rsct=image/png&se=2026-01-02T03:19:05+00:00",
        "matches": [],
    }
    assert answer.json["cursor"] is None


def test_a_list_can_be_oldest_first(api: InMemoryApi, send: Send) -> None:
    api.add(create_record("old.png", processed_at=NOW - timedelta(days=1)))
    api.add(create_record("new.png"))
    answer = send("GET", "/api/images?sort=oldest")
    assert [item["name"] for item in answer.json["items"]] == ["old.png", "new.png"]


def test_the_cursor_leads_through_all_pages(api: InMemoryApi, send: Send) -> None:
    for number in range(5):
        api.add(create_record(f"{number}.png", processed_at=NOW + timedelta(seconds=number)))
    names: list[str] = []
    cursor = ""
    while True:
        answer = send("GET", f"/api/images?limit=2{cursor}").json
        names += [item["name"] for item in answer["items"]]
        if answer["cursor"] is None:
            break
        cursor = f"&cursor={answer['cursor']}"
    assert names == ["4.png", "3.png", "2.png", "1.png", "0.png"]


def test_every_parameter_is_part_of_the_filter(api: InMemoryApi, send: Send) -> None:
    send(
        "GET",
        "/api/images?label=cat&label=sports%20car&minConfidence=0.5&category=cat&status=classified"
        "&since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00%2B01:00",
    )
    assert api.filters == [
        RecordFilter(
            labels=("cat", "sports car"),
            min_confidence=0.5,
            category="cat",
            status=RecordStatus.CLASSIFIED,
            start=datetime(2026, 1, 1, tzinfo=UTC),
            end=datetime(2026, 1, 1, 23, tzinfo=UTC),
        )
    ]


def test_the_labels_of_the_filter_are_the_reasons_of_the_results(api: InMemoryApi, send: Send) -> None:
    api.add(create_record("cat.png"))
    (item,) = send("GET", "/api/images?label=grass").json["items"]
    assert item["matches"] == [{"kind": "label", "text": "grass", "score": 0.71}]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=1.5",
        "minConfidence=1.1&label=cat",
        "minConfidence=nan&label=cat",
        "minConfidence=0.5",
        "label=",
        "label=a,,b",
        "label=" + ",".join(["a"] * 11),
        "label=" + "x" * 201,
        "category=",
        "status=done",
        "since=yesterday",
        "since=2026-01-01T00:00:00",
        "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
        "sort=random",
        "sort=relevance",
        "q=",
        "q=" + "x" * 301,
        "cursor=",
        "cursor=../1",
        "cursor=" + "x" * 4097,
        "unknown=1",
        "LIMIT=1",
    ],
)
def test_a_query_that_is_not_valid_is_refused_with_its_parameter(send: Send, query: str) -> None:
    answer = send("GET", f"/api/images?{query}")
    assert (answer.status, answer.json["code"]) == (400, "invalidRequest")


def test_a_search_says_why_each_image_matches(api: InMemoryApi, send: Send) -> None:
    api.add(create_record("cat.png"), text="a cat on the grass cat grass EXIT", similarity=0.31)
    api.add(create_record("dog.png", tags=[("dog", 0.9)], caption="a dog"), text="a dog dog", similarity=0.1)
    answer = send("GET", "/api/images?q=a%20cat%20at%20the%20exit")
    (item,) = answer.json["items"]
    assert item["name"] == "cat.png"
    assert item["matches"] == [
        {"kind": "label", "text": "cat", "score": 0.93},
        {"kind": "caption", "text": "a cat on the grass", "score": 0.8},
        {"kind": "text", "text": "EXIT", "score": None},
        {"kind": "meaning", "text": None, "score": 0.31},
    ]


def test_nothing_is_found_when_nothing_fits(api: InMemoryApi, send: Send) -> None:
    for number in range(30):
        api.add(create_record(f"{number}.png"), similarity=0.24)
    answer = send("GET", "/api/images?q=submarine")
    assert answer.json == {"items": [], "cursor": None}


def test_a_page_with_results_has_a_next_page(api: InMemoryApi, send: Send) -> None:
    for number in range(30):
        api.add(create_record(f"{number}.png"), similarity=0.3)
    answer = send("GET", "/api/images?q=feline&limit=10").json
    assert (len(answer["items"]), answer["cursor"]) == (10, "10")


def test_without_embeddings_a_search_is_by_words_alone(api: InMemoryApi, send: Send) -> None:
    api.embeddings = False
    api.failures["vectorize"] = AssertionError("Vision was called")
    api.add(create_record("cat.png"), similarity=0.9)
    assert [item["name"] for item in send("GET", "/api/images?q=cats").json["items"]] == ["cat.png"]
    assert send("GET", "/api/images?q=feline").json["items"] == []


@pytest.mark.parametrize("query", ["q=the%20photo", "q=!!!", "q=!!!&sort=newest"])
def test_a_search_without_a_word_that_says_something_finds_nothing(api: InMemoryApi, send: Send, query: str) -> None:
    api.embeddings = False
    api.failures |= {"search": AssertionError("Cosmos DB was called"), "list_records": AssertionError()}
    assert send("GET", f"/api/images?{query}").json == {"items": [], "cursor": None}


def test_a_search_by_time_requires_all_words(api: InMemoryApi, send: Send) -> None:
    api.failures["search"] = AssertionError("results are not ranked")
    api.add(create_record("cat.png"), text="a cat on the grass")
    (item,) = send("GET", "/api/images?q=cat&sort=newest").json["items"]
    assert api.filters == [RecordFilter(words=("cat",))]
    assert item["matches"][0] == {"kind": "label", "text": "cat", "score": 0.93}


def test_a_query_that_would_read_too_much_says_what_to_change(api: InMemoryApi, send: Send) -> None:
    api.failures["list_records"] = QueryTooExpensiveError(2001.4, 2000)
    answer = send("GET", "/api/images")
    assert (answer.status, answer.json["code"]) == (422, "queryTooExpensive")
    assert answer.json["detail"] == (
        "the query was stopped after 2001 request units; 2000 are allowed. Narrow it, for example by its time range."
    )


@pytest.mark.parametrize(
    ("path", "items"),
    [
        ("labels", [{"name": "cat", "count": 2}, {"name": "grass", "count": 1}]),
        ("categories", [{"name": "cat", "count": 2}]),
    ],
)
def test_counts_are_of_the_last_31_days(send: Send, path: str, items: list[dict[str, object]]) -> None:
    assert send("GET", f"/api/{path}").json == {
        "since": "2025-12-03",
        "until": "2026-01-02",
        "countedAt": "2026-01-02T03:04:05Z",
        "items": items,
    }


def test_statistics_are_counts_by_status(send: Send) -> None:
    assert send("GET", "/api/stats?since=2026-01-01&until=2026-01-02").json == {
        "since": "2026-01-01",
        "until": "2026-01-02",
        "countedAt": "2026-01-02T03:04:05Z",
        "images": 3,
        "statuses": [{"name": "classified", "count": 2}, {"name": "rejected", "count": 1}],
    }


@pytest.mark.parametrize("query", ["since=x", "since=2026-01-02&until=2026-01-01", "since=0001-01-01"])
def test_days_that_are_not_valid_are_refused(send: Send, query: str) -> None:
    assert send("GET", f"/api/stats?{query}").json["code"] == "invalidRequest"


def test_the_first_day_of_all_has_no_year_before_it(send: Send) -> None:
    assert send("GET", "/api/stats?until=0001-01-15").json["since"] == "0001-01-01"
