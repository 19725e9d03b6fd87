"""The TLS listener: passes each request to the service that its host name belongs to."""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from emulator.core.virtual_networks import ORIGIN_NETWORK
from emulator.gateway.proxy import ConnectionOrigins

_log = logging.getLogger("emulator.gateway")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# The largest request that a service reads as a whole: a deployment package.
_MAX_BYTES = 1024 * 1024 * 1024
# Services with one host name.
_HOSTS = frozenset({"management.azure.com", "login.microsoftonline.com"})
# Services whose host names start with the name of a resource.
_SUFFIXES = frozenset(
    {
        "blob.core.windows.net",
        "queue.core.windows.net",
        "documents.azure.com",
        "cognitiveservices.azure.com",
        "openai.azure.com",
        "services.ai.azure.com",
        "scm.azurewebsites.net",
        "azurewebsites.net",
        "eventgrid.azure.net",
    }
)


def service_of(host: str) -> str | None:
    """The service that a host name belongs to, by its own host name or suffix; None for any other host name."""
    host = host.partition(":")[0].lower()
    if host in _HOSTS:
        return host
    name, _, suffix = host.partition(".")
    # The host name of a topic has the region between the topic's name and the service's.
    suffix = re.sub(r"^[a-z0-9]+-1\.(eventgrid\.azure\.net)$", r"\1", suffix)
    if name and suffix in _SUFFIXES:
        return suffix
    return None


def create_application(handlers: Mapping[str, Handler], origins: ConnectionOrigins) -> web.Application:
    """The TLS listener as an aiohttp application; `handlers` by service, as `service_of` names them."""

    async def route(request: web.Request) -> web.StreamResponse:
        service = service_of(request.host)
        if service is None or service not in handlers:
            return web.json_response({"error": {"code": "NoSuchHost", "message": request.host}}, status=502)
        network_id = origins.network_of(request.get_extra_info("peername")[1])
        if network_id is not None:
            request[ORIGIN_NETWORK] = network_id
        try:
            response = await handlers[service](request)
        except Exception:
            _log.exception("%s %s%s", request.method, request.host, request.path)
            raise
        _log.debug("%s %s%s %s", request.method, request.host, request.path, response.status)
        return response

    application = web.Application(client_max_size=_MAX_BYTES)
    application.router.add_route("*", "/{path:.*}", route)
    return application
