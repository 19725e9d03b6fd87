"""Keys for cursors, without a secret in the app settings: user delegation keys of Blob Storage."""

import asyncio
import hashlib
from datetime import UTC, date, datetime, time, timedelta

from azure.storage.blob.aio import BlobServiceClient

from common.adapters.service_errors import ServiceBoundary

# A key is used on its day and on the next (`CursorSigner`).
_LIFETIME = timedelta(days=2)
_CACHED_KEYS = 2


class UserDelegationCursorKeys:
    """`cursors.CursorKeys`: a hash of the user delegation key with a start and an end that depend on the day alone.

    Storage derives the value of such a key from the identity and from the two times, so that it can check a signature
    without storing the key: each instance of the app gets the same one. That is how a signature can be checked from
    what is in its URL (https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas), but the
    documentation does not say it; with different keys, a cursor would be refused by another instance than its own.

    Needs `Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action`.
    """

    def __init__(self, client: BlobServiceClient) -> None:
        self._client = client
        self._boundary = ServiceBoundary("Blob Storage")
        self._keys: dict[date, bytes] = {}
        self._lock = asyncio.Lock()

    async def get_key(self, day: date) -> bytes:
        """Implements `cursors.CursorKeys.get_key`."""
        async with self._lock:
            cached = self._keys.get(day)
            if cached is not None:
                return cached
            start = datetime.combine(day, time(), UTC)
            with self._boundary:
                delegation_key = await self._client.get_user_delegation_key(start, start + _LIFETIME)
            if delegation_key.value is None:
                raise ValueError("the user delegation key has no value")
            # Hashed, so that the key of cursors signs nothing else.
            key = hashlib.sha256(b"cursors:" + delegation_key.value.encode()).digest()
            self._keys[day] = key
            for old_day in sorted(self._keys)[:-_CACHED_KEYS]:
                del self._keys[old_day]
            return key
