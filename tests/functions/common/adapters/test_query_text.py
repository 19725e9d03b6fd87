"""The texts of the queries, word by word, and that nothing of a caller's gets into them."""

import re
from datetime import UTC, datetime, timedelta, timezone

from common.adapters.query_text import Position, list_query, search_query
from common.domain.queries import RecordFilter, SortOrder
from common.domain.record import RecordStatus
from hypothesis import given
from hypothesis import strategies as st

SUMMARY = (
    "c.id, c.stamp, c.status, c.reason, c.blob.container, c.blob.name, c.blob.etag, c.blob.contentType, c.image,"
    " c.labels, c.category, c.tags, c.caption, c.text, c.processedAt"
)
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def test_the_newest_records_come_out_of_the_composite_index() -> None:
    query = list_query(RecordFilter(), SortOrder.NEWEST, 21, None)
    assert query.text == (
        f"SELECT TOP 21 {SUMMARY} FROM c WHERE c.processedAt >= @start ORDER BY c.processedAt DESC, c.id DESC"
    )
    assert query.parameter_list == [{"name": "@start", "value": ""}]


def test_every_condition_has_its_parameter() -> None:
    record_filter = RecordFilter(
        labels=("cat", "dog"),
        min_confidence=0.8,
        category="animal",
        status=RecordStatus.CLASSIFIED,
        words=("exit",),
        start=NOON,
        end=NOON + timedelta(hours=1),
    )
    query = list_query(record_filter, SortOrder.OLDEST, 2, Position("2026-01-02T12:30:00+00:00", "b"))
    assert query.text == (
        f"SELECT TOP 2 {SUMMARY} FROM c"
        " WHERE c.processedAt >= @start AND c.processedAt < @end AND c.status = @status"
        " AND c.category.name = @category"
        " AND ARRAY_CONTAINS(c.labels, @label0)"
        " AND EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t.name = @label0 AND t.confidence >= @minConfidence)"
        " AND ARRAY_CONTAINS(c.labels, @label1)"
        " AND EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t.name = @label1 AND t.confidence >= @minConfidence)"
        " AND FullTextContainsAll(c.text, @word0)"
        " AND c.processedAt >= @lastTime AND (c.processedAt > @lastTime OR c.id > @lastId)"
        " ORDER BY c.category.name DESC, c.processedAt ASC, c.id ASC"
    )
    assert query.parameters == {
        "@start": "2026-01-02T12:00:00+00:00",
        "@end": "2026-01-02T13:00:00+00:00",
        "@status": "classified",
        "@category": "animal",
        "@label0": "cat",
        "@label1": "dog",
        "@minConfidence": 0.8,
        "@word0": "exit",
        "@lastTime": "2026-01-02T12:30:00+00:00",
        "@lastId": "b",
    }


def test_the_next_page_of_the_newest_is_older() -> None:
    query = list_query(RecordFilter(category="cat"), SortOrder.NEWEST, 3, Position("t", "i"))
    assert query.text.endswith(
        " AND c.processedAt <= @lastTime AND (c.processedAt < @lastTime OR c.id < @lastId)"
        " ORDER BY c.category.name ASC, c.processedAt DESC, c.id DESC"
    )


def test_times_are_compared_in_utc_as_they_are_stored() -> None:
    start = datetime(2026, 1, 2, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    assert list_query(RecordFilter(start=start), SortOrder.NEWEST, 1, None).parameters["@start"] == (
        "2026-01-02T12:00:00+00:00"
    )


def test_a_search_for_words_ranks_the_records_that_have_one_of_them() -> None:
    query = search_query(RecordFilter(), words=("red", "car"), vector=None, vector_field="vector", offset=20, limit=10)
    assert query.text == (
        f"SELECT {SUMMARY} FROM c WHERE c.processedAt >= @start AND FullTextContainsAny(c.text, @searched0, @searched1)"
        " ORDER BY RANK FullTextScore(c.text, @searched0, @searched1) OFFSET 20 LIMIT 10"
    )
    assert query.parameters == {"@start": "", "@searched0": "red", "@searched1": "car"}


def test_a_hybrid_search_fuses_both_ranks_and_returns_the_similarity() -> None:
    query = search_query(
        RecordFilter(labels=("cat",)), words=("red",), vector=[0.5, 1.0], vector_field="vector2", offset=0, limit=5
    )
    assert query.text == (
        f"SELECT {SUMMARY}, VectorDistance(c.vector2, @vector) AS similarity FROM c"
        " WHERE c.processedAt >= @start AND ARRAY_CONTAINS(c.labels, @label0)"
        " ORDER BY RANK RRF(FullTextScore(c.text, @searched0), VectorDistance(c.vector2, @vector)) OFFSET 0 LIMIT 5"
    )
    assert query.parameters["@vector"] == [0.5, 1.0]


def test_similar_images_are_ordered_by_distance_without_the_image_itself() -> None:
    query = search_query(
        RecordFilter(), words=(), vector=[1.0], vector_field="vector", exclude_id="x", offset=0, limit=5
    )
    assert query.text == (
        f"SELECT {SUMMARY}, VectorDistance(c.vector, @vector) AS similarity FROM c"
        " WHERE c.processedAt >= @start AND c.id != @excludedId"
        " ORDER BY VectorDistance(c.vector, @vector) OFFSET 0 LIMIT 5"
    )


TEXTS = st.text(min_size=1, max_size=20) | st.sampled_from(
    ["'; DROP", '" OR 1=1 --', "cat) OR (true", "@start", "\\", "x' AND c.id = 'y"]
)


@given(label=TEXTS, category=TEXTS, word=TEXTS, searched=TEXTS, last=TEXTS)
def test_nothing_of_a_caller_is_in_the_text(label: str, category: str, word: str, searched: str, last: str) -> None:
    """The texts are the same whatever the caller says; what he says is in the parameters, unchanged."""
    record_filter = RecordFilter(labels=(label,), category=category, words=(word,))
    reference = RecordFilter(labels=("a",), category="b", words=("c",))
    listed = list_query(record_filter, SortOrder.NEWEST, 5, Position(last, last))
    assert listed.text == list_query(reference, SortOrder.NEWEST, 5, Position("d", "e")).text
    assert {label, category, word, last} <= set(map(str, listed.parameters.values()))
    ranked = search_query(record_filter, words=(searched,), vector=None, vector_field="vector", offset=0, limit=5)
    assert (
        ranked.text == search_query(reference, words=("f",), vector=None, vector_field="vector", offset=0, limit=5).text
    )
    assert set(re.findall(r"@\w+", ranked.text)) == set(ranked.parameters)
