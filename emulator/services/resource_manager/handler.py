"""Management beside the resources: an app's deployment service (SCM), its functions and triggers, deleted accounts."""

import re

from aiohttp import web

from emulator.core.authorization import Authorization
from emulator.core.http import error
from emulator.core.identity import Identities, TokenError
from emulator.core.resource_store import Resources
from emulator.services.functions.function_apps import Site, Sites
from emulator.services.resource_manager.subnets import read_subnet

_AUDIENCES = {"https://management.azure.com", "https://management.core.windows.net"}
_SITE = re.compile(
    r"(?P<site>/subscriptions/.+/providers/Microsoft\.Web/sites/[^/]+)/(?P<operation>functions|host/default/sync)",
    re.IGNORECASE,
)
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
            case ("GET", "/api/deployments/latest" | "/api/deployments/latest/log") if site.latest is None:
                return error(404, "NotFound", "no deployment yet")
            case ("GET", "/api/deployments/latest"):
                return web.json_response(site.latest.description(request.host))
            case ("GET", "/api/deployments/latest/log"):
                return web.json_response(site.latest.entries())
            case _:
                return error(501, "NotImplemented", f"the laptop does not support {request.method} {request.path}")

    async def arm(self, request: web.Request) -> web.Response:
        """Answers a request to `management.azure.com`."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if _DELETED.fullmatch(request.path):
            return self._deleted_account(request)
        subnet = read_subnet(request, self._resources)
        if subnet is not None:
            return subnet
        target = _SITE.fullmatch(request.path)
        if target is None:
            return error(501, "NotImplemented", f"the laptop does not support {request.method} {request.path}")
        if "api-version" not in request.query:
            return error(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        site = self._sites.get(target["site"])
        if site is None:
            return error(404, "ResourceNotFound", f"{target['site']} does not exist")
        match (request.method, target["operation"].lower()):
            case ("GET", "functions"):
                functions = [
                    {"name": f"{site.resource.name}/{name}", "properties": {"name": name}} for name in site.listed
                ]
                return web.json_response({"value": functions})
            case ("POST", "host/default/sync"):
                return web.Response(status=204) if self._sites.synchronize(site) else _host_unavailable()
            case _:
                return error(501, "NotImplemented", f"the laptop does not support {request.method} {request.path}")

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
        package = await request.read()
        if site.latest is not None and not site.latest.complete:
            # azure-cli (enable_zip_deploy_flex) reads this status as an ongoing deployment.
            return error(409, "Conflict", "Another deployment is in progress.")
        return web.json_response(self._sites.publish(site, package).id, status=202)

    def _refusal(self, request: web.Request) -> web.Response | None:
        try:
            caller = self._identities.bearer(request, _AUDIENCES)
        except TokenError as refused:
            return error(401, "AuthenticationFailed", f"the token was refused: {refused}")
        if not Authorization.manages(caller.object_id):
            return error(403, "AuthorizationFailed", f"{caller.object_id} may not manage function apps")
        return None


def _host_unavailable() -> web.Response:
    """What Azure answers while no instance of the app's host runs.

    https://github.com/Azure/azure-functions-core-tools/issues/3008; the form is that of
    https://github.com/TaoYang-Cloud/azure.policy.monitor/issues/8.
    """
    entity = {"Code": "BadRequest", "Message": "Encountered an error (ServiceUnavailable) from host runtime."}
    details = [{"Message": entity["Message"]}, {"Code": entity["Code"]}, {"ErrorEntity": entity}]
    return web.json_response({**entity, "Target": None, "Details": details, "Innererror": None}, status=400)
