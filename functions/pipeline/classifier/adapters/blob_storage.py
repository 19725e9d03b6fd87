"""Blob Storage: images and image copies."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContentSettings
from azure.storage.blob.aio import BlobClient, ContainerClient
from common.adapters.service_errors import ServiceBoundary
from common.domain import image_limits
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import ConfigurationError
from common.domain.models import Reason

from classifier.domain.errors import BlobNotFoundError
from classifier.domain.models import Blob, BlobInfo

# The metadata of a copy with the ETag of the image version.
_SOURCE_ETAG = "sourceetag"
# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
_CONTAINER_NOT_FOUND = "ContainerNotFound"
_ARCHIVED = frozenset({"BlobArchived", "BlobBeingRehydrated"})
# The first bytes of content with the Content-Encoding "gzip" (RFC 1952); with "deflate" (RFC 1950) the first two bytes
# are a multiple of 31. No image of an accepted format begins like that.
_GZIP_START = b"\x1f\x8b"
_ZLIB_AUTOMATIC = 32 + zlib.MAX_WBITS  # https://docs.python.org/3/library/zlib.html#zlib.decompress
_SLICE_BYTES = 256 * 1024


def create_image_container_client(endpoint: str, name: str, **client_options: Any) -> ContainerClient:
    """Create a client that reads an image in one request, so that all of it is of one version.

    Of blobs above the size limit, the first request reads only the first part.

    It retries after one second; the SDK's default is 15 seconds, which only costs instance time:
    https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/storage/azure-storage-blob/README.md#optional-configuration

    Args:
        endpoint: the account's blob endpoint.
        name: the container's name.
        client_options: further arguments of `ContainerClient`.
    """
    return ContainerClient(
        endpoint,
        name,
        max_single_get_size=image_limits.MAX_BYTES,
        initial_backoff=1,
        increment_base=2,
        **client_options,
    )


class BlobImageStore:
    """`ports.ImageStore` for one container, with a client of `create_image_container_client`."""

    def __init__(self, client: ContainerClient, *, stamp: str = "") -> None:
        self._client = client
        self._stamp = stamp
        self._host = (urlsplit(client.url).hostname or "").lower()
        self._boundary = ServiceBoundary("Blob Storage", CircuitBreaker("Blob Storage"))

    @property
    def host(self) -> str:
        """Implements `ports.ImageStore.host`."""
        return self._host

    @property
    def container(self) -> str:
        """Implements `ports.ImageStore.container`."""
        return self._client.container_name

    @property
    def stamp(self) -> str:
        """Implements `ports.ImageStore.stamp`."""
        return self._stamp

    async def read(self, name: str) -> Blob:
        """Implements `ports.ImageStore.read`; https://learn.microsoft.com/rest/api/storageservices/get-blob."""
        client = self._client.get_blob_client(name)
        with self._boundary:
            try:
                properties, stored = await _download(client)
            except ResourceNotFoundError as error:
                raise self._not_found(name, error) from error
            except HttpResponseError as error:
                if getattr(error, "error_code", None) not in _ARCHIVED:
                    raise
                return await self._archived(client, name)
        if stored is not None and properties.content_settings.content_encoding and _is_compressed(stored):
            return await asyncio.to_thread(_create_decompressed_blob, properties, stored)
        return _create_blob(properties, properties.size, content=stored)

    async def get_etag(self, name: str) -> str | None:
        """Implements `ports.ImageStore.get_etag`."""
        blob = await self.read_properties(name)
        return None if blob is None else blob.etag

    async def read_properties(self, name: str) -> Blob | None:
        """Implements `ports.ImageStore.read_properties`; https://learn.microsoft.com/rest/api/storageservices/get-blob-properties."""
        with self._boundary:
            try:
                properties = await self._client.get_blob_client(name).get_blob_properties()
                return _create_blob(properties, properties.size, content=None)
            except ResourceNotFoundError as error:
                not_found = self._not_found(name, error)
                if isinstance(not_found, ConfigurationError):
                    raise not_found from error
                return None

    async def delete(self, name: str) -> None:
        """Implements `ports.ImageStore.delete`; https://learn.microsoft.com/rest/api/storageservices/delete-blob."""
        with self._boundary:
            try:
                await self._client.delete_blob(name, delete_snapshots="include")
            except ResourceNotFoundError as error:
                not_found = self._not_found(name, error)
                if isinstance(not_found, ConfigurationError):
                    raise not_found from error

    def _not_found(self, name: str, error: ResourceNotFoundError) -> BlobNotFoundError | ConfigurationError:
        if getattr(error, "error_code", None) == _CONTAINER_NOT_FOUND:
            return ConfigurationError(_CONTAINER_NOT_FOUND, f"there is no container {self.container}")
        return BlobNotFoundError(name)

    async def _archived(self, client: BlobClient, name: str) -> Blob:
        """Return an archived blob: its properties can be read, its content not until it is rehydrated.

        https://learn.microsoft.com/azure/storage/blobs/access-tiers-overview#archive-access-tier
        """
        try:
            properties = await client.get_blob_properties()
        except ResourceNotFoundError as error:
            raise self._not_found(name, error) from error
        sentence = "The blob is in the archive access tier; copy it to an online tier to have it analyzed."
        reason = Reason(code=image_limits.ARCHIVED, sentence=sentence, measured=None, limit=None)
        return _create_blob(properties, properties.size, content=None, rejection=reason)

    async def list_pages(self, marker: str | None) -> AsyncIterator[tuple[list[BlobInfo], str | None]]:
        """Implements `ports.ImageStore.list_pages`; a page has up to 5,000 blobs."""
        # The SDK's type leaves out the iterator's continuation_token.
        pages: Any = self._client.list_blobs().by_page(continuation_token=marker)
        with self._boundary:
            async for page in pages:
                blobs = [
                    BlobInfo(name=blob.name, etag=blob.etag.strip('"'), last_modified=blob.last_modified)
                    async for blob in page
                ]
                yield blobs, pages.continuation_token or None


