"""Queries that read the items that an index ranks first: their results are those of reading all."""

import random
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
from emulator.services.cosmos.items.vector_index import VectorIndex, direction_of
from emulator.services.cosmos.query import ranked_scan
from emulator.services.cosmos.query.continuation import Progress
from emulator.services.cosmos.query.execution import PartitionQuery
from emulator.services.cosmos.query.prepared_query import PreparedQuery, prepare_query
from emulator.services.cosmos.query.ranking import TextRanking, VectorRanking
from emulator.services.cosmos.query.scan import Scope, scan
from emulator.services.cosmos.sql.parser import parse

_DIMENSIONS = 3
CONTAINER = Container(
    key="/db/containers/images",
    definition=read_definition(
        {
            "id": "images",
            "partitionKey": {"paths": ["/id"]},
            "defaultTtl": -1,
            "indexingPolicy": {
                "includedPaths": [{"path": "/label/?"}, {"path": "/number/?"}],
                "excludedPaths": [{"path": "/*"}],
                "fullTextIndexes": [{"path": "/text"}],
                "vectorIndexes": [
                    {"path": "/vector", "type": "diskANN"},
                    {"path": "/place", "type": "quantizedFlat"},
                    {"path": "/flat", "type": "flat"},
                ],
            },
            "fullTextPolicy": {"defaultLanguage": "en-US", "fullTextPaths": [{"path": "/text"}]},
            "vectorEmbeddingPolicy": {
                "vectorEmbeddings": [
                    {
                        "path": path,
                        "dataType": "float32",
                        "dimensions": _DIMENSIONS,
                        "distanceFunction": "euclidean" if path == "/place" else "cosine",
                    }
                    for path in ("/vector", "/place", "/flat")
                ]
            },
        }
    ),
)
_WORDS = ("red", "bicycle", "harbor", "night", "the")
_VECTOR = [1, -1, 2]
_CLOCK = 1000.0


def _create_item(number: int, generator: random.Random) -> dict[str, Any]:
    """An item with few values, so that many rank the same; some lack a text or a vector, or have another kind."""
    text: Any = " ".join(generator.choices(_WORDS, k=generator.randrange(4)))
    vector: Any = [generator.randrange(-1, 3) for _ in range(_DIMENSIONS)]
    item = {"id": str(number), "number": number, "label": generator.choice("ab"), "text": text}
    item |= dict.fromkeys(("vector", "place", "flat"), vector)
    match number % 12:
        case 0:
            del item["text"], item["vector"]
        case 1:
            item |= {"text": 5, "vector": "none"}
        case 2:
            item["vector"] = [1, True, 2]
        case 3:
            item["vector"] = [1, 2]
        case _:
            pass
    return item


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ItemStore]:
    # So that several are read.
    monkeypatch.setattr(ranked_scan, "_BATCH", 7)
    generator = random.Random(1)
    with closing(ItemStore(tmp_path / "cosmos.db", lambda: _CLOCK, partitions=2)) as store:
        _create_items(store, range(150), generator)
        yield store


def _create_items(store: ItemStore, numbers: range, generator: random.Random) -> None:
    with store.transaction():
        for number in numbers:
            store.create(CONTAINER, (str(number),), _create_item(number, generator))


def _prepare(order: str, *, condition: str = "true", limit: str = "OFFSET 2 LIMIT 10") -> PreparedQuery:
    text = f"SELECT c.id, VectorDistance(c.vector, @vector) AS similarity FROM c WHERE {condition} ORDER BY {order}"
    return prepare_query(parse(f"{text} {limit}"), {"@vector": _VECTOR, "@word": "harbor"}, CONTAINER)


def _run(store: ItemStore, prepared: PreparedQuery, partition: int, now: float = _CLOCK) -> list[Any]:
    scope = Scope(container=store.open_container(CONTAINER).number, partition=partition)
    with closing(connect(store.path)) as database:
        query = PartitionQuery(database, prepared, scope, cost=QueryCost(), now=now)
        return [msgspec.json.decode(result) for result in query.page(Progress(), 100).results]


