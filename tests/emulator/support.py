"""Doubles of Azurite and Event Grid, and requests to the gateway."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from emulator.gateway.proxy import ConnectionOrigins
from emulator.gateway.router import Handler, create_application
from emulator.services.storage.blob_event import BlobEvent

Answer = tuple[int, Mapping[str, str], bytes]


class Azurite:
    """Stands for the client of Azurite: accepts every request, and records it."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, list[tuple[str, str]]]] = []
        # Paths of blobs that do not exist.
        self.missing: set[str] = set()
        # Headers of the last request.
        self.headers: list[tuple[str, str]] = []

    @asynccontextmanager
    async def request(self, _service: str, _account: str, method: str, path: str, **options: Any) -> AsyncIterator[Any]:
        self.requests.append((method, path, options.get("query", [])))
        self.headers = [*options.get("headers", ())]
        is_missing = method == "HEAD" and path in self.missing

        class Response:
            status = 404 if is_missing else {"PUT": 201, "POST": 201, "DELETE": 202}.get(method, 200)
            headers = {"ETag": '"0x1"', "Content-Length": "0" if method != "GET" else "3", "Content-Type": "image/png"}  # noqa: RUF012

            async def read(self) -> bytes:
                return b"cat" if method == "GET" else b""

        yield Response()


class PublishedEvents:
    """Records what Blob Storage publishes."""

    def __init__(self) -> None:
        self.events: list[BlobEvent] = []

    def publish(self, event: BlobEvent) -> None:
        self.events.append(event)


def send_request(handlers: Mapping[str, Handler], host: str, method: str, path: str, **options: Any) -> Answer:
    """One request to the gateway under a host name."""

    async def conversation() -> Answer:
        async with TestClient(TestServer(create_application(handlers, ConnectionOrigins()))) as client:
            headers = {"Host": host} | options.pop("headers", {})
            async with client.request(method, path, headers=headers, **options) as response:
                return response.status, response.headers, await response.read()

    return asyncio.run(conversation())
