"""The search queries, the counts and the cut-off; and what the emulator's embeddings find among the packaged photos."""

import pytest

from benchmarks.search_quality import QUERIES, Query, QueryResult, calibrate, read_queries, search, summarize, words_of
from benchmarks.vision_accuracy import PHOTOS, read_photos
from scripts.setup import build_models


def result(photos: set[str], words: set[str], **cosines: float) -> QueryResult:
    return QueryResult(
        query=Query(text="x", photos=frozenset(photos)), words=frozenset(words), cosines=cosines, milliseconds=1.0
    )


RESULTS = [
    result({"a"}, {"a"}, a=0.6, b=0.5),
    result({"a"}, set(), a=0.3, b=0.4),
    result({"b"}, {"a"}, a=0.1, b=0.2),
    result(set(), set(), a=0.25, b=0.1),
    result(set(), {"b"}, a=0.1, b=0.05),
]


def test_a_third_of_the_queries_is_for_what_no_photo_shows() -> None:
    queries = read_queries(QUERIES)
    assert len(queries) >= 60
    assert len({query.text for query in queries}) == len(queries)
    assert sum(not query.photos for query in queries) / len(queries) == pytest.approx(1 / 3, abs=0.02)
    assert frozenset[str]().union(*(query.photos for query in queries)) <= {
        photo.path.name for photo in read_photos(PHOTOS)
    }


def test_answers_are_the_photos_that_reach_the_cut_off_and_those_with_the_words() -> None:
    item = result({"a"}, {"c"}, a=0.6, b=0.5, c=0.1)
    assert item.answers("words", 0.4) == ["c"]
    assert item.answers("meaning", 0.5) == ["a", "b"]
    assert item.answers("meaning", 0.55) == ["a"]
    assert item.answers("either", 0.4) == ["c", "a", "b"]


def test_hits_and_false_answers_are_counted() -> None:
    meaning = summarize(RESULTS, "meaning", 0.25)
    assert (meaning.there, meaning.hits, meaning.first_right) == (3, 2, 1)
    assert (meaning.absent, meaning.false_answers) == (2, 1)
    words = summarize(RESULTS, "words", 0.25)
    assert (words.hits, words.first_right, words.false_answers) == (1, 1, 1)


def test_the_cut_off_is_where_hits_exceed_false_answers_most() -> None:
    # At 0.3, two of three are hits and nothing is false; below 0.26, a false answer costs a half.
    assert calibrate(RESULTS) == 0.3


def test_plurals_and_stop_words_do_not_matter() -> None:
    assert words_of("Cats on the gas grills") == {"cat", "gas", "grill"}


def test_what_is_there_is_found_and_what_is_not_there_is_not() -> None:
    results = search(read_queries(QUERIES), build_models())
    held_out = results[1::2]
    cut_off = calibrate(results[0::2])
    meaning = summarize(held_out, "meaning", cut_off)
    words = summarize(held_out, "words", cut_off)
    assert 0.2 <= cut_off <= 0.4
    assert meaning.hits > 2 * words.hits
    assert meaning.hits / meaning.there >= 0.4
    assert meaning.first_right == meaning.hits
    assert meaning.false_answers / meaning.absent <= 0.1
