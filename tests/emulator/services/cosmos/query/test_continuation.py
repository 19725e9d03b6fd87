"""Queries that are resumed while items are added, and continuation tokens that are not the query's."""

from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError

from emulator.services.cosmos.items.errors import CosmosError
from emulator.services.cosmos.query.continuation import Progress, read_token, write_token
from tests.emulator.services.cosmos.conftest import CosmosAccount


@pytest.fixture
def images(account: CosmosAccount, client: CosmosClient) -> ContainerProxy:
    account.add_container("images", "/owner")
    images = client.get_database_client("pipeline").get_container_client("images")
    for number in range(30):
        add(images, number * 10)
    return images


def pages_of(images: ContainerProxy, text: str, token: str | None = None, **options: Any) -> Any:
    return images.query_items(text, **options).by_page(token)


def add(images: ContainerProxy, n: int) -> None:
    images.create_item({"id": str(n), "owner": f"o{n % 7}", "n": n, "two": [1, 2]})


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT VALUE c.n FROM c", 1),
        ("SELECT VALUE c.n FROM c ORDER BY c.n", 1),
        ("SELECT VALUE c.n FROM c ORDER BY c.n DESC", 1),
        ("SELECT VALUE c.n FROM c JOIN t IN c.two", 2),
        ("SELECT VALUE c.n FROM c WHERE c.n >= 0 ORDER BY c.n", 1),
    ],
)
@pytest.mark.parametrize("page_size", [1, 3])
def test_items_are_returned_once_while_others_are_added(
    images: ContainerProxy, text: str, rows: int, page_size: int
) -> None:
    pages = pages_of(images, text, enable_cross_partition_query=True, max_item_count=page_size)
    results: list[int] = []
    for number, page in enumerate(pages):
        results += page
        if number < 60:
            add(images, number * 10 + 5)
    before = [n for n in results if n % 10 == 0]
    assert sorted(before) == sorted([*range(0, 300, 10)] * rows)
    added = [n for n in results if n % 10 == 5]
    assert all(added.count(n) == rows for n in added)


def test_a_token_resumes_in_another_client(images: ContainerProxy, account: CosmosAccount) -> None:
    text = "SELECT VALUE c.n FROM c"
    pages = pages_of(images, text, enable_cross_partition_query=True, max_item_count=4)
    first = list(next(pages))
    with account.client() as other:
        again = other.get_database_client("pipeline").get_container_client("images")
        rest = pages_of(again, text, pages.continuation_token, enable_cross_partition_query=True)
        others = [n for page in rest for n in page]
    assert sorted(first + others) == [*range(0, 300, 10)]


def test_each_response_is_of_one_physical_partition(images: ContainerProxy) -> None:
    partitions: list[str] = []
    results = images.query_items(
        "SELECT * FROM c WHERE c.n = 10",
        enable_cross_partition_query=True,
        response_hook=lambda headers, _: partitions.append(headers["x-ms-documentdb-partitionkeyrangeid"]),
    )
    assert len(list(results)) == 1
    assert partitions == ["0", "1", "2"]


@pytest.mark.parametrize("text", ["SELECT VALUE c.n FROM c", "SELECT VALUE c.n FROM c ORDER BY c.n DESC"])
def test_a_token_of_a_feed_range_resumes_a_query_of_its_partition_key(images: ContainerProxy, text: str) -> None:
    # test_full_partition_key_query_pagination_resume_and_count_is_index_only of azure-cosmos expects it of Azure.
    feed_range = images.feed_range_from_partition_key("o0")
    pages = pages_of(images, text, feed_range=feed_range, max_item_count=2)
    next(pages)
    token = pages.continuation_token
    rest = [n for page in pages for n in page]
    assert len(rest) == 3
    assert [n for page in pages_of(images, text, token, partition_key="o0") for n in page] == rest


def test_a_deleted_item_does_not_stop_a_query(images: ContainerProxy) -> None:
    text = "SELECT VALUE c.n FROM c ORDER BY c.n"
    pages = pages_of(images, text, partition_key="o0", max_item_count=1)
    assert list(next(pages)) == [0]
    images.delete_item("0", "o0")
    images.delete_item("70", "o0")
    assert [n for page in pages for n in page] == [140, 210, 280]


@pytest.mark.parametrize("token", ["x", "bm90aGluZw==", "ä", "AAAA" * 20])
def test_a_text_that_is_no_token_is_refused(images: ContainerProxy, token: str) -> None:
    pages = pages_of(images, "SELECT * FROM c", token, partition_key="o0")
    with pytest.raises((CosmosHttpResponseError, UnicodeEncodeError)) as raised:
        list(next(pages))
    if isinstance(raised.value, CosmosHttpResponseError):
        assert raised.value.status_code == 400
        assert "Invalid Continuation Token" in str(raised.value)


def test_a_token_of_another_query_is_refused(images: ContainerProxy) -> None:
    pages = pages_of(images, "SELECT * FROM c", partition_key="o0", max_item_count=1)
    list(next(pages))
    token = pages.continuation_token
    for text, key in (("SELECT VALUE c FROM c", "o0"), ("SELECT * FROM c", "o1")):
        others = pages_of(images, text, token, partition_key=key)
        with pytest.raises(CosmosHttpResponseError, match="Invalid Continuation Token"):
            list(next(others))


@pytest.mark.parametrize(
    "progress", [Progress(), Progress(partition=2, key=b"\x00\xff", number=7, rows=1, skipped=3, returned=9)]
)
def test_tokens_are_read_as_they_were_written(progress: Progress) -> None:
    token = write_token(progress, secret=b"s", context="query")
    assert read_token(token, secret=b"s", context="query") == progress
    for secret, context in ((b"t", "query"), (b"s", "other")):
        with pytest.raises(CosmosError, match="Invalid Continuation Token"):
            read_token(token, secret=secret, context=context)
