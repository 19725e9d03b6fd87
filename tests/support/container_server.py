"""A blob container on 127.0.0.1, as a fake answers for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from azure.storage.blob.aio import ContainerClient
from common.adapters.azure_clients import create_transport


def error_response(status: int, code: str, message: str) -> web.Response:
    """An error as Blob Storage returns it."""
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return web.Response(status=status, text=body, content_type="application/xml", headers={"x-ms-error-code": code})


@asynccontextmanager
async def serve_container(
    answer: Callable[[web.Request], Awaitable[web.Response]], *, create_client: Callable[..., ContainerClient]
) -> AsyncIterator[ContainerClient]:
    """Serve the container `images`, and yield a client of it with the transport of the function code, without retries.

    Args:
        answer: Answers a request; the route has the name of the blob as `name`, and none for the container itself.
        create_client: Creates a client, from the endpoint, the container's name and options of `ContainerClient`.
    """
    application = web.Application()
    application.router.add_route("*", "/images", answer)
    application.router.add_route("*", "/images/{name:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    transport: Any = create_transport()
    try:
        endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield create_client(endpoint, "images", transport=transport, retry_total=0)
    finally:
        await transport.session.close()
        await runner.cleanup()
