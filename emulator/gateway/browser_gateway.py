"""HTTP listeners for a browser on this machine, which knows neither the emulator's proxy nor its certificate authority.

Each host name of Azure that a browser needs has a listener of its own on 127.0.0.1, so that origins stay apart as on
Azure. In requests the address of a listener stands for its host name, in the address, in headers and in forms; in
responses it is the other way round. What is neither text nor a header passes unchanged.
"""

import asyncio
import contextlib
import json
import random
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self
from urllib.parse import quote

import aiohttp
from aiohttp import web
from yarl import URL

from emulator.gateway.browser_addresses import ADDRESSES_PATH
from emulator.gateway.router import service_of

# What a page in a browser calls; the others are for programs.
_SERVICES = frozenset({"azurewebsites.net", "blob.core.windows.net", "login.microsoftonline.com"})
_HOST = re.compile(r"https://([a-z0-9][a-z0-9.-]*[a-z0-9])(?![a-z0-9.-])(?::443(?!\d))?", re.IGNORECASE)
_ENCODED_HOST = re.compile(r"https%3A%2F%2F([a-z0-9][a-z0-9.-]*[a-z0-9])(?![a-z0-9.%-]*\.[a-z])", re.IGNORECASE)
# Without TLS a cookie cannot be `Secure`, and `SameSite=None` needs that. All listeners are one site.
_COOKIE_ATTRIBUTES = ((re.compile(r"(?i);\s*secure\b"), ""), (re.compile(r"(?i)(;\s*samesite)=none\b"), r"\1=Lax"))
_MAPPED_TYPES = ("application/json", "application/problem+json", "application/x-www-form-urlencoded", "text/html")
# Of one connection, not of the message: https://www.rfc-editor.org/rfc/rfc9110#field.connection. The length changes
# with the text, and a browser must not be told to use TLS.
_DROPPED_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_CHUNK_BYTES = 64 * 1024
# Below the ports that Linux (32768 to 60999), macOS and Windows (49152 to 65535) give to outgoing connections. A
# connection from the port of a listener would keep the listener from it after a restart and a minute beyond its end.
# https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html (ip_local_port_range)
_NEW_PORTS = range(20_000, 30_000)
_TRIES = 50


