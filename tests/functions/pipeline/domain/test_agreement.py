"""Agreement of two analyzers, and the sample that is compared."""

import hashlib

import pytest
from classifier.domain.agreement import (
    caption_agreement,
    is_sampled,
    label_agreement,
    same_name,
    text_error_rate,
)
from hypothesis import given
from hypothesis import strategies as st


def sha256(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


@pytest.mark.parametrize(("percent", "count"), [(0.01, 1), (0.07, 7), (5, 500), (33.33, 3333), (100, 10_000)])
def test_the_sample_has_its_share_of_all_hashes(percent: float, count: int) -> None:
    hashes = [f"{number:08x}" + 56 * "0" for number in range(10_000)]
    assert sum(is_sampled(value, percent) for value in hashes) == count


def test_a_larger_sample_contains_the_smaller_one() -> None:
    small = {number for number in range(2_000) if is_sampled(sha256(number), 5)}
    large = {number for number in range(2_000) if is_sampled(sha256(number), 20)}
    assert small < large
    assert 340 < len(large) < 460


@pytest.mark.parametrize(
    ("labels", "others", "agreement"),
    [
        (["cat", "sofa"], ["Cat ", "sofa"], 1.0),
        (["cat", "sofa"], ["cat", "dog"], 1 / 3),
        (["cat"], [], 0.0),
        ([], [], 1.0),
        (["cat", "cat"], ["cat"], 1.0),
    ],
)
def test_labels_agree_as_far_as_both_have_them(labels: list[str], others: list[str], agreement: float) -> None:
    assert label_agreement(labels, others) == pytest.approx(agreement)
    assert label_agreement(others, labels) == pytest.approx(agreement)


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [("cat", "Cat", True), ("cat", "dog", False), (None, None, True), ("cat", None, False), (None, "cat", False)],
)
def test_a_category_is_the_same_or_not(name: str | None, other: str | None, same: bool) -> None:
    assert same_name(name, other) is same


@pytest.mark.parametrize(
    ("caption", "other", "agreement"),
    [
        ("a cat on a sofa", "A cat, on a sofa.", 1.0),
        ("a cat on a sofa", "a dog", 2 / 7),
        ("a cat", "two dogs", 0.0),
        ("", "", 1.0),
        ("a a", "a", 2 / 3),
    ],
)
def test_captions_agree_by_their_words(caption: str, other: str, agreement: float) -> None:
    assert caption_agreement(caption, other) == pytest.approx(agreement)


@pytest.mark.parametrize(
    ("text", "other", "rate"),
    [
        ("STOP", "STOP", 0.0),
        ("STOP", "STEP", 0.25),
        ("STOP", "", 1.0),
        ("", "", 0.0),
        ("", "STOP", 1.0),
        ("ab\ncd", "ab  cd", 0.0),
        ("a", "completely different", 1.0),
        ("kitten", "sitting", 0.5),
    ],
)
def test_text_is_compared_by_the_edits_for_each_character(text: str, other: str, rate: float) -> None:
    assert text_error_rate(text, other) == pytest.approx(rate)


def matrix_distance(first: str, second: str) -> int:
    row = [*range(len(second) + 1)]
    for index, character in enumerate(first, 1):
        previous, row = row, [index]
        for position, other in enumerate(second, 1):
            row.append(min(row[-1] + 1, previous[position] + 1, previous[position - 1] + (character != other)))
    return row[-1]


@given(st.text("abc", min_size=1, max_size=12), st.text("abc", max_size=12))
def test_the_edit_distance_is_that_of_the_matrix(first: str, second: str) -> None:
    expected = min(1.0, matrix_distance(first, second) / len(first))
    assert text_error_rate(first, second) == pytest.approx(expected)
