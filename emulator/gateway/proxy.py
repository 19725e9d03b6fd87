"""The way out, which leads back in: a CONNECT proxy that knows Azure's host names and refuses all others."""

import asyncio
import base64
import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from emulator.core.resource_store import Resources

_HEAD_LIMIT = 64 * 1024


class Origins:
    """Which virtual network each open connection to the gateway comes from."""

    def __init__(self) -> None:
        self._by_port: dict[int, str] = {}

    def of(self, port: int) -> str | None:
        """The ARM id of the network that the connection with this port at its other end comes from, or None."""
        return self._by_port.get(port)

    @contextmanager
    def register(self, port: int, network_id: str | None) -> Iterator[None]:
        """Record a connection's network, or with None that it comes from the internet, for as long as it is open."""
        if network_id is not None:
            self._by_port[port] = network_id
        try:
            yield
        finally:
            self._by_port.pop(port, None)


class Proxy:
    """Joins a client to the gateway when `resolves(host)` says the host exists; answers 502 when it does not.

    A client whose proxy URL has a user name is in the virtual network of that name; all others are on the internet.
    """

    def __init__(
        self, gateway_port: int, resolves: Callable[[str], bool], resources: Resources, origins: Origins
    ) -> None:
        self._gateway_port = gateway_port
        self._resolves = resolves
        self._resources = resources
        self._origins = origins

    async def start(self) -> tuple[asyncio.Server, int]:
        """A listening server on 127.0.0.1, and its port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        return server, server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, _, rest = head.partition(" ")
            host, _, port = rest.partition(" ")[0].rpartition(":")
            network = _user_name(head)
            origin = self._resources.named("network:VirtualNetwork", network) if network else None
            if method != "CONNECT" or port != "443" or not self._resolves(host):
                await _refuse(
                    writer,
                    "No Such Host",
                    f"{method} {host or rest[:80]}: the laptop cloud has no such host, and lets nothing out",
                )
            elif network and origin is None:
                await _refuse(writer, "No Such Virtual Network", f"no virtual network {network} is deployed")
            else:
                await self._join(reader, writer, origin.id if origin else None)
        writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, origin: str | None) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._gateway_port)
        with self._origins.register(inner_writer.get_extra_info("sockname")[1], origin):
            writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))


def _user_name(head: str) -> str:
    """The user name that a client sends to the proxy (https://www.rfc-editor.org/rfc/rfc7617), or nothing."""
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "proxy-authorization":
            return base64.b64decode(value.strip().removeprefix("Basic ")).decode().partition(":")[0]
    return ""


async def _refuse(writer: asyncio.StreamWriter, reason: str, text: str) -> None:
    body = text.encode()
    writer.write(b"HTTP/1.1 502 %s\r\nContent-Length: %d\r\n\r\n%s" % (reason.encode(), len(body), body))
    await writer.drain()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_HEAD_LIMIT):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()
