"""Chat completions about an image: tokens, roles, deployments, schemas, quota, content filter, and the answer."""

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from classifier.analyzers import foundry_vision

from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.core.resource_store import Resource
from emulator.gateway.proxy import ConnectionOrigins
from emulator.gateway.router import create_application
from emulator.services.foundry.errors import CompletionError
from emulator.services.foundry.handler import FoundryHandler
from emulator.services.foundry.strict_schema import check_schema, fill
from emulator.services.foundry.token_quota import TokenQuotas
from tests.emulator.conftest import Deployment

ACTION = "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action"
AUDIENCE = "https://cognitiveservices.azure.com"
PATH = "/openai/v1/chat/completions"
PNG = b"\x89PNG\r\n\x1a\n and the rest"
IMAGE_ANALYSIS = {
    "metadata": {"width": 640, "height": 480},
    "tagsResult": {
        "values": [
            {"name": "cat", "confidence": 0.9},
            {"name": "animal", "confidence": 0.8},
            {"name": "sofa", "confidence": 0.4},
        ]
    },
    "captionResult": {"text": "template: a cat", "confidence": 0.9},
    "readResult": {"blocks": [{"lines": [{"text": "HELLO"}]}]},
}
Post = Callable[..., tuple[int, Any, Any]]


def schema(**changes: Any) -> dict[str, Any]:
    """The schema that the pipeline's analyzer sends."""
    return foundry_vision._json_schema(("tags", "caption", "read"), ("animal", "street", "other"))["schema"] | changes  # type: ignore[operator]


def body(**changes: Any) -> dict[str, Any]:
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    return {
        "model": "vision",
        "max_completion_tokens": 1000,
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "image", "strict": True, "schema": schema()},
        },
        "messages": [
            {"role": "system", "content": "Describe."},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"detail": "high", "url": url}}]},
        ],
    } | changes


def strict(value: dict[str, Any]) -> dict[str, Any]:
    return {"name": "image", "strict": True, "schema": value}


def message(url: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]


@pytest.fixture
def account(deployment: Deployment) -> Resource:
    return deployment.foundry()


@pytest.fixture
def allowed(deployment: Deployment, account: Resource, token: Callable[..., dict[str, str]]) -> dict[str, str]:
    """The headers of a caller with the role."""
    deployment.assign_role("function", deployment.role("caller", ACTION), account.id)
    return token("function", AUDIENCE)


@pytest.fixture
def post(deployment: Deployment, identities: Identities, tmp_path: Path) -> Post:
    """Send requests, one after the other, and return status, JSON and headers of the last answer."""

    async def conversation(
        headers: dict[str, str], content: Any, *, times: int, models: tuple[int, Any], path: str, faults: str
    ) -> tuple[int, Any, Any]:
        async def answer(_request: web.Request) -> web.Response:
            return web.json_response(models[1], status=models[0])

        application = web.Application()
        application.router.add_post("/{path:.*}", answer)
        (tmp_path / "faults.json").write_text(faults)
        async with TestServer(application) as server, ClientSession() as session:
            url = str(server.make_url("")).rstrip("/")
            handler = FoundryHandler(deployment.resources, identities, session, url, Faults(tmp_path / "faults.json"))
            gateway = create_application({"openai.azure.com": handler.handle}, ConnectionOrigins())
            async with TestClient(TestServer(gateway)) as client:
                full = {"Host": "f.openai.azure.com", "Content-Type": "application/json"} | headers
                text = content if isinstance(content, str) else json.dumps(content)
                result: tuple[int, Any, Any] = (0, None, None)
                for _ in range(times):
                    async with client.post(path, headers=full, data=text) as response:
                        result = response.status, await response.json(), response.headers
        return result

    def send(
        headers: dict[str, str],
        content: Any,
        *,
        times: int = 1,
        models: tuple[int, Any] = (200, IMAGE_ANALYSIS),
        path: str = PATH,
        faults: str = "{}",
    ) -> tuple[int, Any, Any]:
        return asyncio.run(conversation(headers, content, times=times, models=models, path=path, faults=faults))

    return send


