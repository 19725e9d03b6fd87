"""Cursors: bound to their query, signed, and short-lived."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest
from common.domain.cursors import CursorSigner
from common.domain.errors import InvalidQueryError
from common.domain.queries import RecordFilter, SortOrder
from hypothesis import given
from hypothesis import strategies as st

from tests.support.cursor_keys import DayKeys

NOW = datetime(2026, 1, 2, 23, 59, tzinfo=UTC)
QUERY = ("list", RecordFilter(labels=("cat",)), SortOrder.NEWEST)


def signer(*, days: int = 0, secret: str = "secret") -> CursorSigner:
    return CursorSigner(DayKeys(secret), now=lambda: NOW + timedelta(days=days))


def create() -> str:
    return asyncio.run(signer().create(QUERY, ["2026-01-01", "id"]))


def read(cursor: str, query: object = QUERY, *, days: int = 0, secret: str = "secret") -> list[str]:
    return asyncio.run(signer(days=days, secret=secret).read(cursor, query, list[str]))


def test_another_instance_reads_a_cursor_on_the_same_day_and_on_the_next() -> None:
    cursor = create()
    assert read(cursor) == read(cursor, days=1) == ["2026-01-01", "id"]
    assert cursor.isascii()
    assert not set(cursor) & set("+/= ")


@pytest.mark.parametrize("days", [-1, 2])
def test_a_cursor_of_another_day_has_expired(days: int) -> None:
    with pytest.raises(InvalidQueryError, match="expired"):
        read(create(), days=days)


@pytest.mark.parametrize(
    "query",
    [
        ("list", RecordFilter(labels=("dog",)), SortOrder.NEWEST),
        ("list", RecordFilter(labels=("cat",), min_confidence=0.5), SortOrder.NEWEST),
        ("list", RecordFilter(labels=("cat",)), SortOrder.OLDEST),
        ("search", RecordFilter(labels=("cat",)), SortOrder.NEWEST),
    ],
)
def test_a_cursor_belongs_to_its_query(query: object) -> None:
    with pytest.raises(InvalidQueryError, match="another query"):
        read(create(), query)


def test_a_cursor_of_another_service_is_refused() -> None:
    with pytest.raises(InvalidQueryError, match="not made by this service"):
        read(create(), secret="another")


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_cursor_with_one_changed_bit_is_refused(position: int, bit: int) -> None:
    cursor = create()
    token = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    token[position % len(token)] ^= 1 << bit
    with pytest.raises(InvalidQueryError):
        read(base64.urlsafe_b64encode(token).decode().rstrip("="))


@given(st.text(max_size=100) | st.text("abcAB01-_", max_size=1_100))
def test_a_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidQueryError, match="not made by this service"):
        read(text)
