"""The limits of filters, pages and searches, each at its bound."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from common.domain.errors import InvalidQueryError
from common.domain.queries import RecordFilter, check_page_size, check_vector, check_words

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
TEN = tuple("abcdefghij")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"labels": TEN, "words": TEN, "category": "x" * 200, "min_confidence": 0.0},
        {"labels": ("a",), "min_confidence": 1.0},
        {"start": NOON, "end": NOON + timedelta(microseconds=1)},
        {"start": NOON},
        {"end": NOON},
    ],
)
def test_what_is_allowed(arguments: dict[str, Any]) -> None:
    RecordFilter(**arguments).check()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": (*TEN, "k")}, "11 labels; 10 are allowed"),
        ({"words": (*TEN, "k")}, "11 words; 10 are allowed"),
        ({"labels": ("a", " ")}, "labels: ' ' is not a text of 1 to 200 characters"),
        ({"words": ("",)}, "words: '' is not a text"),
        ({"category": "x" * 201}, "category: 'x+' is not a text of 1 to 200 characters"),
        ({"labels": ("a",), "min_confidence": 1.01}, "min_confidence is 1.01, not a number from 0 to 1"),
        ({"labels": ("a",), "min_confidence": -0.01}, "min_confidence is -0.01"),
        ({"labels": ("a",), "min_confidence": float("nan")}, "min_confidence is nan"),
        ({"min_confidence": 0.5}, "min_confidence needs labels"),
        ({"start": NOON.replace(tzinfo=None)}, "start is 2026-01-02T12:00:00, without a time zone"),
        ({"end": NOON.replace(tzinfo=None)}, "end is 2026-01-02T12:00:00, without a time zone"),
        (
            {"start": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))},
            "start is 9999-.*, which is not in the",
        ),
        ({"end": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))}, "end is 0001-.*, which is not in the"),
        ({"start": NOON, "end": NOON}, "is not before end"),
    ],
)
def test_what_is_refused_says_what_is_allowed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidQueryError, match=message):
        RecordFilter(**arguments).check()


def test_the_size_of_a_page() -> None:
    check_page_size("limit", 1)
    check_page_size("limit", 100)
    for size in (0, 101):
        with pytest.raises(InvalidQueryError, match=f"limit is {size}, not from 1 to 100"):
            check_page_size("limit", size)


def test_words_and_vectors() -> None:
    check_words(TEN)
    check_vector([0.0] * 1024)
    with pytest.raises(InvalidQueryError, match="11 words"):
        check_words((*TEN, "k"))
    with pytest.raises(InvalidQueryError, match="the vector has 1023 numbers, not 1024"):
        check_vector([0.0] * 1023)
