"""The adapters against fakes of the services: requests as they should be, answers in the record's words."""

import io
import json
from typing import Any

import pytest
import requests
import urllib3
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.core.pipeline.transport import HttpRequest, HttpResponse, HttpTransport
from azure.core.rest._requests_basic import RestRequestsTransportResponse
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from azure.identity import ManagedIdentityCredential
from classifier.adapters.blobs import BlobImages
from classifier.adapters.cosmos import CosmosAnalyses, CosmosRecords
from classifier.adapters.vision import VisionAnalyzer, VisionPool
from classifier.limits import MAX_BYTES, Rejected
from classifier.models import Analysis
from classifier.ports import Gone, Superseded
from PIL import Image

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


class FakeClient:
    """Stands where an SDK's client would: answers, or raises."""

    account_name, container_name = "acct", "images"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def call(*positional: Any, **named: Any) -> Any:
            self.calls.append(((name, *positional), named))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


class Download:
    """A download as the SDK hands it over."""

    def __init__(self, content: bytes, size: int | None = None) -> None:
        self.size = len(content) if size is None else size
        self._content = content
        settings = type("Settings", (), {"content_type": "image/png"})
        self.properties = type("P", (), {"etag": '"e1"', "content_settings": settings, "creation_time": None})
        self.read = False

    def readall(self) -> bytes:
        self.read = True
        return self._content


def put(adapter: Any, answer: Any) -> FakeClient:
    client = FakeClient(answer)
    setattr(adapter, "_client" if hasattr(adapter, "_client") else "_container", client)
    return client


@pytest.fixture
def blobs() -> BlobImages:
    return BlobImages("https://acct.blob.core.windows.net/", "images", ManagedIdentityCredential())


def test_a_blob_is_read_only_in_the_version_of_the_event(blobs: BlobImages) -> None:
    client = put(blobs, Download(b"cat"))
    blob = blobs.read("a b/é.png", "e1")
    assert (blob.content, blob.size_bytes, blob.etag) == (b"cat", 3, "e1")
    ((call, named),) = client.calls
    assert call == ("download_blob", "a b/é.png")
    assert named["etag"] == '"e1"'
    assert "length" not in named


def test_a_blob_that_is_too_large_is_not_fetched(blobs: BlobImages) -> None:
    download = Download(b"", size=MAX_BYTES + 1)
    put(blobs, download)
    blob = blobs.read("big.png", "e1")
    assert (blob.content, blob.size_bytes, download.read) == (None, MAX_BYTES + 1, False)


@pytest.mark.parametrize(
    ("error", "expected"), [(ResourceNotFoundError(), Gone), (ResourceModifiedError(), Superseded)]
)
def test_a_blob_that_went_or_changed_is_told_apart(
    blobs: BlobImages, error: Exception, expected: type[Exception]
) -> None:
    put(blobs, error)
    with pytest.raises(expected):
        blobs.read("a.png", "e1")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "ICO"])
def test_headers_of_every_format_are_read(blobs: BlobImages, kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 60)).save(buffer, format=kind, **({"sizes": [(64, 60)]} if kind == "ICO" else {}))
    info = blobs.inspect(buffer.getvalue())
    assert (info.width, info.height, info.format) == (64, 60, kind)


@pytest.mark.parametrize("content", [b"text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_is_no_image_is_rejected(blobs: BlobImages, content: bytes) -> None:
    with pytest.raises(Rejected, match="not an image"):
        blobs.inspect(content)


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


def test_a_record_is_created_or_replaced_under_its_etag() -> None:
    client = FakeClient({})
    records = CosmosRecords(client)  # type: ignore[arg-type]
    records.put({"id": "1"}, None)
    records.put({"id": "1"}, {"id": "1", "_etag": "e"})
    assert [call[0][0] for call in client.calls] == ["create_item", "replace_item"]
    assert client.calls[1][1]["etag"] == "e"


@pytest.mark.parametrize(
    "error", [CosmosResourceExistsError(), CosmosAccessConditionFailedError(), CosmosResourceNotFoundError()]
)
def test_a_record_that_somebody_else_wrote_is_never_overwritten(error: Exception) -> None:
    records = CosmosRecords(FakeClient(error))  # type: ignore[arg-type]
    with pytest.raises(Superseded):
        records.put({"id": "1"}, {"_etag": "e"})


def test_what_is_not_there_is_none_and_a_cached_analysis_stays() -> None:
    missing = FakeClient(CosmosResourceNotFoundError())
    assert CosmosRecords(missing).get("1") is None  # type: ignore[arg-type]
    assert CosmosAnalyses(missing).get("1") is None  # type: ignore[arg-type]
    analysis = Analysis(analyzer="a", api_version="1", model_version="m", findings={})
    CosmosAnalyses(FakeClient(CosmosResourceExistsError())).put("1", analysis)  # type: ignore[arg-type]
