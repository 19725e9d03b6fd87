"""Fake of Azure AI Vision and Custom Vision: a transport with responses as documented."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azure.core.credentials import AccessToken
from classifier.domain.ports import Analyzer, LongRunningCall
from common.adapters.azure_clients import AzureClients
from common.domain.models import Analysis, ImageInfo

from tests.support.fake_transport import FakeResponse, FakeTransport, read_content

BOX = {"x": 1, "y": 2, "w": 3, "h": 4}


CORNERS = [{"x": 10, "y": 11}, {"x": 50, "y": 10}, {"x": 51, "y": 20}, {"x": 9, "y": 21}]


WORDS = [{"text": "HELLO", "confidence": 0.99}, {"text": "CAT", "confidence": 0.75}]


ANSWER = {
    "modelVersion": "2024-02-01",
    "tagsResult": {"values": [{"name": "cat", "confidence": 0.9}]},
    "captionResult": {"text": "a cat", "confidence": 0.8},
    "denseCaptionsResult": {"values": [{"text": "a paw", "confidence": 0.7, "boundingBox": BOX}]},
    "objectsResult": {"values": [{"boundingBox": BOX, "tags": [{"name": "cat", "confidence": 0.6}]}]},
    "peopleResult": {"values": [{"boundingBox": BOX, "confidence": 0.5}]},
    "smartCropsResult": {"values": [{"aspectRatio": 1.2, "boundingBox": BOX}]},
    "readResult": {"blocks": [{"lines": [{"text": "HELLO CAT", "boundingPolygon": CORNERS, "words": WORDS}]}]},
}


ADULT = {
    "adult": {
        "isAdultContent": False,
        "isRacyContent": True,
        "isGoryContent": False,
        "adultScore": 0.1,
        "racyScore": 0.8,
        "goreScore": 0.01,
    },
    "modelVersion": "2021-05-01",
}


VECTOR = {"modelVersion": "2023-04-15", "vector": [0.25, -0.5]}


PREDICTIONS = {
    "iteration": "7d9c",
    "predictions": [
        {
            "probability": 0.75,
            "tagName": "rose",
            "tagType": "Regular",
            "boundingBox": {"left": 0.1, "top": 0.2, "width": 0.5, "height": 0.25},
        },
        {
            "probability": 0.5,
            "tagName": "rose",
            "tagType": "Regular",
            "boundingBox": {"left": 0, "top": 0, "width": 1, "height": 1},
        },
        {
            "probability": 0.6,
            "tagName": "tulip",
            "tagType": "Regular",
            "boundingBox": {"left": 0, "top": 0, "width": 1, "height": 1},
        },
        {
            "probability": 0.1,
            "tagName": "none",
            "tagType": "Negative",
            "boundingBox": {"left": 0, "top": 0, "width": 1, "height": 1},
        },
    ],
}


class FakeVisionService(FakeTransport):
    """Responses by path, each a list of status and body: they are returned in turn, the last one for ever.

    `requests` are the requests that were sent.
    """

    def __init__(self, **responses: list[tuple[int, Any]]) -> None:
        self.responses = responses
        self.requests: list[dict[str, Any]] = []

    async def send(self, request: Any, **_: Any) -> Any:
        url = urlsplit(request.url)
        self.requests.append(
            {
                "host": url.hostname,
                "path": url.path,
                "query": {name: values[0] for name, values in parse_qs(url.query).items()},
                "body": await read_content(request),
                "headers": dict(request.headers),
            }
        )
        operation = url.path.rpartition("/")[2]
        if operation != "completions":
            operation = operation.partition(":")[2] or "analyze32"
        responses = self.responses[operation]
        status, body = responses.pop(0) if len(responses) > 1 else responses[0]
        headers = {"Retry-After": "60"} if status == 429 else {}
        return FakeResponse(status, body, headers)


class FakeCredential:
    """A credential with a constant token."""

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://cognitiveservices.azure.com/.default",)
        return AccessToken("token", 4_000_000_000)

    async def close(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


OPTIONS: dict[str, Any] = {
    "endpoints": ["https://vision.cognitiveservices.azure.com/"],
    "language": "en",
    "genderNeutralCaptions": True,
    "smartCropAspectRatios": [0.9, 1.2],
    "callsPerSecond": 100,
    "instances": 1,
}


CUSTOM: dict[str, Any] = {
    "endpoint": "https://custom.cognitiveservices.azure.com/",
    "project": "p 1",
    "iteration": "Iteration2",
    "task": "multiclass",
    "callsPerSecond": 100,
    "instances": 1,
}


FOUNDRY: dict[str, Any] = {
    "endpoint": "https://foundry.openai.azure.com/",
    "deployment": "vision",
    "model": "gpt-5.4-mini 2026-03-17",
    "categories": ["animal", "street"],
    "language": "en",
    "callsPerSecond": 100,
    "instances": 1,
}


FOUNDRY_ANSWER: dict[str, Any] = {
    "caption": "A cat on a sofa.",
    "tags": ["cat", "sofa"],
    "category": "animal",
    "lines": ["HELLO CAT"],
}


def completion(answer: Any, *, finish_reason: str = "stop", refusal: str | None = None) -> dict[str, Any]:
    """Return a chat completion whose content is an answer as JSON, or a text as it is."""
    content = answer if isinstance(answer, str) or answer is None else json.dumps(answer)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-5.4-mini-2026-03-17",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": content, "refusal": refusal},
            }
        ],
        "usage": {"prompt_tokens": 1300, "completion_tokens": 90, "total_tokens": 1390},
    }


def create_azure_clients(service: FakeVisionService) -> AzureClients:
    """Create the clients of an analyzer that calls the fake service."""
    return AzureClients(credential=FakeCredential(), transport=service)  # type: ignore[arg-type]


async def run_calls(analyzer: Analyzer, content: bytes, info: ImageInfo) -> Analysis:
    """Make all calls of an analyzer for one image, without a cache."""
    results: list[Analysis] = []
    for call in analyzer.calls:
        assert not isinstance(call, LongRunningCall), "run_calls waits for no operation"
        results.append(await call.analyze(content, info, paid=bool(results)))
    return Analysis.combine(results)
