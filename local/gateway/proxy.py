"""The way out, which leads back in: a CONNECT proxy that knows Azure's host names and refuses all others."""

import asyncio
import contextlib
from collections.abc import Callable

_HEAD_LIMIT = 64 * 1024


class Proxy:
    """Joins a client to the gateway when `resolves(host)` says the host exists; answers 502 when it does not."""

    def __init__(self, gateway_port: int, resolves: Callable[[str], bool]) -> None:
        self._gateway_port = gateway_port
        self._resolves = resolves

    async def start(self) -> tuple[asyncio.Server, int]:
        """A listening server on 127.0.0.1, and its port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        return server, server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, _, rest = head.partition(" ")
            host, _, port = rest.partition(" ")[0].rpartition(":")
            if method != "CONNECT" or port != "443" or not self._resolves(host):
                reason = f"{method} {host or rest[:80]}: the laptop cloud has no such host, and lets nothing out"
                body = reason.encode()
                writer.write(b"HTTP/1.1 502 No Such Host\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
            else:
                inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._gateway_port)
                writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
                await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_HEAD_LIMIT):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()