def test_the_answer_follows_the_schema_without_confidences(allowed: dict[str, str], post: Post) -> None:
    status, answer, _ = post(allowed, body())
    assert status == 200
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "stop"
    assert json.loads(choice["message"]["content"]) == {
        "caption": "template: a cat",
        "tags": ["cat", "animal"],
        "category": "animal",
        "lines": ["HELLO"],
    }
    assert answer["model"] == "emulated:gpt-5.4-mini-2026-03-17"
    # 20 x 15 patches with a factor of 1.62, rounded up, and nine characters of text.
    assert answer["usage"]["prompt_tokens"] == 490
    assert answer["usage"]["total_tokens"] == 490 + answer["usage"]["completion_tokens"]


def test_a_caller_needs_a_token_and_this_one_data_action(
    deployment: Deployment, account: Resource, post: Post, token: Callable[..., dict[str, str]]
) -> None:
    assert post({}, body())[0] == 401
    other = "Microsoft.CognitiveServices/accounts/ComputerVision/imageanalysis:analyze/action"
    deployment.assign_role("function", deployment.role("others", other), account.id)
    status, answer, _ = post(token("function", AUDIENCE), body())
    assert (status, answer["error"]["code"]) == (401, "PermissionDenied")
    assert ACTION in answer["error"]["message"]


def test_an_account_of_another_kind_has_no_models(
    deployment: Deployment, post: Post, token: Callable[..., dict[str, str]]
) -> None:
    deployment.add(
        "cognitiveservices:Account",
        resourceGroupName="rg",
        accountName="f",
        location="x",
        kind="ComputerVision",
        properties={"customSubDomainName": "f"},
    )
    assert post(token("function", AUDIENCE), body())[0] == 404


def test_an_unknown_deployment_is_not_found(allowed: dict[str, str], post: Post) -> None:
    status, answer, _ = post(allowed, body(model="gpt-5.4-mini"))
    assert (status, answer["error"]["code"]) == (404, "DeploymentNotFound")


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({"temperature": 0}, 501, "unknown field `temperature`"),
        ({"response_format": {"type": "json_object"}}, 501, "answers without a strict JSON schema"),
        ({"messages": []}, 501, "length"),
        ({"messages": [{"role": "user", "content": "Hello"}]}, 501, "0 images in a request"),
        ({"messages": message("https://example.com/a.png")}, 501, "images as URLs"),
        ({"messages": message("data:image/png;base64,*")}, 400, "Invalid base64 image_url"),
        ({"messages": message("data:image/bmp;base64,Qk0=")}, 400, "['png', 'jpeg', 'gif', 'webp']"),
    ],
)
def test_what_is_wrong_or_not_supported_is_refused(
    allowed: dict[str, str], post: Post, changes: dict[str, Any], status: int, text: str
) -> None:
    answer_status, answer, _ = post(allowed, body(**changes))
    assert answer_status == status
    assert text in answer["error"]["message"]


def test_a_body_that_is_no_json_and_another_path_are_refused(allowed: dict[str, str], post: Post) -> None:
    assert post(allowed, "{")[0] == 400
    assert post(allowed, body(), path="/openai/v1/responses")[0] == 501
    assert post(allowed, body(), path=f"{PATH}?api-version=preview")[0] == 501
    assert post(allowed, body(), path=f"{PATH}?api-version=v1")[0] == 200


@pytest.mark.parametrize(
    ("models", "code"),
    [((400, {"error": {"innererror": {"code": "InvalidImageFormat"}}}), "image_parse_error")],
)
def test_a_damaged_image_is_refused(allowed: dict[str, str], post: Post, models: tuple[int, Any], code: str) -> None:
    status, answer, _ = post(allowed, body(), models=models)
    assert (status, answer["error"]["code"]) == (400, code)


def test_an_image_that_is_too_small_for_the_packaged_models_shows_nothing(allowed: dict[str, str], post: Post) -> None:
    models = (400, {"error": {"innererror": {"code": "InvalidImageSize"}}})
    status, answer, _ = post(allowed, body(), models=models)
    assert status == 200
    assert json.loads(answer["choices"][0]["message"]["content"])["category"] == "other"


