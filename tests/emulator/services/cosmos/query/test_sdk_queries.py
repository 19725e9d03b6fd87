"""Queries by Microsoft's synchronous client, over three physical partitions."""

from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError

from emulator.services.cosmos.items.container import Container
from tests.emulator.services.cosmos.conftest import CosmosAccount

COUNT = 40


def item(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "n": number,
        "parity": "even" if number % 2 == 0 else "odd",
        "tags": [{"name": "cat", "confidence": number / 100}, {"name": "dog", "confidence": 0.5}][: number % 3],
    }


@pytest.fixture
def images(account: CosmosAccount, client: CosmosClient) -> ContainerProxy:
    composite = [[{"path": "/parity", "order": "ascending"}, {"path": "/n", "order": "descending"}]]
    account.add_container("images", indexingPolicy={"compositeIndexes": composite})
    images = client.get_database_client("pipeline").get_container_client("images")
    for number in range(COUNT):
        images.create_item(item(number))
    return images


def query(container: ContainerProxy, text: str, **options: Any) -> list[Any]:
    return list(container.query_items(text, enable_cross_partition_query=True, **options))


def query_one(container: ContainerProxy, text: str, partition_key: Any, **options: Any) -> list[Any]:
    return list(container.query_items(text, partition_key=partition_key, **options))


def parameters(**values: Any) -> list[dict[str, Any]]:
    return [{"name": f"@{name}", "value": value} for name, value in values.items()]


def test_the_items_are_in_every_partition(images: ContainerProxy, account: CosmosAccount) -> None:
    (resource,) = account.deployment.resources.of_type("cosmosdb:SqlResourceSqlContainer")
    container = Container.of_resource(resource)
    names = [str(number) for number in range(COUNT)]
    assert {account.store.read(container, (name,), name).partition for name in names} == {0, 1, 2}


@pytest.mark.parametrize("page_size", [None, 1, 7, -1])
def test_all_items_are_listed_page_by_page(images: ContainerProxy, page_size: int | None) -> None:
    assert {results["n"] for results in images.read_all_items(page_size)} == set(range(COUNT))
    assert sorted(query(images, "SELECT VALUE c.n FROM c", max_item_count=page_size)) == [*range(COUNT)]


def test_a_filter_with_parameters(images: ContainerProxy) -> None:
    text = "SELECT c.id, c.n FROM c WHERE c.parity = @parity AND c.n > @n"
    results = query(images, text, parameters=parameters(parity="odd", n=35))
    assert sorted(results, key=lambda result: result["n"]) == [{"id": "37", "n": 37}, {"id": "39", "n": 39}]


@pytest.mark.parametrize("page_size", [None, 1, 3])
@pytest.mark.parametrize(("direction", "expected"), [("ASC", [*range(COUNT)]), ("DESC", [*range(COUNT)][::-1])])
def test_order_by_merges_the_partitions(
    images: ContainerProxy, direction: str, expected: list[int], page_size: int | None
) -> None:
    text = f"SELECT VALUE c.n FROM c ORDER BY c.n {direction}"
    assert query(images, text, max_item_count=page_size) == expected


def test_order_by_several_properties_reads_a_composite_index(images: ContainerProxy) -> None:
    even = [*range(0, COUNT, 2)]
    odd = [*range(1, COUNT, 2)]
    assert query(images, "SELECT VALUE c.n FROM c ORDER BY c.parity ASC, c.n DESC") == even[::-1] + odd[::-1]
    assert query(images, "SELECT VALUE c.n FROM c ORDER BY c.parity DESC, c.n ASC") == odd + even


def test_top_offset_and_limit(images: ContainerProxy) -> None:
    assert query(images, "SELECT TOP 3 VALUE c.n FROM c ORDER BY c.n") == [0, 1, 2]
    assert query(images, "SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 5 LIMIT 4") == [5, 6, 7, 8]
    assert len(query(images, "SELECT TOP 7 * FROM c")) == 7
    assert len(query(images, "SELECT * FROM c OFFSET 30 LIMIT 100")) == 10
    text = "SELECT VALUE c.n FROM c ORDER BY c.n DESC OFFSET @skip LIMIT @take"
    assert query(images, text, parameters=parameters(skip=1, take=2), max_item_count=1) == [38, 37]
    assert query(images, "SELECT TOP 0 * FROM c") == []


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        ("COUNT(1)", COUNT),
        ("SUM(c.n)", 780),
        ("MIN(c.n)", 0),
        ("MAX(c.n)", 39),
        ("AVG(c.n)", 19.5),
        ("COUNT(c.nothing)", 0),
    ],
)
def test_aggregates_are_combined(images: ContainerProxy, aggregate: str, expected: float) -> None:
    assert query(images, f"SELECT VALUE {aggregate} FROM c") == [expected]


