"""Queries that read a part of the items: their results are those of reading all, whatever was written before."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.core.container_policies import read_definition
from emulator.services.cosmos.items.charges import QueryCost
from emulator.services.cosmos.items.container import Container
from emulator.services.cosmos.items.database import connect
from emulator.services.cosmos.items.store import ItemStore
from emulator.services.cosmos.query import candidate_sql
from emulator.services.cosmos.query.continuation import Progress
from emulator.services.cosmos.query.execution import PartitionQuery
from emulator.services.cosmos.query.prepared_query import PreparedQuery, prepare_query
from emulator.services.cosmos.query.scan import Plan, Scope, scan
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.parser import parse
from tests.support import naive_cosmos_queries

_NAMES = st.sampled_from(("a", "b"))
# Few values, so that conditions hold for some items.
SCALARS = st.sampled_from((None, False, True, -1, 0, 1, 1.5, "", "x", "xy"))
_NESTED = st.dictionaries(st.sampled_from(("a", "b", "[]")), SCALARS, max_size=2)
_VALUES = st.one_of(SCALARS, SCALARS, _NESTED, st.lists(SCALARS | _NESTED, max_size=3))
_ITEM = st.dictionaries(_NAMES, _VALUES, max_size=2)
_WRITES = st.lists(st.tuples(st.sampled_from("pqrstuvw"), _ITEM | st.none()), min_size=4, max_size=12)
_CONTAINER = Container(
    key="/db/containers/images",
    definition=read_definition(
        {
            "id": "images",
            "partitionKey": {"paths": ["/id"]},
            "indexingPolicy": {
                "includedPaths": [{"path": "/*"}],
                "compositeIndexes": [[{"path": "/a"}, {"path": "/b", "order": "descending"}]],
                "fullTextIndexes": [{"path": "/text"}],
            },
            "fullTextPolicy": {"defaultLanguage": "en-US", "fullTextPaths": [{"path": "/text"}]},
        }
    ),
)


def _path(alias: str, names: list[str]) -> tree.Expression:
    expression: tree.Expression = tree.Identifier(alias)
    for name in names:
        expression = tree.Property(expression, name)
    return expression


_PROPERTIES = st.builds(lambda name: _path("i", [name]), _NAMES)
_PATHS = st.one_of(
    _PROPERTIES,
    _PROPERTIES,
    st.builds(lambda first, second: _path("i", [first, second]), _NAMES, st.sampled_from(("a", "[]"))),
    st.builds(lambda parent, index: tree.Element(parent, tree.Constant(index)), _PROPERTIES, st.integers(0, 1)),
)
_CONSTANTS = SCALARS.map(tree.Constant)
_COMPARISONS = st.builds(tree.Binary, st.sampled_from(("=", "<", "<=", ">", ">=", "!=")), _PATHS, _CONSTANTS)
_SIMPLE = st.one_of(
    _COMPARISONS,
    st.builds(tree.Binary, st.sampled_from(("=", "<=", ">")), _CONSTANTS, _PATHS),
    st.builds(tree.In, _PATHS, st.lists(_CONSTANTS, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(tree.Between, _PATHS, _CONSTANTS, _CONSTANTS, st.booleans()),
    st.builds(lambda path, value: tree.FunctionCall("ARRAY_CONTAINS", (path, value)), _PATHS, _CONSTANTS),
)


def _exists(name: str, alias: str, condition: tree.Expression) -> tree.Expression:
    return tree.Subquery(
        "EXISTS",
        tree.Query(
            select=tree.Select(projection=tree.SelectValue(tree.Constant(1))),
            from_items=(tree.FromArray(alias=alias, collection=tree.FromPath(root="i", path=(name,))),),
            where=condition,
        ),
    )


_ELEMENTS = st.builds(
    tree.Binary, st.just("="), st.just(tree.Identifier("s")) | st.just(_path("s", ["a"])), _CONSTANTS
) | st.builds(tree.Binary, st.just("="), st.just(_path("i", ["b"])), _CONSTANTS)
_CONDITIONS = st.recursive(
    _SIMPLE | st.builds(_exists, _NAMES, st.just("s"), _ELEMENTS),
    lambda children: (
        st.builds(tree.Logical, st.sampled_from(("AND", "OR")), st.lists(children, min_size=2, max_size=3).map(tuple))
        | st.builds(tree.Unary, st.just("NOT"), children)
    ),
    max_leaves=4,
)
_OPERATORS = ("=", "<", "<=", ">", ">=")
_ORDER_TEXTS = ("i.a", "i.a DESC", "i.b", "i.b DESC", "i.a, i.b DESC", "i.a DESC, i.b")
_ORDERS = st.sampled_from((None, *_ORDER_TEXTS))


def _query(condition: tree.Expression, order: str | None) -> tree.Query:
    query = parse(f"SELECT VALUE i.id FROM i{'' if order is None else f' ORDER BY {order}'}")
    return replace(query, where=condition)


def _prepare(query: tree.Query) -> tuple[PreparedQuery, PreparedQuery]:
    """The query, and the same with a plan that reads all items."""
    prepared = prepare_query(query, {}, _CONTAINER)
    plan = Plan(ordering=prepared.plan.ordering, backwards=prepared.plan.backwards)
    return prepared, replace(prepared, plan=plan)


def _write(store: ItemStore, writes: list[tuple[str, dict[str, Any] | None]]) -> None:
    with store.transaction():
        for name, item in writes:
            store.upsert(_CONTAINER, (name,), {**(item or {}), "id": name}, None)
            if item is None:
                store.delete(_CONTAINER, (name,), name, None)


def _run(store: ItemStore, prepared: PreparedQuery, page_size: int) -> list[Any]:
    """The results, page by page."""
    results: list[Any] = []
    number = store.open_container(_CONTAINER).number
    progress: Progress | None = Progress()
    with closing(connect(store.path)) as database:
        while progress is not None:
            scope = Scope(container=number, partition=0)
            query = PartitionQuery(database, prepared, scope, cost=QueryCost(), now=0)
            page = query.page(progress, page_size)
            results += map(msgspec.json.decode, page.results)
            progress = page.progress
    return results


def _items(store: ItemStore) -> list[Any]:
    with closing(connect(store.path)) as database:
        return [msgspec.json.decode(body) for (body,) in database.execute("SELECT body FROM items ORDER BY number")]


@pytest.fixture(params=[100, 1], ids=["few candidates at once", "all as they are met"])
def few(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidate_sql, "FEW", request.param)
        yield


@pytest.mark.usefixtures("few")
@settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(_WRITES, _WRITES, _CONDITIONS, _ORDERS, st.integers(1, 4))
def test_the_results_are_those_of_reading_all_items(
    before: list[Any], after: list[Any], condition: tree.Expression, order: str | None, page_size: int
) -> None:
    _compare(before, after, _query(condition, order), page_size)


def test_a_part_of_an_ordering_has_all_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Candidates are not sorted instead.
    monkeypatch.setattr(candidate_sql, "FEW", -1)
    values: tuple[Any, ...] = (None, False, True, -1, 2, "", "x")
    literals = ["null", "false", "true", "-1", "2", '""', '"x"']
    items = [{"a": first, "b": second} for first in values for second in values]
    items += [{"a": first} for first in values] + [{"b": second} for second in values]
    ranges = [f"i.{name} {operator} {value}" for name in "ab" for operator in _OPERATORS for value in literals]
    exchanged = [f"{value} {operator} i.a" for operator in _OPERATORS for value in literals]
    between = [f"i.a BETWEEN {low} AND {high}" for low in literals for high in literals]
    pairs = [f"i.a = {value} AND i.b {operator} 2" for operator in _OPERATORS for value in literals]
    pairs += [f"i.a >= {low} AND i.a < {high}" for low in literals for high in literals]
    with closing(ItemStore(tmp_path / "cosmos.db", lambda: 0, partitions=1)) as store:
        _write(store, [(str(number), item) for number, item in enumerate(items)])
        for order in _ORDER_TEXTS:
            for condition in (*ranges, *exchanged, *between, *pairs):
                query = parse(f"SELECT VALUE i.id FROM i WHERE {condition} ORDER BY {order}")
                prepared, reading_all = _prepare(query)
                assert _run(store, prepared, 100) == _run(store, reading_all, 100), (condition, order)


def _compare(before: list[Any], after: list[Any], query: tree.Query, page_size: int) -> None:
    prepared, reading_all = _prepare(query)
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(ItemStore(Path(folder) / "cosmos.db", lambda: 0, partitions=1)) as store,
    ):
        for writes in (before, after):
            # The first query makes the indexes, writes maintain them.
            _write(store, writes)
            results = _run(store, prepared, page_size)
            assert results == _run(store, reading_all, 100)
            if query.order_by is None:
                assert results == naive_cosmos_queries.run(query, _items(store))


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("order", ["", "ORDER BY c.a", "ORDER BY c.a DESC"])
@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        ("c.b = 'x'", [2, 5]),
        ("c.b IN ('x', 'y')", [1, 2, 5]),
        ("c.b = 'y' OR c.tags[0] = 1", [1, 4, 5]),
        ("c.b = 'x' AND ARRAY_CONTAINS(c.tags, 1)", [5]),
        ("NOT c.b = 'x'", [1, 2, 3, 4, 5]),
    ],
)
def test_no_other_items_are_read(tmp_path: Path, condition: str, numbers: list[int], order: str) -> None:
    items = [{"b": "y"}, {"b": "x"}, {}, {"b": "z", "tags": [1]}, {"b": "x", "tags": [2, 1]}]
    with closing(ItemStore(tmp_path / "cosmos.db", lambda: 0, partitions=1)) as store:
        _write(store, [(str(number), {**item, "a": number}) for number, item in enumerate(items)])
        plan = prepare_query(parse(f"SELECT * FROM c WHERE {condition} {order}"), {}, _CONTAINER).plan
        scope = Scope(container=store.open_container(_CONTAINER).number, partition=0)
        with closing(connect(store.path)) as database:
            read = [scanned.position.number for scanned in scan(database, scope, plan, after=None, now=0)]
    assert sorted(read) == numbers
    assert read == sorted(read, reverse=plan.backwards)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("FullTextContains(c.text, 'red cars')", ["1", "3"]),
        ("FullTextContains(c.text, 'street red')", []),
        ("FullTextContains(c.text, 'the')", []),
        ("FullTextContainsAll(c.text, 'red', 'street')", ["1"]),
        ("FullTextContainsAny(c.text, 'blue', 'street')", ["1", "2"]),
        ("FullTextContainsAny(c.text, 'blue', @absent)", None),
        ("NOT FullTextContains(c.text, 'blue')", ["1", "3"]),
        ("c.n = @number AND FullTextContains(c.text, 'red')", ["3"]),
        ("c.tags[0] = 'x'", ["1"]),
        ("c.tags[@name] = 'x'", ["2"]),
        ("ARRAY_CONTAINS_ANY(c.tags, 'x', 'z')", ["1", "3"]),
        ("ARRAY_CONTAINS_ALL(c.tags, 'x', 'y')", ["1"]),
        ("EXISTS(SELECT COUNT(1) FROM t IN c.tags WHERE t = 'none')", ["1", "2", "3", "4", "5"]),
        ("EXISTS(SELECT VALUE c FROM c IN c.tags WHERE c = 'y')", ["1"]),
        ("c.n = 9007199254740993", ["4"]),
    ],
)
def test_words_elements_and_numbers(tmp_path: Path, condition: str, matches: list[str] | None) -> None:
    items: list[dict[str, Any]] = [
        {"id": "1", "text": "A red car in the street", "tags": ["x", "y"], "n": 1},
        {"id": "2", "text": "The blue cars", "tags": {"key": "x"}, "n": 2},
        {"id": "3", "text": "Red cars, red cars", "tags": ["z"], "n": 3.0},
        {"id": "4", "n": 9007199254740993},
        {"id": "5", "n": 9007199254740992, "tags": "x"},
    ]
    parameters = {"@number": 3, "@name": "key"}
    with closing(ItemStore(tmp_path / "cosmos.db", lambda: 0, partitions=1)) as store:
        _write(store, [(item["id"], item) for item in items])
        query = parse(f"SELECT VALUE c.id FROM c WHERE {condition}")
        if matches is None:
            with pytest.raises(Exception, match="must be strings"):
                _run(store, prepare_query(query, parameters, _CONTAINER), 10)
        else:
            assert _run(store, prepare_query(query, parameters, _CONTAINER), 10) == matches


@pytest.mark.parametrize(
    "condition",
    [
        f"c.b IN ({', '.join(map(str, range(3000)))})",
        " AND ".join(f"c.b IN (1, {', '.join(map(str, range(start, start + 900)))})" for start in range(40)),
        " OR ".join(f"c.b = {number}" for number in range(1500)),
        " AND ".join(f"(c.b = 1 OR c.tags[0] = {number})" for number in range(80)),
    ],
    ids=["many values", "many lists", "many alternatives", "many conditions"],
)
def test_a_long_filter_has_all_results(tmp_path: Path, condition: str) -> None:
    prepared = prepare_query(parse(f"SELECT VALUE c.id FROM c WHERE {condition}"), {}, _CONTAINER)
    with closing(ItemStore(tmp_path / "cosmos.db", lambda: 0, partitions=1)) as store:
        _write(store, [("p", {"b": 1}), ("q", {"b": "x"})])
        assert _run(store, prepared, 10) == ["p"]


def test_a_container_that_is_created_again_has_none_of_the_old_terms(tmp_path: Path) -> None:
    prepared = prepare_query(parse("SELECT VALUE c.id FROM c WHERE c.a = 1"), {}, _CONTAINER)
    with closing(ItemStore(tmp_path / "cosmos.db", lambda: 0, partitions=1)) as store:
        _write(store, [("p", {"a": 1})])
        assert _run(store, prepared, 10) == ["p"]
        store.drop(_CONTAINER.key)
        with closing(connect(store.path)) as database:
            assert database.execute("SELECT * FROM postings").fetchall() == []
        assert _run(store, prepared, 10) == []
