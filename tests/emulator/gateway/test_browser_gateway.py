"""A browser on this machine reaches the hosts of Azure by addresses on 127.0.0.1."""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web
from yarl import URL

from emulator.gateway.browser_addresses import map_for_browser
from emulator.gateway.browser_gateway import BrowserGateway, create_address_application

API, BLOB, LOGIN = "func-api.azurewebsites.net", "stdata.blob.core.windows.net", "login.microsoftonline.com"


class Azure:
    """What answers behind the gateway: `answer` for every host, and the requests that have arrived."""

    def __init__(self) -> None:
        self.answer: Callable[[web.Request], web.Response] = lambda request: web.Response(text=request.host)
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append((request.host, request.raw_path, dict(request.headers), await request.read()))
        return self.answer(request)


def run(tmp_path: Path, scenario: Callable[[BrowserGateway, Azure, aiohttp.ClientSession], Awaitable[None]]) -> None:
    async def main() -> None:
        authority = trustme.CA()
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(API, BLOB, LOGIN).configure_cert(server)
        client = ssl.create_default_context()
        authority.configure_trust(client)
        azure = Azure()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", azure.handle)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server).start()
        async with (
            BrowserGateway(
                runner.addresses[0][1], client, tmp_path / "ports.json", lambda host: host in {API, BLOB, LOGIN}
            ) as gateway,
            aiohttp.ClientSession(auto_decompress=False) as session,
        ):
            await scenario(gateway, azure, session)
        await runner.cleanup()

    asyncio.run(main())


