"""Requests to Azure's management endpoints: which are repeated by themselves."""

from itertools import count
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest

from infra.dynamic.arm_client import authenticated_client, poll_until
from tests.infra.clock import Clock


class Credential:
    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("token", 2**31)


class Unavailable:
    """As much of a response as the pipeline looks at."""

    def __init__(self, request: HttpRequest, status_code: int) -> None:
        self.request = request
        self.status_code = status_code
        self.headers: dict[str, str] = {}

    def read(self) -> bytes:
        return b""


@pytest.mark.parametrize("status", [500, 503, 504])
@pytest.mark.parametrize(("method", "times"), [("GET", 4), ("POST", 1)])
def test_a_post_is_sent_once_whatever_is_answered(
    monkeypatch: pytest.MonkeyPatch, method: str, times: int, status: int
) -> None:
    """The service may have acted on it: a package would be deployed twice."""
    sent: list[str] = []

    def send(_self: RequestsTransport, request: HttpRequest, **_options: Any) -> Unavailable:
        sent.append(request.url)
        return Unavailable(request, status)

    monkeypatch.setattr("azure.identity.DefaultAzureCredential", Credential)
    monkeypatch.setattr(RequestsTransport, "send", send)
    monkeypatch.setattr(RequestsTransport, "sleep", lambda _self, _seconds: None)
    assert authenticated_client("https://scm")(HttpRequest(method, "/api/publish")).status_code == status
    assert sent == ["https://scm/api/publish"] * times


def test_requests_carry_a_token_for_the_resource_manager_and_go_there(monkeypatch: pytest.MonkeyPatch) -> None:
    scopes: list[str] = []
    sent: list[HttpRequest] = []

    class RecordingCredential(Credential):
        def get_token(self, *requested_scopes: str, **options: Any) -> AccessToken:
            scopes.extend(requested_scopes)
            return super().get_token(*requested_scopes, **options)

    def send(_self: RequestsTransport, request: HttpRequest, **options: Any) -> Unavailable:
        assert options["stream"] is False
        sent.append(request)
        return Unavailable(request, 200)

    monkeypatch.setattr("azure.identity.DefaultAzureCredential", RecordingCredential)
    monkeypatch.setattr(RequestsTransport, "send", send)
    authenticated_client()(HttpRequest("GET", "/subscriptions/s"))
    assert scopes == ["https://management.azure.com/.default"]
    (request,) = sent
    assert request.url == "https://management.azure.com/subscriptions/s"
    assert request.headers["Authorization"] == "Bearer token"


def test_waits_double_up_to_fifteen_seconds_until_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    answers = count(1)
    assert poll_until(lambda: next(answers), lambda _answer: False, timeout_seconds=60) == 8
    assert clock.waits == [1, 2, 4, 8, 15, 15, 15]


def test_the_first_wait_can_be_shorter_and_what_is_done_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    answers = count(1)
    assert (
        poll_until(lambda: next(answers), lambda answer: answer == 4, timeout_seconds=60, first_wait_seconds=0.25) == 4
    )
    assert clock.waits == [0.25, 0.5, 1]
    assert poll_until(lambda: None, lambda _answer: True, timeout_seconds=60) is None
    assert len(clock.waits) == 3
