"""Outages: what each service answers while it is not available.

Every request that comes in under a service's host name is refused, whoever sends it, and so are Event Grid's deliveries
(`eventgrid.py`). What the emulator does for the platform itself goes on: deployments, packages, lifecycle rules, and
dead letters, which Event Grid on Azure would try to write for four hours.

No documentation has a whole response of 503 for any of them. Status, code and text of each are from the page that is
named beside it; none of them documents a Retry-After header for 503, so there is none.
"""

import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from local.faults import Faults, FaultsError, Service
from local.gateway.errors import error, storage_error

_log = logging.getLogger("local.outages")
_STATUS = 503


def with_outages(
    faults: Faults, service: Service, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of a service, which answers to nobody while `faults` say that the service has an outage.

    While the file of faults cannot be read, every request is answered with 500 and the reason.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            unavailable = faults.is_unavailable(service)
        except FaultsError as wrong:
            _log.error("%s", wrong)
            return error(500, "FaultsError", str(wrong))
        return _ANSWERS[service]() if unavailable else await handler(request)

    return handle


def _storage() -> web.Response:
    """https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes."""
    return storage_error(
        _STATUS, "ServerBusy", "The server is currently unable to receive requests. Please retry your request."
    )


def _cosmos() -> web.Response:
    """https://github.com/Azure/azure-cosmos-dotnet-v3/issues/3098 (the text, and the sub-status ServerGenerated503)."""
    activity = str(uuid.uuid4())
    text = (
        "Service is currently unavailable. More info: https://aka.ms/cosmosdb-tsg-service-unavailable\r\n"
        f"ActivityId: {activity}"
    )
    headers = {"x-ms-activity-id": activity, "x-ms-request-charge": "0", "x-ms-substatus": "21008"}
    return web.json_response({"code": "ServiceUnavailable", "message": text}, status=_STATUS, headers=headers)


def _vision() -> web.Response:
    """https://learn.microsoft.com/javascript/api/@azure/cognitiveservices-computervision/computervisionmodels.computervisionerror."""
    return error(_STATUS, "ServiceUnavailable", "The service is temporarily unavailable. Please try again later.")


def _event_grid() -> web.Response:
    """https://learn.microsoft.com/azure/event-grid/troubleshoot-errors (the form of the body)."""
    return error(_STATUS, "ServiceUnavailable", "The service is temporarily unavailable. Please try again later.")


def _identity() -> web.Response:
    """The token endpoint of App Service, in the form of its other errors."""
    message = "The service is temporarily unavailable. Please try again later."
    return web.json_response({"statusCode": _STATUS, "message": message}, status=_STATUS)


_ANSWERS: Mapping[Service, Callable[[], web.Response]] = {
    "blob": _storage,
    "cosmos": _cosmos,
    "eventgrid": _event_grid,
    "identity": _identity,
    "queue": _storage,
    "vision": _vision,
}
