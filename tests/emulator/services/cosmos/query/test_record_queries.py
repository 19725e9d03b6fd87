"""The function code's queries with Microsoft's client against the emulated Cosmos DB.

The container has the policies that the program deploys, and the records those that the code writes.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from classifier.adapters.day_counts import CosmosDayCountStore
from classifier.domain.events import Message
from classifier.domain.records import create_record, describe_unread_blob
from classifier.use_cases.count_records import RecordCounter
from common.adapters.record_queries import CosmosRecordQueries
from common.adapters.service_errors import ServiceBoundary
from common.domain.cursors import CursorSigner
from common.domain.errors import AccessDeniedError, InvalidQueryError
from common.domain.findings import Caption, Findings, Tag
from common.domain.models import Analysis
from common.domain.queries import RecordFilter, SortOrder
from common.domain.query_results import NamedCount
from common.domain.record import ImageRecord, RecordStatus
from msgspec.structs import replace

from infra.core.rbac import RECORD_QUERY_DATA_ACTIONS, RECORD_READER_DATA_ACTIONS
from tests.conftest import ROOT
from tests.emulator.services.cosmos.conftest import CosmosAccount
from tests.support.cursor_keys import DayKeys
from tests.support.in_memory_services import message

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
RED, BLUE = [1.0, 0.0] + [0.0] * 1022, [0.0, 1.0] + [0.0] * 1022
VECTORS = [
    {"path": path, "dataType": "float32", "dimensions": 1024, "distanceFunction": "cosine"}
    for path in ("/vector", "/vector2")
]


def container_policies() -> dict[str, Any]:
    """The policies of the container of records in the recording of a stack, with those of embeddings."""
    recording = json.loads((ROOT / "tests/infra/golden/dev-public.json").read_text())
    container = "azure-native:cosmosdb:SqlResourceSqlContainer::records-images"
    resource = recording["resources"][container]["inputs"]["resource"]
    indexes = [{"path": vector["path"], "type": "diskANN"} for vector in VECTORS]
    return {
        "indexingPolicy": resource["indexingPolicy"] | {"vectorIndexes": indexes},
        "fullTextPolicy": resource["fullTextPolicy"],
        "vectorEmbeddingPolicy": {"vectorEmbeddings": VECTORS},
    }


def record(
    number: int,
    *tags: tuple[str, float | None],
    caption: str = "a picture",
    vector: list[float] | None = None,
    status: RecordStatus = RecordStatus.CLASSIFIED,
) -> ImageRecord:
    """The record of the image `<number>.png`, made so many minutes after noon."""
    parsed = Message.parse(message(f"{number}.png"))
    time = NOON + timedelta(minutes=number)
    new = create_record(
        parsed,
        attempt=1,
        status=status,
        blob=describe_unread_blob(parsed.event, f"e{number}"),
        started=time,
        finished=time,
    )
    if status is not RecordStatus.CLASSIFIED:
        return new
    findings = Findings(
        tags=tuple(Tag(name=name, confidence=confidence) for name, confidence in tags),
        caption=Caption(text=caption, confidence=None),
        vector=msgspec.UNSET if vector is None else tuple(vector),
    )
    analysis = Analysis(analyzer="test", api_version="1", model_version="m", findings=findings)
    return new.with_analysis(analysis, min_confidence=0.5)


RECORDS = (
    record(0, ("cat", 0.9), ("sofa", 0.6), caption="a red cat", vector=RED),
    record(1, ("cat", 0.6), ("dog", 0.95), caption="a dog and a cat"),
    record(2, ("dog", None), caption="dogs at the harbor", vector=BLUE),
    record(3, ("cat", 0.4), caption="somebody"),
    record(4, status=RecordStatus.FAILED),
    record(5, ("cat", 0.99), ("sofa", 0.97), caption="a cat on a red sofa", vector=RED),
)


@pytest.fixture
def deployed(account: CosmosAccount) -> CosmosAccount:
    """An account with six records, and with a role for queries and one for reads."""
    account.add_container("images", **container_policies())
    account.assign_role("api", *RECORD_QUERY_DATA_ACTIONS)
    account.assign_role("uploader", *RECORD_READER_DATA_ACTIONS)
    with account.client() as client:
        images = client.get_database_client("pipeline").get_container_client("images")
        for item in RECORDS:
            images.create_item(msgspec.to_builtins(item))
        # Another item of the container, which no list returns.
        images.create_item({"id": "counts-2025-12-31", "day": "2025-12-31", "statuses": {}})
    return account


def use[Result](
    account: CosmosAccount, work: Callable[[CosmosRecordQueries], Awaitable[Result]], principal: str = "api"
) -> Result:
    """Do something with the queries of a principal."""

    async def run() -> Result:
        async with account.async_client(principal) as client:
            container = client.get_database_client("pipeline").get_container_client("images")
            cursors = CursorSigner(DayKeys(), now=lambda: NOON)
            return await work(CosmosRecordQueries(container, ServiceBoundary("Cosmos DB"), cursors))

    return asyncio.run(run())


def names(account: CosmosAccount, order: SortOrder = SortOrder.NEWEST, **fields: Any) -> list[str]:
    page = use(
        account,
        lambda queries: queries.list_records(RecordFilter(**fields), order=order, page_size=10, cursor=None),
    )
    assert page.cursor is None
    assert page.request_units > 0
    return [summary.name.removesuffix(".png") for summary in page.records]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "543210"),
        ({"labels": ("cat",)}, "510"),
        ({"labels": ("cat",), "min_confidence": 0.8}, "50"),
        ({"labels": ("dog",), "min_confidence": 0.1}, "1"),
        ({"labels": ("dog",)}, "21"),
        ({"labels": ("cat", "sofa")}, "50"),
        ({"labels": ("cat", "sofa"), "min_confidence": 0.95}, "5"),
        ({"category": "dog"}, "21"),
        ({"category": "cat", "labels": ("sofa",)}, "50"),
        ({"status": RecordStatus.FAILED}, "4"),
        ({"start": NOON + timedelta(minutes=2), "end": NOON + timedelta(minutes=4)}, "32"),
        ({"words": ("red",)}, "50"),
        ({"words": ("red", "sofa")}, "50"),
        ({"words": ("harbor",), "labels": ("dog",)}, "2"),
        ({"labels": ("no such label",)}, ""),
    ],
)
def test_lists(deployed: CosmosAccount, fields: dict[str, Any], expected: str) -> None:
    assert "".join(names(deployed, **fields)) == expected
    assert "".join(names(deployed, SortOrder.OLDEST, **fields)) == expected[::-1]


@pytest.mark.parametrize("order", SortOrder)
@pytest.mark.parametrize("page_size", [1, 2, 4])
@pytest.mark.parametrize("category", [None, "cat"])
def test_every_record_is_on_one_page_while_others_are_added(
    deployed: CosmosAccount, order: SortOrder, page_size: int, category: str | None
) -> None:
    record_filter = RecordFilter(category=category)

    async def read_pages(queries: CosmosRecordQueries) -> list[str]:
        names: list[str] = []
        cursor = None
        for added in range(100, 160):
            page = await queries.list_records(record_filter, order=order, page_size=page_size, cursor=cursor)
            names += [item.name.removesuffix(".png") for item in page.records]
            cursor = page.cursor
            if cursor is None:
                return names
            with deployed.client() as client:
                images = client.get_database_client("pipeline").get_container_client("images")
                # Newer than all others, or older.
                time = (NOON + timedelta(minutes=added if added % 2 else -added)).isoformat()
                if added < 104:
                    images.create_item(msgspec.to_builtins(replace(record(added, ("cat", 0.9)), processed_at=time)))
        raise AssertionError("the list has no end")

    names = use(deployed, read_pages)
    assert len(names) == len(set(names))
    expected = {"0", "5"} if category else {"0", "1", "2", "3", "4", "5"}
    assert expected <= set(names)


def test_the_order_of_equal_times_is_by_id(deployed: CosmosAccount) -> None:
    with deployed.client() as client:
        images = client.get_database_client("pipeline").get_container_client("images")
        for number in range(10, 16):
            same = replace(record(number, ("bird", 0.9)), processed_at=NOON.isoformat())
            images.create_item(msgspec.to_builtins(same))

    async def read_pages(queries: CosmosRecordQueries) -> list[str]:
        names: list[str] = []
        cursor = None
        for _ in range(6):
            page = await queries.list_records(
                RecordFilter(labels=("bird",)), order=SortOrder.NEWEST, page_size=1, cursor=cursor
            )
            names += [item.id for item in page.records]
            cursor = page.cursor
        assert cursor is None
        return names

    names = use(deployed, read_pages)
    assert names == sorted(names, reverse=True)
    assert len(set(names)) == 6


def search(account: CosmosAccount, **arguments: Any) -> list[tuple[str, float | None]]:
    arguments = {"words": (), "vector": None, "cursor": None, "page_size": 10} | arguments
    page = use(account, lambda queries: queries.search(RecordFilter(), **arguments))
    return [(match.record.name.removesuffix(".png"), match.similarity) for match in page.matches]


def test_the_best_matches_for_words(deployed: CosmosAccount) -> None:
    matches = search(deployed, words=("red", "sofa"))
    assert matches[0][0] == "5"
    assert {name for name, _ in matches} == {"0", "5"}
    assert {similarity for _, similarity in matches} == {None}


def test_the_most_similar_embeddings(deployed: CosmosAccount) -> None:
    matches = search(deployed, vector=RED)
    assert {name for name, _ in matches[:2]} == {"0", "5"}
    assert [similarity for _, similarity in matches] == [pytest.approx(1), pytest.approx(1), pytest.approx(0)]


def test_words_and_embedding_together(deployed: CosmosAccount) -> None:
    matches = search(deployed, words=("sofa",), vector=RED)
    assert matches[0] == ("5", pytest.approx(1)) or matches[0] == ("0", pytest.approx(1))
    assert {"0", "5"} == {name for name, _ in matches[:2]}


def test_a_search_is_paged_by_its_cursor(deployed: CosmosAccount) -> None:
    async def read_pages(queries: CosmosRecordQueries) -> list[str]:
        names: list[str] = []
        cursor = None
        for _ in range(3):
            page = await queries.search(RecordFilter(), words=("cat", "dog"), vector=None, page_size=2, cursor=cursor)
            names += [match.record.name for match in page.matches]
            cursor = page.cursor
            if cursor is None:
                break
        return names

    names = use(deployed, read_pages)
    assert len(names) == len(set(names)) == 4


def test_similar_images_are_others(deployed: CosmosAccount) -> None:
    page = use(
        deployed,
        lambda queries: queries.find_similar(
            RecordFilter(labels=("cat",)), vector=RED, exclude_id=RECORDS[0].id, limit=5
        ),
    )
    assert [match.record.name for match in page.matches] == ["5.png"]


def test_what_a_caller_sends_is_compared_and_never_executed(deployed: CosmosAccount) -> None:
    for text in ("' OR 1=1 --", 'cat") OR (true', "@start", "cat' AND 'a' = 'a"):
        assert names(deployed, labels=(text,)) == []
        assert names(deployed, category=text) == []
        assert names(deployed, words=(text,)) in ([], [*"510"])  # the words of a phrase, at most


def test_only_a_role_with_the_right_to_query_lists(deployed: CosmosAccount) -> None:
    def newest(queries: CosmosRecordQueries) -> Any:
        return queries.list_records(RecordFilter(), order=SortOrder.NEWEST, page_size=1, cursor=None)

    assert len(use(deployed, newest).records) == 1
    with pytest.raises(AccessDeniedError, match="executeQuery"):
        use(deployed, newest, principal="uploader")


def test_the_counts_of_a_day_are_those_of_its_records(deployed: CosmosAccount) -> None:
    async def count() -> int:
        async with deployed.async_client("owner") as client:
            container = client.get_database_client("pipeline").get_container_client("images")
            store = CosmosDayCountStore(container, ServiceBoundary("Cosmos DB"))
            return await RecordCounter(counts=store, now=lambda: NOON).run(NOON + timedelta(minutes=1))

    assert asyncio.run(count()) == 1
    counts = use(deployed, lambda queries: queries.count(date(2026, 1, 1), date(2026, 1, 3)))
    assert (counts.images, counts.counted_at) == (6, NOON)
    assert counts.statuses == (NamedCount(name="classified", count=5), NamedCount(name="failed", count=1))
    assert counts.categories == (NamedCount(name="cat", count=2), NamedCount(name="dog", count=2))
    assert counts.labels == (
        NamedCount(name="cat", count=3),
        NamedCount(name="dog", count=2),
        NamedCount(name="sofa", count=2),
    )


def test_a_cursor_of_another_list_is_refused(deployed: CosmosAccount) -> None:
    async def work(queries: CosmosRecordQueries) -> None:
        page = await queries.list_records(RecordFilter(), order=SortOrder.NEWEST, page_size=1, cursor=None)
        await queries.list_records(RecordFilter(), order=SortOrder.OLDEST, page_size=1, cursor=page.cursor)

    with pytest.raises(InvalidQueryError, match="another query"):
        use(deployed, work)
