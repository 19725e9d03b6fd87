"""Serves the gallery: the API app, a storage account and an OpenID provider, each at an origin of its own."""

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.support.in_memory_api import ApiClient
from tests.support.page.identities import OpenIdProvider
from tests.support.page.services import PageServices
from tests.support.page.storage import StorageAccount


class LocalPageServer:
    """The gallery on ports of 127.0.0.1, in a thread with an event loop of its own; a context manager.

    Attributes:
        origin: Where the API app is, and its page.
        services: What the API app works with; read and change it by `run` only.
        storage: The storage account.
        identities: The OpenID provider.
        requests: Methods and paths of the requests to the API app, without queries.
        sent_bytes: Bytes of all bodies that the API app has answered.
    """

    def __init__(self) -> None:
        self.origin = ""
        self._blob_origin = ""
        self._sign_in_origin = ""
        self.services = PageServices()
        self.storage = StorageAccount(lambda: self.services, lambda: self.origin)
        self.identities = OpenIdProvider(lambda: self._sign_in_origin)
        self.requests: list[str] = []
        self.sent_bytes = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runners: list[web.AppRunner] = []
        self._client: ApiClient | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(timeout=60)
        self.reset()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(timeout=60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run[Result](self, function: Callable[[PageServices], Result]) -> Result:
        """Call a function with the services in the server's event loop, where no request changes them meanwhile."""

        async def call() -> Result:
            return function(self.services)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(timeout=60)

    def reset(self) -> None:
        """Start anew without images and without faults, at the same origins."""

        def create(_previous: PageServices) -> None:
            self.services = PageServices(blob_origin=self._blob_origin, sign_in_origin=self._sign_in_origin)
            self.storage.reset()
            self.identities.reset()
            self.requests.clear()
            self.sent_bytes = 0
            self._client = ApiClient(self.services, origins=())

        self.run(create)

    async def _start(self) -> None:
        api = web.Application()
        api.router.add_route("*", "/{path:.*}", self._respond)
        storage = web.Application(client_max_size=30 * 1024 * 1024)
        self.storage.add_routes(storage.router)
        identities = web.Application()
        self.identities.add_routes(identities.router)
        self.origin = await self._listen(api)
        self._blob_origin = await self._listen(storage)
        self._sign_in_origin = await self._listen(identities)

    async def _listen(self, application: web.Application) -> str:
        runner = web.AppRunner(application)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        return f"http://{host}:{port}"

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()

    async def _respond(self, request: web.Request) -> web.Response:
        assert self._client is not None
        self.requests.append(f"{request.method} {request.path}")
        headers = dict(request.headers)
        token = headers.pop("Authorization", "").removeprefix("Bearer ") or None
        body = await request.read()
        answer = await self._client.send(request.method, request.raw_path, token=token, headers=headers, body=body)
        self.sent_bytes += len(answer.body)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
