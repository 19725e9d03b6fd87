"""Requests of the analyzers, limits, fingerprints, options, and the error of each response."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest
from azure.core.exceptions import HttpResponseError
from classifier.analyzers import custom_vision, image_analysis
from classifier.analyzers.custom_vision import CustomVisionOptions
from classifier.analyzers.http_requests import ChunkedBody, build_image_request, create_client_options
from classifier.analyzers.image_analysis import ImageAnalysis, ImageAnalysisOptions
from classifier.analyzers.options import AnalyzerOptions, parse_options
from classifier.analyzers.response_mapping import map_findings, unknown_adult_content
from classifier.analyzers.responses import parse_response, read_result
from classifier.domain.errors import (
    AnalyzerConfigurationError,
    ImageRejectedError,
    ThrottledError,
    UnexpectedResponseError,
)
from classifier.domain.rate_limiter import Quota
from common.domain.errors import ConfigurationError, RetryLaterError
from common.domain.models import ImageFormat, ImageInfo
from common.settings import SettingsError

from tests.functions.pipeline.analyzers.test_analyzers import BOX_IN_RECORD, INFO, analyze, predict
from tests.support.fake_vision_service import (
    ADULT,
    ANSWER,
    BOX,
    CUSTOM,
    OPTIONS,
    PREDICTIONS,
    VECTOR,
    FakeResponse,
    FakeVisionService,
    create_azure_clients,
    run_calls,
)
from tests.support.in_memory_services import as_json

FOUR_MEBIBYTES = 4_194_304


def error_body(code: str, inner: str | None = None, message: str = "m") -> dict[str, Any]:
    inner_error = {"innererror": {"code": inner, "message": f"{inner} it is"}} if inner else {}
    return {"error": {"code": code, "message": message, **inner_error}}


def refusal(status: int, body: Any, **headers: str) -> Exception:
    with pytest.raises(Exception) as raised:  # noqa: PT011 (the caller looks at it)
        parse_response(FakeResponse(status, body, headers))  # type: ignore[arg-type]
    return raised.value


@pytest.mark.parametrize(
    "code",
    [
        "BadRequestImageFormat",
        "BadRequestImageSizeBytes",
        "FailedToProcess",
        "InvalidImage",
        "InvalidImageDimension",
        "InvalidImageFormat",
        "InvalidImageSize",
        "NotSupportedImage",
    ],
)
def test_a_code_about_the_image_rejects_it_and_only_with_400(code: str) -> None:
    for body in (error_body("InvalidRequest", code), error_body(code)):
        error = refusal(400, body)
        assert isinstance(error, ImageRejectedError)
        assert error.code == code
        assert type(refusal(409, body)) is HttpResponseError
    assert str(refusal(400, error_body("InvalidRequest", code))) == f"{code} it is"
    assert str(refusal(400, error_body(code, message="so small"))) == "so small"


@pytest.mark.parametrize(
    "code",
    [
        "BadArgument",
        "InvalidDetails",
        "InvalidModel",
        "NotSupportedFeature",
        "NotSupportedLanguage",
        "NotSupportedVisualFeature",
    ],
)
def test_a_code_about_the_request_is_a_configuration_error(code: str) -> None:
    error = refusal(400, error_body("InvalidRequest", code))
    assert type(error) is AnalyzerConfigurationError
    assert error.code == code


@pytest.mark.parametrize("status", [404, 405, 415])
@pytest.mark.parametrize("inner", [None, "InvalidImage"])
def test_what_is_not_there_is_a_configuration_error_whatever_its_code(status: int, inner: str | None) -> None:
    error = refusal(status, error_body("NotFound", inner))
    assert type(error) is ConfigurationError
    assert error.code == (inner or "NotFound")


@pytest.mark.parametrize("status", [402, 406, 409, 414, 416, 500])
def test_any_other_status_is_left_to_the_errors_of_every_service(status: int) -> None:
    assert type(refusal(status, error_body("InvalidImage"))) is HttpResponseError


def test_a_refusal_without_a_code_has_its_status_as_code() -> None:
    error = refusal(404, {})
    assert isinstance(error, ConfigurationError)
    assert error.code == "404"
    bad = refusal(400, {})
    assert isinstance(bad, UnexpectedResponseError)
    assert bad.code == "400"


def test_an_unknown_code_is_kept() -> None:
    error = refusal(400, error_body("InvalidRequest", "SomethingNew"))
    assert isinstance(error, UnexpectedResponseError)
    assert (error.code, str(error)) == ("SomethingNew", "SomethingNew it is")


@pytest.mark.parametrize(
    ("headers", "seconds"), [({}, 1.0), ({"Retry-After": "0"}, 1.0), ({"Retry-After": "12"}, 12.0)]
)
def test_a_throttled_account_is_left_for_as_long_as_it_says_and_for_a_second_if_it_does_not(
    headers: dict[str, str], seconds: float
) -> None:
    error = refusal(429, {}, **headers)
    assert isinstance(error, ThrottledError)
    assert error.retry_after_seconds == seconds


def test_an_answer_that_is_no_json_cannot_be_read() -> None:
    class NoJson(FakeResponse):
        def json(self) -> Any:
            raise json.JSONDecodeError("Expecting value", "<html>", 0)

    with pytest.raises(UnexpectedResponseError, match="answered no JSON") as raised:
        parse_response(NoJson(200, None, {}))  # type: ignore[arg-type]
    assert raised.value.code == "UnexpectedResponse"


@pytest.mark.parametrize(
    "error", [KeyError("tags"), IndexError(0), AttributeError("tags"), ValueError("high"), TypeError("None")]
)
def test_an_answer_of_another_form_is_an_unexpected_response(error: Exception) -> None:
    def read() -> None:
        raise error

    with pytest.raises(UnexpectedResponseError, match=f"cannot be read: {type(error).__name__}") as raised:
        read_result(read)
    assert raised.value.code == "UnexpectedResponse"


@pytest.mark.parametrize(("size", "whole"), [(262_144, True), (262_145, False)])
def test_a_request_has_the_type_and_length_of_its_content(size: int, *, whole: bool) -> None:
    content = bytes(size)
    request = build_image_request("https://vision.example/analyze", content, {"api-version": "1"})
    assert (request.method, request.url) == ("POST", "https://vision.example/analyze?api-version=1")
    assert request.headers["Content-Type"] == "application/octet-stream"
    assert request.headers["Content-Length"] == str(size)
    assert isinstance(request.content, bytes if whole else ChunkedBody)


def test_a_chunked_body_starts_from_the_beginning_at_every_attempt() -> None:
    slices = ChunkedBody(bytes(range(256)) * 2000)

    async def twice() -> list[bytes]:
        return [b"".join([piece async for piece in slices]) for _ in range(2)]

    assert asyncio.run(twice()) == [bytes(range(256)) * 2000] * 2


def test_a_client_authenticates_and_leaves_retries_to_the_pool() -> None:
    options = create_client_options(create_azure_clients(FakeVisionService()))
    assert [type(policy).__name__ for policy in options["policies"]] == [
        "UserAgentPolicy",
        "AsyncRetryPolicy",
        "AsyncBearerTokenCredentialPolicy",
    ]
    assert options["policies"][1].total_retries == 0
    assert options["policies"][2]._scopes == ("https://cognitiveservices.azure.com/.default",)


class RecordingPool:
    """A fake account pool; `paid` has the argument of each call."""

    def __init__(self, *answers: Any) -> None:
        self.answers = [*answers]
        self.paid: list[bool] = []

    async def call(self, _send: Callable[[Any], Awaitable[Any]], *, paid: bool = False) -> Any:
        self.paid.append(paid)
        return self.answers.pop(0)


@pytest.mark.parametrize(
    ("features", "answers", "paid"),
    [
        (("tags", "safety", "embeddings"), (ANSWER, ADULT, VECTOR), [False, True, True]),
        (("safety", "embeddings"), (ADULT, VECTOR), [False, True]),
        (("tags", "embeddings"), (ANSWER, VECTOR), [False, True]),
        (("embeddings",), (VECTOR,), [False]),
    ],
)
def test_an_images_second_call_may_wait_longer_and_its_first_may_not(
    features: Sequence[str], answers: Sequence[Any], paid: list[bool]
) -> None:
    pool: Any = RecordingPool(*answers)
    analysis = asyncio.run(run_calls(ImageAnalysis(pool, features, {}), b"cat", INFO))
    assert pool.paid == paid
    assert analysis.exclusive is False


@pytest.mark.parametrize("build", [image_analysis.build, custom_vision.build])
def test_an_analyzer_has_no_capacity_while_its_account_is_throttled(build: Any) -> None:
    service = FakeVisionService(analyze=[(429, {})], analyze32=[(429, {})])

    async def run() -> None:
        analyzer = build(OPTIONS if build is image_analysis.build else CUSTOM, ["tags"], create_azure_clients(service))
        analyzer.check_capacity()
        with pytest.raises(ThrottledError):
            await run_calls(analyzer, b"cat", INFO)
        with pytest.raises(RetryLaterError):
            analyzer.check_capacity()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("content", "info"),
    [
        (b"x", ImageInfo(width=100, height=100, format=ImageFormat.JPEG)),
        (b"x", ImageInfo(width=100, height=100, format=ImageFormat.PNG)),
        (b"x", ImageInfo(width=100, height=100, format=ImageFormat.GIF)),
        (b"x", ImageInfo(width=100, height=100, format=ImageFormat.BMP)),
        (bytes(FOUR_MEBIBYTES - 1), INFO),
        (b"x", ImageInfo(width=10_000, height=10_000, format=ImageFormat.PNG)),
    ],
    ids=["JPEG", "PNG", "GIF", "BMP", "size", "sides"],
)
def test_what_can_be_judged_is_judged(content: bytes, info: ImageInfo) -> None:
    service = FakeVisionService(analyze=[(200, ANSWER)], analyze32=[(200, ADULT)])
    analysis = analyze(service, "tags", "safety", content=content, info=info)
    assert analysis.findings.adult
    assert analysis.findings.adult.verdict == "flagged"
    assert len(service.requests) == 2


@pytest.mark.parametrize(
    ("content", "info"),
    [
        (b"x", ImageInfo(width=100, height=100, format=ImageFormat.TIFF)),
        (b"x", ImageInfo(width=100, height=100, format=ImageFormat.ICO)),
        (b"x", ImageInfo(width=100, height=100, format=ImageFormat.MPO)),
        (bytes(FOUR_MEBIBYTES), INFO),
        (b"x", ImageInfo(width=10_001, height=1, format=ImageFormat.PNG)),
        (b"x", ImageInfo(width=1, height=10_001, format=ImageFormat.PNG)),
    ],
)
def test_what_cannot_be_judged_is_not_sent(content: bytes, info: ImageInfo) -> None:
    service = FakeVisionService(analyze=[(200, ANSWER)])
    analysis = analyze(service, "tags", "safety", content=content, info=info)
    assert analysis.findings.adult
    assert analysis.findings.adult.verdict == "unknown"
    assert (len(service.requests), analysis.model_version) == (1, "2024-02-01")


def test_an_unknown_verdict_has_every_key() -> None:
    assert as_json(unknown_adult_content("too large")) == {
        "verdict": "unknown",
        "reason": "too large",
        "adult": None,
        "racy": None,
        "gory": None,
    }


def test_a_verdict_is_clear_only_if_nothing_is_flagged() -> None:
    def verdict(**flags: bool) -> str:
        judged = ADULT | {"adult": ADULT["adult"] | {"isRacyContent": False} | flags}
        adult = analyze(FakeVisionService(analyze32=[(200, judged)]), "safety").findings.adult
        assert adult
        return adult.verdict

    assert verdict() == "clear"
    assert [verdict(**{flag: True}) for flag in ("isAdultContent", "isRacyContent", "isGoryContent")] == ["flagged"] * 3


@pytest.mark.parametrize("feature", ["caption", "denseCaptions"])
@pytest.mark.parametrize("neutral", [True, False])
def test_each_kind_of_caption_asks_whether_it_is_to_be_gender_neutral(feature: str, *, neutral: bool) -> None:
    service = FakeVisionService(analyze=[(200, ANSWER)])
    analyzer = image_analysis.build(
        OPTIONS | {"genderNeutralCaptions": neutral}, [feature], create_azure_clients(service)
    )
    asyncio.run(run_calls(analyzer, b"cat", INFO))
    assert service.requests[0]["query"]["gender-neutral-caption"] == str(neutral).lower()
    assert service.requests[0]["headers"]["Content-Type"] == "application/octet-stream"


def test_without_ratios_the_service_chooses_the_crops() -> None:
    service = FakeVisionService(analyze=[(200, ANSWER)])
    analyzer = image_analysis.build(
        OPTIONS | {"smartCropAspectRatios": []}, ["smartCrops"], create_azure_clients(service)
    )
    asyncio.run(run_calls(analyzer, b"cat", INFO))
    assert service.requests[0]["query"] == {"api-version": "2023-10-01", "features": "smartCrops", "language": "en"}


def test_an_object_has_its_surest_name_alone_and_a_line_without_words_no_confidence() -> None:
    named_twice = {"boundingBox": BOX, "tags": [{"name": "cat", "confidence": 0.6}, {"name": "pet", "confidence": 0.5}]}
    findings = map_findings({"objectsResult": {"values": [named_twice]}}, ["objects"])
    assert as_json(findings.objects) == [{"name": "cat", "confidence": 0.6, "box": BOX_IN_RECORD}]
    line = {"text": "", "boundingPolygon": [{"x": 3, "y": 4}], "words": []}
    findings = map_findings({"readResult": {"blocks": [{"lines": [line]}]}}, ["read"])
    assert as_json(findings.read) == [{"text": "", "confidence": 0.0, "box": {"x": 3, "y": 4, "width": 0, "height": 0}}]


def test_all_accounts_are_called_at_their_own_hosts() -> None:
    service = FakeVisionService(analyze=[(200, ANSWER)])
    endpoints = ["https://one.cognitiveservices.azure.com/", "https://two.cognitiveservices.azure.com"]

    async def run() -> None:
        analyzer = image_analysis.build(OPTIONS | {"endpoints": endpoints}, ["tags"], create_azure_clients(service))
        for _ in range(2):
            await run_calls(analyzer, b"cat", INFO)

    asyncio.run(run())
    assert {request["host"] for request in service.requests} == {
        "one.cognitiveservices.azure.com",
        "two.cognitiveservices.azure.com",
    }
    assert {request["path"] for request in service.requests} == {"/computervision/imageanalysis:analyze"}


def test_the_fingerprints_do_not_change() -> None:
    """With another fingerprint every image would be analyzed and charged again."""
    analyzer = image_analysis.build(OPTIONS, ["tags", "read"], create_azure_clients(FakeVisionService()))
    assert analyzer.fingerprint == 'azure-image-analysis/2023-10-01/latest [["read", "tags"], [["language", "en"]]]'
    detection = CUSTOM | {"task": "detection"}
    assert custom_vision.build(
        detection, ["tags", "objects"], create_azure_clients(FakeVisionService())
    ).fingerprint == (
        'azure-custom-vision/v3.1 ["https://custom.cognitiveservices.azure.com/customvision/v3.1/Prediction/p%201'
        '/detect/iterations/Iteration2/image/nostore", "detection", ["objects", "tags"]]'
    )


def test_the_options_of_a_request_are_part_of_the_fingerprint_in_a_fixed_order() -> None:
    options = OPTIONS | {"genderNeutralCaptions": False}
    analyzer = image_analysis.build(options, ["smartCrops", "caption"], create_azure_clients(FakeVisionService()))
    assert analyzer.fingerprint == (
        'azure-image-analysis/2023-10-01/latest [["caption", "smartCrops"], [["gender-neutral-caption", "false"], '
        '["language", "en"], ["smartcrops-aspect-ratios", "0.9,1.2"]]]'
    )


def test_a_box_is_in_whole_pixels() -> None:
    box = {"left": 0.498, "top": 0.126, "width": 0.2999, "height": 0.2767}
    predictions = {"iteration": "7", "predictions": [{"probability": 0.2, "tagName": "rose", "boundingBox": box}]}
    analysis = predict(FakeVisionService(analyze32=[(200, predictions)]), "detection", "tags", "objects")
    assert as_json(analysis.findings.objects) == [
        {"name": "rose", "confidence": 0.2, "box": {"x": 100, "y": 13, "width": 60, "height": 28}}
    ]


def test_names_in_custom_visions_url_are_quoted() -> None:
    service = FakeVisionService(analyze32=[(200, PREDICTIONS)])
    options = CUSTOM | {"project": "a/b", "iteration": "c/d e"}
    asyncio.run(run_calls(custom_vision.build(options, ["tags"], create_azure_clients(service)), b"rose", INFO))
    assert service.requests[0]["path"] == (
        "/customvision/v3.1/Prediction/a%2Fb/classify/iterations/c%2Fd%20e/image/nostore"
    )
    assert service.requests[0]["query"] == {}
    assert service.requests[0]["body"] == b"rose"


def test_custom_vision_takes_four_mebibytes_and_no_more() -> None:
    assert predict(
        FakeVisionService(analyze32=[(200, PREDICTIONS)]), "multiclass", "tags", content=bytes(FOUR_MEBIBYTES)
    )
    with pytest.raises(ImageRejectedError) as rejection:
        predict(FakeVisionService(), "multiclass", "tags", content=bytes(FOUR_MEBIBYTES + 1))
    assert (rejection.value.code, rejection.value.measured, rejection.value.limit) == (
        "TooLargeForCustomVision",
        4_194_305,
        4_194_304,
    )


@pytest.mark.parametrize(("task", "exclusive"), [("multiclass", True), ("multilabel", False), ("detection", False)])
def test_only_the_tags_of_multiclass_exclude_each_other(task: str, *, exclusive: bool) -> None:
    analysis = predict(FakeVisionService(analyze32=[(200, PREDICTIONS)]), task, "tags")
    assert analysis.exclusive is exclusive
    assert analysis.api_version == "v3.1"


def test_a_prediction_without_a_type_is_a_tag() -> None:
    predictions = {"iteration": "7", "predictions": [{"probability": 0.2, "tagName": "rose"}]}
    analysis = predict(FakeVisionService(analyze32=[(200, predictions)]), "multilabel", "tags")
    assert as_json(analysis.findings) == {"tags": [{"name": "rose", "confidence": 0.2}]}


def test_a_detected_object_has_a_box() -> None:
    predictions = {"iteration": "7", "predictions": [{"probability": 0.2, "tagName": "rose", "tagType": None}]}
    with pytest.raises(UnexpectedResponseError, match=r"ValueError .*boundingBox"):
        predict(FakeVisionService(analyze32=[(200, predictions)]), "detection", "tags", "objects")


@pytest.mark.parametrize(
    ("feature", "result"),
    [
        ("tags", {"tagsResult": {"values": [{"name": "cat", "confidence": "high"}]}}),
        ("caption", {"captionResult": {"text": None, "confidence": 0.5}}),
        ("objects", {"objectsResult": {"values": [{"boundingBox": {"x": 1}, "tags": []}]}}),
        ("people", {"peopleResult": {"values": {}}}),
        ("read", {"readResult": {"blocks": [{"lines": [{"text": "", "boundingPolygon": [], "words": []}]}]}}),
        ("smartCrops", {"smartCropsResult": None}),
        ("denseCaptions", {"denseCaptionsResult": {"values": [{"text": "a", "confidence": 1}]}}),
    ],
)
def test_a_finding_of_another_type_is_an_unexpected_response(feature: str, result: Any) -> None:
    service = FakeVisionService(analyze=[(200, ANSWER | result)])
    with pytest.raises(UnexpectedResponseError, match=r"cannot be read: Val(idation|ue)Error"):
        analyze(service, feature)
    others = [name for name in ("tags", "caption", "objects") if name != feature]
    assert analyze(service, *others).findings, "what was not requested is not read"


def build_error(analyzer: Any, options: dict[str, Any], *features: str) -> str:
    """The text of the error about these options."""
    with pytest.raises(SettingsError) as raised:
        analyzer.build(options, features or ("tags",), create_azure_clients(FakeVisionService()))
    return str(raised.value)


@pytest.mark.parametrize(("analyzer", "options"), [(ImageAnalysisOptions, OPTIONS), (CustomVisionOptions, CUSTOM)])
def test_a_quota_has_whole_instances(analyzer: type[AnalyzerOptions], options: dict[str, Any]) -> None:
    values = options | {"callsPerSecond": 2.5, "instances": 4.6}
    parsed = parse_options(values, analyzer, analyzer="any", features=["tags"], supported=["tags"])
    assert parsed.quota == Quota(calls_per_second=2.5, instances=5)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("language", None, "a text"),
        ("language", 5, "a text"),
        ("language", "", "a text"),
        ("genderNeutralCaptions", "true", "true or false"),
        ("genderNeutralCaptions", 1, "true or false"),
        ("callsPerSecond", True, "a number over 0"),
        ("callsPerSecond", "5", "a number over 0"),
        ("callsPerSecond", 0, "a number over 0"),
        ("instances", -1, "a number over 0"),
        ("endpoints", "text", "a list of texts"),
        ("endpoints", [], "a list of texts"),
        ("endpoints", ["a", 5], "a list of texts"),
        ("endpoints", ["a", ""], "a list of texts"),
        ("smartCropAspectRatios", 5, "a list of numbers"),
        ("smartCropAspectRatios", [1, "2"], "a list of numbers"),
    ],
)
def test_an_option_of_another_type_is_named(name: str, value: Any, allowed: str) -> None:
    text = build_error(image_analysis, OPTIONS | {name: value})
    assert text == f"the analyzer image-analysis: {name} is {value!r}, not {allowed}"


@pytest.mark.parametrize("name", ["endpoint", "project", "iteration"])
@pytest.mark.parametrize("value", [None, "", 5])
def test_an_option_of_custom_vision_of_another_type_is_named(name: str, value: Any) -> None:
    text = build_error(custom_vision, CUSTOM | {name: value})
    assert text == f"the analyzer custom-vision: {name} is {value!r}, not a text"


@pytest.mark.parametrize(("analyzer", "options"), [(image_analysis, OPTIONS), (custom_vision, CUSTOM)])
def test_every_option_is_required(analyzer: Any, options: dict[str, Any]) -> None:
    for name in options:
        rest = {other: value for other, value in options.items() if other != name}
        assert f" {name} is None, not " in build_error(analyzer, rest)


def test_options_of_the_right_types_are_read() -> None:
    values = {
        "endpoints": ["x", "y"],
        "language": "text",
        "genderNeutralCaptions": False,
        "smartCropAspectRatios": [1, 2.5],
        "callsPerSecond": 1,
        "instances": 0.5,
    }
    parsed = parse_options(values, ImageAnalysisOptions, analyzer="any", features=["tags"], supported=["tags", "read"])
    assert parsed == ImageAnalysisOptions(
        endpoints=("x", "y"),
        language="text",
        gender_neutral_captions=False,
        smart_crop_aspect_ratios=(1.0, 2.5),
        calls_per_second=1.0,
        instances=0.5,
    )


def test_all_that_is_wrong_with_options_is_named_together_in_order() -> None:
    options = CUSTOM | {"z": 1, "y": 2, "endpoint": None, "task": None}
    assert build_error(custom_vision, options, "smells", "hears", "tags") == (
        "the analyzer custom-vision: endpoint is None, not a text; task is None, not one of multiclass, multilabel,"
        " detection; y is unknown; z is unknown; the features hears, smells are not among tags"
    )


@pytest.mark.parametrize("options", [ImageAnalysisOptions, CustomVisionOptions])
def test_every_option_has_a_description(options: type[AnalyzerOptions]) -> None:
    (_,), definitions = msgspec.json.schema_components([options])
    for name, schema in definitions[options.__name__]["properties"].items():
        assert schema["description"], name
