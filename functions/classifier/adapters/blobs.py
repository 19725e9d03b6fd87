"""Blob Storage: the images, the dead letters, the copies."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobClient, ContainerClient

from classifier import limits
from classifier.models import Blob
from classifier.ports import Gone, Listed

# Most images come in one piece; of one that is too large, no more than this is fetched.
_PIECE = 4 * 1024 * 1024
# As many clients of single blobs as there are ever images in hand.
_REMEMBERED = 64
# The metadata of a copy that says which version of the image it is.
_SOURCE = "sourceetag"


def container(endpoint: str, name: str, credential: AsyncTokenCredential, transport: Any) -> ContainerClient:
    """A client of one container, whose address comes from our settings and never from an event."""
    return ContainerClient(
        endpoint,
        name,
        credential=credential,
        transport=transport,
        max_single_get_size=_PIECE,
        max_chunk_get_size=_PIECE,
        connection_timeout=5,
        read_timeout=30,
    )


class BlobImages:
    """`ports.Images` over one container."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client
        self._blobs: dict[str, BlobClient] = {}

    @property
    def host(self) -> str:
        """As `ports.Images.host`."""
        return (urlsplit(self._client.url).hostname or "").lower()

    @property
    def container(self) -> str:
        """As `ports.Images.container`."""
        return self._client.container_name

    async def read(self, name: str) -> Blob:
        """As `ports.Images.read`."""
        try:
            # No range is asked for: an empty blob has none, and the service would refuse it.
            download = await self._blob(name).download_blob()
            # All pieces are of one version: the SDK asks for the others under the first one's ETag.
            content = await download.readall() if download.size <= limits.MAX_BYTES else None
        except ResourceNotFoundError as error:
            raise Gone(name) from error
        properties = download.properties
        return Blob(
            content=content,
            size_bytes=download.size,
            etag=properties.etag.strip('"'),
            content_type=properties.content_settings.content_type or "application/octet-stream",
            created_at=properties.creation_time,
        )

    async def etag(self, name: str) -> str | None:
        """As `ports.Images.etag`."""
        try:
            return (await self._blob(name).get_blob_properties()).etag.strip('"')
        except ResourceNotFoundError:
            return None

    def _blob(self, name: str) -> BlobClient:
        """A blob's client; making one takes as long as half a request, and an image needs it twice."""
        client = self._blobs.get(name)
        if client is None:
            if len(self._blobs) >= _REMEMBERED:
                self._blobs.pop(next(iter(self._blobs)))
            client = self._blobs[name] = self._client.get_blob_client(name)
        return client

    async def pages(self, marker: str | None) -> AsyncIterator[tuple[list[Listed], str | None]]:
        """As `ports.Images.pages`; a page has up to 5,000 blobs."""
        # The SDK's type leaves out the iterator's continuation_token.
        pages: Any = self._client.list_blobs().by_page(continuation_token=marker)
        async for page in pages:
            listed = [
                Listed(name=blob.name, etag=blob.etag.strip('"'), modified=blob.last_modified) async for blob in page
            ]
            yield listed, pages.continuation_token or None


class BlobGallery:
    """`ports.Gallery` over one container."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client

    async def keep(self, path: str, blob: Blob) -> None:
        """As `ports.Gallery.keep`."""
        if blob.content is None:
            raise ValueError(f"there is no content to keep under {path}")
        await self._client.upload_blob(
            path,
            blob.content,
            overwrite=True,
            metadata={_SOURCE: blob.etag},
            content_settings=ContentSettings(content_type=blob.content_type),
        )

    async def discard(self, path: str, etag: str) -> None:
        """As `ports.Gallery.discard`."""
        client = self._client.get_blob_client(path)
        try:
            copy = await client.get_blob_properties()
            if copy.metadata.get(_SOURCE) == etag:
                await client.delete_blob(etag=copy.etag, match_condition=MatchConditions.IfNotModified)
        except (ResourceNotFoundError, ResourceModifiedError):
            return  # gone already, or another version's by now


class DeadLetters:
    """What Event Grid could not deliver: blobs, each a JSON list of events."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client

    async def names(self) -> AsyncIterator[str]:
        """The names of all dead letters."""
        async for blob in self._client.list_blobs():
            yield blob.name

    async def read(self, name: str) -> bytes:
        """A dead letter's content; empty when it is gone."""
        try:
            return await (await self._client.download_blob(name)).readall()
        except ResourceNotFoundError:
            return b""

    async def delete(self, name: str) -> None:
        """Removes a dead letter that was dealt with."""
        try:
            await self._client.delete_blob(name)
        except ResourceNotFoundError:
            return
