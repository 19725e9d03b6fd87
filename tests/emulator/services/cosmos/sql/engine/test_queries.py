"""Clauses of queries over several items, with literal results."""

from typing import Any

import pytest

from emulator.services.cosmos.sql.engine.compiler import compile_query
from emulator.services.cosmos.sql.parser import parse
from emulator.services.cosmos.sql.runtime.options import Options
from tests.support.cosmos_queries import results

ITEMS: list[dict[str, Any]] = [
    {"id": "1", "k": "x", "n": 3, "tags": ["a", "b"], "stock": [{"q": 1}, {"q": 5}]},
    {"id": "2", "k": "y", "n": "3", "tags": [], "stock": [{"q": 7}]},
    {"id": "3", "k": "x", "n": 1.5, "tags": "no array"},
    {"id": "4", "k": "x", "n": None, "tags": ["b"], "stock": []},
    {"id": "5", "k": "y"},
]

QUERIES: list[tuple[str, list[Any]]] = [
    # SELECT: https://learn.microsoft.com/cosmos-db/query/select
    ('SELECT "Adventure", "Works"', [{"$1": "Adventure", "$2": "Works"}]),
    ("SELECT c.id, c.n + 1, c['k'] AS \"the k\" FROM c WHERE c.id = '1'", [{"id": "1", "$1": 4, "the k": "x"}]),
    ("SELECT c.tags[0], c.id FROM c WHERE c.id = '1'", [{"$1": "a", "id": "1"}]),
    ("SELECT c.n FROM c WHERE c.id IN ('1', '5')", [{"n": 3}, {}]),
    ("SELECT VALUE c.n FROM c", [3, "3", 1.5, None]),
    ("SELECT * FROM c WHERE c.id = '5'", [{"id": "5", "k": "y"}]),
    ("SELECT c FROM c WHERE c.id = '5'", [{"c": {"id": "5", "k": "y"}}]),
    ("SELECT undefined", [{}]),
    ("SELECT VALUE undefined", []),
    # FROM and JOIN: https://learn.microsoft.com/cosmos-db/query/from, https://learn.microsoft.com/cosmos-db/query/join
    ("SELECT VALUE t FROM t IN c.tags", ["a", "b", "b"]),
    ("SELECT VALUE tags FROM c.tags", [["a", "b"], [], "no array", ["b"]]),
    ("SELECT VALUE x FROM Families.tags[1] AS x", ["b"]),
    ("SELECT c.id, t FROM c JOIN t IN c.tags", [{"id": "1", "t": "a"}, {"id": "1", "t": "b"}, {"id": "4", "t": "b"}]),
    ("SELECT VALUE [c.id, t, s.q] FROM c JOIN t IN c.tags JOIN s IN c.stock", [
        ["1", "a", 1], ["1", "a", 5], ["1", "b", 1], ["1", "b", 5],
    ]),
    ("SELECT VALUE s FROM c JOIN (SELECT VALUE s.q FROM s IN c.stock WHERE s.q > 1) s", [5, 7]),
    ("SELECT VALUE x.t FROM c JOIN (SELECT c.n * 2 AS t) x WHERE IS_DEFINED(x.t)", [6, 3]),
    ("SELECT VALUE m.a FROM c JOIN m IN (SELECT VALUE [{a: 1}, {a: 2}]) WHERE c.id = '5'", [1, 2]),
    ("SELECT VALUE f.id FROM (SELECT VALUE c FROM c WHERE c.k = 'y') f", ["2", "5"]),
    ("SELECT * FROM (SELECT c.id FROM c WHERE c.k = 'y')", [{"id": "2"}, {"id": "5"}]),
    # DISTINCT, TOP, OFFSET LIMIT
    ("SELECT DISTINCT VALUE c.k FROM c", ["x", "y"]),
    ("SELECT DISTINCT c.missing FROM c", [{}]),
    ("SELECT DISTINCT VALUE [c.k = 'x', 1]  FROM c", [[True, 1], [False, 1]]),
    ("SELECT DISTINCT TOP 1 VALUE c.k FROM c WHERE c.id != '1'", ["y"]),
    ("SELECT TOP 2 VALUE c.id FROM c", ["1", "2"]),
    ("SELECT TOP 0 VALUE c.id FROM c", []),
    ("SELECT VALUE c.id FROM c OFFSET 1 LIMIT 2", ["2", "3"]),
    ("SELECT VALUE c.id FROM c OFFSET 4 LIMIT 9", ["5"]),
    ("SELECT DISTINCT VALUE c.k FROM c OFFSET 1 LIMIT 1", ["y"]),
    # ORDER BY: undefined, null, boolean, number, string. The default policy does not return what is undefined.
    ("SELECT VALUE c.id FROM c ORDER BY c.n", ["4", "3", "1", "2"]),
    ("SELECT VALUE c.id FROM c ORDER BY c.n DESC", ["2", "1", "3", "4"]),
    ("SELECT TOP 2 VALUE c.id FROM c ORDER BY c.n DESC", ["2", "1"]),
    ("SELECT VALUE c.id FROM c ORDER BY c.k ASC, c.id DESC", ["4", "3", "1", "5", "2"]),
    ("SELECT VALUE c.id FROM c ORDER BY c.k DESC, c.n", ["5", "2", "4", "3", "1"]),
    ("SELECT VALUE c.id FROM c ORDER BY c.k DESC", ["5", "2", "4", "3", "1"]),
    ("SELECT VALUE c.id FROM c ORDER BY c.n OFFSET 1 LIMIT 2", ["3", "1"]),
    ("SELECT VALUE s.q FROM c JOIN s IN c.stock ORDER BY s.q DESC", [7, 5, 1]),
    ("SELECT VALUE d.id FROM (SELECT VALUE c FROM c WHERE c.k = 'x') d ORDER BY d.n", ["4", "3", "1"]),
    ("SELECT VALUE d.i FROM (SELECT c.id AS i, c.n FROM c WHERE c.k = 'x') d ORDER BY d.i DESC", ["4", "3", "1"]),
    # Aggregates
    ("SELECT VALUE COUNT(1) FROM c", [5]),
    ("SELECT COUNT(1) FROM c", [{"$1": 5}]),
    ("SELECT VALUE COUNT(c.n) FROM c", [4]),
    ("SELECT VALUE COUNT(1) FROM c WHERE c.id = 'none'", [0]),
    ("SELECT VALUE SUM(c.n) FROM c WHERE IS_NUMBER(c.n)", [4.5]),
    ("SELECT VALUE SUM(c.n) FROM c", []),
    ("SELECT VALUE SUM(c.missing) FROM c", [0]),
    ("SELECT VALUE AVG(c.n) FROM c WHERE IS_NUMBER(c.n)", [2.25]),
    ("SELECT VALUE AVG(c.missing) FROM c", []),
    ("SELECT MIN(c.n) AS low, MAX(c.n) AS high FROM c", [{"low": None, "high": "3"}]),
    ("SELECT VALUE MAX(c.tags) FROM c", []),
    ("SELECT VALUE MIN(c.missing) FROM c", []),
    ("SELECT VALUE {q: SUM(s.q), n: [COUNT(1), 'x']} FROM c JOIN s IN c.stock", [{"q": 13, "n": [3, "x"]}]),
    # GROUP BY: https://learn.microsoft.com/cosmos-db/query/group-by
    ("SELECT c.k, COUNT(1) AS n FROM c GROUP BY c.k", [{"k": "x", "n": 3}, {"k": "y", "n": 2}]),
    ("SELECT VALUE c.k FROM c GROUP BY c.k", ["x", "y"]),
    ("SELECT COUNT(1) AS n, c.tags FROM c GROUP BY c.tags", [
        {"n": 1, "tags": ["a", "b"]}, {"n": 1, "tags": []}, {"n": 1, "tags": "no array"}, {"n": 1, "tags": ["b"]},
        {"n": 1},
    ]),
    ("SELECT UPPER(c.k) AS k, c.n FROM c GROUP BY UPPER(c.k), c.n OFFSET 1 LIMIT 1", [{"k": "Y", "n": "3"}]),
    ("SELECT t AS tag, COUNT(1) AS n FROM c JOIN t IN c.tags GROUP BY t", [{"tag": "a", "n": 1}, {"tag": "b", "n": 2}]),
    ("SELECT s.q, COUNT(1) AS n FROM c JOIN s IN c.stock WHERE s.q > 5 GROUP BY s", [{"q": 7, "n": 1}]),
    ("SELECT {k: c.k}['k'], COUNT(1) AS n FROM c GROUP BY c.k", [{"k": "x", "n": 3}, {"k": "y", "n": 2}]),
    ("SELECT c.k FROM c WHERE false GROUP BY c.k", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), QUERIES)