def test_each_host_has_an_address_of_its_own_which_it_keeps(tmp_path: Path) -> None:
    addresses: list[str] = []

    async def scenario(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
        addresses.append(await gateway.address_of(API))
        assert await gateway.address_of(API.upper()) == addresses[-1]
        assert await gateway.address_of(BLOB) != addresses[-1]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", addresses[-1])
        async with session.get(addresses[-1]) as response:
            assert await response.text() == API

    run(tmp_path, scenario)
    run(tmp_path, scenario)
    assert addresses[0] == addresses[1]


def test_pages_that_are_open_reach_a_gateway_that_was_started_again(tmp_path: Path) -> None:
    addresses: list[str] = []

    async def first(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
        addresses.append(await gateway.address_of(API))

    async def second(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
        async with session.get(addresses[0]) as response:
            assert await response.text() == API

    run(tmp_path, first)
    run(tmp_path, second)


def test_no_outgoing_connection_takes_a_listeners_port(tmp_path: Path) -> None:
    """A connection from the port would keep the listener from it after a restart, and for a minute after its end."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])

    async def scenario(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
        for host in (API, BLOB, LOGIN):
            assert int((await gateway.address_of(host)).rpartition(":")[2]) < lowest

    run(tmp_path, scenario)


def test_a_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = tmp_path / "ports.json"
        # The second host was deployed by an earlier start only.
        ports.write_text(json.dumps({API: taken, "old.azurewebsites.net": taken}))

        async def scenario(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
            address = await gateway.address_of(API)
            assert address != f"http://127.0.0.1:{taken}"
            async with session.get(address) as response:
                assert await response.text() == API
            assert json.loads(ports.read_text())[API] == int(address.rpartition(":")[2])

        run(tmp_path, scenario)


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "stdata.queue.core.windows.net",
        "management.azure.com",
        "not-deployed.azurewebsites.net",
        "func-api.azurewebsites.net.example.com",
        "",
    ],
)
def test_other_hosts_have_none(tmp_path: Path, host: str) -> None:
    async def scenario(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
        with pytest.raises(ValueError, match="not a host name that a browser calls"):
            await gateway.address_of(host)

    run(tmp_path, scenario)


def test_addresses_in_answers_lead_to_the_listeners(tmp_path: Path) -> None:
    async def scenario(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
        azure.answer = lambda request: web.json_response(
            {
                "url": f"https://{BLOB}/images/a.png?sv=1",
                "authority": f"https://{LOGIN}/t/v2.0",
                "other": "https://example.com/",
            },
            headers={
                "Content-Security-Policy": f"connect-src 'self' https://{LOGIN} https://{BLOB}; img-src https://{BLOB}",
                "Access-Control-Allow-Origin": f"https://{API}",
                "Strict-Transport-Security": "max-age=31536000",
                "Set-Cookie": "a=b; Secure; HttpOnly; SameSite=None",
            },
        )
        api = await gateway.address_of(API)
        async with session.get(f"{api}/api/uploads") as response:
            body = json.loads(await response.text())
            headers = response.headers
        blob, login = await gateway.address_of(BLOB), await gateway.address_of(LOGIN)
        assert body == {
            "url": f"{blob}/images/a.png?sv=1",
            "authority": f"{login}/t/v2.0",
            "other": "https://example.com/",
        }
        assert headers["Content-Security-Policy"] == f"connect-src 'self' {login} {blob}; img-src {blob}"
        assert headers["Access-Control-Allow-Origin"] == api
        assert headers["Set-Cookie"] == "a=b; HttpOnly; SameSite=Lax"
        assert "Strict-Transport-Security" not in headers

    run(tmp_path, scenario)


def test_another_process_gets_the_addresses_in_a_text(tmp_path: Path) -> None:
    async def scenario(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
        runner = web.AppRunner(create_address_application(gateway))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        text = f"gallery https://{API}/ é\nblobs https://{BLOB}:443/images https://example.com\n"
        mapped = await asyncio.to_thread(map_for_browser, text, runner.addresses[0][1])
        await runner.cleanup()
        api, blob = await gateway.address_of(API), await gateway.address_of(BLOB)
        assert mapped == f"gallery {api}/ é\nblobs {blob}/images https://example.com\n"

    run(tmp_path, scenario)


def test_addresses_in_requests_are_those_of_azure(tmp_path: Path) -> None:
    """The redirect URI of a sign-in is compared with the registered one, and the origin with the allowed ones."""

    async def scenario(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
        api, login = await gateway.address_of(API), await gateway.address_of(LOGIN)
        form = {"redirect_uri": f"{api}/", "code": "x", "port": api + "1"}
        async with session.post(
            f"{login}/t/token", data=form, params={"redirect_uri": f"{api}/"}, headers={"Origin": api}
        ) as response:
            assert response.status == 200
        ((host, path, headers, body),) = azure.requests
        assert host == LOGIN
        assert path in {f"/t/token?redirect_uri=https://{API}/", f"/t/token?redirect_uri=https%3A%2F%2F{API}%2F"}
        assert headers["Origin"] == f"https://{API}"
        assert f"redirect_uri=https%3A%2F%2F{API}%2F" in body.decode()
        assert "port=http%3A%2F%2F127.0.0.1" in body.decode()

    run(tmp_path, scenario)


def test_a_redirect_leads_back_to_the_page(tmp_path: Path) -> None:
    async def scenario(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
        location = f"https://{API}/?code=1&iss=https%3A%2F%2F{LOGIN}%2Ft%2Fv2.0"
        azure.answer = lambda request: web.Response(status=302, headers={"Location": location})
        login = await gateway.address_of(LOGIN)
        async with session.get(f"{login}/authorize", allow_redirects=False) as response:
            target = response.headers["Location"]
        api = await gateway.address_of(API)
        port = login.rpartition(":")[2]
        assert target == f"{api}/?code=1&iss=http%3A%2F%2F127.0.0.1%3A{port}%2Ft%2Fv2.0"

    run(tmp_path, scenario)


def test_content_passes_unchanged(tmp_path: Path) -> None:
    content = f"https://{BLOB}/".encode() + bytes(range(256)) * 1000

    async def scenario(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
        azure.answer = lambda request: web.Response(body=content, content_type="image/png")
        blob = await gateway.address_of(BLOB)
        async with session.put(URL(f"{blob}/images/a%20b.png?sig=a%2Fb%3D", encoded=True), data=content) as response:
            assert await response.read() == content
        ((_host, path, headers, body),) = azure.requests
        assert path == "/images/a%20b.png?sig=a%2Fb%3D"
        assert (headers["Content-Length"], body) == (str(len(content)), content)

    run(tmp_path, scenario)


def test_another_site_that_resolves_to_this_machine_reaches_nothing(tmp_path: Path) -> None:
    async def scenario(gateway: BrowserGateway, azure: Azure, session: aiohttp.ClientSession) -> None:
        api = await gateway.address_of(API)
        async with session.get(api, headers={"Host": "evil.example"}) as response:
            assert response.status == 421
        assert azure.requests == []

    run(tmp_path, scenario)
