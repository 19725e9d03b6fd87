"""The search queries, the counts and the cut-off; and what the API's search finds among the packaged photos."""

import json

import pytest

from benchmarks.search_quality import (
    QUERIES,
    Query,
    QuerySimilarities,
    Summary,
    calibrate,
    read_queries,
    summarize,
)
from benchmarks.vision_accuracy import PHOTOS, read_photos
from tests.conftest import ROOT, configuration
from tests.support.make import run_make


def query(*photos: str) -> Query:
    return Query(text="x", photos=frozenset(photos))


MEASUREMENTS = [
    QuerySimilarities(query=query("a"), similarities={"a": 0.6, "b": 0.5}),
    QuerySimilarities(query=query("a"), similarities={"a": 0.3, "b": 0.4}),
    QuerySimilarities(query=query("b"), similarities={"a": 0.1, "b": 0.2}),
    QuerySimilarities(query=query(), similarities={"a": 0.25, "b": 0.1}),
    QuerySimilarities(query=query(), similarities={"a": 0.1, "b": 0.05}),
]


def test_a_third_of_the_queries_is_for_what_no_photo_shows() -> None:
    queries = read_queries(QUERIES)
    assert len(queries) >= 60
    assert len({query.text for query in queries}) == len(queries)
    assert sum(not query.photos for query in queries) / len(queries) == pytest.approx(1 / 3, abs=0.02)
    assert frozenset[str]().union(*(query.photos for query in queries)) <= {
        photo.path.name for photo in read_photos(PHOTOS)
    }


def test_answers_are_the_photos_that_reach_the_cut_off_the_most_similar_first() -> None:
    one = QuerySimilarities(query=query("a"), similarities={"c": 0.1, "b": 0.5, "a": 0.6})
    assert one.answers(0.5) == ["a", "b"]
    assert one.answers(0.55) == ["a"]
    assert one.answers(0.7) == []


def test_hits_and_false_answers_are_counted() -> None:
    summary = summarize([(one.query, one.answers(0.25)) for one in MEASUREMENTS])
    assert (summary.there, summary.hits, summary.first_right) == (3, 2, 1)
    assert (summary.absent, summary.false_answers) == (2, 1)


def test_the_cut_off_is_where_hits_exceed_false_answers_most() -> None:
    # At 0.3, two of three are hits and nothing is false; below 0.26, a false answer costs a half.
    assert calibrate(MEASUREMENTS) == 0.3


def test_what_is_there_is_found_and_what_is_not_there_is_not() -> None:
    report = json.loads(run_make(ROOT, "search-quality", "FORMAT=json").stdout)
    assert round(report["cutOff"] * 100) == configuration("local")["minSimilarityPercent"]
    labels, words, meaning, hybrid = (
        Summary(**report["held out"][method]) for method in ("labels", "words", "meaning", "hybrid")
    )
    assert labels.hits < words.hits < meaning.hits <= hybrid.hits
    assert hybrid.hits / hybrid.there >= 0.5
    assert hybrid.first_right == hybrid.hits
    assert labels.false_answers == 0
    assert hybrid.false_answers / hybrid.absent <= 0.1
    assert report["all"]["meaning"]["hits"] > report["all"]["words"]["hits"]
