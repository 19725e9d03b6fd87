"""Operators' endpoints: which request is sent, and what each refusal says."""

from types import SimpleNamespace
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError

from client import operations, tokens
from client.errors import ClientError
from client.stack_outputs import StackOutputs

OUTPUTS = StackOutputs(
    images_endpoint="https://data.blob.core.windows.net/",
    images_container="images",
    records_endpoint="https://records.documents.azure.com/",
    records_database="pipeline",
    records_container="images",
    api_url="https://app.azurewebsites.net/api",
    image_api_url="https://api.azurewebsites.net/api",
    gallery_url="https://api-1.azurewebsites.net/",
    tenant_id="tenant-1",
    api_client_id="client-1",
)


class Credential:
    """Signs in, unless `error` is set."""

    error: ClientAuthenticationError | None = None
    scopes: list[str] = []  # noqa: RUF012 (each test has a subclass of its own)

    def get_token(self, scope: str) -> SimpleNamespace:
        self.scopes.append(scope)
        if self.error is not None:
            raise self.error
        return SimpleNamespace(token="secret")


class Api:
    """The app's endpoints: keeps the requests, and gives one answer to all."""

    def __init__(self, status_code: int = 200, text: str = "", json: Any = None) -> None:
        self.requests: list[tuple[str, dict[str, str], dict[str, str], float]] = []
        self._response = SimpleNamespace(status_code=status_code, text=text, json=lambda: json)

    def post(self, url: str, *, params: dict[str, str], headers: dict[str, str], timeout: float) -> SimpleNamespace:
        self.requests.append((url, params, headers, timeout))
        return self._response


@pytest.fixture
def credential(monkeypatch: pytest.MonkeyPatch) -> type[Credential]:
    class OwnCredential(Credential):
        scopes: list[str] = []  # noqa: RUF012

    monkeypatch.setattr(tokens, "DefaultAzureCredential", OwnCredential)
    monkeypatch.setattr(operations, "read_stack_outputs", lambda _stack: OUTPUTS)
    return OwnCredential


def test_the_request_carries_a_token_for_the_stacks_app_registration(
    credential: type[Credential], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(json={"redriven": 1, "kept": 0, "finished": True})
    monkeypatch.setattr(requests, "post", api.post)
    assert operations.call_operation("dev", "redrive", {"queue": "shadow"}) == {
        "redriven": 1,
        "kept": 0,
        "finished": True,
    }
    assert credential.scopes == ["client-1/.default"]
    assert api.requests == [
        (
            "https://app.azurewebsites.net/api/redrive",
            {"queue": "shadow"},
            {"Authorization": "Bearer secret"},
            240,
        ),
    ]


@pytest.mark.usefixtures("credential")
def test_a_refusal_is_an_error_with_the_beginning_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "post", Api(403, "no operator" + "x" * 1000).post)
    with pytest.raises(ClientError) as raised:
        operations.call_operation("dev", "backfill", {})
    assert str(raised.value) == "backfill was refused with 403: " + ("no operator" + "x" * 1000)[:500]


@pytest.mark.usefixtures("credential")
def test_an_app_that_cannot_be_reached_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def post(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(requests, "post", post)
    with pytest.raises(ClientError, match=r"https://app\.azurewebsites\.net/api does not answer: refused"):
        operations.call_operation("dev", "redrive", {"queue": "shadow"})


def test_without_a_sign_in_there_is_no_request(credential: type[Credential], monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api()
    monkeypatch.setattr(requests, "post", api.post)
    credential.error = ClientAuthenticationError(message="run az login")
    with pytest.raises(ClientError, match="no token for client-1: run az login"):
        operations.call_operation("dev", "redrive", {"queue": "shadow"})
    assert api.requests == []


def test_without_an_app_registration_the_error_names_the_setting(
    credential: type[Credential], monkeypatch: pytest.MonkeyPatch
) -> None:
    del credential
    outputs = StackOutputs(**{**vars(OUTPUTS), "api_client_id": ""})
    monkeypatch.setattr(operations, "read_stack_outputs", lambda _stack: outputs)
    with pytest.raises(ClientError, match=r"the stack dev was deployed without sign-in \(setting signIn"):
        operations.call_operation("dev", "redrive", {"queue": "shadow"})
