"""Management beside the resources: an app's deployment service (SCM), its list of functions, deleted accounts."""

import re

from aiohttp import web

from local.authorization import Authorization
from local.gateway.errors import error
from local.gateway.subnets import read_subnet
from local.identity import Identities, TokenError
from local.resources import Resources
from local.services.functions.sites import Site, Sites

_AUDIENCES = {"https://management.azure.com", "https://management.core.windows.net"}
_FUNCTIONS = re.compile(r"(/subscriptions/.+/providers/Microsoft\.Web/sites/[^/]+)/functions", re.IGNORECASE)

_DELETED = re.compile(
    r"/subscriptions/[^/]+/providers/Microsoft\.CognitiveServices/locations/[^/]+/resourceGroups/[^/]+"
    r"/deletedAccounts/[^/]+",
    re.IGNORECASE,
)


class Management:
    """Both endpoints, open to those who may manage resources."""

    def __init__(self, resources: Resources, identities: Identities, sites: Sites) -> None:
        self._resources = resources
        self._identities = identities
        self._sites = sites

    async def scm(self, request: web.Request) -> web.Response:
        """Answers a request to `<app>.scm.azurewebsites.net`."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        site = self._sites.of_host(request.host)
        if site is None:
            return error(404, "SiteNotFound", f"{request.host} is no function app's")
        match (request.method, request.path):
            case ("POST", "/api/publish"):
                return await self._publish(request, site)
            case ("GET", "/api/deployments/latest"):
                return web.json_response(site.latest) if site.latest else error(404, "NotFound", "no deployment yet")
            case _:
                return error(501, "NotImplemented", f"the laptop does not support {request.method} {request.path}")

    async def arm(self, request: web.Request) -> web.Response:
        """Answers a request to `management.azure.com`."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if _DELETED.fullmatch(request.path):
            return self._deleted_account(request)
        found = read_subnet(request, self._resources)
        if found is not None:
            return found
        listing = _FUNCTIONS.fullmatch(request.path)
        if request.method != "GET" or listing is None:
            return error(501, "NotImplemented", f"the laptop does not support {request.method} {request.path}")
        site = self._sites.get(listing[1])
        if site is None:
            return error(404, "ResourceNotFound", f"{listing[1]} does not exist")
        functions = [{"name": f"{site.resource.name}/{name}", "properties": {"name": name}} for name in site.functions]
        return web.json_response({"value": functions})

    def _deleted_account(self, request: web.Request) -> web.Response:
        account = self._resources.get(request.path)
        if account is None:
            return error(404, "ResourceNotFound", f"{request.path} does not exist")
        match request.method:
            case "GET":
                return web.json_response(
                    {"id": account.id, "name": account.name, "location": account.inputs["location"]}
                )
            case "DELETE":
                self._resources.remove(account.id)
                return web.Response(status=200)
            case _:
                return error(501, "NotImplemented", f"the laptop does not support {request.method} {request.path}")

    async def _publish(self, request: web.Request, site: Site) -> web.Response:
        if request.headers.get("Content-Type") != "application/zip":
            return error(415, "UnsupportedMediaType", "the package must be sent as application/zip")
        if request.query.get("RemoteBuild", "false").lower() != "false":
            return error(501, "NotImplemented", "the laptop does not build packages; send RemoteBuild=false")
        return web.json_response(self._sites.publish(site, await request.read()), status=202)

    def _refusal(self, request: web.Request) -> web.Response | None:
        try:
            caller = self._identities.bearer(request, _AUDIENCES)
        except TokenError as refused:
            return error(401, "AuthenticationFailed", f"the token was refused: {refused}")
        if not Authorization.manages(caller.object_id):
            return error(403, "AuthorizationFailed", f"{caller.object_id} may not manage function apps")
        return None
