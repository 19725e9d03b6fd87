"""The sequence in which every service handles a request."""

import asyncio
import json
from typing import override

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from emulator.core.errors import ServiceError
from emulator.core.http import ServiceHandler
from emulator.core.identity import Caller, Identities, TokenError

AUDIENCE = "https://service.example"
STEPS = ["target", "network", "operation", "role", "answer"]


class RecordingHandler(ServiceHandler[str, str]):
    """Records the steps of a request; the step in `refused` raises an error."""

    def __init__(self, identities: Identities, failing_step: str = "") -> None:
        super().__init__(identities)
        self.failing_step = failing_step
        self.steps: list[str] = []

    def record(self, step: str) -> None:
        self.steps.append(step)
        if step == self.failing_step:
            raise ServiceError(418, step, f"refused by {step}", {"x-step": step})

    @override
    def find_target(self, request: web.Request) -> str:
        self.record("target")
        return "account"

    @override
    def check_network(self, request: web.Request, target: str) -> None:
        assert target == "account"
        self.record("network")

    @override
    def audiences(self, request: web.Request) -> set[str]:
        return {AUDIENCE}

    @override
    def token_error(self, request: web.Request, error: TokenError) -> ServiceError:
        return ServiceError(401, "NoToken", str(error))

    @override
    def read_operation(self, request: web.Request, target: str) -> str:
        self.record("operation")
        return "read"

    @override
    def check_role(self, caller: Caller, target: str, operation: str) -> None:
        assert (caller.object_id, target, operation) == ("alice", "account", "read")
        self.record("role")

    @override
    async def answer(self, request: web.Request, target: str, operation: str) -> web.StreamResponse:
        self.record("answer")
        return web.Response(text="content")


def send(handler: RecordingHandler, headers: dict[str, str]) -> web.Response:
    response = asyncio.run(handler.handle(make_mocked_request("GET", "/", headers=headers)))
    assert isinstance(response, web.Response)
    return response


@pytest.fixture
def signed(identities: Identities) -> dict[str, str]:
    return {"Authorization": f"Bearer {identities.issue_token('alice', AUDIENCE)[0]}"}


def test_an_allowed_request_passes_every_step(identities: Identities, signed: dict[str, str]) -> None:
    handler = RecordingHandler(identities)
    assert send(handler, signed).text == "content"
    assert handler.steps == STEPS


@pytest.mark.parametrize("step", STEPS)
def test_a_refused_step_is_the_last(identities: Identities, signed: dict[str, str], step: str) -> None:
    handler = RecordingHandler(identities, failing_step=step)
    response = send(handler, signed)
    assert (response.status, response.headers["x-step"]) == (418, step)
    assert json.loads(response.text or "") == {"error": {"code": step, "message": f"refused by {step}"}}
    assert handler.steps == STEPS[: STEPS.index(step) + 1]


def test_the_token_is_checked_after_the_network_and_before_the_operation(identities: Identities) -> None:
    handler = RecordingHandler(identities)
    other, _ = identities.issue_token("alice", "https://other.example")
    assert send(handler, {}).status == 401
    assert send(handler, {"Authorization": f"Bearer {other}"}).status == 401
    assert handler.steps == ["target", "network", "target", "network"]
