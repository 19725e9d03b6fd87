"""Query plans are those that Azure's gateway was recorded to make.

https://github.com/Azure/azure-cosmos-dotnet-v3: QueryPlanBaselineTests.*.xml, QueryPlanRetrieverTests.cs
"""

import json
from typing import Any

import pytest

from emulator.core.container_policies import (
    ContainerDefinition,
    PartitionKeyDefinition,
    VectorEmbedding,
    VectorEmbeddingPolicy,
)
from emulator.services.cosmos.items.container import Container
from emulator.services.cosmos.items.errors import CosmosError
from emulator.services.cosmos.query.plan_document import required_features
from emulator.services.cosmos.query.query_plan import plan_query
from emulator.services.cosmos.sql.errors import InvalidQueryError
from emulator.services.cosmos.sql.parser import parse

FILTER = "({documentdb-formattableorderbyquery-filter})"
EVERYWHERE = [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}]
# Of "x", 5 and "t": see test_effective_partition_key.py.
X = "11E3F358618BE9AA5BAFF4C7C74F0716"
FIVE = "19C08621B135968252FB34B4CF66F811"
T = "3B310042FC8EA24E4CB78FD8BFEDBAA7"


def container(*paths: str, **vectors: str) -> Container:
    key = PartitionKeyDefinition(paths=paths or ("/key",), kind="Hash" if len(paths) < 2 else "MultiHash")
    embeddings = tuple(
        VectorEmbedding(path=f"/{path}", data_type="float32", dimensions=2, distance_function=function)
        for path, function in vectors.items()
    )
    policy = VectorEmbeddingPolicy(vector_embeddings=embeddings)
    definition = ContainerDefinition(id="c", partition_key=key, vector_embedding_policy=policy)
    return Container(key="/db/containers/c", definition=definition)


def plan(text: str, of: Container | None = None, **parameters: Any) -> dict[str, Any]:
    values = {f"@{name}": value for name, value in parameters.items()}
    return json.loads(plan_query(parse(text), values, of or container()).to_json())


def info(text: str, of: Container | None = None, **parameters: Any) -> dict[str, Any]:
    """The members of a plan that are not their defaults."""
    default = plan("SELECT * FROM c")["queryInfo"]
    actual = plan(text, of, **parameters)["queryInfo"]
    return {name: value for name, value in actual.items() if value != default[name]}


