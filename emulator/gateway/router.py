"""The TLS listener: sends each request to the service that its host name belongs to."""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from emulator.core.virtual_networks import ORIGIN
from emulator.gateway.proxy import Origins

_log = logging.getLogger("emulator.gateway")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# The largest request that is read as a whole: a deployment package.
_MAX_BYTES = 1024 * 1024 * 1024


def service_of(host: str) -> str | None:
    """Which service answers to a host name: its suffix behind the account, or the name itself."""
    host = host.partition(":")[0].lower()
    if host in _WHOLE:
        return host
    account, _, suffix = host.partition(".")
    # A topic's host name has its region between its own name and the service's.
    suffix = re.sub(r"^[a-z0-9]+-1\.(eventgrid\.azure\.net)$", r"\1", suffix)
    return suffix if account and suffix in SERVICES else None


_WHOLE = frozenset({"management.azure.com", "login.microsoftonline.com"})


SERVICES = frozenset(
    {
        "blob.core.windows.net",
        "queue.core.windows.net",
        "documents.azure.com",
        "cognitiveservices.azure.com",
        "scm.azurewebsites.net",
        "azurewebsites.net",
        "eventgrid.azure.net",
    }
)


def application(handlers: Mapping[str, Handler], origins: Origins) -> web.Application:
    """The gateway as an aiohttp application; `handlers` by service, as `service_of` names them."""

    async def route(request: web.Request) -> web.StreamResponse:
        service = service_of(request.host)
        if service is None or service not in handlers:
            return web.json_response({"error": {"code": "NoSuchHost", "message": request.host}}, status=502)
        origin = origins.of(request.get_extra_info("peername")[1])
        if origin is not None:
            request[ORIGIN] = origin
        try:
            response = await handlers[service](request)
        except Exception:
            _log.exception("%s %s%s", request.method, request.host, request.path)
            raise
        _log.debug("%s %s%s %s", request.method, request.host, request.path, response.status)
        return response

    app = web.Application(client_max_size=_MAX_BYTES)
    app.router.add_route("*", "/{path:.*}", route)
    return app