def _compare(store: ItemStore, prepared: PreparedQuery) -> list[Any]:
    """Compare the results with those of reading all items, in both partitions."""
    assert prepared.ranking is not None
    results = [_run(store, prepared, partition) for partition in range(2)]
    reading_all = replace(prepared, ranking=None)
    assert results == [_run(store, reading_all, partition) for partition in range(2)]
    return results[0] + results[1]


VECTOR_ORDERS = (
    "VectorDistance(c.vector, @vector)",
    "VectorDistance([0.001, 0, 0], c.vector)",
    "VectorDistance(c.vector, [1e30, 1e30, -1e30])",
    "_VectorScore(c.vector, @vector) DESC",
)
TEXT_ORDERS = tuple(
    f"_FullTextScore(c.text, {terms}, 150, 200, {hits}) DESC"
    for terms, hits in (
        ("['bicycle']", "[40]"),
        ("['red', @word]", "[40, 40]"),
        ("['red bicycle']", "[9]"),
        ("['nothing']", "[0]"),
        ("['the', 'night']", "[0, 40]"),
        ("['the']", "[0]"),
    )
)


@pytest.mark.parametrize("order", [*VECTOR_ORDERS, *TEXT_ORDERS])
@pytest.mark.parametrize(
    "condition", ["true", "c.number > 20", "c.label = 'a'", "c.label = 'a' AND c.number < 9", "c.label = 'none'"]
)
def test_the_results_are_those_of_reading_all_items(store: ItemStore, order: str, condition: str) -> None:
    for limit in ("OFFSET 2 LIMIT 10", "OFFSET 0 LIMIT 1", "OFFSET 0 LIMIT 500"):
        results = _compare(store, _prepare(order, condition=condition, limit=limit))
        assert (results == []) == (condition == "c.label = 'none'") or limit.startswith("OFFSET 2")


@pytest.mark.parametrize("order", [VECTOR_ORDERS[0], TEXT_ORDERS[1]])
def test_writes_keep_the_index(store: ItemStore, order: str) -> None:
    prepared = _prepare(order)
    before = _compare(store, prepared)
    best = {"vector": _VECTOR, "text": "red harbor red harbor"}
    store.create(CONTAINER, ("new",), {"id": "new", **best})
    store.replace(CONTAINER, ("5",), "5", {"id": "5", **best}, None)
    store.replace(CONTAINER, (before[0]["id"],), before[0]["id"], {"id": before[0]["id"]}, None)
    store.delete(CONTAINER, (before[1]["id"],), before[1]["id"], None)
    after = _compare(store, _prepare(order, limit="OFFSET 0 LIMIT 10"))
    assert {"new", "5"} <= {one["id"] for one in after}
    assert before[0]["id"] not in {one["id"] for one in after}


@pytest.mark.parametrize("order", [VECTOR_ORDERS[0], TEXT_ORDERS[0], TEXT_ORDERS[3]])
def test_expired_items_are_no_results(store: ItemStore, order: str) -> None:
    prepared = _prepare(order, limit="OFFSET 0 LIMIT 10")
    item = {"id": "new", "vector": _VECTOR, "text": "bicycle", "ttl": 5}
    partition = store.create(CONTAINER, ("new",), item).partition
    before, after = (_run(store, prepared, partition, now) for now in (_CLOCK + 4, _CLOCK + 6))
    assert "new" in {one["id"] for one in before}
    assert "new" not in {one["id"] for one in after}
    assert len(after) == 10


def test_the_items_of_other_partitions_are_ranked_after_a_split(store: ItemStore) -> None:
    prepared = _prepare(VECTOR_ORDERS[0])
    _compare(store, prepared)
    with closing(ItemStore(store.path, lambda: _CLOCK, partitions=1)) as merged:
        assert len(_run(merged, prepared, 0)) == 10
        assert _run(merged, prepared, 0) == _run(merged, replace(prepared, ranking=None), 0)


def test_a_container_that_is_created_again_has_none_of_the_old_vectors(store: ItemStore) -> None:
    assert _run(store, _prepare(VECTOR_ORDERS[0]), 0) != []
    store.drop(CONTAINER.key)
    with closing(connect(store.path)) as database:
        assert database.execute("SELECT * FROM directions").fetchall() == []
    assert _run(store, _prepare(VECTOR_ORDERS[0]), 0) == []


