"""Requests to the API: addresses, tokens, limits of the rate, and errors."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from client import tokens
from client.api import ApiClient, ApiProblemError, create_api_client
from client.errors import ClientError
from client.stack_outputs import StackOutputs
from client.tokens import AccessTokens
from tests.client.test_operations import OUTPUTS
from tests.support.fake_image_api import TOKEN, Answer, FakeImageApi, problem, serve


@pytest.fixture
def api() -> Iterator[FakeImageApi]:
    with serve() as api:
        yield api


@pytest.fixture
def client(api: FakeImageApi) -> ApiClient:
    return ApiClient(api.url, lambda: TOKEN)


@pytest.mark.parametrize(
    ("path", "target"), [("images", "/api/images?q=red+car"), ("/api/images/x", "/api/images/x?q=red+car")]
)
def test_a_path_is_below_the_api_or_one_that_it_has_answered(
    api: FakeImageApi, client: ApiClient, path: str, target: str
) -> None:
    api.plan["GET"] = [Answer(status=200, body={"items": []})]
    assert client.send("GET", path, parameters={"q": "red car"}).json() == {"items": []}
    assert api.requests == [("GET", target, None)]


def test_a_request_that_comes_too_early_is_sent_again(api: FakeImageApi, client: ApiClient) -> None:
    early = Answer(status=429, headers={"Retry-After": "0"})
    api.plan["POST"] = [early, early, Answer(status=201, body={})]
    assert client.send("POST", "uploads", body={"name": "a"}).status_code == 201
    assert len(api.requests) == 3


def test_a_problem_has_status_code_and_explanation(api: FakeImageApi, client: ApiClient) -> None:
    errors = [{"location": "query limit", "detail": "too high"}]
    api.plan["GET"] = [problem(400, "invalidRequest", "Parameters are not valid.", errors)]
    with pytest.raises(ApiProblemError) as raised:
        client.send("GET", "images")
    assert (raised.value.status, raised.value.code) == (400, "invalidRequest")
    text = "Parameters are not valid. query limit: too high"
    assert str(raised.value) == f"{api.url}/images answered 400: {text}"


@pytest.mark.parametrize("body", [None, [], {"detail": "no code"}, "x" * 1000])
def test_an_answer_that_is_no_problem_is_quoted(api: FakeImageApi, client: ApiClient, body: Any) -> None:
    api.plan["GET"] = [Answer(status=502, body=body)]
    with pytest.raises(ApiProblemError) as raised:
        client.send("GET", "images")
    assert (raised.value.status, raised.value.code) == (502, "")
    assert len(str(raised.value)) < 600


def test_an_api_that_does_not_answer_is_an_error() -> None:
    with serve() as api:
        url = api.url
    with pytest.raises(ClientError, match="/api/images does not answer: "):
        ApiClient(url, lambda: TOKEN).send("GET", "images")


def test_a_stack_without_an_api_is_an_error() -> None:
    outputs = StackOutputs(**{**vars(OUTPUTS), "image_api_url": ""})
    with pytest.raises(ClientError, match=r"the stack dev has no API: it was deployed without sign-in"):
        create_api_client("dev", outputs)


class Credential:
    """Issues tokens that are valid for some seconds, and counts them."""

    def __init__(self, *lifetimes: float) -> None:
        self.scopes: list[str] = []
        self._lifetimes = list(lifetimes)

    def get_token(self, scope: str) -> SimpleNamespace:
        self.scopes.append(scope)
        return SimpleNamespace(token=f"token {len(self.scopes)}", expires_on=1000 + self._lifetimes.pop(0))


def test_a_token_is_used_until_minutes_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = Credential(299, 301)
    monkeypatch.setattr(tokens, "DefaultAzureCredential", lambda: credential)
    monkeypatch.setattr(tokens, "time", SimpleNamespace(time=lambda: 1000))
    access_tokens = AccessTokens("dev", OUTPUTS)
    assert [access_tokens.get() for _ in range(3)] == ["token 1", "token 2", "token 2"]
    assert credential.scopes == ["client-1/.default"] * 2


def test_the_client_of_a_stack_signs_in_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = Credential(10_000_000_000)
    monkeypatch.setattr(tokens, "DefaultAzureCredential", lambda: credential)
    assert isinstance(create_api_client("dev", OUTPUTS), ApiClient)
    assert credential.scopes == ["client-1/.default"]
