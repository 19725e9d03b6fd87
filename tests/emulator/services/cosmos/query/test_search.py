"""Vectors, full text and hybrid ranking by Microsoft's client, over three physical partitions."""

from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.emulator.services.cosmos.conftest import CosmosAccount

TEXTS = [
    "a red bicycle leans against a wall",
    "two cats sleep on a red sofa",
    "a bicycle and another bicycle in the rain",
    "the harbor at night",
    "a red fire truck",
    "cats watch the harbor",
]
POLICY = {
    "vectorEmbeddingPolicy": {
        "vectorEmbeddings": [
            {"path": "/vector", "dataType": "float32", "dimensions": 2, "distanceFunction": "cosine"},
            {"path": "/place", "dataType": "float32", "dimensions": 2, "distanceFunction": "euclidean"},
        ]
    },
    "fullTextPolicy": {"defaultLanguage": "en-US", "fullTextPaths": [{"path": "/text", "language": "en-US"}]},
    "indexingPolicy": {
        "vectorIndexes": [{"path": "/vector", "type": "flat"}, {"path": "/place", "type": "flat"}],
        "fullTextIndexes": [{"path": "/text"}],
    },
}


@pytest.fixture
def images(account: CosmosAccount, client: CosmosClient) -> ContainerProxy:
    account.add_container("images", **POLICY)
    images = client.get_database_client("pipeline").get_container_client("images")
    for number, text in enumerate(TEXTS):
        images.create_item({"id": str(number), "text": text, "vector": [1, number], "place": [number, 0]})
    images.create_item({"id": "bare"})
    return images


def query(container: ContainerProxy, text: str, **options: Any) -> list[Any]:
    return list(container.query_items(text, enable_cross_partition_query=True, **options))


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        ("VectorDistance(c.vector, [1, 5])", ["5", "4", "3"]),
        ("VectorDistance(c.vector, @vector, true)", ["5", "4", "3"]),
        ("VectorDistance(c.vector, [1, 0])", ["0", "1", "2"]),
        ("VectorDistance(c.place, [4, 0])", ["4"]),
        ("VectorDistance(c.place, [0, 0])", ["0", "1", "2"]),
        ("VectorDistance(c.place, [1, 0], false, {'distanceFunction': 'dotproduct'})", ["5", "4", "3"]),
    ],
)
def test_the_most_similar_vectors_are_first(images: ContainerProxy, distance: str, expected: list[str]) -> None:
    parameters = [{"name": "@vector", "value": [1, 5]}]
    text = f"SELECT TOP {len(expected)} VALUE c.id FROM c ORDER BY {distance}"
    assert query(images, text, parameters=parameters) == expected
    paged = text.replace(f"TOP {len(expected)} ", "") + f" OFFSET 0 LIMIT {len(expected)}"
    assert query(images, paged, parameters=parameters, max_item_count=1) == expected


def test_a_query_of_one_partition_key_ranks_vectors(images: ContainerProxy) -> None:
    text = "SELECT TOP 2 VALUE c.id FROM c ORDER BY VectorDistance(c.vector, [1, 5])"
    assert list(images.query_items(text, partition_key="4")) == ["4"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("FullTextContains(c.text, 'bicycle')", ["0", "2"]),
        ("FullTextContainsAll(c.text, 'red', 'cats')", ["1"]),
        ("FullTextContainsAny(c.text, 'harbor', 'truck')", ["3", "4", "5"]),
        ("FullTextContains(c.text, 'red sofa')", ["1"]),
    ],
)
def test_words_are_found(images: ContainerProxy, condition: str, expected: list[str]) -> None:
    assert sorted(query(images, f"SELECT VALUE c.id FROM c WHERE {condition}")) == expected


def test_texts_are_ranked_over_all_partitions(images: ContainerProxy) -> None:
    # The statistics are those of all partitions: the shortest text with the rarest of the words has the highest score.
    text = "SELECT TOP 2 VALUE c.id FROM c ORDER BY RANK FullTextScore(c.text, 'bicycle')"
    assert query(images, text) == ["2", "0"]
    filtered = "SELECT TOP 5 VALUE c.id FROM c WHERE FullTextContains(c.text, 'red') ORDER BY RANK"
    assert query(images, f"{filtered} FullTextScore(c.text, 'truck')")[0] == "4"
    parameters = [{"name": "@word", "value": "bicycle"}]
    assert query(images, text.replace("'bicycle'", "@word"), parameters=parameters) == ["2", "0"]


