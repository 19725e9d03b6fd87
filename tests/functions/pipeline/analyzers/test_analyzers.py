"""The analyzers against a fake of their services: requests as documented, answers in the record's words, verdicts."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
from classifier.analyzers import custom_vision, image_analysis
from classifier.analyzers.http_requests import ChunkedBody
from classifier.domain.errors import (
    AnalyzerConfigurationError,
    ImageRejectedError,
    ThrottledError,
    UnexpectedResponseError,
)
from common.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError
from common.domain.models import Analysis, ImageFormat, ImageInfo
from common.settings import SettingsError

from benchmarks.outages import VirtualTime
from tests.support.fake_vision_service import (
    ADULT,
    ANSWER,
    CUSTOM,
    OPTIONS,
    PREDICTIONS,
    VECTOR,
    FakeVisionService,
    create_azure_clients,
    run_calls,
)
from tests.support.in_memory_services import as_json

INFO = ImageInfo(width=200, height=100, format=ImageFormat.PNG)
BOX_IN_RECORD = {"x": 1, "y": 2, "width": 3, "height": 4}


def run_without_waiting[Result](run: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of the coroutine. Time is virtual, so the account pool's waits take none."""
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(run)


def analyze(service: FakeVisionService, *features: str, content: bytes = b"cat", info: ImageInfo = INFO) -> Analysis:
    async def run() -> Analysis:
        return await run_calls(image_analysis.build(OPTIONS, features, create_azure_clients(service)), content, info)

    return run_without_waiting(run())


def predict(service: FakeVisionService, task: str, *features: str, content: bytes = b"rose") -> Analysis:
    async def run() -> Analysis:
        analyzer = custom_vision.build(CUSTOM | {"task": task}, features, create_azure_clients(service))
        return await run_calls(analyzer, content, INFO)

    return run_without_waiting(run())


def test_every_visual_feature_is_asked_for_in_one_call_and_put_into_the_records_words() -> None:
    service = FakeVisionService(analyze=[(200, ANSWER)])
    features = ("tags", "caption", "denseCaptions", "objects", "people", "smartCrops", "read")
    analysis = analyze(service, *features)
    (request,) = service.requests
    assert request["path"] == "/computervision/imageanalysis:analyze"
    assert request["query"] == {
        "api-version": "2023-10-01",
        "features": ",".join(features),
        "language": "en",
        "gender-neutral-caption": "true",
        "smartcrops-aspect-ratios": "0.9,1.2",
    }
    assert request["body"] == b"cat"
    assert request["headers"]["Content-Length"] == "3"
    assert request["headers"]["Authorization"] == "Bearer token"
    assert (analysis.analyzer, analysis.model_version) == ("azure-image-analysis", "2024-02-01")
    assert as_json(analysis.findings) == {
        "tags": [{"name": "cat", "confidence": 0.9}],
        "caption": {"text": "a cat", "confidence": 0.8},
        "denseCaptions": [{"text": "a paw", "confidence": 0.7, "box": BOX_IN_RECORD}],
        "objects": [{"name": "cat", "confidence": 0.6, "box": BOX_IN_RECORD}],
        "people": [{"confidence": 0.5, "box": BOX_IN_RECORD}],
        "smartCrops": [{"aspectRatio": 1.2, "box": BOX_IN_RECORD}],
        "read": [{"text": "HELLO CAT", "confidence": 0.75, "box": {"x": 9, "y": 10, "width": 42, "height": 11}}],
    }
    assert msgspec.json.decode(msgspec.json.encode(analysis), type=Analysis) == analysis


def test_options_of_captions_and_crops_are_sent_only_with_these_features() -> None:
    service = FakeVisionService(analyze=[(200, ANSWER)])
    analyze(service, "tags")
    assert service.requests[0]["query"] == {"api-version": "2023-10-01", "features": "tags", "language": "en"}


def test_safety_gives_scores_and_a_verdict() -> None:
    service = FakeVisionService(analyze=[(200, ANSWER)], analyze32=[(200, ADULT)])
    analysis = analyze(service, "tags", "safety")
    assert service.requests[1]["path"] == "/vision/v3.2/analyze"
    assert service.requests[1]["query"] == {"visualFeatures": "Adult"}
    assert as_json(analysis.findings)["adult"] == {
        "verdict": "flagged",
        "reason": None,
        "adult": {"flagged": False, "score": 0.1},
        "racy": {"flagged": True, "score": 0.8},
        "gory": {"flagged": False, "score": 0.01},
    }
    assert analysis.model_version == "2024-02-01, 3.2 2021-05-01"


@pytest.mark.parametrize(
    ("content", "info"),
    [
        (b"x", ImageInfo(width=100, height=100, format=ImageFormat.WEBP)),
        (bytes(4 * 1024 * 1024), INFO),
        (b"x", ImageInfo(width=10_001, height=100, format=ImageFormat.PNG)),
    ],
)
def test_what_cannot_be_judged_is_never_clear(content: bytes, info: ImageInfo) -> None:
    analysis = analyze(FakeVisionService(analyze=[(200, ANSWER)]), "tags", "safety", content=content, info=info)
    assert analysis.findings.adult
    assert analysis.findings.adult.verdict == "unknown"
    assert analysis.findings.adult.reason


