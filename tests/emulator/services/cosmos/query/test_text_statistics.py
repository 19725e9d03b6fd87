"""Ranked searches: statistics from the index, and what they are charged for."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from emulator.core.container_policies import read_definition
from emulator.services.cosmos.items.charges import QueryCost
from emulator.services.cosmos.items.container import Container
from emulator.services.cosmos.items.database import connect
from emulator.services.cosmos.items.store import ItemStore
from emulator.services.cosmos.query.continuation import Progress
from emulator.services.cosmos.query.execution import PartitionQuery
from emulator.services.cosmos.query.prepared_query import PreparedQuery, prepare_query
from emulator.services.cosmos.query.scan import Scope
from emulator.services.cosmos.sql.parser import parse

DEFINITION = {
    "id": "images",
    "partitionKey": {"paths": ["/id"]},
    "indexingPolicy": {
        "fullTextIndexes": [{"path": "/text"}],
        "vectorIndexes": [{"path": "/vector", "type": "diskANN"}, {"path": "/flat", "type": "flat"}],
    },
    "fullTextPolicy": {"defaultLanguage": "en-US", "fullTextPaths": [{"path": "/text"}]},
    "vectorEmbeddingPolicy": {
        "vectorEmbeddings": [
            {"path": path, "dataType": "float32", "dimensions": 2, "distanceFunction": "cosine"}
            for path in ("/vector", "/flat")
        ]
    },
}
CONTAINER = Container(key="/db/containers/images", definition=read_definition(DEFINITION))
STATISTICS = (
    "SELECT COUNT(1) AS documentCount, [{totalWordCount: SUM(_FullTextWordCount(c.text)), hitCounts:"
    " [COUNTIF(FullTextContains(c.text, 'red')), COUNTIF(FullTextContains(c.text, @word))]}] AS fullTextStatistics"
    " FROM c"
)
TEXTS = (
    "a red bicycle leans against a wall",
    "two cats sleep on a red sofa",
    "bicycles and a bicycle in the rain",
    "the harbor at night",
    "",
)
CLOCK = 1000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ItemStore]:
    with closing(ItemStore(tmp_path / "cosmos.db", lambda: CLOCK, partitions=2)) as store:
        with store.transaction():
            for number in range(40):
                text = {"text": TEXTS[number % 5]} if number % 7 else {}
                vector = [1, number]
                item = {"id": str(number), "vector": vector, "flat": vector, **text}
                store.create(CONTAINER, (str(number),), item)
        yield store


def run(store: ItemStore, prepared: PreparedQuery, partition: int, cost: QueryCost | None = None) -> list[Any]:
    scope = Scope(container=store.open_container(CONTAINER).number, partition=partition)
    with closing(connect(store.path)) as database:
        query = PartitionQuery(database, prepared, scope, cost=cost or QueryCost(), now=CLOCK)
        page = query.page(Progress(), 100)
    assert page.progress is None
    return [msgspec.json.decode(result) for result in page.results]


@pytest.mark.parametrize("word", ["bicycles", "the", "harbor", "nothing", "red sofa"])
def test_statistics_from_the_index_are_those_of_reading_all_items(store: ItemStore, word: str) -> None:
    prepared = prepare_query(parse(STATISTICS), {"@word": word}, CONTAINER)
    reading_all = replace(prepared, statistics=None)
    # A phrase is in no index.
    assert (prepared.statistics is None) == (word == "red sofa")
    for partition in range(2):
        (statistics,) = run(store, prepared, partition)
        assert [statistics] == run(store, reading_all, partition)
        assert 10 < statistics["documentCount"] < 30
        assert statistics["fullTextStatistics"][0]["hitCounts"][0] > 2
    store.create(CONTAINER, ("number",), {"id": "number", "text": 5})
    store.replace(CONTAINER, ("1",), "1", {"id": "1", "text": "harbor and harbor, a red one"}, None)
    store.delete(CONTAINER, ("3",), "3", None)
    for partition in range(2):
        assert run(store, prepared, partition) == run(store, reading_all, partition)


@pytest.mark.parametrize(
    "text",
    [
        STATISTICS.replace("COUNT(1)", "COUNT(c.text)"),
        STATISTICS.replace("(c.text, 'red')", "(c.other, 'red')"),
        STATISTICS + " WHERE c.id != '1'",
        STATISTICS.replace("SUM", "MAX"),
        STATISTICS.replace("c.text", "c.other"),
        STATISTICS.replace("FROM c", "FROM c JOIN t IN c.vector"),
    ],
)
def test_other_queries_read_the_items(store: ItemStore, text: str) -> None:
    prepared = prepare_query(parse(text), {"@word": "red"}, CONTAINER)
    assert prepared.statistics is None
    cost = QueryCost()
    run(store, prepared, 0, cost)
    assert cost.loaded_items > 10


def test_statistics_are_not_charged_for_items(store: ItemStore) -> None:
    cost = QueryCost()
    run(store, prepare_query(parse(STATISTICS), {"@word": "cats"}, CONTAINER), 0, cost)
    assert cost.loaded_items == 0


SCORE = "_FullTextScore(c.text, ['red', 'harbor'], 40, 150, [8, 8])"


@pytest.mark.parametrize(
    ("order", "condition", "loaded"),
    [
        (f"{SCORE} DESC", "FullTextContainsAny(c.text, 'red', 'harbor')", 3),
        ("VectorDistance(c.vector, [1, 5])", "true", 3),
        # Neither a flat index nor a filter without an index says which items are the best.
        ("VectorDistance(c.flat, [1, 5])", "true", 24),
        ("VectorDistance(c.vector, [1, 5])", "LENGTH(c.id) > 0", 24),
    ],
)
def test_a_ranked_search_is_charged_for_what_it_returns(
    store: ItemStore, order: str, condition: str, loaded: int
) -> None:
    query = parse(f"SELECT TOP 3 * FROM c WHERE {condition} ORDER BY {order}")
    cost = QueryCost()
    assert len(run(store, prepare_query(query, {}, CONTAINER), 0, cost)) == 3
    assert cost.loaded_items == loaded
    assert cost.loaded_bytes / cost.loaded_items == pytest.approx(270, abs=30)