def test_distinct_values(images: ContainerProxy) -> None:
    assert sorted(query(images, "SELECT DISTINCT VALUE c.parity FROM c")) == ["even", "odd"]
    assert query(images, "SELECT DISTINCT VALUE c.parity FROM c ORDER BY c.parity DESC") == ["odd", "even"]


def test_joins_and_subqueries_over_arrays(images: ContainerProxy) -> None:
    text = "SELECT VALUE c.n FROM c JOIN t IN c.tags WHERE t.name = 'dog' AND c.n < 12"
    assert sorted(query(images, text, max_item_count=1)) == [2, 5, 8, 11]
    exists = "SELECT VALUE c.n FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t.confidence >= 0.38)"
    assert sorted(query(images, exists + " AND c.n > 30")) == [32, 35, 38]
    assert query(images, "SELECT t.name FROM c JOIN t IN c.tags WHERE c.id = '2'", max_item_count=1) == [
        {"name": "cat"},
        {"name": "dog"},
    ]


def test_a_query_of_one_partition_key_needs_no_plan(images: ContainerProxy) -> None:
    charges: list[str] = []

    def record(headers: Any, _results: Any) -> None:
        charges.append(headers["x-ms-request-charge"])

    text = "SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 0 LIMIT 5"
    assert query_one(images, text, "7", response_hook=record) == [7]
    assert len(charges) == 1
    grouped = "SELECT c.parity, COUNT(1) AS count FROM c GROUP BY c.parity"
    assert query_one(images, grouped, "7") == [{"parity": "odd", "count": 1}]


def test_a_filter_on_the_partition_key_reads_one_partition(images: ContainerProxy) -> None:
    assert query(images, "SELECT VALUE c.n FROM c WHERE c.id = '7'") == [7]
    assert list(images.query_items("SELECT VALUE c.n FROM c WHERE c.id = '7'")) == [7]


def test_a_query_of_several_partitions_must_be_enabled(images: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError, match="Cross partition query is required but disabled") as raised:
        list(images.query_items("SELECT * FROM c"))
    assert raised.value.status_code == 400


def test_group_by_across_partitions_is_not_for_this_sdk(images: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError, match="only supports 'VALUE <AggregateFunc>' for aggregates"):
        query(images, "SELECT c.parity, COUNT(1) AS count FROM c GROUP BY c.parity")
    with pytest.raises(CosmosHttpResponseError, match="which the calling client does not support: GroupBy"):
        query(images, "SELECT c.parity FROM c GROUP BY c.parity")


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("SELECT * FORM c", 400, "Syntax error, incorrect syntax near"),
        ("SELECT * FROM c WHERE x.a = 1", 400, "could not be resolved"),
        ("SELECT udf.f(c.n) FROM c", 501, "does not support"),
        ("SELECT * FROM c ORDER BY c.n, c.parity", 400, "does not have a corresponding composite index"),
        ("SELECT * FROM c ORDER BY c.n + 1", 400, "could not be mapped to a document path"),
        ("SELECT VALUE t FROM c JOIN t IN c.tags ORDER BY t.name", 400, "Order-by over correlated collections"),
    ],
)
def test_queries_that_are_refused(images: ContainerProxy, text: str, status: int, message: str) -> None:
    with pytest.raises(CosmosHttpResponseError, match=message) as raised:
        query(images, text)
    assert raised.value.status_code == status


def test_feed_ranges_cover_all_items_once(images: ContainerProxy) -> None:
    results: list[Any] = [
        result
        for feed_range in images.read_feed_ranges()
        for result in images.query_items("SELECT VALUE c.n FROM c", feed_range=feed_range, max_item_count=4)
    ]
    assert sorted(results) == [*range(COUNT)]


def test_several_items_are_read_at_once(images: ContainerProxy) -> None:
    keys = [(str(number), str(number)) for number in range(0, COUNT, 3)]
    results = images.read_items(keys)
    assert sorted(result["n"] for result in results) == [*range(0, COUNT, 3)]


@pytest.fixture
def days(account: CosmosAccount, client: CosmosClient) -> ContainerProxy:
    account.add_container("days", "/tenant", "/day")
    days = client.get_database_client("pipeline").get_container_client("days")
    for number in range(30):
        days.create_item({"id": str(number), "tenant": f"t{number % 5}", "day": number % 3, "n": number})
    return days


def test_hierarchical_partition_keys(days: ContainerProxy) -> None:
    text = "SELECT VALUE c.n FROM c"
    assert sorted(query_one(days, text, ["t1"], max_item_count=2)) == [1, 6, 11, 16, 21, 26]
    assert sorted(query_one(days, text, ["t1", 0])) == [6, 21]
    assert days.read_item("6", ["t1", 0])["n"] == 6
    assert sorted(query(days, f"{text} WHERE c.tenant = 't1' AND c.day = 0")) == [6, 21]
    assert sorted(query(days, f"{text} WHERE c.tenant IN ('t1', 't2') AND c.n < 8")) == [1, 2, 6, 7]
