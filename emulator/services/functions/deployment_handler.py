"""The deployment service (SCM) of function apps: https://learn.microsoft.com/azure/azure-functions/functions-deployment-technologies#one-deploy."""

from typing import override

from aiohttp import web

from emulator.core.errors import ServiceError
from emulator.core.http import ManagementHandler, unsupported_request
from emulator.core.identity import Identities
from emulator.services.functions.deployments import PackageDeployment
from emulator.services.functions.function_app_instance import FunctionAppInstance
from emulator.services.functions.function_apps import FunctionApps


class DeploymentHandler(ManagementHandler[FunctionAppInstance]):
    """The requests to `<app>.scm.azurewebsites.net`."""

    def __init__(self, identities: Identities, function_apps: FunctionApps) -> None:
        super().__init__(identities)
        self._function_apps = function_apps

    @override
    def find_target(self, request: web.Request) -> FunctionAppInstance:
        app = self._function_apps.find_by_host(request.host)
        if app is None:
            raise ServiceError(404, "SiteNotFound", f"{request.host} is no function app's")
        return app

    @override
    async def answer(self, request: web.Request, target: FunctionAppInstance, operation: None) -> web.StreamResponse:
        match (request.method, request.path):
            case ("POST", "/api/publish"):
                return await self._deploy(request, target)
            case ("GET", "/api/deployments/latest"):
                return web.json_response(_latest(target).description(request.host))
            case ("GET", "/api/deployments/latest/log"):
                return web.json_response(_latest(target).entries())
            case _:
                raise unsupported_request(request)

    async def _deploy(self, request: web.Request, app: FunctionAppInstance) -> web.Response:
        if request.headers.get("Content-Type") != "application/zip":
            raise ServiceError(415, "UnsupportedMediaType", "the package must be sent as application/zip")
        if request.query.get("RemoteBuild", "false").lower() != "false":
            message = "the emulator does not build packages; send RemoteBuild=false"
            raise ServiceError(501, "NotImplemented", message)
        package = await request.read()
        if app.latest_deployment is not None and not app.latest_deployment.complete:
            # azure-cli (enable_zip_deploy_flex) reads this status as an ongoing deployment.
            raise ServiceError(409, "Conflict", "Another deployment is in progress.")
        return web.json_response(self._function_apps.deploy(app, package).id, status=202)


def _latest(app: FunctionAppInstance) -> PackageDeployment:
    if app.latest_deployment is None:
        raise ServiceError(404, "NotFound", "no deployment yet")
    return app.latest_deployment
