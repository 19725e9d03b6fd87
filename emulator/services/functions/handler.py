"""The host names of function apps: requests are forwarded to the app's host process, which has the HTTP triggers."""

from collections.abc import Iterable

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from emulator.services.functions.function_apps import FunctionApps

_HOP_BY_HOP_HEADERS = frozenset(
    {"host", "connection", "transfer-encoding", "keep-alive", "content-length", "date", "server"}
)


class FunctionAppHandler:
    """The requests to all deployed function apps; whom an HTTP trigger admits is the app's own decision."""

    def __init__(self, function_apps: FunctionApps, session: aiohttp.ClientSession) -> None:
        self._function_apps = function_apps
        self._session = session

    async def handle(self, request: web.Request) -> web.Response:
        """The response to a request to `<app>.azurewebsites.net`."""
        app = self._function_apps.find_by_host(request.host)
        if app is None:
            return web.Response(status=404, text="No such app.")
        if app.url is None:
            return web.Response(status=503, text="The app is not running.")
        async with self._session.request(
            request.method,
            app.url + request.path_qs,
            headers=_forwarded(request.headers.items()),
            data=await request.read(),
        ) as response:
            return web.Response(
                status=response.status,
                body=await response.read(),
                headers=_forwarded(response.headers.items()),
            )


def _forwarded(headers: Iterable[tuple[str, str]]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP_HEADERS)
