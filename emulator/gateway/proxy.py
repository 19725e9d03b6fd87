"""HTTP CONNECT proxy: tunnels Azure's host names to the local gateway, refuses all others."""

import asyncio
import base64
import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from emulator.core.resource_store import ResourceStore

_CHUNK_BYTES = 64 * 1024


class ConnectionOrigins:
    """The virtual networks that the open connections to the gateway come from."""

    def __init__(self) -> None:
        self._network_ids_by_port: dict[int, str] = {}

    def network_of(self, port: int) -> str | None:
        """The ARM id of the virtual network of the connection with this remote port; None for the internet."""
        return self._network_ids_by_port.get(port)

    @contextmanager
    def network_scope(self, port: int, network_id: str | None) -> Iterator[None]:
        """Record the network of a connection while it is open; None stands for the internet."""
        if network_id is not None:
            self._network_ids_by_port[port] = network_id
        try:
            yield
        finally:
            self._network_ids_by_port.pop(port, None)


class Proxy:
    """Connects clients to the gateway if `resolves(host)` is true, and answers 502 otherwise.

    A client whose proxy URL has a user name is in the virtual network of that name; all others are on the internet.
    """

    def __init__(
        self,
        gateway_port: int,
        resolves: Callable[[str], bool],
        resources: ResourceStore,
        origins: ConnectionOrigins,
    ) -> None:
        self._gateway_port = gateway_port
        self._resolves = resolves
        self._resources = resources
        self._origins = origins

    async def start(self) -> tuple[asyncio.Server, int]:
        """A listening server on 127.0.0.1, and its port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_CHUNK_BYTES)
        return server, server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, _, remainder = head.partition(" ")
            host, _, port = remainder.partition(" ")[0].rpartition(":")
            network_name = _user_name(head)
            network = None
            if network_name:
                network = self._resources.find_by_name("network:VirtualNetwork", network_name)
            if method != "CONNECT" or port != "443" or not self._resolves(host):
                target = host or remainder[:80]
                message = f"{method} {target}: the emulator has no such host, and connects to no other network"
                await _send_error(writer, "No Such Host", message)
            elif network_name and network is None:
                message = f"no virtual network {network_name} is deployed"
                await _send_error(writer, "No Such Virtual Network", message)
            else:
                await self._tunnel(reader, writer, network.id if network else None)
        writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, network_id: str | None) -> None:
        gateway_reader, gateway_writer = await asyncio.open_connection("127.0.0.1", self._gateway_port)
        with self._origins.network_scope(gateway_writer.get_extra_info("sockname")[1], network_id):
            writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            await asyncio.gather(_copy(reader, gateway_writer), _copy(gateway_reader, writer))


def _user_name(head: str) -> str:
    """The user name that a client sends to the proxy (https://www.rfc-editor.org/rfc/rfc7617), or an empty string."""
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "proxy-authorization":
            return base64.b64decode(value.strip().removeprefix("Basic ")).decode().partition(":")[0]
    return ""


async def _send_error(writer: asyncio.StreamWriter, reason: str, message: str) -> None:
    body = message.encode()
    writer.write(b"HTTP/1.1 502 %s\r\nContent-Length: %d\r\n\r\n%s" % (reason.encode(), len(body), body))
    await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()