def test_queries(text: str, expected: list[Any]) -> None:
    assert results(text, ITEMS) == expected


PLAN_QUERIES: list[tuple[str, list[Any]]] = [
    # What Azure's query plans send to each partition: QueryPlanBaselineTests in github.com/Azure/azure-cosmos-dotnet-v3
    ('SELECT VALUE [{"item": COUNT(1)}] FROM c', [[{"item": 5}]]),
    (
        'SELECT VALUE [{"item": {"sum": SUM(c.n), "count": COUNT(c.n)}}] FROM c WHERE IS_NUMBER(c.n)',
        [[{"item": {"sum": 4.5, "count": 2}}]],
    ),
    (
        'SELECT VALUE [{"item": MIN(c.x), "item2": {"min": MIN(c.x), "count": COUNT(c.x)}}] FROM c',
        [[{"item2": {"count": 0}}]],
    ),
    (
        'SELECT TOP 2 c._rid, [{"item": c.n}] AS orderByItems, c.id AS payload\nFROM c\nWHERE (true)\nORDER BY c.n',
        [
            {"orderByItems": [{"item": None}], "payload": "4"},
            {"orderByItems": [{"item": 1.5}], "payload": "3"},
        ],
    ),
    (
        'SELECT [{"item": c.k}] AS groupByItems, {"k": c.k, "n": {"item": COUNT(1)}} AS payload FROM c GROUP BY c.k',
        [
            {"groupByItems": [{"item": "x"}], "payload": {"k": "x", "n": {"item": 3}}},
            {"groupByItems": [{"item": "y"}], "payload": {"k": "y", "n": {"item": 2}}},
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), PLAN_QUERIES)
def test_queries_of_azures_plans(text: str, expected: list[Any]) -> None:
    assert results(text, ITEMS) == expected


def test_parameters_in_all_places() -> None:
    text = "SELECT TOP @top c[@name] FROM c WHERE c.k IN (@x, @y) AND ARRAY_CONTAINS(@ids, c.id)"
    parameters = {"@top": 1, "@name": "n", "@x": "x", "@y": "z", "@ids": ["3", "4"]}
    assert results(text, ITEMS, parameters) == [{"$1": 1.5}]
    assert results("SELECT VALUE c.id FROM c OFFSET @o LIMIT @l", ITEMS, {"@o": 1, "@l": 1}) == ["2"]


def test_order_by_with_a_policy_that_includes_the_path() -> None:
    """https://learn.microsoft.com/cosmos-db/query/order-by#remarks."""
    options = Options(order_by_undefined=True)
    assert results("SELECT VALUE c.id FROM c ORDER BY c.n", ITEMS, options=options) == ["5", "4", "3", "1", "2"]


def test_many_rows_are_sorted_as_a_few() -> None:
    items = [{"id": str(number), "n": number * 7 % 10_007, "m": number % 2} for number in range(10_007)]
    text = "SELECT VALUE c.n FROM c ORDER BY c.m DESC, c.n OFFSET 2 LIMIT 3"
    ones = sorted(item["n"] for item in items if item["m"] == 1)
    assert results(text, items) == ones[2:5]


def test_a_query_reads_only_what_it_needs() -> None:
    numbers: list[int] = []

    def read_items() -> Any:
        for number in range(10):
            numbers.append(number)
            yield {"id": str(number), "n": number}

    query = compile_query(parse("SELECT TOP 2 VALUE c.n FROM c WHERE c.n > 3"))
    stream = query.run(read_items(), {})
    assert next(stream) == 4
    assert numbers == [0, 1, 2, 3, 4]
    assert list(stream) == [5]
    assert numbers == [0, 1, 2, 3, 4, 5]


def test_runs_of_a_query_are_independent() -> None:
    query = compile_query(parse("SELECT VALUE COUNT(1) FROM c JOIN t IN c.tags"))
    first = query.run(ITEMS, {})
    second = query.run(ITEMS[:1], {})
    assert [list(second), list(first)] == [[2], [3]]
