"""Full-text search, vector search, and their ranking."""

from typing import Any

import pytest

from emulator.services.cosmos.sql.errors import InvalidQueryError, UnsupportedQueryError
from emulator.services.cosmos.sql.runtime.options import Options
from tests.support.cosmos_queries import UNDEFINED, results, value

ITEMS: list[dict[str, Any]] = [
    {"id": "1", "text": "A red bicycle in the mountains", "v": [1, 0]},
    {"id": "2", "text": "Mountain bicycles: red, RED and the reddest bicycle", "v": [0, 2]},
    {"id": "3", "text": "The United Nations in America", "v": [3, 3]},
    {"id": "4", "text": "Nations that are united", "v": [-1, 0]},
    {"id": "5"},
]

CONTAINS: list[tuple[str, list[str]]] = [
    ("FullTextContains(c.text, 'bicycle')", ["1", "2"]),
    ("FullTextContains(c.text, 'BICYCLES')", ["1", "2"]),
    ("FullTextContains(c.text, 'bicy')", []),
    ("FullTextContains(c.text, 'united nations')", ["3"]),
    ("FullTextContains(c.text, 'united states')", []),
    # A stop word of a term does not count.
    ("FullTextContains(c.text, 'the united nations')", ["3"]),
    ("FullTextContains(c.text, 'the')", []),
    ("FullTextContainsAll(c.text, 'mountain', 'red')", ["1", "2"]),
    ("FullTextContainsAll(c.text, 'united', 'america')", ["3"]),
    ("FullTextContainsAny(c.text, 'america', 'mountain')", ["1", "2", "3"]),
    ("FullTextContains(c.text, @term)", ["1", "2"]),
    ("NOT FullTextContains(c.text, 'red')", ["3", "4"]),
]


@pytest.mark.parametrize(("condition", "ids"), CONTAINS)
def test_full_text_conditions(condition: str, ids: list[str]) -> None:
    text = f"SELECT VALUE c.id FROM c WHERE {condition}"
    assert results(text, ITEMS, {"@term": "bicycle"}) == ids


def test_full_text_in_another_language() -> None:
    options = Options(languages={("text",): "de-DE", ("other",): "xx"})
    condition = "FullTextContains(c.text, 'Häuser')"
    assert value(condition, {"text": "Ein Haus am See"}) is False
    assert value(condition, {"text": "Ein Haus am See"}, options=options) is True
    with pytest.raises(UnsupportedQueryError, match="does not support the language 'xx'"):
        value("FullTextContains(c.other, 'a')", {"other": "a"}, options=options)


def test_terms_must_be_strings() -> None:
    with pytest.raises(InvalidQueryError, match="must be strings"):
        value("FullTextContains(c.text, 1)", {"text": "a"})


def test_the_score_of_a_text() -> None:
    """BM25 with k1 = 1.2 and b = 0.75, computed by hand.

    100 items have 800 words, so a text has 8 on average; 10 items have the term. The text has 4 words, 2 of them the
    term: ln(1 + 90.5 / 10.5) * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 4 / 8)).
    """
    item = {"text": "swim run swim rest"}
    assert value("_FullTextScore(c.text, ['swim'], 100, 800, [10])", item) == pytest.approx(3.621992)
    assert value("_FullTextScore(c.text, ['bike'], 100, 800, [10])", item) == 0
    assert value("_FullTextScore(c.missing, ['bike'], 100, 800, [10])", item) == UNDEFINED
    assert value("_FullTextScore(c.missing, ['bike'], 100, 800, [10]) ?? -1", item) == -1