def test_a_plan_has_the_members_that_sdks_read() -> None:
    assert plan("SELECT * FROM c WHERE c.a = 1") == {
        "partitionedQueryExecutionInfoVersion": 2,
        "queryInfo": {
            "distinctType": "None",
            "top": None,
            "offset": None,
            "limit": None,
            "orderBy": [],
            "orderByExpressions": [],
            "groupByExpressions": [],
            "groupByAliases": [],
            "aggregates": [],
            "groupByAliasToAggregateType": {},
            "rewrittenQuery": "",
            "hasSelectValue": False,
            "dCountInfo": None,
            "hasNonStreamingOrderBy": False,
        },
        "queryRanges": EVERYWHERE,
        "hybridSearchQueryInfo": None,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT VALUE c.a FROM c", {"hasSelectValue": True}),
        ("SELECT TOP 5 * FROM c", {"top": 5}),
        (
            "SELECT * FROM c OFFSET 1 LIMIT 2",
            {"offset": 1, "limit": 2, "rewrittenQuery": "SELECT *\nFROM c\nOFFSET 0 LIMIT 3"},
        ),
        ("SELECT DISTINCT c.blah FROM c", {"distinctType": "Unordered"}),
        (
            "SELECT DISTINCT TOP 5 VALUE c.name FROM c",
            {
                "distinctType": "Unordered",
                "top": 5,
                "hasSelectValue": True,
                "rewrittenQuery": "SELECT DISTINCT VALUE c.name\nFROM c",
            },
        ),
        (
            "SELECT DISTINCT VALUE c.blah FROM c ORDER BY c.blah",
            {
                "distinctType": "Ordered",
                "orderBy": ["Ascending"],
                "orderByExpressions": ["c.blah"],
                "hasSelectValue": True,
                "rewrittenQuery": 'SELECT c._rid, [{"item": c.blah}] AS orderByItems, c.blah AS payload\nFROM c\n'
                f"WHERE ({FILTER} AND IS_DEFINED(c.blah))\nORDER BY c.blah",
            },
        ),
        (
            "SELECT TOP 10 c.a, c.b[0] FROM Root c WHERE c.d = true ORDER BY c.x, c.y DESC",
            {
                "top": 10,
                "orderBy": ["Ascending", "Descending"],
                "orderByExpressions": ["c.x", "c.y"],
                "rewrittenQuery": 'SELECT TOP 10 c._rid, [{"item": c.x}, {"item": c.y}] AS orderByItems,'
                ' {"a": c.a, "$1": c.b[0]} AS payload\nFROM Root AS c\n'
                f"WHERE ((c.d = true) AND {FILTER})\nORDER BY c.x, c.y DESC",
            },
        ),
        (
            "SELECT * FROM c ORDER BY c.x OFFSET 5 LIMIT 10",
            {
                "offset": 5,
                "limit": 10,
                "orderBy": ["Ascending"],
                "orderByExpressions": ["c.x"],
                "rewrittenQuery": 'SELECT c._rid, [{"item": c.x}] AS orderByItems, c AS payload\nFROM c\n'
                f"WHERE {FILTER}\nORDER BY c.x\nOFFSET 0 LIMIT 15",
            },
        ),
        (
            "SELECT VALUE AVG(c.blah) FROM c",
            {
                "aggregates": ["Average"],
                "hasSelectValue": True,
                "rewrittenQuery": 'SELECT VALUE [{"item": {"sum": SUM(c.blah), "count": COUNT(c.blah)}}]\nFROM c',
            },
        ),
        (
            "SELECT VALUE MIN(c.blah) FROM c WHERE c.key > 1",
            {
                "aggregates": ["Min"],
                "hasSelectValue": True,
                "rewrittenQuery": 'SELECT VALUE [{"item": MIN(c.blah), "item2": {"min": MIN(c.blah), "count":'
                " COUNT(c.blah)}}]\nFROM c\nWHERE (c.key > 1)",
            },
        ),
        (
            "SELECT c.zip, COUNT(1) AS n FROM c GROUP BY c.zip",
            {
                "groupByExpressions": ["c.zip"],
                "groupByAliases": ["zip", "n"],
                "groupByAliasToAggregateType": {"zip": None, "n": "Count"},
                "rewrittenQuery": 'SELECT [{"item": c.zip}] AS groupByItems, {"zip": c.zip, "n": {"item": COUNT(1)}}'
                " AS payload\nFROM c\nGROUP BY c.zip",
            },
        ),
        (
            "SELECT SUM(c.blah) FROM c",
            {
                "groupByAliases": ["$1"],
                "groupByAliasToAggregateType": {"$1": "Sum"},
                "rewrittenQuery": 'SELECT {"$1": {"item": SUM(c.blah)}} AS payload\nFROM c',
            },
        ),
        ("SELECT * FROM c WHERE c.key = 5 OFFSET 1 LIMIT 2", {}),
    ],
)
def test_plans(text: str, expected: dict[str, Any]) -> None:
    assert info(text) == expected


def test_parameters_are_in_the_plan_as_numbers() -> None:
    text = "SELECT * FROM c OFFSET @skip LIMIT @take"
    assert info(text, skip=42, take=1337)["rewrittenQuery"] == "SELECT *\nFROM c\nOFFSET 0 LIMIT 1379"
    with pytest.raises(InvalidQueryError):
        plan("SELECT TOP @n * FROM c", n="many")


@pytest.mark.parametrize(
    "text",
    ["SELECT VALUE {'sum': SUM(r)} FROM r", "SELECT VALUE [SUM(r)] FROM r", "SELECT VALUE FLOOR(AVG(r)) FROM r"],
)
def test_aggregates_are_not_composed(text: str) -> None:
    with pytest.raises(CosmosError, match="Compositions of aggregates and other expressions are not allowed"):
        plan(text)


