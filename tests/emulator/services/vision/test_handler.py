"""Requests to a Vision account: tokens, roles, and what is not supported."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from emulator.core.authorization import ANALYZE
from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.gateway.proxy import ConnectionOrigins
from emulator.gateway.router import create_application
from emulator.services.vision.handler import VisionHandler
from tests.emulator.conftest import Deployment


def test_vision_needs_a_token_and_a_role(
    deployment: Deployment, identities: Identities, token: Callable[..., dict[str, str]]
) -> None:
    deployment.add("resources:ResourceGroup", resourceGroupName="rg", location="x")
    account = deployment.add(
        "cognitiveservices:Account",
        resourceGroupName="rg",
        accountName="v",
        location="x",
        properties={"customSubDomainName": "v"},
    )
    path = "/computervision/imageanalysis:analyze?features=tags"
    body: dict[str, Any] = {"data": b"cat"}

    async def models(request: Any) -> Any:
        return web.json_response({"query": dict(request.query), "bytes": len(await request.read())})

    async def conversation(headers: dict[str, str], where: str = path) -> tuple[int, Any]:
        application = web.Application()
        application.router.add_post("/analyze", models)
        async with TestServer(application) as server, ClientSession() as session:
            url = str(server.make_url("")).rstrip("/")
            vision = VisionHandler(deployment.resources, identities, session, url, Faults(Path("none")))
            handlers = {"cognitiveservices.azure.com": vision.handle}
            async with TestClient(TestServer(create_application(handlers, ConnectionOrigins()))) as client:
                full = {"Host": "v.cognitiveservices.azure.com", "Content-Type": "application/octet-stream"} | headers
                async with client.post(where, headers=full, **body) as response:
                    return response.status, await response.json()

    def post(headers: dict[str, str], where: str = path) -> tuple[int, Any]:
        return asyncio.run(conversation(headers, where))

    audience = "https://cognitiveservices.azure.com"
    assert post({})[0] == 401
    assert post({"Ocp-Apim-Subscription-Key": "key"})[0] == 401
    status, answer = post(token("function", audience))
    assert (status, answer["error"]["code"]) == (401, "PermissionDenied")
    role = deployment.role("analyst", ANALYZE)
    deployment.assign_role("function", role, account.id)
    assert post(token("function", audience)) == (200, {"query": {"features": "tags"}, "bytes": 3})
    assert post(token("function", audience), "/vision/v3.2/analyze")[0] == 501
    assert post(token("function", audience) | {"Content-Type": "application/json"})[0] == 501
