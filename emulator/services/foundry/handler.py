"""Requests to the models of Foundry accounts: deployment, schema, quota, content filter, and an answer.

What the models see is what the emulated Image Analysis sees. They state no confidences.
"""

import json
import math
import time
import uuid
from typing import Any, override

import aiohttp
import msgspec
from aiohttp import web
from msgspec import Struct

from emulator.core.authorization import CHAT_COMPLETIONS
from emulator.core.cognitive_services import CognitiveServicesHandler
from emulator.core.errors import ServiceError
from emulator.core.faults import Faults
from emulator.core.identity import Caller, Identities
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.virtual_networks import OPENAI_ZONE
from emulator.services.foundry.completion_request import CompletionRequest, parse_request
from emulator.services.foundry.errors import CompletionError, invalid, unsupported
from emulator.services.foundry.strict_schema import check_schema, fill
from emulator.services.foundry.token_quota import TokenQuotas

_PATH = "/openai/v1/chat/completions"
# The request to the model server (emulator/services/vision/model_server.py).
_ANALYZE_PATH = "/computervision/imageanalysis:analyze"
_ANALYZE_QUERY = {"api-version": "2023-10-01", "features": "tags,caption,read"}
# A tag that is less likely than not is none: there is no confidence that could say so.
_FLOOR = 0.5
_MOST_TAGS = 10
# https://platform.openai.com/docs/guides/images-vision: patches of 32 x 32 pixels, at most 1,536, for smaller models
# with a factor.
_PATCH, _MOST_PATCHES, _PATCH_FACTOR = 32, 1_536, 1.62
_CHARACTERS_PER_TOKEN = 4


class _Tag(Struct, frozen=True):
    name: str
    confidence: float


class _Values(Struct, frozen=True):
    values: tuple[_Tag, ...]


class _Text(Struct, frozen=True):
    text: str


class _Block(Struct, frozen=True):
    lines: tuple[_Text, ...]


class _Blocks(Struct, frozen=True):
    blocks: tuple[_Block, ...]


class _Size(Struct, frozen=True):
    width: int
    height: int


class _Analysis(Struct, frozen=True, rename="camel"):
    """The model server's answer."""

    metadata: _Size
    tags_result: _Values
    caption_result: _Text
    read_result: _Blocks


# What a picture shows that is too small for the packaged models.
_NOTHING = _Analysis(
    metadata=_Size(width=1, height=1),
    tags_result=_Values(values=()),
    caption_result=_Text(text="template: a picture"),
    read_result=_Blocks(blocks=()),
)


class FoundryHandler(CognitiveServicesHandler):
    """The requests to all deployed Foundry accounts."""

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
    def has_service(self, account: Resource) -> bool:
        return account.inputs.get("kind") == "AIServices"

    @override
    def audiences(self, request: web.Request) -> set[str]:
        return {"https://cognitiveservices.azure.com", "https://ai.azure.com"}

    @override
    def read_operation(self, request: web.Request, target: Resource) -> str:
        if request.method != "POST" or request.path != _PATH:
            raise unsupported(f"{request.method} {request.path}")
        if request.query and dict(request.query) != {"api-version": "v1"}:
            raise unsupported(f"the query {request.query_string}")
        return request.path

    @override
    def check_role(self, caller: Caller, target: Resource, operation: str) -> None:
        if not self._authorization.allows(caller.object_id, CHAT_COMPLETIONS, target.id):
            message = (
                f"The principal `{caller.object_id}` lacks the required data action `{CHAT_COMPLETIONS}` to perform"
                " `POST /openai/deployments/{deployment-id}/chat/completions` operation."
            )
            raise ServiceError(401, "PermissionDenied", message)

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
        analysis = await self._analyze(image)
        tags = [tag.name for tag in analysis.tags_result.values if tag.confidence >= _FLOOR][:_MOST_TAGS]
        answer = fill(
            schema.schema,
            tags=tags,
            caption=analysis.caption_result.text,
            lines=[line.text for block in analysis.read_result.blocks for line in block.lines],
        )
        return web.json_response(_response(completion, deployment, analysis, json.dumps(answer)))

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

    async def _analyze(self, image: bytes) -> _Analysis:
        """What the packaged models see. Raises CompletionError if the image is damaged."""
        async with self._session.post(
            self._models_url + _ANALYZE_PATH,
            params=_ANALYZE_QUERY,
            data=image,
            headers={"Content-Type": "application/octet-stream"},
        ) as response:
            body = await response.read()
        if response.status == 200:
            return msgspec.json.decode(body, type=_Analysis)
        if b"InvalidImageSize" in body:
            return _NOTHING
        message = "You uploaded an unsupported image. Please make sure your image is valid."
        raise invalid(message, param="messages", code="image_parse_error")


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


def _prompt_tokens(request: CompletionRequest, size: _Size | None) -> int:
    """Tokens of a prompt; before the image was decoded, those of the largest image."""
    patches = _MOST_PATCHES
    if size is not None:
        patches = min(_MOST_PATCHES, math.ceil(size.width / _PATCH) * math.ceil(size.height / _PATCH))
    return math.ceil(patches * _PATCH_FACTOR) + math.ceil(request.text_characters / _CHARACTERS_PER_TOKEN)


def _response(request: CompletionRequest, deployment: Resource, analysis: _Analysis, content: str) -> dict[str, Any]:
    model = deployment.inputs["properties"]["model"]
    prompt_tokens = _prompt_tokens(request, analysis.metadata)
    completion_tokens = math.ceil(len(content) / _CHARACTERS_PER_TOKEN)
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
