"""Azure Resource Manager's REST API, as far as the program calls it directly.

An app's functions and trigger sync, soft-deleted Vision accounts, and subnets. All other resources are deployed through
the Pulumi provider.
"""

import re
from typing import override

from aiohttp import web

from emulator.core.errors import ServiceError
from emulator.core.http import ManagementHandler, unsupported_request
from emulator.core.identity import Identities
from emulator.core.resource_store import ResourceStore
from emulator.core.tenant import SUBSCRIPTION_ID
from emulator.services.functions.function_apps import FunctionApps
from emulator.services.resource_manager.subnets import SUBNET_PATH, describe_subnet

_FUNCTION_APP_PATH = re.compile(
    r"(?P<app>/subscriptions/.+/providers/Microsoft\.Web/sites/[^/]+)/(?P<operation>functions|host/default/sync)",
    re.IGNORECASE,
)
_DELETED_ACCOUNT_PATH = re.compile(
    r"/subscriptions/[^/]+/providers/Microsoft\.CognitiveServices/locations/[^/]+/resourceGroups/[^/]+"
    r"/deletedAccounts/[^/]+",
    re.IGNORECASE,
)


class ResourceManagerHandler(ManagementHandler[str]):
    """The requests to `management.azure.com`; the target is the subscription."""

    def __init__(self, resources: ResourceStore, identities: Identities, function_apps: FunctionApps) -> None:
        super().__init__(identities)
        self._resources = resources
        self._function_apps = function_apps

    @override
    def find_target(self, request: web.Request) -> str:
        return SUBSCRIPTION_ID

    @override
    async def answer(self, request: web.Request, target: str, operation: None) -> web.StreamResponse:
        if _DELETED_ACCOUNT_PATH.fullmatch(request.path):
            return self._answer_deleted_account(request)
        if request.method == "GET" and SUBNET_PATH.fullmatch(request.path):
            return web.json_response(describe_subnet(self._resources, request.path))
        app_path = _FUNCTION_APP_PATH.fullmatch(request.path)
        if app_path is None:
            raise unsupported_request(request)
        if "api-version" not in request.query:
            raise ServiceError(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        return self._answer_function_app(request, app_path["app"], app_path["operation"].lower())

    def _answer_function_app(self, request: web.Request, app_id: str, operation: str) -> web.Response:
        app = self._function_apps.get(app_id)
        if app is None:
            raise ServiceError(404, "ResourceNotFound", f"{app_id} does not exist")
        match (request.method, operation):
            case ("GET", "functions"):
                functions = [
                    {"name": f"{app.resource.name}/{name}", "properties": {"name": name}}
                    for name in app.listed_functions
                ]
                return web.json_response({"value": functions})
            case ("POST", "host/default/sync"):
                if self._function_apps.synchronize(app):
                    return web.Response(status=204)
                return _host_unavailable()
            case _:
                raise unsupported_request(request)

    def _answer_deleted_account(self, request: web.Request) -> web.Response:
        account = self._resources.get(request.path)
        if account is None:
            raise ServiceError(404, "ResourceNotFound", f"{request.path} does not exist")
        match request.method:
            case "GET":
                return web.json_response(
                    {"id": account.id, "name": account.name, "location": account.inputs["location"]}
                )
            case "DELETE":
                self._resources.remove(account.id)
                return web.Response(status=200)
            case _:
                raise unsupported_request(request)


def _host_unavailable() -> web.Response:
    """The response to a trigger sync while no instance of the app's host runs.

    https://github.com/Azure/azure-functions-core-tools/issues/3008; the form is that of
    https://github.com/TaoYang-Cloud/azure.policy.monitor/issues/8.
    """
    entity = {"Code": "BadRequest", "Message": "Encountered an error (ServiceUnavailable) from host runtime."}
    details = [{"Message": entity["Message"]}, {"Code": entity["Code"]}, {"ErrorEntity": entity}]
    return web.json_response({**entity, "Target": None, "Details": details, "Innererror": None}, status=400)
