"""Azure AI Vision: forwards allowed requests to the model server."""

from typing import override

import aiohttp
from aiohttp import web

from emulator.core.authorization import Authorization
from emulator.core.errors import ServiceError
from emulator.core.faults import Faults
from emulator.core.http import ServiceHandler
from emulator.core.identity import Caller, Identities, TokenError
from emulator.core.outages import Outage
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.virtual_networks import allows_network_access
from emulator.services.vision.operations import DATA_ACTIONS


class VisionHandler(ServiceHandler[Resource, str]):
    """The requests to all deployed Vision accounts; `models_url` is the URL of the model server.

    An operation is its path.
    """

    def __init__(
        self,
        resources: ResourceStore,
        identities: Identities,
        session: aiohttp.ClientSession,
        models_url: str,
        faults: Faults,
    ) -> None:
        super().__init__(identities, Outage(faults, "vision"))
        self._resources = resources
        self._authorization = Authorization(resources)
        self._session = session
        self._models_url = models_url
        self._faults = faults

    @override
    def find_target(self, request: web.Request) -> Resource:
        subdomain = request.host.partition(".")[0].lower()
        for account in self._resources.of_type("cognitiveservices:Account"):
            if account.inputs["properties"].get("customSubDomainName", "").lower() == subdomain:
                return account
        raise ServiceError(404, "404", f"The Vision account {subdomain} does not exist.")

    @override
    def check_network(self, request: web.Request, target: Resource) -> None:
        if not allows_network_access(self._resources, target, "account", request):
            # https://learn.microsoft.com/azure/ai-services/cognitive-services-virtual-networks
            message = "Public access is disabled. Please configure private endpoint."
            raise ServiceError(403, "AccessDenied", message)

    @override
    def audiences(self, request: web.Request) -> set[str]:
        return {"https://cognitiveservices.azure.com"}

    @override
    def token_error(self, request: web.Request, error: TokenError) -> ServiceError:
        return ServiceError(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")

    @override
    def read_operation(self, request: web.Request, target: Resource) -> str:
        if request.method != "POST" or request.path not in DATA_ACTIONS:
            message = f"The emulator's Vision does not support {request.method} {request.path}."
            raise ServiceError(501, "NotImplemented", message)
        return request.path

    @override
    def check_role(self, caller: Caller, target: Resource, operation: str) -> None:
        action = DATA_ACTIONS[operation]
        if not self._authorization.allows(caller.object_id, action, target.id):
            message = (
                f"The principal `{caller.object_id}` lacks the required data action `{action}` to perform"
                f" `POST {operation}` operation."
            )
            raise ServiceError(401, "PermissionDenied", message)

    @override
    async def answer(self, request: web.Request, target: Resource, operation: str) -> web.StreamResponse:
        if self._faults.should_fail("throttled"):
            message = "Requests to the Analyze operation have exceeded the call rate limit."
            raise ServiceError(429, "429", message, {"Retry-After": "1"})
        if self._faults.should_fail("failing"):
            raise ServiceError(500, "InternalServerError", "Something went wrong, on purpose.")
        async with self._session.post(
            self._models_url + operation,
            params=request.query,
            data=await request.read(),
            headers={"Content-Type": request.headers.get("Content-Type", "application/octet-stream")},
        ) as response:
            return web.Response(status=response.status, body=await response.read(), content_type="application/json")