def point(key: str) -> dict[str, Any]:
    return {"min": key, "max": key, "isMinInclusive": True, "isMaxInclusive": True}


@pytest.mark.parametrize(
    ("condition", "ranges"),
    [
        ("c.key = 'x'", [point(X)]),
        ("'x' = c.key AND c.a > 1", [point(X)]),
        ("c['key'] = @x", [point(X)]),
        ("c.key IN ('x', 5.0)", [point(X), point(FIVE)]),
        ("c.key = 'x' OR (c.key = 5 AND c.a = 1)", [point(X), point(FIVE)]),
        ("c.key = 'x' OR c.a = 1", EVERYWHERE),
        ("c.key != 'x'", EVERYWHERE),
        ("NOT (c.key = 'x')", EVERYWHERE),
        ("c.key NOT IN ('x')", EVERYWHERE),
        ("c.key = []", EVERYWHERE),
        ("c.key = c.a", EVERYWHERE),
        ("c.a.key = 'x'", EVERYWHERE),
        ("c.key = @unknown", EVERYWHERE),
        ("STARTSWITH(c.key, 'x')", EVERYWHERE),
    ],
)
def test_filters_on_the_partition_key_limit_the_ranges(condition: str, ranges: list[Any]) -> None:
    assert plan(f"SELECT * FROM c WHERE {condition}", x="x")["queryRanges"] == ranges


def test_a_prefix_of_a_hierarchical_key_is_a_range() -> None:
    of = container("/tenant", "/day")
    prefix = {"min": T, "max": T + "FF", "isMinInclusive": True, "isMaxInclusive": False}
    assert plan("SELECT * FROM c WHERE c.tenant = 't'", of)["queryRanges"] == [prefix]
    assert plan("SELECT * FROM c WHERE c.day = 'u'", of)["queryRanges"] == EVERYWHERE
    whole = T + "29E7D08B5A25B26B4FB56A0F9A7E5DFD"
    assert plan("SELECT * FROM c WHERE c.tenant = 't' AND c.day = 'u'", of)["queryRanges"] == [point(whole)]


@pytest.mark.parametrize(
    ("options", "direction"),
    [
        ("", "Descending"),
        (", false, {'distanceFunction': 'euclidean'}", "Ascending"),
        (", true, {'distanceFunction': 'dotproduct'}", "Descending"),
    ],
)
def test_the_most_similar_vectors_are_first(options: str, direction: str) -> None:
    distance = f"VectorDistance(c.v, [1, 2]{options})"
    actual = info(f"SELECT TOP 3 c.id FROM c ORDER BY {distance}", container(v="cosine"))
    assert (actual["orderBy"], actual["hasNonStreamingOrderBy"], actual["top"]) == ([direction], True, 3)
    assert actual["rewrittenQuery"].startswith("SELECT TOP 3 c._rid, [{")
    euclidean = info("SELECT TOP 3 c.id FROM c ORDER BY VectorDistance(@v, c.v)", container(v="euclidean"), v=[1, 2])
    assert euclidean["orderBy"] == ["Ascending"]


def test_a_hybrid_plan_has_a_query_for_each_score() -> None:
    scores = "FullTextScore(c.text, 'swim', 'run'), VectorDistance(c.image, [1, 2])"
    text = f"SELECT TOP 10 * FROM c ORDER BY RANK RRF({scores})"
    hybrid = plan(text, container(image="cosine"))["hybridSearchQueryInfo"]
    words = (
        '_FullTextScore(c.text, ["swim", "run"], {documentdb-formattablehybridsearchquery-totaldocumentcount},'
        " {documentdb-formattablehybridsearchquery-totalwordcount-0},"
        " {documentdb-formattablehybridsearchquery-hitcountsarray-0})"
    )
    vector = "_VectorScore(c.image, [1, 2])"
    payload = (
        f'{{"payload": c, "componentScores": [({words} ?? -1), ({vector} ?? -1.79769e+308)]}} AS payload\nFROM c\n'
        f"WHERE {FILTER}\nORDER BY "
    )
    assert hybrid["globalStatisticsQuery"] == (
        'SELECT COUNT(1) AS documentCount, [{"totalWordCount": SUM(_FullTextWordCount(c.text)), "hitCounts":'
        ' [COUNTIF(FullTextContains(c.text, "swim")), COUNTIF(FullTextContains(c.text, "run"))]}]'
        " AS fullTextStatistics\nFROM c"
    )
    assert [component["rewrittenQuery"] for component in hybrid["componentQueryInfos"]] == [
        f'SELECT TOP 120 c._rid, [{{"item": {words}}}] AS orderByItems, {payload}{words} DESC',
        f'SELECT TOP 120 c._rid, [{{"item": {vector}}}] AS orderByItems, {payload}{vector} DESC',
    ]
    assert [component["orderBy"] for component in hybrid["componentQueryInfos"]] == [["Descending"]] * 2
    assert (hybrid["skip"], hybrid["take"], hybrid["componentWeights"]) == (None, 10, None)
    assert hybrid["requiresGlobalStatistics"] is True


