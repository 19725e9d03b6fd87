"""A blob container on 127.0.0.1 that can be written to: listings in pages, uploads, deletions under an ETag."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from aiohttp import web
from azure.storage.blob.aio import ContainerClient

from tests.support.container_server import error_response, serve_container

_MODIFIED = "Fri, 02 Jan 2026 03:04:05 GMT"
# Blobs on a page of a listing, so that few blobs make several pages.
_PAGE_SIZE = 2


@dataclass(kw_only=True)
class WritableBlob:
    """A blob as it is stored; `etag` is without quotes."""

    content: bytes = b""
    etag: str = "e1"
    metadata: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/octet-stream"


class FakeContainerService:
    """The container `images`: its blobs by name, and each request's method and path.

    `failure` is the status and error code of every answer. `overwrite`
    is the ETag that the blob gets just before a deletion, as if another client uploaded it at that moment.
    """

    def __init__(self, **blobs: WritableBlob) -> None:
        self.blobs = blobs
        self.requests: list[tuple[str, str]] = []
        self.markers: list[str | None] = []
        self.failure: tuple[int, str] | None = None
        self.overwrite: str | None = None

    async def answer(self, request: web.Request) -> web.Response:
        """List Blobs, Get Blob, Get Blob Properties, Put Blob and Delete Blob."""
        name = request.match_info.get("name", "")
        self.requests.append((request.method, name))
        if self.failure is not None:
            return _error(*self.failure)
        if request.query.get("comp") == "list":
            return self._page(request.query.get("marker"))
        if request.method == "PUT":
            return await self._put(request, name)
        blob = self.blobs.get(name)
        if blob is None:
            return _error(404, "BlobNotFound")
        if request.method == "DELETE":
            return self._delete(request, name, blob)
        headers = {
            "ETag": f'"{blob.etag}"',
            "Content-Type": blob.content_type,
            "Last-Modified": _MODIFIED,
            "x-ms-creation-time": _MODIFIED,
            "x-ms-blob-type": "BlockBlob",
            **{f"x-ms-meta-{key}": value for key, value in blob.metadata.items()},
        }
        if request.method == "HEAD":
            return web.Response(headers=headers | {"Content-Length": str(len(blob.content))})
        span = f"bytes 0-{len(blob.content) - 1}/{len(blob.content)}"
        return web.Response(status=206, body=blob.content, headers=headers | {"Content-Range": span})

    def _page(self, marker: str | None) -> web.Response:
        self.markers.append(marker)
        names = sorted(name for name in self.blobs if marker is None or name >= marker)
        page, rest = names[:_PAGE_SIZE], names[_PAGE_SIZE:]
        blobs = "".join(
            f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{_MODIFIED}</Last-Modified>"
            f"<Etag>&quot;{self.blobs[name].etag}&quot;</Etag>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>"
            for name in page
        )
        text = (
            '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="images">'
            f"<Blobs>{blobs}</Blobs><NextMarker>{rest[0] if rest else ''}</NextMarker></EnumerationResults>"
        )
        return web.Response(text=text, content_type="application/xml")

    async def _put(self, request: web.Request, name: str) -> web.Response:
        if name in self.blobs and request.headers.get("If-None-Match") == "*":
            return _error(409, "BlobAlreadyExists")
        self.blobs[name] = WritableBlob(
            content=await request.read(),
            etag="put",
            metadata={
                key.lower().removeprefix("x-ms-meta-"): value
                for key, value in request.headers.items()
                if key.lower().startswith("x-ms-meta-")
            },
            content_type=request.headers.get("x-ms-blob-content-type", "application/octet-stream"),
        )
        return web.Response(status=201, headers={"ETag": '"put"', "Last-Modified": _MODIFIED})

    def _delete(self, request: web.Request, name: str, blob: WritableBlob) -> web.Response:
        if self.overwrite is not None:
            blob.etag = self.overwrite
        if request.headers.get("If-Match", f'"{blob.etag}"') != f'"{blob.etag}"':
            return _error(412, "ConditionNotMet")
        del self.blobs[name]
        return web.Response(status=202)


def _error(status: int, code: str) -> web.Response:
    return error_response(status, code, code)


def writable_container(service: FakeContainerService) -> AbstractAsyncContextManager[ContainerClient]:
    """Run the service, with a client of the container."""
    return serve_container(service.answer, create_client=ContainerClient)