def test_the_statistics_of_a_partition() -> None:
    """The statistics query of Azure's plans: QueryPlanBaselineTests.Top in github.com/Azure/azure-cosmos-dotnet-v3."""
    text = (
        'SELECT COUNT(1) AS documentCount, [{"totalWordCount": SUM(_FullTextWordCount(c.text)), "hitCounts":'
        ' [COUNTIF(FullTextContains(c.text, "red")), COUNTIF(FullTextContains(c.text, "nations"))]}]'
        " AS fullTextStatistics FROM c"
    )
    assert results(text, ITEMS) == [
        {"documentCount": 5, "fullTextStatistics": [{"totalWordCount": 14, "hitCounts": [2, 2]}]}
    ]


def test_order_by_rank_of_a_full_text_score() -> None:
    # The first text is shorter.
    ids = results("SELECT TOP 2 VALUE c.id FROM c ORDER BY RANK FullTextScore(c.text, 'red', 'mountain')", ITEMS)
    assert ids == ["1", "2"]
    ids = results("SELECT VALUE c.id FROM c WHERE c.id != '2' ORDER BY RANK FullTextScore(c.text, ['america'])", ITEMS)
    assert ids == ["3", "1", "4"]


VECTORS: list[tuple[str, Any]] = [
    # https://learn.microsoft.com/cosmos-db/query/vectordistance
    ("VectorDistance([3, 4], [4, 3])", 0.96),
    ("VectorDistance([3, 4], [4, 3], true, {distanceFunction: 'Cosine', dataType: 'Float32'})", 0.96),
    ("VectorDistance([3, 4], [4, 3], false, {distanceFunction: 'dotproduct'})", 24),
    ("VectorDistance([3, 4], [0, 0], false, {distanceFunction: 'euclidean'})", 5),
    ("VectorDistance([3, 4], [0, 0])", UNDEFINED),
    ("VectorDistance([3, 4], [1])", UNDEFINED),
    ("VectorDistance([3, '4'], [1, 2])", UNDEFINED),
    ("VectorDistance([], [])", UNDEFINED),
    ("VectorDistance(c.missing, [1, 2])", UNDEFINED),
    ("_VectorScore([3, 4], [0, 0], false, {distanceFunction: 'euclidean'})", -5),
    ("_VectorScore([3, 4], [4, 3])", 0.96),
]


@pytest.mark.parametrize(("expression", "expected"), VECTORS)
def test_vector_distances(expression: str, expected: Any) -> None:
    assert value(expression) == (expected if expected == UNDEFINED else pytest.approx(expected))


def test_the_order_of_vector_distances_is_by_similarity() -> None:
    text = "SELECT TOP 4 VALUE c.id FROM c ORDER BY VectorDistance(c.v, [1, 0]{options})"
    assert results(text.format(options=""), ITEMS) == ["1", "3", "2", "4"]
    euclidean = ", false, {distanceFunction: 'euclidean'}"
    assert results(text.format(options=euclidean), ITEMS) == ["1", "4", "2", "3"]
    assert results(text.format(options=""), ITEMS, options=Options(distance_functions={("v",): "euclidean"})) == [
        "1",
        "4",
        "2",
        "3",
    ]


@pytest.mark.parametrize(
    "options", ["{distanceFunction: 'manhattan'}", "{dataType: 'text'}", "{unknown: 1}", "'cosine'"]
)
def test_wrong_options_are_refused(options: str) -> None:
    with pytest.raises(InvalidQueryError, match="VectorDistance function"):
        value(f"VectorDistance([1], [1], false, {options})")


def test_fused_ranks() -> None:
    """Ranks by text: 2, 1, then 3 and 4; by vector: 1, 3, 2, 4. Item 5 has no score."""
    text = (
        "SELECT VALUE c.id FROM c ORDER BY RANK RRF(FullTextScore(c.text, 'red'), VectorDistance(c.v, [1, 0]){weights})"
    )
    assert results(text.format(weights=""), ITEMS) == ["1", "2", "3", "4"]
    assert results(text.format(weights=", [1, 0.1]"), ITEMS) == ["2", "1", "3", "4"]
    assert results(text.format(weights=", [0.1, -1]"), ITEMS)[:1] == ["1"]
