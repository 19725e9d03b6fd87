"""Addresses for a browser, as other processes get them from the daemon."""

import urllib.request

from aiohttp import web

from emulator.gateway.browser_gateway import BrowserGateway

_PATH = "/addresses"
_TIMEOUT_SECONDS = 30


def create_address_application(gateway: BrowserGateway) -> web.Application:
    """The server's application: answers a text with the same text for a browser."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=await gateway.to_browser(await request.text()))

    application = web.Application()
    application.router.add_post(_PATH, answer)
    return application


def map_for_browser(text: str, port: int) -> str:
    """The text with addresses that a browser on this machine can open in the place of Azure's host names.

    Args:
        text: Any text.
        port: Port of the daemon's server of addresses.

    Raises:
        OSError: The daemon does not answer.
    """
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{_PATH}",
        data=text.encode(),
        headers={"Content-Type": "text/plain; charset=utf-8"},
        method="POST",
    )
    # The emulator's own proxy refuses addresses of this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
        return response.read().decode()
