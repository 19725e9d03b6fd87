"""Blob Storage: the images, the dead letters, the copies."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContentSettings
from azure.storage.blob.aio import BlobClient, ContainerClient

from classifier.adapters.service_errors import ServiceBoundary
from classifier.domain import image_limits as limits
from classifier.domain.circuit_breaker import CircuitBreaker
from classifier.domain.errors import BlobNotFoundError, ConfigurationError
from classifier.domain.models import Blob, RejectionReason
from classifier.domain.ports import Listed

# The metadata of a copy that says which version of the image it is.
_SOURCE = "sourceetag"
# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
_NO_CONTAINER = "ContainerNotFound"  # unlike BlobNotFound
_ARCHIVED = frozenset({"BlobArchived", "BlobBeingRehydrated"})
# How content begins that is compressed as Content-Encoding "gzip" or "deflate" means it: RFC 1952, and RFC 1950, whose
# first two bytes are a multiple of 31. No image of an accepted format begins like that.
_GZIP_START = b"\x1f\x8b"
_ZLIB_AUTOMATIC = 32 + zlib.MAX_WBITS  # https://docs.python.org/3/library/zlib.html#zlib.decompress
_SLICE = 256 * 1024


def image_container(endpoint: str, name: str, **client: Any) -> ContainerClient:
    """A client whose first request brings an image whole, and so of one version, and of larger blobs no more than that.

    Its retries begin after a second; by default they begin after 15, which an image that is in hand need not wait for:
    https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/storage/azure-storage-blob/README.md#optional-configuration

    Args:
        endpoint: the account's blob endpoint.
        name: the container's name.
        client: further arguments of `ContainerClient`.
    """
    return ContainerClient(
        endpoint,
        name,
        max_single_get_size=limits.MAX_BYTES,
        initial_backoff=1,
        increment_base=2,
        **client,
    )


class BlobImages:
    """`ports.Images` over one container, by a client of `image_container`."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client
        self._host = (urlsplit(client.url).hostname or "").lower()
        self._boundary = ServiceBoundary("Blob Storage", CircuitBreaker("Blob Storage"))

    @property
    def host(self) -> str:
        """As `ports.Images.host`."""
        return self._host

    @property
    def container(self) -> str:
        """As `ports.Images.container`."""
        return self._client.container_name

    async def read(self, name: str) -> Blob:
        """As `ports.Images.read`; https://learn.microsoft.com/rest/api/storageservices/get-blob."""
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
            return await asyncio.to_thread(_decompressed, properties, stored)
        return _blob(properties, properties.size, content=stored)

    async def etag(self, name: str) -> str | None:
        """As `ports.Images.etag`; https://learn.microsoft.com/rest/api/storageservices/get-blob-properties."""
        with self._boundary:
            try:
                return (await self._client.get_blob_client(name).get_blob_properties()).etag.strip('"')
            except ResourceNotFoundError as error:
                not_found = self._not_found(name, error)
                if isinstance(not_found, ConfigurationError):
                    raise not_found from error
                return None

    def _not_found(self, name: str, error: ResourceNotFoundError) -> BlobNotFoundError | ConfigurationError:
        if getattr(error, "error_code", None) == _NO_CONTAINER:
            return ConfigurationError(_NO_CONTAINER, f"there is no container {self.container}")
        return BlobNotFoundError(name)

    async def _archived(self, client: BlobClient, name: str) -> Blob:
        """An archived blob's properties can be read, its content cannot until it is rehydrated.

        https://learn.microsoft.com/azure/storage/blobs/access-tiers-overview#archive-access-tier
        """
        try:
            properties = await client.get_blob_properties()
        except ResourceNotFoundError as error:
            raise self._not_found(name, error) from error
        sentence = "The blob is in the archive access tier; copy it to an online tier to have it analyzed."
        reason = RejectionReason(code=limits.ARCHIVED, sentence=sentence)
        return _blob(properties, properties.size, content=None, rejection=reason)

    async def pages(self, marker: str | None) -> AsyncIterator[tuple[list[Listed], str | None]]:
        """As `ports.Images.pages`; a page has up to 5,000 blobs."""
        # The SDK's type leaves out the iterator's continuation_token.
        pages: Any = self._client.list_blobs().by_page(continuation_token=marker)
        with self._boundary:
            async for page in pages:
                listed = [
                    Listed(name=blob.name, etag=blob.etag.strip('"'), modified=blob.last_modified)
                    async for blob in page
                ]
                yield listed, pages.continuation_token or None


