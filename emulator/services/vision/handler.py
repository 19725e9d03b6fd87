"""Azure AI Vision: tokens and roles checked, then handed to the models."""

import aiohttp
from aiohttp import web

from emulator.core.authorization import ANALYZE, Authorization
from emulator.core.faults import Faults
from emulator.core.http import error
from emulator.core.identity import Identities, TokenError
from emulator.core.resource_store import Resources
from emulator.core.virtual_networks import admits

_PATH = "/computervision/imageanalysis:analyze"


class Vision:
    """Every deployed Vision account; `models_url` is where the models answer."""

    def __init__(
        self,
        resources: Resources,
        identities: Identities,
        session: aiohttp.ClientSession,
        models_url: str,
        faults: Faults,
    ) -> None:
        self._resources = resources
        self._identities = identities
        self._authorization = Authorization(resources)
        self._session = session
        self._models_url = models_url
        self._faults = faults

    async def handle(self, request: web.Request) -> web.Response:
        """Answers a request to `<account>.cognitiveservices.azure.com`."""
        name = request.host.partition(".")[0]
        account = next(
            (
                found
                for found in self._resources.of_type("cognitiveservices:Account")
                if found.inputs["properties"].get("customSubDomainName", "").lower() == name.lower()
            ),
            None,
        )
        if account is None:
            return error(404, "404", f"The Vision account {name} does not exist.")
        if not admits(self._resources, account, "account", request):
            # https://learn.microsoft.com/azure/ai-services/cognitive-services-virtual-networks
            return error(403, "AccessDenied", "Public access is disabled. Please configure private endpoint.")
        try:
            caller = self._identities.bearer(request, {"https://cognitiveservices.azure.com"})
        except TokenError:
            return error(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")
        if not self._authorization.allows(caller.object_id, ANALYZE, account.id):
            return error(
                401,
                "PermissionDenied",
                f"The principal `{caller.object_id}` lacks the required data action `{ANALYZE}` to perform"
                f" `POST {_PATH}` operation.",
            )
        if request.method != "POST" or request.path != _PATH:
            return error(
                501, "NotImplemented", f"The laptop's Vision does not support {request.method} {request.path}."
            )
        content_type = request.headers.get("Content-Type", "")
        if content_type != "application/octet-stream":
            return error(501, "NotImplemented", f"The laptop's Vision takes bytes only, not {content_type}.")
        if self._faults.strikes("throttled"):
            refusal = error(429, "429", "Requests to the Analyze operation have exceeded the call rate limit.")
            refusal.headers["Retry-After"] = "1"
            return refusal
        if self._faults.strikes("failing"):
            return error(500, "InternalServerError", "Something went wrong, on purpose.")
        async with self._session.post(
            self._models_url + "/analyze", params=request.query, data=await request.read()
        ) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")
