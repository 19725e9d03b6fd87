"""The HTTP server of the token endpoint of managed identities and of the emulator's users."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from emulator.core.errors import ServiceError
from emulator.core.faults import Faults
from emulator.core.identity import Identities, token_endpoint_error
from emulator.core.outages import Outage


def create_token_handler(
    identities: Identities, faults: Faults
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of requests to the token endpoint, which fails during an outage of `identity`."""
    outage = Outage(faults, "identity")

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            outage.check()
        except ServiceError as error:
            return token_endpoint_error(error.status, str(error))
        return await identities.token_endpoint(request)

    return handle


def create_identity_application(identities: Identities, faults: Faults) -> web.Application:
    """The server's application."""
    application = web.Application()
    application.router.add_get("/msi/token", create_token_handler(identities, faults))
    return application
