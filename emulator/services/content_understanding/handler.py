"""Requests to Content Understanding in Foundry accounts.

What the models see is what the emulated Image Analysis sees. Fields have no confidences.
"""

import json
from collections.abc import Mapping
from typing import Any, override

import aiohttp
from aiohttp import web

from emulator.core.cognitive_services import FoundryAccountHandler
from emulator.core.errors import ServiceError
from emulator.core.faults import Faults
from emulator.core.identity import Caller, Identities
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.virtual_networks import SERVICES_ZONE
from emulator.services.content_understanding.analyses import Analyses, AnalysisFailedError
from emulator.services.content_understanding.analyzer_store import AnalyzerStore
from emulator.services.content_understanding.definitions import (
    READ_ANALYZER,
    Definition,
    describe_prebuilt,
    parse_definition,
)
from emulator.services.content_understanding.errors import (
    ContentUnderstandingError,
    error_body,
    invalid,
    not_found,
    unsupported,
)
from emulator.services.content_understanding.image_file import ImageFileError, read_image_file
from emulator.services.content_understanding.quotas import RequestQuotas
from emulator.services.content_understanding.results import describe_fields, describe_text, filter_fields
from emulator.services.content_understanding.routes import API_VERSION, PREFIX, Call, action_name, find_call
from emulator.services.vision.model_client import UnreadableImageError, describe_image

_RETRY_AFTER = {"Retry-After": "1"}
_CALL_PATCH = "Call 'PATCH /contentunderstanding/defaults' first."


