"""Requests to the models of Foundry accounts: deployment, schema, quota, content filter, and an answer.

What the models see is what the emulated Image Analysis sees. They state no confidences.
"""

import json
import time
import uuid
from typing import Any, override

import aiohttp
from aiohttp import web

from emulator.core.authorization import CHAT_COMPLETIONS
from emulator.core.cognitive_services import FoundryAccountHandler
from emulator.core.errors import ServiceError
from emulator.core.faults import Faults
from emulator.core.identity import Caller, Identities
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.virtual_networks import OPENAI_ZONE
from emulator.services.foundry.completion_request import CompletionRequest, parse_request
from emulator.services.foundry.errors import CompletionError, invalid, unsupported
from emulator.services.foundry.image_tokens import image_tokens, text_tokens
from emulator.services.foundry.strict_schema import check_schema, fill
from emulator.services.foundry.token_quota import TokenQuotas
from emulator.services.vision.model_client import ImageDescription, UnreadableImageError, describe_image

_PATH = "/openai/v1/chat/completions"
# As errors name it, whatever the path of the request is.
_OPERATION = "POST /openai/deployments/{deployment-id}/chat/completions"


class FoundryHandler(FoundryAccountHandler):
    """The requests to the models of all deployed Foundry accounts."""

    zone = OPENAI_ZONE

    def __init__(
        self,
        resources: ResourceStore,
        identities: Identities,
        session: aiohttp.ClientSession,
        models_url: str,
        faults: Faults,
    ) -> None:
        super().__init__(resources, identities, session, models_url, faults)
        self._quotas = TokenQuotas()

    @override
    def read_operation(self, request: web.Request, target: Resource) -> str:
        if request.method != "POST" or request.path != _PATH:
            raise unsupported(f"{request.method} {request.path}")
        if request.query and dict(request.query) != {"api-version": "v1"}:
            raise unsupported(f"the query {request.query_string}")
        return request.path

    @override
    def check_role(self, caller: Caller, target: Resource, operation: str) -> None:
        self.check_data_action(caller, target, CHAT_COMPLETIONS, _OPERATION)

    @override
    async def answer(self, request: web.Request, target: Resource, operation: str) -> web.StreamResponse:
        completion = parse_request(await request.read())
        deployment = self._find_deployment(target, completion.model)
        schema = completion.schema
        check_schema(schema.name, schema.schema)
        if self._faults.should_fail("failing"):
            raise ServiceError(500, "InternalServerError", "Something went wrong, on purpose.")
        if self._faults.should_fail("throttled"):
            raise CompletionError(429, "429", "The rate limit is exceeded, on purpose.", headers={"Retry-After": "1"})
        image = completion.image()
        tokens = _prompt_tokens(completion, None) + completion.max_completion_tokens
        self._quotas.reserve(deployment.id, capacity=deployment.inputs["sku"]["capacity"], tokens=tokens)
        if self._faults.should_fail("contentFiltered"):
            raise _filtered()
        description = await self._get_description(image)
        answer = fill(
            schema.schema,
            tags=description.tags,
            caption=description.caption,
            lines=[line.text for line in description.lines],
        )
        return web.json_response(_response(completion, deployment, description, json.dumps(answer)))

    @override
    def error_response(self, error: ServiceError) -> web.Response:
        if not isinstance(error, CompletionError):
            return super().error_response(error)
        detail = {"code": error.code, "message": str(error), "param": error.param, "type": None, **error.details}
        return web.json_response({"error": detail}, status=error.status, headers=error.headers)

    def _find_deployment(self, account: Resource, name: str) -> Resource:
        for deployment in self._resources.descendants(account.id):
            if deployment.type.endswith(":Deployment") and deployment.name.lower() == name.lower():
                return deployment
        message = (
            "The API deployment for this resource does not exist. If you created the deployment within the last 5"
            " minutes, please wait a moment and try again."
        )
        raise CompletionError(404, "DeploymentNotFound", message)

    async def _get_description(self, image: bytes) -> ImageDescription:
        try:
            return await describe_image(self._session, self._models_url, image)
        except UnreadableImageError as error:
            message = "You uploaded an unsupported image. Please make sure your image is valid."
            raise invalid(message, param="messages", code="image_parse_error") from error


def _filtered() -> CompletionError:
    """The error of a content filter: https://learn.microsoft.com/azure/foundry/openai/concepts/content-filter."""
    message = (
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify"
        " your prompt and retry. To learn more about our content filtering policies please read our documentation:"
        " https://go.microsoft.com/fwlink/?linkid=2198766"
    )
    filters = {"violence": {"filtered": True, "severity": "high"}}
    details = {"innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": filters}, "status": 400}
    return CompletionError(400, "content_filter", message, param="prompt", details=details)


def _prompt_tokens(request: CompletionRequest, description: ImageDescription | None) -> int:
    """Tokens of a prompt; before the image was decoded, those of the largest image."""
    return image_tokens(description) + text_tokens(request.text_characters)


def _response(
    request: CompletionRequest, deployment: Resource, description: ImageDescription, content: str
) -> dict[str, Any]:
    model = deployment.inputs["properties"]["model"]
    prompt_tokens = _prompt_tokens(request, description)
    completion_tokens = text_tokens(len(content))
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": f"emulated:{model['name']}-{model['version']}",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": content, "refusal": None},
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }
