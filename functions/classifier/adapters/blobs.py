"""Blob Storage: the images, the dead letters, the copies."""

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from azure.core import AsyncPipelineClient, MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import ContainerClient

from classifier import limits
from classifier.adapters.service_errors import ServiceBoundary
from classifier.adapters.world import World
from classifier.circuit_breaker import CircuitBreaker
from classifier.errors import BlobNotFoundError, ConfigurationError
from classifier.models import Blob
from classifier.ports import Listed

_API_VERSION = "2024-08-04"
_SCOPE = "https://storage.azure.com/.default"
_NOT_FOUND = 404
# Unlike BlobNotFound: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
_NO_CONTAINER = "ContainerNotFound"
# The metadata of a copy that says which version of the image it is.
_SOURCE = "sourceetag"

Reader = AsyncPipelineClient[HttpRequest, AsyncHttpResponse]


def reader(endpoint: str, world: World) -> Reader:
    """A client that reads blobs through azure-core's own policies.

    An image needs two such requests, and the Storage SDK's take three times as much CPU (docs/decisions/0023).
    """
    policies = world.policies(_SCOPE, headers={"x-ms-version": _API_VERSION}, retry_total=3)
    return AsyncPipelineClient(endpoint, policies=policies, transport=world.transport)


class BlobImages:
    """`ports.Images` over one container: single blobs by `blobs`, listings by the SDK's `client`."""

    def __init__(self, client: ContainerClient, blobs: Reader) -> None:
        self._client = client
        self._blobs = blobs
        self._boundary = ServiceBoundary("Blob Storage", CircuitBreaker("Blob Storage"))
        self._url = client.url  # the SDK puts it together anew each time it is asked

    @property
    def host(self) -> str:
        """As `ports.Images.host`."""
        return (urlsplit(self._url).hostname or "").lower()

    @property
    def container(self) -> str:
        """As `ports.Images.container`."""
        return self._client.container_name

    async def read(self, name: str) -> Blob:
        """As `ports.Images.read`; https://learn.microsoft.com/rest/api/storageservices/get-blob."""
        with self._boundary:
            response = await self._send("GET", name, stream=True)
            async with response:
                if response.status_code == _NOT_FOUND:
                    raise BlobNotFoundError(name)
                size = int(response.headers["Content-Length"])
                # One request, so one version; of one that is too large, no more is fetched than what is on its way.
                content = await response.read() if size <= limits.MAX_BYTES else None
        created = response.headers.get("x-ms-creation-time")
        return Blob(
            content=content,
            size_bytes=size,
            etag=response.headers["ETag"].strip('"'),
            content_type=response.headers.get("Content-Type", "application/octet-stream"),
            created_at=parsedate_to_datetime(created) if created else None,
        )

    async def etag(self, name: str) -> str | None:
        """As `ports.Images.etag`; https://learn.microsoft.com/rest/api/storageservices/get-blob-properties."""
        with self._boundary:
            response = await self._send("HEAD", name)
        return None if response.status_code == _NOT_FOUND else response.headers["ETag"].strip('"')

    async def _send(self, method: str, name: str, *, stream: bool = False) -> AsyncHttpResponse:
        request = HttpRequest(method, f"{self._url}/{quote(name, safe='~/')}")
        response = await self._blobs.send_request(request, stream=stream)
        if response.status_code not in {200, _NOT_FOUND}:
            await response.read()
            raise HttpResponseError(response=response)
        if response.headers.get("x-ms-error-code") == _NO_CONTAINER:
            raise ConfigurationError(_NO_CONTAINER, f"there is no container {self.container}")
        return response

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