async def _download(client: BlobClient) -> tuple[BlobProperties, bytes | None]:
    """Download a blob as it is stored, without its content if that exceeds the size limit.

    A function of its own, because the SDK's downloader keeps a second copy of the content until it is deleted.
    """
    # The SDK would decompress without a limit: https://github.com/Azure/azure-sdk-for-python/issues/34350.
    download = await client.download_blob(decompress=False)
    content = await download.readall() if download.size <= image_limits.MAX_BYTES else None
    return download.properties, content


def _create_blob(
    properties: BlobProperties, size_bytes: int, *, content: bytes | None, rejection: Reason | None = None
) -> Blob:
    return Blob(
        content=content,
        size_bytes=size_bytes,
        etag=properties.etag.strip('"'),
        content_type=properties.content_settings.content_type or "application/octet-stream",
        created_at=properties.creation_time,
        rejection=rejection,
    )


def _is_compressed(stored: bytes) -> bool:
    """Return whether the content is compressed; many blobs with a Content-Encoding are not."""
    zlib_start = len(stored) > 1 and stored[0] & 0x0F == zlib.DEFLATED and int.from_bytes(stored[:2]) % 31 == 0
    return stored.startswith(_GZIP_START) or zlib_start


def _create_decompressed_blob(properties: BlobProperties, stored: bytes) -> Blob:
    """Return the blob with its decompressed content, or with the reason why it has none."""
    content = _decompress(stored)
    if content is None:
        encoding = properties.content_settings.content_encoding
        sentence = f"The file's Content-Encoding is {encoding!r}, and its content is damaged or continues behind it."
        reason = Reason(code="BadContentEncoding", sentence=sentence, measured=stored[:16].hex(), limit=None)
    elif len(content) > image_limits.MAX_BYTES:
        sentence = f"The file has more than {image_limits.MAX_BYTES} bytes once its Content-Encoding is undone."
        reason = Reason(code="TooLarge", sentence=sentence, measured=None, limit=image_limits.MAX_BYTES)
    else:
        return _create_blob(properties, len(stored), content=content)
    return _create_blob(properties, len(stored), content=None, rejection=reason)


def _decompress(stored: bytes) -> bytes | None:
    """Decompress up to one byte over the size limit. None if the content is damaged, or something follows it.

    In slices, because a decompressor that reaches its output limit copies the rest of its input.
    """
    decompressor = zlib.decompressobj(_ZLIB_AUTOMATIC)
    chunks: list[bytes] = []
    position = 0
    remaining = image_limits.MAX_BYTES + 1
    try:
        while remaining > 0 and position < len(stored) and not decompressor.eof:
            chunks.append(decompressor.decompress(stored[position : position + _SLICE_BYTES], remaining))
            position += _SLICE_BYTES
            remaining -= len(chunks[-1])
    except zlib.error:
        return None
    complete = decompressor.eof and not decompressor.unused_data and position >= len(stored)
    return b"".join(chunks) if complete or remaining == 0 else None


class BlobImageCopyStore:
    """`ports.ImageCopyStore` for one container."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client
        self._boundary = ServiceBoundary("Blob Storage")

    async def save(self, path: str, blob: Blob) -> None:
        """Implements `ports.ImageCopyStore.save`."""
        if blob.content is None:
            raise ValueError(f"there is no content to save under {path}")
        try:
            with self._boundary:
                await self._client.upload_blob(
                    path,
                    blob.content,
                    overwrite=True,
                    metadata={_SOURCE_ETAG: blob.etag},
                    content_settings=ContentSettings(content_type=blob.content_type),
                )
        except ResourceNotFoundError as error:
            raise ConfigurationError(_CONTAINER_NOT_FOUND, "there is no container for copies") from error

    async def delete(self, path: str, etag: str) -> None:
        """Implements `ports.ImageCopyStore.delete`."""
        client = self._client.get_blob_client(path)
        try:
            with self._boundary:
                copy = await client.get_blob_properties()
                if copy.metadata.get(_SOURCE_ETAG) == etag:
                    await client.delete_blob(etag=copy.etag, match_condition=MatchConditions.IfNotModified)
        except (ResourceNotFoundError, ResourceModifiedError):
            return  # deleted already, or a copy of another version
