"""Cursors: where the next page of a query begins, as a signed text that means nothing to its caller."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import msgspec
from msgspec import Struct

from common.domain.errors import InvalidQueryError

_SIGNATURE_BYTES = 16
_MAX_CHARACTERS = 1_000


class CursorKeys(Protocol):
    """The keys that cursors are signed with: one for each day, the same in every instance of the app."""

    async def get_key(self, day: date) -> bytes:
        """Return the key of a day, today or yesterday (UTC)."""
        ...


class _Content(Struct, frozen=True, array_like=True):
    """What a cursor says: the day of its key, the query that it belongs to, and a position in its results."""

    day: date
    query: bytes
    position: msgspec.Raw


class CursorSigner:
    """Creates and reads cursors. A cursor is valid on the day on which it was made, and on the next."""

    def __init__(self, keys: CursorKeys, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._keys = keys
        self._now = now

    async def create(self, query: object, position: object) -> str:
        """Return the cursor for a position in the results of a query.

        Args:
            query: everything that selects and orders the results; a struct, or builtin types.
            position: the position, likewise.
        """
        today = self._now().date()
        content = msgspec.json.encode(_Content(today, _digest(query), msgspec.Raw(msgspec.json.encode(position))))
        signature = await self._sign(content, today)
        return base64.urlsafe_b64encode(signature + content).decode().rstrip("=")

    async def read[Position](self, cursor: str, query: object, position_type: type[Position]) -> Position:
        """Return the position of a cursor.

        Raises:
            InvalidQueryError: the cursor was not made here, is older than a day, or belongs to another query.
        """
        try:
            if len(cursor) > _MAX_CHARACTERS:
                raise ValueError(f"the cursor has {len(cursor)} characters")
            token = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            signature = token[:_SIGNATURE_BYTES]
            content = token[_SIGNATURE_BYTES:]
            parsed = msgspec.json.decode(content, type=_Content)
        except ValueError as error:
            raise InvalidQueryError("the cursor was not made by this service") from error
        today = self._now().date()
        if not today - timedelta(days=1) <= parsed.day <= today:
            raise InvalidQueryError("the cursor has expired; begin with the first page")
        if not hmac.compare_digest(signature, await self._sign(content, parsed.day)):
            raise InvalidQueryError("the cursor was not made by this service")
        if parsed.query != _digest(query):
            raise InvalidQueryError("the cursor belongs to another query; the filter must stay the same on every page")
        return msgspec.json.decode(parsed.position, type=position_type)

    async def _sign(self, content: bytes, day: date) -> bytes:
        key = await self._keys.get_key(day)
        return hmac.digest(key, b"cursor:" + content, "sha256")[:_SIGNATURE_BYTES]


def _digest(query: object) -> bytes:
    return hashlib.sha256(msgspec.json.encode(query, order="deterministic")).digest()[:_SIGNATURE_BYTES]