def test_an_embedding_is_a_finding_of_its_own() -> None:
    service = FakeVisionService(vectorizeImage=[(200, VECTOR)])
    analysis = analyze(service, "embeddings")
    assert service.requests[0]["path"] == "/computervision/retrieval:vectorizeImage"
    assert service.requests[0]["query"] == {"api-version": "2024-02-01", "model-version": "2023-04-15"}
    assert as_json(analysis.findings) == {"vector": [0.25, -0.5]}
    assert analysis.model_version == "vectorizeImage 2023-04-15"


def test_classification_keeps_every_tag_and_says_whether_they_exclude_each_other() -> None:
    service = FakeVisionService(analyze32=[(200, PREDICTIONS)])
    analysis = predict(service, "multiclass", "tags")
    (request,) = service.requests
    assert request["path"] == "/customvision/v3.1/Prediction/p%201/classify/iterations/Iteration2/image/nostore"
    assert request["headers"]["Authorization"] == "Bearer token"
    assert as_json(analysis.findings) == {
        "tags": [{"name": "rose", "confidence": 0.75}, {"name": "tulip", "confidence": 0.6}]
    }
    assert (analysis.analyzer, analysis.model_version) == ("azure-custom-vision", "7d9c")
    assert analysis.exclusive
    assert not predict(service, "multilabel", "tags").exclusive


def test_detection_has_boxes_in_pixels() -> None:
    service = FakeVisionService(analyze32=[(200, PREDICTIONS)])
    analysis = predict(service, "detection", "tags", "objects")
    assert "/detect/iterations/" in service.requests[0]["path"]
    assert analysis.findings.objects
    assert as_json(analysis.findings.objects[0]) == {
        "name": "rose",
        "confidence": 0.75,
        "box": {"x": 20, "y": 20, "width": 100, "height": 25},
    }
    assert len(analysis.findings.objects) == 3


def test_custom_vision_takes_four_megabytes() -> None:
    with pytest.raises(ImageRejectedError) as rejection:
        predict(FakeVisionService(), "multiclass", "tags", content=bytes(4 * 1024 * 1024 + 1))
    assert rejection.value.measured == 4 * 1024 * 1024 + 1


def trouble(inner: str) -> dict[str, Any]:
    return {"error": {"code": "InvalidRequest", "message": "m", "innererror": {"code": inner, "message": "why"}}}


TOO_LARGE = {
    "error": {
        "code": "InvalidRequest",
        "message": "The image size is not allowed to be zero or larger than 20971520 bytes.",
    }
}


@pytest.mark.parametrize("call", [analyze, lambda service, *features: predict(service, "multiclass", *features)])
@pytest.mark.parametrize(
    ("status", "body", "expected", "calls"),
    [
        (400, trouble("InvalidImageFormat"), ImageRejectedError, 1),
        (400, trouble("FailedToProcess"), ImageRejectedError, 1),
        (400, TOO_LARGE, ImageRejectedError, 1),
        (400, trouble("NotSupportedVisualFeature"), AnalyzerConfigurationError, 1),
        (400, trouble("SomethingNew"), UnexpectedResponseError, 1),
        (404, {"error": {"code": "NotFound", "message": "no such iteration"}}, ConfigurationError, 1),
        (401, {"error": {"code": "401", "message": "no"}}, AccessDeniedError, 1),
        (403, {"error": {"code": "PermissionDenied", "message": "not yet"}}, AccessDeniedError, 1),
        (408, {}, RetryLaterError, 3),
        (500, {"error": {"code": "InternalServerError", "message": "sorry"}}, RetryLaterError, 3),
        (503, {}, RetryLaterError, 3),
        (429, {"error": {"code": "429", "message": "slow down"}}, ThrottledError, 1),
        (200, [], UnexpectedResponseError, 1),
        (200, {"iteration": 1, "modelVersion": "m"}, UnexpectedResponseError, 1),
    ],
)
def test_each_error_response_has_its_own_error(
    call: Callable[..., Analysis], status: int, body: Any, expected: type[Exception], calls: int
) -> None:
    service = FakeVisionService(analyze=[(status, body)], analyze32=[(status, body)])
    with pytest.raises(expected) as raised:
        call(service, "tags")
    assert type(raised.value) is expected
    assert len(service.requests) == calls


SIZE = "The image size is not allowed to be zero or larger than 20971520 bytes."
DIMENSION = "The image dimension is not allowed to be smaller than 50 and larger than 16000."