class BrowserGateway:
    """Opens a listener for each host name of Azure when it is first needed, and keeps its port for later starts."""

    def __init__(
        self, gateway_port: int, tls: ssl.SSLContext, ports_file: Path, is_deployed: Callable[[str], bool]
    ) -> None:
        """Create a gateway without listeners.

        Args:
            gateway_port: Port of the emulator's TLS listener.
            tls: Trusts the emulator's certificate authority.
            ports_file: Where the ports are stored, by host name, as JSON.
            is_deployed: Whether there is a resource with this host name. Others get no listener.
        """
        self._gateway_port = gateway_port
        self._tls = tls
        self._ports_file = ports_file
        self._is_deployed = is_deployed
        self._ports: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the listeners of an earlier start, so that pages which are still open in a browser go on working."""
        connector = aiohttp.TCPConnector(limit=0, ssl=self._tls)
        session = aiohttp.ClientSession(connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        self._session = await self._stack.enter_async_context(session)
        for host in self._read_ports_file():
            if self._needs_listener(host):
                await self.address_of(host)
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close all listeners."""
        await self._stack.aclose()

    async def address_of(self, host: str) -> str:
        """The address of the listener for a host name, such as `http://127.0.0.1:43211`; opens it if there is none.

        Raises:
            ValueError: The host name belongs to no deployed service that a browser calls.
        """
        host = host.lower()
        if not self._needs_listener(host):
            raise ValueError(f"{host} is not a host name that a browser calls")
        async with self._lock:
            if host not in self._ports:
                self._ports[host] = await self._listen(host)
                temporary = self._ports_file.with_suffix(".new")
                temporary.write_text(json.dumps(self._read_ports_file() | self._ports))
                temporary.replace(self._ports_file)
        return f"http://127.0.0.1:{self._ports[host]}"

    def _needs_listener(self, host: str) -> bool:
        return service_of(host) in _SERVICES and self._is_deployed(host)

    def _read_ports_file(self) -> dict[str, int]:
        with contextlib.suppress(FileNotFoundError):
            return json.loads(self._ports_file.read_text())
        return {}

    async def _listen(self, host: str) -> int:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._forward(request, host)

        application = web.Application(client_max_size=0)
        application.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(application, access_log=None, auto_decompress=False, shutdown_timeout=2)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        ports = random.sample(_NEW_PORTS, _TRIES)
        earlier_port = self._read_ports_file().get(host)
        if earlier_port is not None:
            ports.insert(0, earlier_port)
        for port in ports:
            # Another program may have taken the port meanwhile; then the address changes.
            with contextlib.suppress(OSError):
                await web.TCPSite(runner, "127.0.0.1", port).start()
                return port
        raise OSError(f"no port on 127.0.0.1 is free for {host}")

    async def _forward(self, request: web.Request, host: str) -> web.StreamResponse:
        # A page of another site whose name resolves to 127.0.0.1 must not reach the emulator (DNS rebinding).
        if request.headers.get("Host") != f"127.0.0.1:{self._ports[host]}":
            return web.Response(status=421, text=f"this listener answers for 127.0.0.1:{self._ports[host]} alone\n")
        assert self._session is not None
        headers = {
            name: self._to_azure(value)
            for name, value in request.headers.items()
            if name.lower() not in _DROPPED_HEADERS
        }
        body: bytes | AsyncIterator[bytes] | None = None
        if _is_mapped(request.headers):
            body = self._to_azure((await request.read()).decode(errors="surrogateescape")).encode(
                errors="surrogateescape"
            )
        elif request.body_exists:
            body = request.content.iter_chunked(_CHUNK_BYTES)
            if request.content_length is not None:
                headers["Content-Length"] = str(request.content_length)
        url = f"https://127.0.0.1:{self._gateway_port}{self._to_azure(request.raw_path)}"
        try:
            async with self._session.request(
                request.method,
                # The path and the query are encoded already.
                URL(url, encoded=True),
                headers={**headers, "Host": host, "Accept-Encoding": "identity"},
                data=body,
                server_hostname=host,
                allow_redirects=False,
            ) as answer:
                return await self._answer(request, answer)
        except aiohttp.ClientError as error:
            return web.Response(status=502, text=f"the emulator did not answer for {host}: {error}\n")

    async def _answer(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, reason=answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in _DROPPED_HEADERS:
                mapped = await self.to_browser(value)
                if name.lower() == "set-cookie":
                    for pattern, replacement in _COOKIE_ATTRIBUTES:
                        mapped = pattern.sub(replacement, mapped)
                response.headers.add(name, mapped)
        if _is_mapped(answer.headers):
            text = (await answer.read()).decode(errors="surrogateescape")
            body = (await self.to_browser(text)).encode(errors="surrogateescape")
            response.content_length = len(body)
            await response.prepare(request)
            await response.write(body)
        else:
            if answer.content_length is not None:
                response.content_length = answer.content_length
            await response.prepare(request)
            async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                await response.write(chunk)
        await response.write_eof()
        return response

    def _to_azure(self, text: str) -> str:
        """The text with the host names of Azure in the place of the listeners' addresses."""
        for host, port in self._ports.items():
            address = f"http://127.0.0.1:{port}"
            # The next character must not be another digit of a longer port.
            text = re.sub(rf"{re.escape(address)}(?!\d)", f"https://{host}", text)
            encoded = quote(address, safe="")
            text = re.sub(rf"(?i){re.escape(encoded)}(?!\d)", quote(f"https://{host}", safe=""), text)
        return text

    async def to_browser(self, text: str) -> str:
        """The text with the listeners' addresses in the place of the host names of Azure; opens what is missing."""
        hosts = {match.lower() for pattern in (_HOST, _ENCODED_HOST) for match in pattern.findall(text)}
        addresses = {host: await self.address_of(host) for host in hosts if self._needs_listener(host)}

        def replace(match: re.Match[str], *, encoded: bool) -> str:
            address = addresses.get(match[1].lower())
            if address is None:
                return match[0]
            return quote(address, safe="") if encoded else address

        text = _HOST.sub(lambda match: replace(match, encoded=False), text)
        return _ENCODED_HOST.sub(lambda match: replace(match, encoded=True), text)


def _is_mapped(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower() in _MAPPED_TYPES


def create_address_application(gateway: BrowserGateway) -> web.Application:
    """The server's application: answers a text with the same text for a browser."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=await gateway.to_browser(await request.text()))

    application = web.Application()
    application.router.add_post(ADDRESSES_PATH, answer)
    return application
