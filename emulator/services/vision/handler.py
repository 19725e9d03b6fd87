"""Azure AI Vision: forwards allowed requests to the model server."""

from typing import override

from aiohttp import web

from emulator.core.cognitive_services import CognitiveServicesHandler
from emulator.core.errors import ServiceError
from emulator.core.identity import Caller
from emulator.core.resource_store import Resource
from emulator.services.vision.operations import DATA_ACTIONS


class VisionHandler(CognitiveServicesHandler):
    """The requests to all deployed Vision accounts."""

    account_term = "Vision account"

    @override
    def audiences(self, request: web.Request) -> set[str]:
        return {"https://cognitiveservices.azure.com"}

    @override
    def read_operation(self, request: web.Request, target: Resource) -> str:
        if request.method != "POST" or request.path not in DATA_ACTIONS:
            message = f"The emulator's Vision does not support {request.method} {request.path}."
            raise ServiceError(501, "NotImplemented", message)
        return request.path

    @override
    def check_role(self, caller: Caller, target: Resource, operation: str) -> None:
        self.check_data_action(caller, target, DATA_ACTIONS[operation], f"POST {operation}")

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