@pytest.mark.parametrize(
    ("error", "expected", "code"),
    [
        # https://learn.microsoft.com/answers/questions/1688452
        ({"message": SIZE}, ImageRejectedError, "InvalidImageSize"),
        (
            {"message": DIMENSION, "innererror": {"code": "InvalidImageSize", "message": DIMENSION}},
            ImageRejectedError,
            "InvalidImageSize",
        ),
        # The error codes of https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/call-analyze-image-40
        (
            {"message": "The feature 'Caption' is not supported in this region."},
            AnalyzerConfigurationError,
            "InvalidRequest",
        ),
        (
            {"message": "The provided image content type image/png is not supported."},
            AnalyzerConfigurationError,
            "InvalidRequest",
        ),
        (
            {"message": "m", "innererror": {"code": "FailedToProcess", "message": "why"}},
            ImageRejectedError,
            "FailedToProcess",
        ),
        (
            {"message": "m", "innererror": {"code": "BadArgument", "message": "why"}},
            AnalyzerConfigurationError,
            "BadArgument",
        ),
    ],
)
def test_the_services_own_answers_about_an_image_reject_it_and_others_do_not(
    error: dict[str, Any], expected: type[ImageRejectedError | AnalyzerConfigurationError], code: str
) -> None:
    service = FakeVisionService(analyze=[(400, {"error": {"code": "InvalidRequest", **error}})])
    with pytest.raises(expected) as raised:
        analyze(service, "tags")
    assert raised.value.code == code
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        {},
        ANSWER | {"tagsResult": None},
        ANSWER | {"tagsResult": {"values": [{"name": "cat"}]}},
        {key: value for key, value in ANSWER.items() if key != "modelVersion"},
    ],
)
def test_an_answer_of_another_form_is_not_paid_for_again(body: Any) -> None:
    service = FakeVisionService(analyze=[(200, body)])
    with pytest.raises(UnexpectedResponseError) as refusal:
        analyze(service, "tags")
    assert (refusal.value.code, len(service.requests)) == ("UnexpectedResponse", 1)


@pytest.mark.parametrize(("feature", "field"), [("safety", "adult"), ("embeddings", "vector")])
def test_every_call_of_an_image_has_its_form(feature: str, field: str) -> None:
    service = FakeVisionService(analyze=[(200, ANSWER)], analyze32=[(200, {})], vectorizeImage=[(200, {})])
    with pytest.raises(UnexpectedResponseError, match=f"ValidationError .*missing required field `{field}`"):
        analyze(service, feature)


def test_predictions_have_their_form() -> None:
    with pytest.raises(UnexpectedResponseError, match=r"ValidationError .*`predictions`"):
        predict(FakeVisionService(analyze32=[(200, {"iteration": "7d9c"})]), "multiclass", "tags")


def test_a_passing_fault_is_tried_again_with_the_whole_image() -> None:
    service = FakeVisionService(analyze=[(500, {}), (200, ANSWER)])
    content = bytes(range(256)) * 3000
    assert analyze(service, "tags", content=content).findings.tags
    assert [request["body"] == content for request in service.requests] == [True, True]


def test_an_image_is_sent_in_chunks() -> None:
    async def run() -> list[int]:
        return [len(piece) async for piece in ChunkedBody(bytes(600_000))]

    assert asyncio.run(run()) == [262_144, 262_144, 75_712]


@pytest.mark.parametrize(
    ("analyzer", "options", "text"),
    [
        (image_analysis, OPTIONS | {"endpoints": []}, "endpoints is [], not a list of texts"),
        (image_analysis, OPTIONS | {"instances": 0}, "instances is 0, not a number over 0"),
        (image_analysis, OPTIONS | {"speed": 1}, "speed is unknown"),
        (custom_vision, CUSTOM | {"task": "guess"}, "task is 'guess', not one of multiclass, multilabel, detection"),
        (custom_vision, CUSTOM | {"project": ""}, "project is '', not a text"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(analyzer: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        analyzer.build(options, ["tags"], create_azure_clients(FakeVisionService()))
    assert text in str(refusal.value)


@pytest.mark.parametrize(
    ("analyzer", "options", "feature"),
    [(image_analysis, OPTIONS, "smells"), (custom_vision, CUSTOM, "caption"), (custom_vision, CUSTOM, "objects")],
)
def test_a_feature_that_the_analyzer_lacks_is_never_ignored(analyzer: Any, options: Any, feature: str) -> None:
    with pytest.raises(SettingsError, match=f"the features {feature} are not among"):
        analyzer.build(options, ["tags", feature], create_azure_clients(FakeVisionService()))


def test_the_request_is_part_of_the_fingerprint() -> None:
    def fingerprint(options: dict[str, Any], *features: str) -> str:
        return image_analysis.build(options, features, create_azure_clients(FakeVisionService())).fingerprint

    azure = create_azure_clients(FakeVisionService())
    fingerprints = [
        fingerprint(OPTIONS, "tags"),
        fingerprint(OPTIONS, "tags", "read"),
        fingerprint(OPTIONS | {"language": "es"}, "tags"),
        fingerprint(OPTIONS, "caption"),
        fingerprint(OPTIONS | {"genderNeutralCaptions": False}, "caption"),
        custom_vision.build(CUSTOM, ["tags"], azure).fingerprint,
        custom_vision.build(CUSTOM | {"iteration": "3"}, ["tags"], azure).fingerprint,
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    more = OPTIONS | {"endpoints": ["https://other/"], "callsPerSecond": 5}
    assert fingerprint(more, "read", "tags") == fingerprint(OPTIONS, "tags", "read")