async def _download(client: BlobClient) -> tuple[BlobProperties, bytes | None]:
    """A blob as it is stored, without its content when that is over the size limit.

    A function of its own, because the SDK's downloader keeps a second copy for as long as it lives.
    """
    # The SDK would decompress without a limit: https://github.com/Azure/azure-sdk-for-python/issues/34350.
    download = await client.download_blob(decompress=False)
    return download.properties, await download.readall() if download.size <= limits.MAX_BYTES else None


def _blob(
    properties: BlobProperties, size_bytes: int, *, content: bytes | None, rejection: RejectionReason | None = None
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
    """Whether the bytes are what a Content-Encoding says; many blobs are labelled that were never compressed."""
    zlib_start = len(stored) > 1 and stored[0] & 0x0F == zlib.DEFLATED and int.from_bytes(stored[:2]) % 31 == 0
    return stored.startswith(_GZIP_START) or zlib_start


def _decompressed(properties: BlobProperties, stored: bytes) -> Blob:
    """The blob with the content that was compressed, or with the reason why it has none."""
    content = _decompress(stored)
    if content is None:
        encoding = properties.content_settings.content_encoding
        sentence = f"The file's Content-Encoding is {encoding!r}, and its content is damaged or continues behind it."
        reason = RejectionReason(code="BadContentEncoding", sentence=sentence, measured=stored[:16].hex())
    elif len(content) > limits.MAX_BYTES:
        sentence = f"The file has more than {limits.MAX_BYTES} bytes once its Content-Encoding is undone."
        reason = RejectionReason(code="TooLarge", sentence=sentence, limit=limits.MAX_BYTES)
    else:
        return _blob(properties, len(stored), content=content)
    return _blob(properties, len(stored), content=None, rejection=reason)


def _decompress(stored: bytes) -> bytes | None:
    """What was compressed, cut off one byte over the limit; None when it is damaged, or something follows it.

    In slices, because a decompressor that may give no more copies what is left of its input.
    """
    decompressor = zlib.decompressobj(_ZLIB_AUTOMATIC)
    parts: list[bytes] = []
    at, room = 0, limits.MAX_BYTES + 1
    try:
        while room > 0 and at < len(stored) and not decompressor.eof:
            parts.append(decompressor.decompress(stored[at : at + _SLICE], room))
            at += _SLICE
            room -= len(parts[-1])
    except zlib.error:
        return None
    whole = decompressor.eof and not decompressor.unused_data and at >= len(stored)
    return b"".join(parts) if whole or room == 0 else None


class BlobGallery:
    """`ports.Gallery` over one container."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client
        self._boundary = ServiceBoundary("Blob Storage")

    async def keep(self, path: str, blob: Blob) -> None:
        """As `ports.Gallery.keep`."""
        if blob.content is None:
            raise ValueError(f"there is no content to keep under {path}")
        try:
            with self._boundary:
                await self._client.upload_blob(
                    path,
                    blob.content,
                    overwrite=True,
                    metadata={_SOURCE: blob.etag},
                    content_settings=ContentSettings(content_type=blob.content_type),
                )
        except ResourceNotFoundError as error:
            raise ConfigurationError(_NO_CONTAINER, "there is no container for copies") from error

    async def discard(self, path: str, etag: str) -> None:
        """As `ports.Gallery.discard`."""
        client = self._client.get_blob_client(path)
        try:
            with self._boundary:
                copy = await client.get_blob_properties()
                if copy.metadata.get(_SOURCE) == etag:
                    await client.delete_blob(etag=copy.etag, match_condition=MatchConditions.IfNotModified)
        except (ResourceNotFoundError, ResourceModifiedError):
            return  # gone already, or another version's by now


class DeadLetters:
    """What Event Grid could not deliver: blobs, each a JSON list of events."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client
        self._boundary = ServiceBoundary("Blob Storage")

    async def names(self) -> AsyncIterator[str]:
        """The names of all dead letters."""
        with self._boundary:
            async for blob in self._client.list_blobs():
                yield blob.name

    async def read(self, name: str) -> bytes:
        """A dead letter's content; empty when it is gone."""
        try:
            with self._boundary:
                return await (await self._client.download_blob(name)).readall()
        except ResourceNotFoundError:
            return b""

    async def delete(self, name: str) -> None:
        """Removes a dead letter that was dealt with."""
        try:
            with self._boundary:
                await self._client.delete_blob(name)
        except ResourceNotFoundError:
            return