class ContentUnderstandingHandler(FoundryAccountHandler[Call]):
    """The requests to Content Understanding in all deployed Foundry accounts."""

    zone = SERVICES_ZONE

    def __init__(
        self,
        resources: ResourceStore,
        identities: Identities,
        session: aiohttp.ClientSession,
        models_url: str,
        faults: Faults,
        *,
        analyzers: AnalyzerStore,
        quotas: RequestQuotas | None = None,
        analyses: Analyses | None = None,
    ) -> None:
        super().__init__(resources, identities, session, models_url, faults)
        self._analyzers = analyzers
        self._quotas = quotas or RequestQuotas()
        self._analyses = analyses or Analyses()

    @override
    def read_operation(self, request: web.Request, target: Resource) -> Call:
        return find_call(request)

    @override
    def check_role(self, caller: Caller, target: Resource, operation: Call) -> None:
        self.check_data_action(caller, target, action_name(operation.route), operation.route.name)

    @override
    async def answer(self, request: web.Request, target: Resource, operation: Call) -> web.StreamResponse:
        if self._faults.should_fail("failing"):
            raise ServiceError(500, "InternalServerError", "Something went wrong, on purpose.")
        if self._faults.should_fail("throttled"):
            raise ContentUnderstandingError(429, "429", "The rate limit is exceeded, on purpose.", headers=_RETRY_AFTER)
        self._quotas.count_operation(target.id)
        match operation.route.name:
            case "get_defaults":
                return web.json_response({"modelDeployments": self._require_defaults(target)})
            case "update_defaults":
                return self._update_defaults(target, await request.read())
            case "get":
                return self._get_analyzer(target, operation.analyzer_id)
            case "create_or_replace":
                replace = request.query.get("allowReplace", "false").lower() == "true"
                return self._put_analyzer(request, target, operation.analyzer_id, await request.read(), replace=replace)
            case "delete":
                if not self._analyzers.delete_analyzer(target.id, operation.analyzer_id):
                    raise _no_analyzer()
                return web.Response(status=204)
            case "get_operation_status":
                return self._get_operation_status(target, operation)
            case "analyze_binary":
                return await self._start(request, target, operation.analyzer_id, await request.read())
            case _:
                return await self._get_result(target, operation.operation_id)

    @override
    def error_response(self, error: ServiceError) -> web.Response:
        inner = error.inner if isinstance(error, ContentUnderstandingError) else None
        body = {"error": error_body(error.code, str(error), inner)}
        return web.json_response(body, status=error.status, headers=error.headers)

    def _update_defaults(self, account: Resource, body: bytes) -> web.Response:
        try:
            changes: Any = json.loads(body)["modelDeployments"]
            by_model = {str(model): None if name is None else str(name) for model, name in changes.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise invalid("modelDeployments is missing.", inner="InvalidJsonRequest") from error
        for name in by_model.values():
            if name is not None and not self._has_deployment(account, name):
                raise invalid(f"The deployment {name} does not exist.", inner="DeploymentNotFound")
        return web.json_response({"modelDeployments": self._analyzers.update_defaults(account.id, by_model)})

    def _require_defaults(self, account: Resource) -> Mapping[str, str]:
        """The deployments of the models. Raises ContentUnderstandingError if there are none.

        https://learn.microsoft.com/azure/search/agentic-knowledge-source-how-to-blob#known-errors
        """
        defaults = self._analyzers.defaults(account.id)
        if not defaults:
            raise invalid(f"Defaults have not yet been set. {_CALL_PATCH}", inner="DefaultsNotSet")
        return defaults

    def _require_default(self, account: Resource, model: str) -> str:
        """The deployment of a model. Raises ContentUnderstandingError if there is none."""
        deployment = self._require_defaults(account).get(model)
        if deployment is None:
            message = f"Defaults have not yet been set to '{model}'. {_CALL_PATCH}"
            raise invalid(message, inner="DefaultDeploymentModelNotFound")
        return deployment

    def _has_deployment(self, account: Resource, name: str) -> bool:
        return any(
            deployment.type.endswith(":Deployment") and deployment.name.lower() == name.lower()
            for deployment in self._resources.descendants(account.id)
        )

    def _get_analyzer(self, account: Resource, analyzer_id: str) -> web.Response:
        analyzer = describe_prebuilt(analyzer_id) or self._analyzers.get(account.id, analyzer_id)
        if analyzer is None:
            raise _no_analyzer()
        return web.json_response(analyzer)

    def _put_analyzer(
        self, request: web.Request, account: Resource, analyzer_id: str, body: bytes, *, replace: bool
    ) -> web.Response:
        definition = parse_definition(analyzer_id, body)
        self._require_default(account, definition.models.completion)
        if not replace and self._analyzers.get(account.id, analyzer_id) is not None:
            raise ContentUnderstandingError(
                409, "Conflict", f"The analyzer {analyzer_id} exists already.", inner="AnalyzerExists"
            )
        self._analyzers.put_analyzer(account.id, analyzer_id, json.loads(body))
        operation_id = self._analyzers.operation_id(account.id, analyzer_id)
        location = f"/analyzers/{analyzer_id}/operations/{operation_id}"
        headers = {"Operation-Location": _location(request, location)}
        return web.json_response(self._analyzers.get(account.id, analyzer_id), status=201, headers=headers)

    def _get_operation_status(self, account: Resource, operation: Call) -> web.Response:
        analyzer = self._analyzers.get(account.id, operation.analyzer_id)
        if (
            analyzer is None
            or self._analyzers.operation_id(account.id, operation.analyzer_id) != operation.operation_id
        ):
            raise not_found(f"The operation {operation.operation_id} does not exist.", inner="OperationNotFound")
        status = "Succeeded" if analyzer["status"] == "ready" else "Running"
        return web.json_response({"id": operation.operation_id, "status": status, "result": analyzer})

    async def _start(self, request: web.Request, account: Resource, analyzer_id: str, content: bytes) -> web.Response:
        definition = None if analyzer_id == READ_ANALYZER else self._usable_definition(account, analyzer_id)
        self._quotas.count_image(account.id)
        operation_id = self._analyses.start(
            account.id,
            analyzer_id,
            lambda: self._analyze(definition, content),
            seconds=self._faults.analysis_seconds(),
        )
        operation = await self._analyses.get(account.id, operation_id, API_VERSION)
        headers = {"Operation-Location": _location(request, f"/analyzerResults/{operation_id}")}
        return web.json_response(operation, status=202, headers=headers)

    def _usable_definition(self, account: Resource, analyzer_id: str) -> Definition:
        """The definition of an analyzer that can be used now, with a deployment of its model."""
        if describe_prebuilt(analyzer_id) is not None:
            raise unsupported(f"analyses with {analyzer_id}, only with {READ_ANALYZER} and analyzers of one's own")
        analyzer = self._analyzers.get(account.id, analyzer_id)
        definition = self._analyzers.find_definition(account.id, analyzer_id)
        if analyzer is None or definition is None:
            raise _no_analyzer()
        if analyzer["status"] != "ready":
            raise ContentUnderstandingError(
                409, "Conflict", f"The analyzer {analyzer_id} is being created.", inner="AnalyzerNotReady"
            )
        deployment = self._require_default(account, definition.models.completion)
        if not self._has_deployment(account, deployment):
            raise invalid(f"The deployment {deployment} does not exist.", inner="DeploymentNotFound")
        return definition

    async def _analyze(self, definition: Definition | None, content: bytes) -> dict[str, Any]:
        """The result of an analysis with a definition, or with `prebuilt-read`. Raises AnalysisFailedError."""
        if self._faults.should_fail("operationFailed"):
            raise AnalysisFailedError("InternalServerError", "Something went wrong, on purpose.")
        try:
            file = read_image_file(content)
            description = await describe_image(self._session, self._models_url, content)
        except ImageFileError as error:
            raise AnalysisFailedError("InvalidRequest", str(error), inner=error.code) from error
        except UnreadableImageError as error:
            raise AnalysisFailedError("InvalidRequest", "The file is corrupted.", inner="InvalidContent") from error
        except ContentUnderstandingError as error:
            raise AnalysisFailedError(error.code, str(error)) from error
        if definition is None:
            return describe_text(file, description)
        outcome = describe_fields(definition, file, description)
        return filter_fields(outcome) if self._faults.should_fail("contentFiltered") else outcome

    async def _get_result(self, account: Resource, operation_id: str) -> web.Response:
        operation = None
        if not self._faults.should_fail("operationLost"):
            operation = await self._analyses.get(account.id, operation_id, API_VERSION)
        if operation is None:
            raise not_found(f"The operation {operation_id} does not exist.", inner="OperationNotFound")
        return web.json_response(operation)


def _no_analyzer() -> ContentUnderstandingError:
    """The error for an analyzer that does not exist; the service calls it a model."""
    return not_found("The requested model was not found.", inner="ModelNotFound")


def _location(request: web.Request, path: str) -> str:
    return f"https://{request.host}{PREFIX}{path}?api-version={API_VERSION}"