def test_hybrid_ranking_fuses_text_and_vectors(images: ContainerProxy) -> None:
    fused = "RRF(FullTextScore(c.text, 'cats'), VectorDistance(c.vector, [1, 5]))"
    assert query(images, f"SELECT TOP 2 VALUE c.id FROM c ORDER BY RANK {fused}")[0] == "5"
    assert len(query(images, f"SELECT c.id FROM c ORDER BY RANK {fused} OFFSET 1 LIMIT 3")) == 3
    words = "RRF(FullTextScore(c.text, 'bicycle'), VectorDistance(c.vector, [1, 5]), [1000, 1])"
    assert query(images, f"SELECT TOP 2 VALUE c.id FROM c ORDER BY RANK {words}") == ["2", "0"]
    text = f"SELECT TOP 2 VALUE c.id FROM c ORDER BY RANK {words.replace('[1000, 1]', '@weights')}"
    assert query(images, text, parameters=[{"name": "@weights", "value": [1000, 1]}]) == ["2", "0"]
    with pytest.raises(CosmosHttpResponseError, match="array of weights"):
        query(images, text, parameters=[{"name": "@weights", "value": 1000}])


def test_items_of_a_partition_key_are_ranked_in_one_request(account: CosmosAccount, client: CosmosClient) -> None:
    account.add_container("albums", "/album", **POLICY)
    albums = client.get_database_client("pipeline").get_container_client("albums")
    for number, text in enumerate(TEXTS):
        albums.create_item({"id": str(number), "album": "one", "text": text, "vector": [1, number]})
    albums.create_item({"id": "other", "album": "two", "text": TEXTS[2], "vector": [1, 2]})
    requests: list[Any] = []
    options: dict[str, Any] = {"partition_key": "one", "response_hook": lambda *_: requests.append(1)}
    text = "SELECT TOP 2 VALUE c.id FROM c ORDER BY RANK FullTextScore(c.text, 'bicycle')"
    assert (list(albums.query_items(text, **options)), len(requests)) == (["2", "0"], 1)
    # The scores depend on the texts that the filter leaves out.
    filtered = text.replace("FROM c", "FROM c WHERE c.id != '2'").replace("'bicycle'", "'harbor', 'bicycle', 'red'")
    assert list(albums.query_items(filtered, **options)) == ["0", "3"]
    fused = "RRF(FullTextScore(c.text, 'cats'), VectorDistance(c.vector, [1, 5]))"
    assert list(albums.query_items(f"SELECT VALUE c.id FROM c ORDER BY RANK {fused} OFFSET 0 LIMIT 1", **options)) == [
        "5"
    ]


def test_a_query_without_limit_is_refused_by_the_client(images: ContainerProxy) -> None:
    with pytest.raises(ValueError, match="without TOP or LIMIT"):
        query(images, "SELECT * FROM c ORDER BY VectorDistance(c.vector, [1, 5])")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT TOP 1 * FROM c ORDER BY VectorDistance(c.other, [1, 2])", "could not be mapped to a document path"),
        ("SELECT TOP 1 * FROM c ORDER BY VectorDistance(c.vector, [1, 2]) ASC", "Specifying a sorting order"),
        ("SELECT TOP 1 * FROM c ORDER BY RANK FullTextScore(c.text, 'x') DESC", "Specifying a sort order"),
    ],
)
def test_searches_that_are_refused(images: ContainerProxy, text: str, message: str) -> None:
    with pytest.raises(CosmosHttpResponseError, match=message) as raised:
        query(images, text)
    assert raised.value.status_code == 400


def test_a_container_without_full_text_index_has_no_scores(account: CosmosAccount, client: CosmosClient) -> None:
    account.add_container("plain")
    plain = client.get_database_client("pipeline").get_container_client("plain")
    with pytest.raises(CosmosHttpResponseError, match="requires a full text index"):
        query(plain, "SELECT TOP 1 * FROM c ORDER BY RANK FullTextScore(c.text, 'x')")


def test_items_from_before_are_searched_when_a_container_gets_a_full_text_index(
    account: CosmosAccount, client: CosmosClient
) -> None:
    account.add_container("images")
    images = client.get_database_client("pipeline").get_container_client("images")
    for number, text in enumerate(TEXTS):
        images.create_item({"id": str(number), "text": text})
    # What `pulumi up` of a later version does: an update in place.
    policies = {name: POLICY[name] for name in ("fullTextPolicy",)}
    account.add_container("images", **policies, indexingPolicy={"fullTextIndexes": [{"path": "/text"}]})
    assert query(images, "SELECT VALUE c.id FROM c WHERE FullTextContains(c.text, 'red sofa')") == ["1"]
    assert query(images, "SELECT TOP 1 VALUE c.id FROM c ORDER BY RANK FullTextScore(c.text, 'harbor')") == ["3"]
