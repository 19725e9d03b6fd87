"""Outages: the errors of services that the faults file makes unavailable.

Every request to such a service is refused, whoever sends it, and Event Grid delivers nothing
(`emulator.services.event_grid.delivery`). What the emulator does for the platform itself continues: deployments,
packages, lifecycle management, and dead letters, which Event Grid on Azure would try to write for four hours.

No documentation quotes a whole response of 503 of any of these services. Status, code and message are plausible, with
the source of each next to it; no source has a Retry-After header for 503, so there is none.
"""

import logging

from emulator.core.errors import ServiceError
from emulator.core.faults import Faults, FaultsError, Service

_log = logging.getLogger("emulator.outages")
_STATUS = 503
_TRY_AGAIN = "The service is temporarily unavailable. Please try again later."


class Outage:
    """The outages of one service."""

    def __init__(self, faults: Faults, service: Service) -> None:
        self._faults = faults
        self._service: Service = service

    def is_active(self) -> bool:
        """Whether the service is unavailable; also True while the faults file is not valid, which is logged."""
        try:
            return self._faults.is_unavailable(self._service)
        except FaultsError as error:
            _log.error("%s", error)
            return True

    def check(self) -> None:
        """Raise ServiceError while the service is unavailable: 503, or 500 while the faults file is not valid."""
        try:
            unavailable = self._faults.is_unavailable(self._service)
        except FaultsError as error:
            _log.error("%s", error)
            raise ServiceError(500, "FaultsError", str(error)) from error
        if unavailable:
            raise _unavailable_error(self._service)


def _unavailable_error(service: Service) -> ServiceError:
    match service:
        case "blob" | "queue":
            # https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
            message = "The server is currently unable to receive requests. Please retry your request."
            return ServiceError(_STATUS, "ServerBusy", message)
        case "cosmos":
            # The message and the sub-status ServerGenerated503: https://github.com/Azure/azure-cosmos-dotnet-v3/issues/3098
            message = "Service is currently unavailable. More info: https://aka.ms/cosmosdb-tsg-service-unavailable"
            return ServiceError(_STATUS, "ServiceUnavailable", message, {"x-ms-substatus": "21008"})
        case "vision" | "eventgrid" | "identity":
            # The codes of Vision:
            # https://learn.microsoft.com/javascript/api/@azure/cognitiveservices-computervision/computervisionmodels.computervisionerror
            # The form of Event Grid's errors: https://learn.microsoft.com/azure/event-grid/troubleshoot-errors
            return ServiceError(_STATUS, "ServiceUnavailable", _TRY_AGAIN)
