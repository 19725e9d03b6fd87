"""Blob Storage: the names of images, and signed URLs of single blobs."""

import asyncio
from datetime import datetime, timedelta
from typing import get_args
from urllib.parse import quote, urlsplit

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobSasPermissions, UserDelegationKey, generate_blob_sas
from azure.storage.blob.aio import BlobServiceClient
from common.adapters.service_errors import ServiceBoundary
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import ConfigurationError

from image_api.adapters.rights import CREATE_BLOBS, CREATE_KEY, READ_BLOBS, RightRequired
from image_api.domain.uploads import ImageContentType

_SERVICE = "Blob Storage"
_CONTAINER_NOT_FOUND = "ContainerNotFound"
# A key is used for an hour, and is valid for longer than every URL that is signed with it. Whoever may do what it
# allows can be taken that right at any time: Storage checks the identity's role at every request.
_KEY_USE = timedelta(hours=1)
_KEY_LIFETIME = timedelta(hours=2)
# Clocks differ: https://learn.microsoft.com/azure/storage/common/storage-sas-overview#best-practices-when-using-sas
_CLOCK_SKEW = timedelta(minutes=5)
_IMAGE_CONTENT_TYPES = frozenset(get_args(ImageContentType.__value__))
# No blob has this ETag.
_NO_ETAG = '"0x0"'


class SignedImageBlobs:
    """`ports.ImageBlobs`: signs URLs with a user delegation key, so that no account key exists.

    https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
    """

    def __init__(self, client: BlobServiceClient, container: str) -> None:
        self._client = client
        self._container = client.get_container_client(container)
        self._account = (urlsplit(client.url).hostname or "").partition(".")[0]
        self._boundary = ServiceBoundary(_SERVICE, CircuitBreaker(_SERVICE))
        self._lock = asyncio.Lock()
        self._key: UserDelegationKey | None = None
        self._key_renewal_at: datetime | None = None

    async def exists(self, name: str) -> bool:
        """Implements `ports.ImageBlobs.exists`; https://learn.microsoft.com/rest/api/storageservices/get-blob-properties."""
        with RightRequired(_SERVICE, READ_BLOBS), self._boundary:
            try:
                await self._container.get_blob_client(name).get_blob_properties()
            except ResourceNotFoundError as error:
                self._check_container(error)
                return False
            return True

    async def create_upload_url(self, name: str, *, now: datetime, expires_at: datetime) -> str:
        """Implements `ports.ImageBlobs.create_upload_url`.

        The permission `c` alone creates a blob, and overwrites none.
        """
        await self._check_right_to_create(name)
        signature = generate_blob_sas(
            self._account,
            self._container.container_name,
            name,
            user_delegation_key=await self._current_key(now),
            permission=BlobSasPermissions(create=True),
            expiry=expires_at,
            protocol="https",
        )
        return self._signed_url(name, signature)

    async def create_read_url(self, name: str, content_type: str | None, *, now: datetime, expires_at: datetime) -> str:
        """Implements `ports.ImageBlobs.create_read_url`."""
        is_image = content_type in _IMAGE_CONTENT_TYPES
        signature = generate_blob_sas(
            self._account,
            self._container.container_name,
            name,
            user_delegation_key=await self._current_key(now),
            permission=BlobSasPermissions(read=True),
            expiry=expires_at,
            protocol="https",
            content_type=content_type if is_image else "application/octet-stream",
            content_disposition="inline" if is_image else "attachment",
        )
        return self._signed_url(name, signature)

    async def _current_key(self, now: datetime) -> UserDelegationKey:
        """Return a key that is valid for an hour at least."""
        async with self._lock:
            if self._key is None or self._key_renewal_at is None or now >= self._key_renewal_at:
                with RightRequired(_SERVICE, CREATE_KEY), self._boundary:
                    self._key = await self._client.get_user_delegation_key(now - _CLOCK_SKEW, now + _KEY_LIFETIME)
                self._key_renewal_at = now + _KEY_USE
            return self._key

    async def _check_right_to_create(self, name: str) -> None:
        """Check that the URL will work: Storage checks the identity's role when the blob is uploaded, not before.

        The request creates nothing, because no blob has the ETag that it requires: Storage answers 412, or 403 without
        the right.
        """
        with RightRequired(_SERVICE, CREATE_BLOBS), self._boundary:
            try:
                await self._container.get_blob_client(name).upload_blob(
                    b"", overwrite=True, etag=_NO_ETAG, match_condition=MatchConditions.IfNotModified
                )
            except ResourceModifiedError:
                return
            except ResourceNotFoundError as error:
                self._check_container(error)
                raise

    def _check_container(self, error: HttpResponseError) -> None:
        if getattr(error, "error_code", None) == _CONTAINER_NOT_FOUND:
            sentence = f"there is no container {self._container.container_name}"
            raise ConfigurationError(_CONTAINER_NOT_FOUND, sentence) from error

    def _signed_url(self, name: str, signature: str) -> str:
        return f"{self._client.url.rstrip('/')}/{self._container.container_name}/{quote(name, safe='/~')}?{signature}"