def test_a_content_filter_refuses_with_azures_error(allowed: dict[str, str], post: Post) -> None:
    status, answer, _ = post(allowed, body(), faults='{"contentFiltered": 1}')
    assert (status, answer["error"]["code"]) == (400, "content_filter")
    assert answer["error"]["innererror"]["code"] == "ResponsibleAIPolicyViolation"


@pytest.mark.parametrize(("fault", "status"), [("failing", 500), ("throttled", 429)])
def test_faults_are_those_of_vision(allowed: dict[str, str], post: Post, fault: str, status: int) -> None:
    assert post(allowed, body(), faults=f'{{"{fault}": 1}}')[0] == status


def test_beyond_its_tokens_per_minute_a_deployment_answers_429(allowed: dict[str, str], post: Post) -> None:
    # A call counts 2,489 tokens for the image, 3 for the text and 1,000 for the answer; the capacity is 10,000.
    assert post(allowed, body(), times=2)[0] == 200
    status, answer, headers = post(allowed, body(), times=3)
    assert (status, answer["error"]["code"]) == (429, "429")
    assert "have exceeded token rate limit" in answer["error"]["message"]
    assert headers["Retry-After"] == "60"


def test_a_quota_is_of_the_last_minute_and_of_each_deployment() -> None:
    now = 0.0
    quotas = TokenQuotas(lambda: now)
    quotas.reserve("/a", capacity=2, tokens=1500)
    with pytest.raises(CompletionError, match=r"token rate limit .* after 60 seconds"):
        quotas.reserve("/A", capacity=2, tokens=501)
    quotas.reserve("/b", capacity=2, tokens=2000)
    quotas.reserve("/a", capacity=2, tokens=500)
    now = 59.5
    with pytest.raises(CompletionError, match=r"call rate limit .* after 1 seconds"):
        quotas.reserve("/a", capacity=2, tokens=0)
    now = 60.0
    quotas.reserve("/a", capacity=2, tokens=2000)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"type": "array"}, "schema must be a JSON Schema"),
        ({"additionalProperties": True}, "In context=(), 'additionalProperties' is required to be supplied"),
        ({"required": ["tags"]}, "In context=(), 'required' is required to be supplied"),
        (
            {
                "properties": {"tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3}},
                "required": ["tags"],
            },
            "In context=('properties', 'tags'), 'maxItems' is not permitted.",
        ),
        (
            {"properties": {"caption": {"type": "object"}}, "required": ["caption"]},
            "In context=('properties', 'caption'), 'additionalProperties' is required",
        ),
    ],
)
def test_a_schema_that_azure_refuses_is_refused_with_its_text(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(CompletionError) as error:
        check_schema("image", schema(**changes))
    assert text in str(error.value)
    assert (error.value.status, error.value.param) == (400, "response_format")


@pytest.mark.parametrize(
    "properties",
    [
        {"mood": {"type": "string"}},
        {"tags": {"type": "array", "items": {"type": "number"}}},
        {"caption": {"type": "number"}},
        {"category": {"type": "string"}},
        {"category": {"type": "string", "enum": ["cat"]}},
        {"tags": {"type": "array", "items": {"type": "string"}, "enum": ["a"]}},
    ],
)
def test_a_property_that_the_emulator_cannot_fill_is_named(properties: dict[str, Any]) -> None:
    with pytest.raises(CompletionError, match=f"the property '{next(iter(properties))}'") as error:
        check_schema("image", schema(properties=properties, required=[*properties]))
    assert error.value.status == 501


def test_a_category_is_called_like_a_tag_or_other() -> None:
    categories = {"properties": {"category": {"type": "string", "enum": ["Street", "CAT", "other"]}}}
    assert fill(categories, tags=["dog", "cat"], caption="", lines=[]) == {"category": "CAT"}
    assert fill(categories, tags=["dog"], caption="", lines=[]) == {"category": "other"}
