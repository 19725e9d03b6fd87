"""The function apps' own host names: requests are passed on to the app's host, which knows its functions."""

import aiohttp
from aiohttp import web

from emulator.services.functions.function_apps import Sites

_HOP = frozenset({"host", "connection", "transfer-encoding", "keep-alive", "content-length", "date", "server"})


class Apps:
    """Every deployed function app."""

    def __init__(self, sites: Sites, session: aiohttp.ClientSession) -> None:
        self._sites = sites
        self._session = session

    async def handle(self, request: web.Request) -> web.Response:
        """Answers a request to `<app>.azurewebsites.net`."""
        site = self._sites.of_host(request.host)
        if site is None or site.url is None:
            return web.Response(status=503 if site else 404, text="The app is not running." if site else "No such app.")
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP]
        async with self._session.request(
            request.method, site.url + request.path_qs, headers=headers, data=await request.read()
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)
