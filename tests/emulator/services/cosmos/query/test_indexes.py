"""What queries need an index for, and what they are charged with and without one."""

import asyncio
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.emulator.services.cosmos.conftest import CONTAINERS, PREFIX, CosmosAccount

OPT_IN = {
    "includedPaths": [{"path": "/n/?"}, {"path": "/labels/[]/name/?"}],
    "excludedPaths": [{"path": "/*"}],
    "compositeIndexes": [[{"path": "/n", "order": "ascending"}, {"path": "/other", "order": "descending"}]],
}
COUNT = 50


@pytest.fixture
def partitions() -> int:
    return 1


def fill(account: CosmosAccount, client: CosmosClient, **resource: Any) -> ContainerProxy:
    account.add_container("images", **resource)
    images = client.get_database_client("pipeline").get_container_client("images")
    for number in range(COUNT):
        labels = [{"name": f"l{number % 10}"}, {"name": "all"}]
        item = {"id": str(number), "n": number, "other": number % 5, "labels": labels, "text": "x" * 1000}
        images.create_item(item if number else {"id": "0", "text": "x" * 1000})
    return images


def query(container: ContainerProxy, text: str, **options: Any) -> tuple[list[Any], float, dict[str, str]]:
    """The results, the charge, and the metrics of a query that is not merged."""
    headers: list[Any] = []
    results = list(
        container.query_items(
            text,
            enable_cross_partition_query=True,
            populate_query_metrics=True,
            response_hook=lambda sent, _results: headers.append(sent),
            **options,
        )
    )
    metrics = dict(value.split("=") for value in headers[-1]["x-ms-documentdb-query-metrics"].split(";"))
    return results, sum(float(sent["x-ms-request-charge"]) for sent in headers), metrics


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM c ORDER BY c.other",
        "SELECT * FROM c ORDER BY c.labels",
    ],
)
def test_order_by_needs_an_index(account: CosmosAccount, client: CosmosClient, text: str) -> None:
    images = fill(account, client, indexingPolicy=OPT_IN)
    message = "The index path corresponding to the specified order-by item is excluded."
    with pytest.raises(CosmosHttpResponseError, match=message):
        query(images, text)


@pytest.mark.parametrize(
    ("order", "is_served"),
    [
        ("c.n, c.other DESC", True),
        ("c.n DESC, c.other ASC", True),
        ("c.n, c.other", False),
        ("c.other DESC, c.n", False),
        ("c.n, c.other DESC, c.id", False),
    ],
)
def test_order_by_several_properties_needs_a_composite_index(
    account: CosmosAccount, client: CosmosClient, order: str, is_served: bool
) -> None:
    images = fill(account, client, indexingPolicy=OPT_IN)
    text = f"SELECT VALUE c.id FROM c ORDER BY {order}"
    if is_served:
        assert len(query(images, text)[0]) == COUNT
        return
    message = "The order by query does not have a corresponding composite index that it can be served from."
    with pytest.raises(CosmosHttpResponseError, match=message):
        query(images, text)


def test_items_without_the_property_are_sorted_only_if_the_policy_names_it(
    account: CosmosAccount, client: CosmosClient
) -> None:
    explicit = fill(account, client, indexingPolicy=OPT_IN)
    text = "SELECT TOP 2 VALUE c.id FROM c ORDER BY c.n"
    assert query(explicit, text)[0] == ["0", "1"]
    account.store.drop("x")
    account.add_container("by_default")
    by_default = client.get_database_client("pipeline").get_container_client("by_default")
    for item in ({"id": "a"}, {"id": "b", "n": 1}):
        by_default.create_item(item)
    assert query(by_default, text)[0] == ["b"]


@pytest.mark.parametrize(
    ("condition", "loaded"),
    [
        ("c.n = 7", 1),
        ("c.n > 39", 10),
        ("c.n BETWEEN 40 AND 41", 2),
        ("c.n IN (1, 2, 3)", 3),
        ("NOT IS_DEFINED(c.n)", 1),
        ("EXISTS(SELECT VALUE l FROM l IN c.labels WHERE l.name = 'l3')", 5),
        ("ARRAY_CONTAINS(c.labels, {'name': 'l3'}, true)", 5),
        ("c.n > 39 AND c.other = 1", 10),
        ("c.other = 1", COUNT),
        ("c.n > 39 OR c.other = 1", COUNT),
        ("c.n + 1 = 8", COUNT),
        ("LOWER(c.text) = 'x'", COUNT),
    ],
)
def test_a_filter_with_an_index_loads_only_what_matches(
    account: CosmosAccount, client: CosmosClient, condition: str, loaded: int
) -> None:
    images = fill(account, client, indexingPolicy=OPT_IN)
    _, charge, metrics = query(images, f"SELECT VALUE c.id FROM c WHERE {condition}")
    assert int(metrics["retrievedDocumentCount"]) == loaded
    # 2.25 RU, and 0.01 RU and 0.0088 RU per KB for each item of 1.2 to 1.3 KB.
    assert charge == pytest.approx(2.25 + loaded * 0.0215, rel=0.05)


