"""Requests to a Vision account: tokens, roles, what is passed on to the models, and what is not supported."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.core.resource_store import Resource
from emulator.gateway.proxy import ConnectionOrigins
from emulator.gateway.router import create_application
from emulator.services.vision.handler import VisionHandler
from tests.emulator.conftest import Deployment

ANALYZE = "/computervision/imageanalysis:analyze"
SAFETY = "/vision/v3.2/analyze"
IMAGE = "/computervision/retrieval:vectorizeImage"
TEXT = "/computervision/retrieval:vectorizeText"
_ACTIONS = "Microsoft.CognitiveServices/accounts/ComputerVision"
# As Azure lists them: https://learn.microsoft.com/azure/role-based-access-control/permissions/ai-machine-learning
ACTIONS = {
    ANALYZE: f"{_ACTIONS}/imageanalysis:analyze/action",
    SAFETY: f"{_ACTIONS}/analyze/action",
    IMAGE: f"{_ACTIONS}/retrieval:vectorizeimage/action",
    TEXT: f"{_ACTIONS}/retrieval:vectorizetext/action",
}
AUDIENCE = "https://cognitiveservices.azure.com"
Post = Callable[..., tuple[int, Any]]


@pytest.fixture
def account(deployment: Deployment) -> Resource:
    deployment.add("resources:ResourceGroup", resourceGroupName="rg", location="x")
    return deployment.add(
        "cognitiveservices:Account",
        resourceGroupName="rg",
        accountName="v",
        location="x",
        properties={"customSubDomainName": "v"},
    )


@pytest.fixture
def post(deployment: Deployment, identities: Identities) -> Post:
    """Send a request to the account; in the models' place, the answer says what arrived."""

    async def models(request: web.Request) -> web.Response:
        arrived = {"path": request.path, "query": dict(request.query), "type": request.content_type}
        return web.json_response(arrived | {"bytes": len(await request.read())})

    async def conversation(where: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        application = web.Application()
        application.router.add_post("/{path:.*}", models)
        async with TestServer(application) as server, ClientSession() as session:
            url = str(server.make_url("")).rstrip("/")
            vision = VisionHandler(deployment.resources, identities, session, url, Faults(Path("none")))
            handlers = {"cognitiveservices.azure.com": vision.handle}
            async with TestClient(TestServer(create_application(handlers, ConnectionOrigins()))) as client:
                full = {"Host": "v.cognitiveservices.azure.com", "Content-Type": "application/octet-stream"} | headers
                async with client.post(where, headers=full, data=body) as response:
                    return response.status, await response.json()

    return lambda where, headers, body=b"cat": asyncio.run(conversation(where, headers, body))


def test_vision_needs_a_token(account: Resource, post: Post) -> None:
    assert post(ANALYZE, {})[0] == 401
    assert post(TEXT, {"Ocp-Apim-Subscription-Key": "key"})[0] == 401


@pytest.mark.parametrize("path", ACTIONS)
def test_each_operation_needs_its_own_data_action_and_no_other(
    deployment: Deployment, account: Resource, post: Post, token: Callable[..., dict[str, str]], path: str
) -> None:
    others = [action for other, action in ACTIONS.items() if other != path]
    deployment.assign_role("function", deployment.role("others", *others), account.id)
    status, answer = post(path, token("function", AUDIENCE))
    assert (status, answer["error"]["code"]) == (401, "PermissionDenied")
    assert ACTIONS[path] in answer["error"]["message"]

    deployment.assign_role("function", deployment.role("analyst", ACTIONS[path]), account.id)
    headers = token("function", AUDIENCE) | {"Content-Type": "application/json; charset=utf-8"}
    assert post(f"{path}?features=tags", headers, b"{}") == (
        200,
        {"path": path, "query": {"features": "tags"}, "type": "application/json", "bytes": 2},
    )


def test_other_paths_are_not_supported(account: Resource, post: Post, token: Callable[..., dict[str, str]]) -> None:
    for path in ("/vision/v3.2/tag", "/vision/v3.1/analyze", "/computervision/imageanalysis:segment"):
        assert post(path, token("function", AUDIENCE))[0] == 501
