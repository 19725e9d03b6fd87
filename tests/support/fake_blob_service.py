"""Fake of Blob Storage on 127.0.0.1, for reading images: ranges, properties, encodings, archived blobs."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from aiohttp import web
from azure.storage.blob.aio import ContainerClient
from classifier.adapters.blob_storage import create_image_container_client

from tests.support.container_server import error_response, serve_container

_MESSAGES = {
    "BlobNotFound": (404, "The specified blob does not exist."),
    "ContainerNotFound": (404, "The specified container does not exist."),
    "BlobArchived": (409, "This operation is not permitted on an archived blob."),
    "BlobBeingRehydrated": (409, "This operation is not permitted because the blob is being rehydrated."),
    "LeaseIdMissing": (412, "There is currently a lease on the blob and no lease ID was specified in the request."),
    "AuthorizationPermissionMismatch": (403, "This request is not authorized to perform this operation."),
    "SnapshotsPresent": (409, "This operation is not permitted while the blob has snapshots."),
    "InvalidRange": (416, "The range specified is invalid for the current size of the resource."),
    "InternalError": (500, "The server encountered an internal error."),
}


@dataclass(frozen=True, kw_only=True)
class StoredBlob:
    """A blob. `get_error` is the error code of Get Blob, `error` that of every request."""

    content: bytes = b"cat"
    encoding: str | None = None
    headers: dict[str, str] | None = None
    get_error: str | None = None
    error: str | None = None


class FakeBlobService:
    """Blobs by name.

    Attributes:
        requests: the method and raw path of each request.
        response_sizes: the number of bytes of each response.
    """

    def __init__(self, **blobs: StoredBlob) -> None:
        self.blobs = dict(blobs)
        self.requests: list[tuple[str, str]] = []
        self.response_sizes: list[int] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Get Blob, Get Blob Properties and Delete Blob."""
        self.requests.append((request.method, request.rel_url.raw_path))
        blob = self.blobs.get(request.match_info["name"])
        if blob is None:
            return _error("BlobNotFound")
        failure = blob.error or (blob.get_error if request.method == "GET" else None)
        if failure is not None:
            return _error(failure)
        headers = {
            "ETag": '"e1"',
            "Content-Type": "image/png",
            "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT",
            "x-ms-creation-time": "Fri, 02 Jan 2026 03:04:05 GMT",
            "x-ms-blob-type": "BlockBlob",
            **({"Content-Encoding": blob.encoding} if blob.encoding else {}),
            **(blob.headers or {}),
        }
        size = len(blob.content)
        if request.method == "HEAD":
            return web.Response(headers=headers | {"Content-Length": str(size)})
        if request.method == "DELETE":
            del self.blobs[request.match_info["name"]]
            return web.Response(status=202)
        requested_range = request.headers.get("x-ms-range")
        if requested_range is None:
            return web.Response(body=blob.content, headers=headers)
        first, last = (int(position) for position in requested_range.removeprefix("bytes=").split("-"))
        if first >= size:
            return _error("InvalidRange")
        body = blob.content[first : last + 1]
        self.response_sizes.append(len(body))
        span = f"bytes {first}-{first + len(body) - 1}/{size}"
        return web.Response(status=206, body=body, headers=headers | {"Content-Range": span})


def _error(code: str) -> web.Response:
    status, message = _MESSAGES[code]
    return error_response(status, code, message)


def container_client(service: FakeBlobService) -> AbstractAsyncContextManager[ContainerClient]:
    """Run the service, with a client of the container as the function code reads images with it."""
    return serve_container(service.answer, create_client=create_image_container_client)
