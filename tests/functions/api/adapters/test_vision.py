"""Embeddings of texts: the request, several accounts, and which error each answer is."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aiohttp import web
from azure.core.pipeline.transport import AioHttpTransport
from common.adapters.azure_clients import AzureClients
from common.domain.errors import ConfigurationError, PipelineError, RetryLaterError
from image_api.adapters import vision
from image_api.adapters.vision import VisionTextVectorizer
from image_api.domain.errors import MissingRightError

from tests.support.fake_vision_service import FakeCredential

VECTOR = [0.25] * 1024
SUCCESS = (200, {"modelVersion": "2023-04-15", "vector": VECTOR})
THROTTLED = (429, {"error": {"code": "429"}})
FIRST, SECOND = "first.cognitiveservices.azure.com", "second.cognitiveservices.azure.com"


class Accounts:
    """Vision accounts by host: each gives its answers, status and body, in turn, the last one for ever."""

    def __init__(self, answers: Mapping[str, Sequence[tuple[int, Any]]]) -> None:
        self.requests: list[dict[str, Any]] = []
        self._answers = {host: list(of_host) for host, of_host in answers.items()}

    @property
    def hosts(self) -> list[str]:
        """The hosts of the requests."""
        return [request["host"] for request in self.requests]

    async def _answer(self, request: web.Request) -> web.Response:
        host = request.headers["Host"]
        self.requests.append(
            {
                "host": host,
                "method": request.method,
                "path": request.path,
                "query": dict(request.query),
                "body": await request.json(),
                "authorization": request.headers["Authorization"],
            }
        )
        answers = self._answers[host]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        headers = {"Retry-After": "7"} if status == 429 else {}
        if isinstance(body, str):
            return web.Response(status=status, text=body, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    def vectorize(self, *texts: str) -> list[tuple[float, ...] | PipelineError]:
        """Return the embedding of each text, or its error."""
        return asyncio.run(self._vectorize(texts))

    async def _vectorize(self, texts: Sequence[str]) -> list[tuple[float, ...] | PipelineError]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]

        class Transport(AioHttpTransport):
            async def send(self, request: Any, **options: Any) -> Any:
                host = request.url.removeprefix("https://").partition("/")[0]
                request.headers["Host"] = host
                request.url = request.url.replace(f"https://{host}", f"http://127.0.0.1:{port}")
                return await super().send(request, **options)

        results: list[tuple[float, ...] | PipelineError] = []
        try:
            async with Transport() as transport:
                credential: Any = FakeCredential()
                azure = AzureClients(credential=credential, transport=transport)
                vectorizer = VisionTextVectorizer([f"https://{host}/" for host in self._answers], azure)
                for text in texts:
                    try:
                        results.append(await vectorizer.vectorize(text))
                    except PipelineError as error:
                        results.append(error)
        finally:
            await runner.cleanup()
        return results


@pytest.fixture(autouse=True)
def ordered_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts are called in their order."""
    monkeypatch.setattr(vision.random, "shuffle", lambda accounts: accounts)


def test_the_embedding_of_a_text_is_requested_with_the_model_of_the_images() -> None:
    accounts = Accounts({FIRST: [SUCCESS]})
    assert accounts.vectorize("red car é") == [tuple(VECTOR)]
    assert accounts.requests == [
        {
            "host": FIRST,
            "method": "POST",
            "path": "/computervision/retrieval:vectorizeText",
            "query": {"api-version": "2024-02-01", "model-version": "2023-04-15"},
            "body": {"text": "red car é"},
            "authorization": "Bearer token",
        }
    ]


@pytest.mark.parametrize("answer", [THROTTLED, (500, {}), (503, "busy")])
def test_another_account_is_called_if_one_does_not_answer(answer: tuple[int, Any]) -> None:
    accounts = Accounts({FIRST: [answer], SECOND: [SUCCESS]})
    assert accounts.vectorize("cat") == [tuple(VECTOR)]
    assert accounts.hosts == [FIRST, SECOND]


def test_an_account_that_fails_again_and_again_is_left_out() -> None:
    accounts = Accounts({FIRST: [THROTTLED], SECOND: [SUCCESS]})
    assert accounts.vectorize(*["cat"] * 5) == [tuple(VECTOR)] * 5
    assert accounts.hosts.count(FIRST) == 3


def test_if_no_account_answers_the_caller_may_come_back_when_the_last_one_says() -> None:
    (error,) = Accounts({FIRST: [(500, {})], SECOND: [THROTTLED]}).vectorize("cat")
    assert isinstance(error, RetryLaterError)
    assert error.retry_after_seconds == 7


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_right_is_named(status: int) -> None:
    (error,) = Accounts({FIRST: [(status, {"error": {"code": "PermissionDenied"}})]}).vectorize("cat")
    assert isinstance(error, MissingRightError)
    assert (error.service, error.right) == (
        "Azure AI Vision",
        "Microsoft.CognitiveServices/accounts/ComputerVision/retrieval:vectorizetext/action",
    )


@pytest.mark.parametrize("status", [400, 404])
def test_a_request_that_the_service_does_not_know_is_a_wrong_configuration(status: int) -> None:
    (error,) = Accounts({FIRST: [(status, {"error": {"code": "x", "message": "no such version"}})]}).vectorize("cat")
    assert isinstance(error, ConfigurationError)
    assert error.code == "VectorizeTextRefused"


@pytest.mark.parametrize(
    "body", ["", "no JSON", {}, {"vector": None}, {"vector": VECTOR[1:]}, {"vector": [*VECTOR, 1]}]
)
def test_an_answer_without_an_embedding_of_the_right_size_is_no_embedding(body: Any) -> None:
    (error,) = Accounts({FIRST: [(200, body)]}).vectorize("cat")
    assert isinstance(error, RetryLaterError)
    assert "the response has no embedding" in str(error)
