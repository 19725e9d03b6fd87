"""Continuation tokens: where a query resumes. They are opaque to clients and valid for one query in one container."""

import base64
import binascii
import hashlib
import hmac

import msgspec

from emulator.services.cosmos.items.errors import backend_error

_DIGEST_BYTES = 12


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a query is.

    Attributes:
        partition: The physical partition that is being read, of those that the request covers.
        key: The sort key of the last item whose rows were returned.
        number: The number of that item; 0 if there is none.
        rows: How many rows of that item were returned, if it may have more; 0 if it has no more.
        skipped: How many rows were skipped for OFFSET.
        returned: How many rows were returned, for TOP and LIMIT and for queries that start over.
    """

    partition: int = 0
    key: bytes = b""
    number: int = 0
    rows: int = 0
    skipped: int = 0
    returned: int = 0


def write_token(progress: Progress, *, secret: bytes, context: str) -> str:
    """A token for `progress` in `context`: the query, its parameters and what it reads."""
    data = msgspec.json.encode(progress)
    return base64.urlsafe_b64encode(_digest(data, secret, context) + data).decode()


def read_token(token: str, *, secret: bytes, context: str) -> Progress:
    """The inverse of `write_token`. Raises CosmosError 400 if the token is not one of this query."""
    try:
        content = base64.urlsafe_b64decode(token.encode())
        digest = content[:_DIGEST_BYTES]
        data = content[_DIGEST_BYTES:]
        if hmac.compare_digest(digest, _digest(data, secret, context)):
            return msgspec.json.decode(data, type=Progress)
    except (ValueError, binascii.Error, msgspec.MsgspecError, UnicodeEncodeError):
        pass
    raise backend_error("Invalid Continuation Token")


def _digest(data: bytes, secret: bytes, context: str) -> bytes:
    return hmac.new(secret, context.encode() + b"\0" + data, hashlib.sha256).digest()[:_DIGEST_BYTES]
