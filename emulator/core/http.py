"""How every emulated service handles a request: outage, host name, network, token, role, answer; and its errors."""

from abc import ABC, abstractmethod
from typing import override

from aiohttp import web

from emulator.core.authorization import Authorization
from emulator.core.errors import ServiceError
from emulator.core.identity import Caller, Identities, TokenError
from emulator.core.outages import Outage


class ServiceHandler[Target, Operation](ABC):
    """The requests to one service. Subclasses say what differs between services, `handle` has the sequence.

    `Target` is what the host name stands for, such as a storage account. `Operation` is what the request asks for.
    """

    def __init__(self, identities: Identities, outage: Outage | None = None) -> None:
        """Keep what `handle` needs; without `outage`, the service is always available."""
        self._identities = identities
        self._outage = outage

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The response to a request: checks outage, target, network, token, operation and role, in this order."""
        try:
            if self._outage is not None:
                self._outage.check()
            target = self.find_target(request)
            self.check_network(request, target)
            caller = self.authenticate(request, target)
            operation = self.read_operation(request, target)
            self.check_role(caller, target, operation)
            return await self.answer(request, target, operation)
        except ServiceError as error:
            return self.error_response(error)

    @abstractmethod
    def find_target(self, request: web.Request) -> Target:
        """What the host name of the request stands for. Raises ServiceError if there is no such thing."""

    @abstractmethod
    def check_network(self, request: web.Request, target: Target) -> None:
        """Raise ServiceError unless the network rules of the target allow the caller's network."""

    def authenticate(self, request: web.Request, target: Target) -> Caller:
        """The caller, by the access token of the request. Raises ServiceError."""
        del target
        try:
            return self._identities.verify(self.read_token(request), self.audiences(request))
        except TokenError as error:
            raise self.token_error(request, error) from error

    def read_token(self, request: web.Request) -> str:
        """The access token in the request, unverified; an empty string if there is none."""
        return request.headers.get("Authorization", "").removeprefix("Bearer ")

    @abstractmethod
    def audiences(self, request: web.Request) -> set[str]:
        """The token audiences that the service accepts."""

    @abstractmethod
    def token_error(self, request: web.Request, error: TokenError) -> ServiceError:
        """The error for a missing or invalid token."""

    @abstractmethod
    def read_operation(self, request: web.Request, target: Target) -> Operation:
        """The operation that the request asks for. Raises ServiceError if it is not supported."""

    @abstractmethod
    def check_role(self, caller: Caller, target: Target, operation: Operation) -> None:
        """Raise ServiceError unless the caller's role assignments allow the operation."""

    @abstractmethod
    async def answer(self, request: web.Request, target: Target, operation: Operation) -> web.StreamResponse:
        """The response to an allowed request. May raise ServiceError."""

    def error_response(self, error: ServiceError) -> web.Response:
        """The error as the service writes it; `{"error": {"code", "message"}}` unless a subclass does otherwise."""
        return web.json_response(
            {"error": {"code": error.code, "message": str(error)}}, status=error.status, headers=error.headers
        )


class ManagementHandler[Target](ServiceHandler[Target, None]):
    """The requests to a management endpoint: open to every network, for callers who may manage resources."""

    @override
    def check_network(self, request: web.Request, target: Target) -> None:
        return

    @override
    def audiences(self, request: web.Request) -> set[str]:
        return {"https://management.azure.com", "https://management.core.windows.net"}

    @override
    def token_error(self, request: web.Request, error: TokenError) -> ServiceError:
        return ServiceError(401, "AuthenticationFailed", f"the token was refused: {error}")

    @override
    def read_operation(self, request: web.Request, target: Target) -> None:
        return

    @override
    def check_role(self, caller: Caller, target: Target, operation: None) -> None:
        if not Authorization.can_manage(caller.object_id):
            raise ServiceError(403, "AuthorizationFailed", f"{caller.object_id} may not manage resources")


def unsupported_request(request: web.Request) -> ServiceError:
    """The error for a request that a management endpoint of the emulator does not support."""
    return ServiceError(501, "NotImplemented", f"the emulator does not support {request.method} {request.path}")
