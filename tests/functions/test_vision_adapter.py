"""The Vision adapter against fakes of the service: its answers in the record's words, its verdicts, its patience."""

import io
import json
from typing import Any

import pytest
import requests
import urllib3
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import HttpRequest, HttpResponse, HttpTransport
from azure.core.rest._requests_basic import RestRequestsTransportResponse
from azure.identity import ManagedIdentityCredential
from classifier.adapters.vision import VisionAnalyzer, VisionPool
from classifier.limits import Rejected
from classifier.models import Analysis

from tests.functions.test_adapters import put

ANSWER = {
    "modelVersion": "2024-02-01",
    "metadata": {"width": 100, "height": 80},
    "tagsResult": {"values": [{"name": "cat", "confidence": 0.9}]},
    "captionResult": {"text": "a cat", "confidence": 0.8},
    "denseCaptionsResult": {
        "values": [{"text": "a paw", "confidence": 0.7, "boundingBox": {"x": 1, "y": 2, "w": 3, "h": 4}}]
    },
    "objectsResult": {
        "values": [{"boundingBox": {"x": 1, "y": 2, "w": 3, "h": 4}, "tags": [{"name": "cat", "confidence": 0.6}]}]
    },
    "peopleResult": {"values": [{"boundingBox": {"x": 5, "y": 6, "w": 7, "h": 8}, "confidence": 0.5}]},
    "smartCropsResult": {"values": [{"aspectRatio": 1.2, "boundingBox": {"x": 0, "y": 0, "w": 60, "h": 50}}]},
    "readResult": {
        "blocks": [
            {
                "lines": [
                    {
                        "text": "HELLO CAT",
                        "boundingPolygon": [
                            {"x": 10, "y": 11},
                            {"x": 50, "y": 10},
                            {"x": 51, "y": 20},
                            {"x": 9, "y": 21},
                        ],
                        "words": [{"text": "HELLO", "confidence": 0.99}, {"text": "CAT", "confidence": 0.75}],
                    }
                ]
            }
        ]
    },
}
BOX = {"x": 1, "y": 2, "width": 3, "height": 4}


def test_an_answer_is_put_into_the_records_words() -> None:
    analyzer = VisionAnalyzer("https://vision/", ManagedIdentityCredential())
    answer = type("Result", (), {"as_dict": lambda _self: ANSWER})()
    put(analyzer, answer)
    features = ["tags", "caption", "denseCaptions", "objects", "people", "smartCrops", "read"]
    analysis = analyzer.analyze(b"cat", features)
    assert analysis.model_version == "2024-02-01"
    assert analysis.findings == {
        "tags": [{"name": "cat", "confidence": 0.9}],
        "caption": {"text": "a cat", "confidence": 0.8},
        "denseCaptions": [{"text": "a paw", "confidence": 0.7, "box": BOX}],
        "objects": [{"name": "cat", "confidence": 0.6, "box": BOX}],
        "people": [{"confidence": 0.5, "box": {"x": 5, "y": 6, "width": 7, "height": 8}}],
        "smartCrops": [{"aspectRatio": 1.2, "box": {"x": 0, "y": 0, "width": 60, "height": 50}}],
        "read": [{"text": "HELLO CAT", "confidence": 0.75, "box": {"x": 9, "y": 10, "width": 42, "height": 11}}],
    }
    assert Analysis.from_item(json.loads(json.dumps(analysis.to_item("key")))) == analysis


def service_error(status: int, inner: str) -> HttpResponseError:
    body = {"error": {"code": "InvalidRequest", "message": "m", "innererror": {"code": inner, "message": "why"}}}
    response = type("Response", (), {"status_code": status, "reason": "r", "text": lambda _self: json.dumps(body)})()
    return HttpResponseError(response=response)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (service_error(400, "InvalidImageFormat"), Rejected),
        (service_error(400, "NotSupportedVisualFeature"), HttpResponseError),
        (service_error(429, "InvalidImageFormat"), HttpResponseError),
    ],
)
def test_only_a_verdict_on_the_image_is_a_rejection(error: Exception, expected: type[Exception]) -> None:
    analyzer = VisionAnalyzer("https://vision/", ManagedIdentityCredential())
    put(analyzer, error)
    with pytest.raises(expected):
        analyzer.analyze(b"cat", ["tags"])


class Throttled(HttpTransport[HttpRequest, HttpResponse]):
    """A service that refuses the first `refusals` calls with 429."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.calls = 0

    def open(self) -> None: ...

    def close(self) -> None: ...

    def __exit__(self, *_arguments: object) -> None: ...

    def sleep(self, _duration: float) -> None: ...

    def send(self, request: HttpRequest, **_named: Any) -> HttpResponse:
        self.calls += 1
        throttled = self.calls <= self.refusals
        answer = requests.Response()
        answer.status_code = 429 if throttled else 200
        answer.headers["Content-Type"] = "application/json"
        if throttled:
            answer.headers["Retry-After"] = "1"
        body = {"error": {"code": "429", "message": "slow down"}} if throttled else ANSWER
        answer.raw = urllib3.HTTPResponse(io.BytesIO(json.dumps(body).encode()), preload_content=False)
        return RestRequestsTransportResponse(request=request, internal_response=answer)


class Signed:
    """A credential that needs nobody."""

    def get_token(self, *_scopes: str, **_named: Any) -> AccessToken:
        return AccessToken("token", 4_000_000_000)


@pytest.mark.parametrize(("refusals", "succeeds"), [(0, True), (12, True), (13, False)])
def test_a_throttled_call_is_tried_again_many_times(refusals: int, succeeds: bool) -> None:
    service = Throttled(refusals)
    analyzer = VisionAnalyzer("https://vision/", Signed(), transport=service)
    if succeeds:
        assert analyzer.analyze(b"cat", ["tags"]).findings["tags"][0]["name"] == "cat"
    else:
        with pytest.raises(HttpResponseError):
            analyzer.analyze(b"cat", ["tags"])
    assert service.calls == min(refusals, 12) + 1


def test_a_pool_uses_its_accounts_in_turn() -> None:
    class Counting(VisionAnalyzer):
        calls = 0

        def analyze(self, content: bytes, features: Any) -> Analysis:
            self.calls += 1
            return Analysis(analyzer="a", api_version="1", model_version="m", findings={})

    accounts = [Counting(f"https://v{number}/", ManagedIdentityCredential()) for number in range(3)]
    pool = VisionPool(accounts)
    for _ in range(7):
        pool.analyze(b"cat", ["tags"])
    assert sorted(account.calls for account in accounts) == [2, 2, 3]
    assert pool.identity == accounts[0].identity
