"""The keys of cursors, out of user delegation keys."""

import asyncio
import hashlib
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from common.adapters.cursor_keys import UserDelegationCursorKeys
from common.domain.errors import RetryLaterError


class FakeBlobService:
    """Derives the value of a key from its times, as Storage does."""

    def __init__(self) -> None:
        self.requests: list[tuple[datetime, datetime]] = []
        self.failure: Exception | None = None

    async def get_user_delegation_key(self, start: datetime, end: datetime) -> Any:
        if self.failure is not None:
            raise self.failure
        self.requests.append((start, end))
        return SimpleNamespace(value=f"key of {start:%d} to {end:%d}")


def test_a_key_depends_on_the_day_alone_and_is_requested_once() -> None:
    service = FakeBlobService()
    keys = UserDelegationCursorKeys(service)  # type: ignore[arg-type]

    async def use() -> list[bytes]:
        return await asyncio.gather(*(keys.get_key(date(2026, 1, 2)) for _ in range(3)))

    assert asyncio.run(use()) == [hashlib.sha256(b"cursors:key of 02 to 04").digest()] * 3
    assert service.requests == [(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC))]


def test_old_keys_are_forgotten() -> None:
    service = FakeBlobService()
    keys = UserDelegationCursorKeys(service)  # type: ignore[arg-type]

    async def use() -> None:
        for day in (1, 2, 3, 4, 1):
            await keys.get_key(date(2026, 1, day))

    asyncio.run(use())
    assert [start.day for start, _ in service.requests] == [1, 2, 3, 4, 1]


def test_an_error_of_storage_is_an_error_of_the_pipeline() -> None:
    service = FakeBlobService()
    error = HttpResponseError("busy")
    error.status_code = 503
    service.failure = error
    with pytest.raises(RetryLaterError, match="Blob Storage"):
        asyncio.run(UserDelegationCursorKeys(service).get_key(date(2026, 1, 2)))  # type: ignore[arg-type]
