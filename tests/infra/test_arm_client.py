"""Requests to Azure's management endpoints: which are repeated by themselves."""

from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest

from infra.dynamic.arm_client import authenticated_client


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
