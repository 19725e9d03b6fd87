"""Why a record matches a search, and when it does not."""

import pytest
from common.domain.findings import Caption
from common.domain.query_results import Match
from image_api.domain.matching import label_matches, search_matches, word_matches
from image_api.domain.search import ImageMatch, MatchKind
from image_api.domain.words import search_words, word_key
from msgspec.structs import replace

from tests.support.in_memory_api import create_record, summary

CAT = summary(
    create_record("cat.png", tags=[("cat", 0.93), ("sports car", 0.9), ("grass", 0.71)]),
    text="a cat on the grass cat sports car grass EXIT Only",
)
LABEL = MatchKind.LABEL


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("a red car", ("red", "car")),
        ("The CAT'S photo", ("cat's",)),
        ("cat, cat and CAT", ("cat",)),
        ("photo of the", ()),
        ("!!! ??", ()),
        ("SELECT * FROM c; --", ("select", "c")),
        (" ".join(f"w{number}" for number in range(12)), tuple(f"w{number}" for number in range(10))),
        ("x" * 300, ("x" * 200,)),
    ],
)
def test_words_that_say_something_are_searched_for(search: str, words: tuple[str, ...]) -> None:
    assert search_words(search) == words


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("cats", "cat"),
        ("Cat", "cat"),
        ("cat's", "cat"),
        ("berries", "berry"),
        ("horses", "horse"),
        ("boxes", "box"),
        ("beaches", "beach"),
        ("dishes", "dish"),
        ("glasses", "glass"),
        ("buzzes", "buzz"),
        ("prizes", "prize"),
        ("movies", "movy"),
        ("baies", "baie"),
        ("weies", "weie"),
        ("dog\u2019s", "dog"),
        ("glass", "glass"),
        ("bus", "bus"),
        ("shoes", "shoe"),
        ("tree", "tree"),
        ("trees", "tree"),
    ],
)
def test_singular_and_plural_are_the_same_word(word: str, key: str) -> None:
    assert word_key(word) == key


def test_each_place_where_words_are_is_a_reason() -> None:
    assert word_matches(CAT, ["cats", "exit"]) == (
        ImageMatch(kind=LABEL, text="cat", score=0.93),
        ImageMatch(kind=MatchKind.CAPTION, text="a cat on the grass", score=0.8),
        ImageMatch(kind=MatchKind.TEXT, text="EXIT", score=None),
    )


def test_words_that_were_read_in_the_image_are_one_reason_and_count() -> None:
    assert word_matches(CAT, ["exit", "only", "red", "truck"]) == (
        ImageMatch(kind=MatchKind.TEXT, text="EXIT Only", score=None),
    )


def test_no_more_than_three_labels_are_reasons() -> None:
    tags = [(f"{kind} car", 0.9) for kind in ("sports", "race", "police", "toy")]
    record = replace(summary(create_record("car.png", tags=tags)), caption=None, text="")
    assert [match.text for match in word_matches(record, ["car"])] == ["sports car", "race car", "police car"]


def test_a_word_of_a_label_is_enough() -> None:
    assert word_matches(CAT, ["car"]) == (ImageMatch(kind=LABEL, text="sports car", score=0.9),)


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        (["cat"], True),
        (["red", "cat"], True),
        (["cat", "red", "truck"], False),
        (["cat", "grass", "red", "truck"], True),
        (["dog"], False),
        ([], False),
    ],
)
def test_a_record_has_at_least_half_of_the_words(words: list[str], *, fits: bool) -> None:
    assert bool(word_matches(CAT, words)) is fits


def test_a_record_without_findings_matches_no_words() -> None:
    empty = replace(CAT, labels=(), tags=None, caption=None, text="")
    assert word_matches(empty, ["cat"]) == ()


def test_a_caption_and_a_tag_without_confidence_are_reasons_without_score() -> None:
    record = replace(CAT, labels=("cat",), tags=None, caption=Caption(text="a cat", confidence=0.5), text="")
    assert word_matches(record, ["cat"])[0] == ImageMatch(kind=LABEL, text="cat", score=None)


@pytest.mark.parametrize(
    ("similarity", "score"), [(0.31, 0.31), (0.25, 0.25), (0.2499, None), (-1.0, None), (None, None), (0.31456, 0.315)]
)
def test_an_embedding_is_a_reason_from_the_cut_off_on(similarity: float | None, score: float | None) -> None:
    matches = search_matches(Match(record=CAT, similarity=similarity), ["dog"], min_similarity=0.25)
    assert matches == (() if score is None else (ImageMatch(kind=MatchKind.MEANING, text=None, score=score),))


def test_the_labels_of_a_filter_are_reasons() -> None:
    assert label_matches(CAT, ["grass", "dog"]) == (ImageMatch(kind=LABEL, text="grass", score=0.71),)