def test_a_join_uses_the_index_too(account: CosmosAccount, client: CosmosClient) -> None:
    images = fill(account, client, indexingPolicy=OPT_IN)
    results, _, metrics = query(images, "SELECT c.id FROM c JOIN l IN c.labels WHERE l.name = 'l3'")
    assert (len(results), metrics["retrievedDocumentCount"]) == (5, "5")


def test_counting_what_the_index_knows_loads_nothing(account: CosmosAccount, client: CosmosClient) -> None:
    images = fill(account, client, indexingPolicy=OPT_IN)
    _, charge, metrics = query(images, "SELECT VALUE COUNT(1) FROM c WHERE c.n > 3")
    assert metrics["retrievedDocumentCount"] == "0"
    assert charge == 2.25


def test_the_newest_items_are_read_from_the_end_of_the_index(account: CosmosAccount, client: CosmosClient) -> None:
    images = fill(account, client, indexingPolicy=OPT_IN)
    results, charge, metrics = query(images, "SELECT TOP 3 VALUE c.n FROM c ORDER BY c.n DESC")
    assert results == [49, 48, 47]
    assert int(metrics["retrievedDocumentCount"]) <= 4
    assert charge < 2.5


def test_a_container_without_index_scans(account: CosmosAccount, client: CosmosClient) -> None:
    images = fill(account, client, indexingPolicy={"indexingMode": "none", "automatic": False})
    _, _, metrics = query(images, "SELECT VALUE c.id FROM c WHERE c.n = 7")
    assert metrics["retrievedDocumentCount"] == str(COUNT)


@pytest.mark.parametrize("missing", ["executeQuery", "readChangeFeed"])
def test_a_role_without_the_action_cannot_query_and_does_everything_else(
    account: CosmosAccount, client: CosmosClient, missing: str
) -> None:
    fill(account, client)
    items = [f"{CONTAINERS}/items/{verb}" for verb in ("read", "create", "replace", "upsert", "delete")]
    query_actions = [f"{CONTAINERS}/executeQuery", f"{CONTAINERS}/readChangeFeed"]
    actions = [f"{PREFIX}/readMetadata", *items, *query_actions]
    account.assign_role("allowed", *actions, scope="/dbs/pipeline/colls/images")
    lacking = [action for action in actions if not action.endswith(missing)]
    account.assign_role("lacking", *lacking, scope="/dbs/pipeline/colls/images")
    with account.client("allowed") as allowed:
        assert query(images_of(allowed), "SELECT VALUE COUNT(1) FROM c")[0] == [COUNT]
    with account.client("lacking") as other:
        images = images_of(other)
        item = images.create_item({"id": "new"})
        images.replace_item("new", item | {"n": 1})
        assert images.read_item("new", "new")["n"] == 1
        for text in ("SELECT * FROM c", "SELECT VALUE COUNT(1) FROM c"):
            with pytest.raises(
                CosmosHttpResponseError, match=f"{missing}\\] on resource \\[/dbs/pipeline/colls/images"
            ):
                query(images, text)
        images.delete_item("new", "new")


def images_of(client: CosmosClient) -> ContainerProxy:
    return client.get_database_client("pipeline").get_container_client("images")


def test_lists_of_items_need_an_action_of_their_own(account: CosmosAccount, client: CosmosClient) -> None:
    fill(account, client)
    account.assign_role("reader", f"{PREFIX}/readMetadata", f"{CONTAINERS}/items/read", f"{CONTAINERS}/executeQuery")
    with account.client("reader") as reader, pytest.raises(CosmosHttpResponseError, match="readChangeFeed"):
        list(images_of(reader).read_all_items())


def test_the_asynchronous_client_gets_the_same(account: CosmosAccount, client: CosmosClient) -> None:
    fill(account, client)

    async def conversation() -> list[Any]:
        async with account.async_client() as asynchronous:
            images = asynchronous.get_database_client("pipeline").get_container_client("images")
            newest = images.query_items("SELECT TOP 3 VALUE c.n FROM c ORDER BY c.n DESC", max_item_count=2)
            count = images.query_items("SELECT VALUE COUNT(1) FROM c")
            one = images.query_items("SELECT VALUE c.n FROM c", partition_key="7")
            groups = [[result async for result in results] for results in (newest, count, one)]
            return [*groups, len([item async for item in images.read_all_items(max_item_count=7)])]

    assert asyncio.run(conversation()) == [[49, 48, 47], [COUNT], [7], COUNT]