@pytest.mark.parametrize("order", [VECTOR_ORDERS[0], TEXT_ORDERS[1], TEXT_ORDERS[3]])
def test_few_other_items_are_read(store: ItemStore, order: str) -> None:
    _create_items(store, range(200, 1200), random.Random(2))
    prepared = _prepare(order, limit="OFFSET 0 LIMIT 5")
    assert prepared.ranking is not None
    ranking = replace(prepared.ranking, limit=5)
    if isinstance(ranking, VectorRanking):
        # No two items are as similar as that.
        ranking = replace(ranking, vector=[1.01, -1.02, 2.03])
    scope = Scope(container=store.open_container(CONTAINER).number, partition=0)
    with closing(connect(store.path)) as database:
        all_items = scan(database, scope, prepared.plan, after=None, now=_CLOCK)
        ranked = ranked_scan.scan_ranked(
            database, scope, prepared.plan, ranking, matching=lambda items: prepared.matching(items, _CLOCK), now=_CLOCK
        )
        counts = len(list(ranked)), len(list(all_items))
    assert 5 <= counts[0] < counts[1] / 1.5


@pytest.mark.parametrize(
    ("order", "options"),
    [
        ("VectorDistance(c.flat, @vector)", {}),
        ("VectorDistance(c.place, @vector)", {}),
        ("VectorDistance(c.vector, @vector, true)", {}),
        ("VectorDistance(c.vector, [1, 2])", {}),
        ("VectorDistance(c.vector, c.place)", {}),
        ("VectorDistance(c.vector, ['1', 2, 3])", {}),
        ("_VectorScore(c.vector, @vector) ASC", {}),
        ("_FullTextScore(c.text, ['red'], 150, 200, [40]) ASC", {}),
        ("_FullTextScore(c.text, [c.label], 150, 200, [40]) DESC", {}),
        (VECTOR_ORDERS[0], {"condition": "LENGTH(c.label) = 1"}),
        (VECTOR_ORDERS[0], {"limit": ""}),
        (VECTOR_ORDERS[0], {"limit": "OFFSET 0 LIMIT 0"}),
    ],
)
def test_other_queries_read_all_items(order: str, options: dict[str, str]) -> None:
    assert _prepare(order, **options).ranking is None


@pytest.mark.parametrize(
    "text",
    [
        "SELECT DISTINCT TOP 3 c.label FROM c",
        "SELECT TOP 3 VALUE c.label FROM c",
        "SELECT TOP 3 c.id FROM c JOIN v IN c.vector",
    ],
)
def test_queries_without_a_row_for_each_item_read_all_items(text: str) -> None:
    query = parse(f"{text} ORDER BY VectorDistance(c.vector, [1, 2, 3])")
    assert prepare_query(query, {}, CONTAINER).ranking is None


def test_the_ranking_of_a_query() -> None:
    vectors = _prepare(VECTOR_ORDERS[0]).ranking
    assert vectors == VectorRanking(index=VectorIndex(path=("vector",), dimensions=3), vector=_VECTOR, limit=12)
    texts = _prepare(TEXT_ORDERS[0]).ranking
    assert isinstance(texts, TextRanking)
    assert texts.limit == 12


def test_directions_are_unit_vectors_of_numbers_of_any_size() -> None:
    index = VectorIndex(path=("a", "vector"), dimensions=2)
    assert direction_of([0, 0]) is None
    for vector in ([3, 4], [3e38, 4e38], [3e-38, 4e-38]):
        direction = direction_of(vector)
        assert direction is not None
        assert direction.tolist() == pytest.approx([0.6, 0.8])
        assert index.direction_of({"a": {"vector": vector}}) == direction.tobytes()
    assert index.direction_of({"a": [3, 4]}) is None
    # 1,024 products of rounded numbers.
    assert VectorIndex(path=(), dimensions=1024).error == pytest.approx(6.1e-5, rel=0.01)
