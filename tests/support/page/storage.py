"""A storage account that a browser uploads to and loads from: signed URLs, Azure's statuses, CORS."""

from collections.abc import Callable
from urllib.parse import unquote

from aiohttp import web

from tests.support.page.services import PageServices


class StorageAccount:
    """Blobs of the container `images`, for pages of one origin.

    Attributes:
        uploads_to_cut: As many of the next uploads lose their connection after the first bytes.
        answers_to_lose: As many of the next uploads are stored, and lose their connection before the answer.
    """

    def __init__(self, services: Callable[[], PageServices], page_origin: Callable[[], str]) -> None:
        self._services = services
        self._page_origin = page_origin
        self.reset()

    def reset(self) -> None:
        """Have every request answered again."""
        self.uploads_to_cut = 0
        self.answers_to_lose = 0

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the operations to an application."""
        router.add_route("OPTIONS", "/images/{name:.*}", self._preflight)
        router.add_get("/images/{name:.*}", self._get)
        router.add_put("/images/{name:.*}", self._put)

    def _cors(self, request: web.Request) -> dict[str, str]:
        if request.headers.get("Origin") != self._page_origin():
            return {}
        return {"Access-Control-Allow-Origin": self._page_origin(), "Access-Control-Expose-Headers": "x-ms-error-code"}

    async def _preflight(self, request: web.Request) -> web.Response:
        headers = self._cors(request)
        if not headers:
            return web.Response(status=403)
        headers["Access-Control-Allow-Methods"] = "PUT"
        headers["Access-Control-Allow-Headers"] = "x-ms-blob-type,content-type"
        return web.Response(headers=headers)

    async def _get(self, request: web.Request) -> web.Response:
        content = self._services().contents.get(unquote(request.match_info["name"]))
        if content is None or request.query.get("sp") != "r":
            return web.Response(status=404, headers=self._cors(request) | {"x-ms-error-code": "BlobNotFound"})
        return web.Response(body=content[0], content_type=content[1], headers=self._cors(request))

    async def _put(self, request: web.Request) -> web.Response:
        headers = self._cors(request)
        if self.uploads_to_cut > 0:
            self.uploads_to_cut -= 1
            await request.content.readany()
            return self._disconnect(request)
        name = unquote(request.match_info["name"])
        content = await request.read()
        if request.query.get("sp") != "c" or request.headers.get("x-ms-blob-type") != "BlockBlob":
            return web.Response(status=403, headers=headers | {"x-ms-error-code": "AuthorizationPermissionMismatch"})
        if name in self._services().contents:
            return web.Response(status=403, headers=headers | {"x-ms-error-code": "UnauthorizedBlobOverwrite"})
        self._services().store(name, content, request.content_type)
        if self.answers_to_lose > 0:
            self.answers_to_lose -= 1
            return self._disconnect(request)
        return web.Response(status=201, headers=headers)

    @staticmethod
    def _disconnect(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