def test_weights_and_limits_of_a_hybrid_plan() -> None:
    text = (
        "SELECT c.id FROM c ORDER BY RANK RRF(FullTextScore(c.a, 'x'), FullTextScore(c.b, 'y'), [2, -1])"
        " OFFSET 100 LIMIT 20"
    )
    hybrid = plan(text)["hybridSearchQueryInfo"]
    assert (hybrid["skip"], hybrid["take"], hybrid["componentWeights"]) == (100, 20, [2, -1])
    assert [component["top"] for component in hybrid["componentQueryInfos"]] == [240, 240]
    assert [component["orderBy"] for component in hybrid["componentQueryInfos"]] == [["Descending"], ["Ascending"]]
    assert "totalwordcount-1" in hybrid["componentQueryInfos"][0]["rewrittenQuery"]
    vectors = plan("SELECT TOP 1 * FROM c ORDER BY RANK RRF(VectorDistance(c.v, [1]), VectorDistance(c.w, [1]))")
    assert vectors["hybridSearchQueryInfo"]["requiresGlobalStatistics"] is False


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("FullTextScore(c.a, 'x') DESC", "Specifying a sort order (ASC or DESC) in the ORDER BY RANK clause"),
        ("ABS(c.a)", "ORDER BY RANK clause"),
        ("RRF(FullTextScore(c.a, 'x'))", "ORDER BY RANK clause"),
        ("RRF(FullTextScore(c.a, 'x'), FullTextScore(c.b, 'y'), [1])", "array of weights"),
    ],
)
def test_ranks_that_are_refused(order: str, message: str) -> None:
    with pytest.raises(InvalidQueryError) as raised:
        plan(f"SELECT TOP 1 * FROM c ORDER BY RANK {order}")
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("text", "features"),
    [
        ("SELECT * FROM c", []),
        ("SELECT TOP 1 * FROM c ORDER BY c.a, c.b", ["MultipleOrderBy", "OrderBy", "Top"]),
        ("SELECT * FROM c OFFSET 0 LIMIT 1", ["OffsetAndLimit"]),
        ("SELECT DISTINCT c.a FROM c", ["Distinct"]),
        ("SELECT VALUE COUNT(1) FROM c", ["Aggregate"]),
        ("SELECT VALUE MAX(c.a) FROM c", ["Aggregate", "CompositeAggregate"]),
        ("SELECT c.a, COUNT(1), SUM(c.b) FROM c GROUP BY c.a", ["GroupBy", "MultipleAggregates", "NonValueAggregate"]),
        ("SELECT TOP 1 * FROM c ORDER BY VectorDistance(c.v, [1])", ["NonStreamingOrderBy", "OrderBy", "Top"]),
        (
            "SELECT TOP 1 * FROM c ORDER BY RANK RRF(FullTextScore(c.a, 'x'), FullTextScore(c.b, 'y'), [1, 2])",
            ["HybridSearch", "WeightedRankFusion"],
        ),
    ],
)
def test_the_features_that_a_client_needs(text: str, features: list[str]) -> None:
    assert required_features(plan_query(parse(text), {}, container())) == features
