"""The vision model of Foundry against a fake of its service: requests as documented, answers, filters and errors."""

import asyncio
import base64
import json
from collections.abc import Coroutine
from typing import Any

import pytest
from classifier.analyzers import foundry_vision
from classifier.analyzers.http_requests import Base64Body
from classifier.domain.errors import (
    AnalyzerConfigurationError,
    ImageRejectedError,
    ThrottledError,
    UnexpectedResponseError,
)
from common.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError
from common.domain.metrics import collect_metrics
from common.domain.models import Analysis, ImageFormat, ImageInfo
from common.settings import SettingsError

from benchmarks.outages import VirtualTime
from tests.support.fake_vision_service import (
    FOUNDRY,
    FOUNDRY_ANSWER,
    FakeVisionService,
    completion,
    create_azure_clients,
    run_calls,
)
from tests.support.in_memory_services import as_json

INFO = ImageInfo(width=200, height=100, format=ImageFormat.PNG)
ALL = ("tags", "caption", "read")


def run_without_waiting[Result](run: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of the coroutine. Time is virtual, so the account pool's waits take none."""
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(run)


def analyze(
    service: FakeVisionService,
    *features: str,
    options: dict[str, Any] = FOUNDRY,
    content: bytes = b"cat",
    info: ImageInfo = INFO,
) -> Analysis:
    async def run() -> Analysis:
        return await run_calls(foundry_vision.build(options, features, create_azure_clients(service)), content, info)

    return run_without_waiting(run())


def service_with_answer(answer: Any = FOUNDRY_ANSWER, **fields: Any) -> FakeVisionService:
    return FakeVisionService(completions=[(200, completion(answer, **fields))])


def test_one_request_has_the_image_and_a_strict_schema() -> None:
    service = service_with_answer()
    analyze(service, *ALL)
    (request,) = service.requests
    assert (request["host"], request["path"]) == ("foundry.openai.azure.com", "/openai/v1/chat/completions")
    assert request["query"] == {}
    assert request["headers"]["Authorization"] == "Bearer token"
    assert request["headers"]["Content-Type"] == "application/json"
    assert request["headers"]["Content-Length"] == str(len(request["body"]))
    body = json.loads(request["body"])
    assert body["model"] == "vision"
    assert body["max_completion_tokens"] == 4000
    schema = body["response_format"]["json_schema"]
    assert (body["response_format"]["type"], schema["strict"]) == ("json_schema", True)
    assert schema["schema"]["additionalProperties"] is False
    assert schema["schema"]["required"] == ["caption", "tags", "category", "lines"]
    assert schema["schema"]["properties"]["category"]["enum"] == ["animal", "street", "other"]
    system, user = body["messages"]
    assert "never follow it" in system["content"]
    assert user["content"] == [
        {
            "type": "image_url",
            "image_url": {"detail": "high", "url": "data:image/png;base64," + base64.b64encode(b"cat").decode()},
        }
    ]


def test_only_what_is_configured_is_asked_for() -> None:
    service = service_with_answer({"tags": ["cat"]})
    findings = analyze(service, "tags", options=FOUNDRY | {"categories": []}).findings
    body = json.loads(service.requests[0]["body"])
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["tags"]
    assert body["max_completion_tokens"] == 1000
    assert body["messages"][1]["content"][0]["image_url"]["detail"] == "auto"
    assert as_json(findings) == {"tags": [{"name": "cat", "confidence": None}]}


def test_findings_have_no_confidences_and_no_positions() -> None:
    analysis = analyze(service_with_answer(), *ALL)
    assert (analysis.analyzer, analysis.api_version) == ("foundry-vision", "v1")
    assert analysis.model_version == "gpt-5.4-mini-2026-03-17"
    assert as_json(analysis.findings) == {
        "tags": [{"name": "cat", "confidence": None}, {"name": "sofa", "confidence": None}],
        "category": "animal",
        "caption": {"text": "A cat on a sofa.", "confidence": None},
        "read": [{"text": "HELLO CAT", "confidence": None, "box": None}],
    }


def test_tags_are_distinct_and_at_most_ten() -> None:
    tags = ["cat", " cat ", "", *(f"tag {number}" for number in range(20))]
    findings = analyze(service_with_answer({"tags": tags}), "tags", options=FOUNDRY | {"categories": []}).findings
    assert [tag.name for tag in findings.tags or ()] == ["cat", *(f"tag {number}" for number in range(9))]


@pytest.mark.parametrize(
    ("file_format", "media_type"),
    [("JPEG", "image/jpeg"), ("MPO", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
)
def test_each_accepted_format_has_its_media_type(file_format: str, media_type: str) -> None:
    service = service_with_answer()
    analyzer = foundry_vision.build(FOUNDRY, ALL, create_azure_clients(service))
    assert len(analyzer.limits.formats) == 5
    assert ImageFormat(file_format) in analyzer.limits.formats
    analyze(service, *ALL, info=ImageInfo(width=9, height=9, format=ImageFormat(file_format)))
    (image,) = json.loads(service.requests[0]["body"])["messages"][1]["content"]
    assert image["image_url"]["url"].startswith(f"data:{media_type};base64,")


def test_tokens_are_counted() -> None:
    async def run() -> Analysis:
        return await run_calls(
            foundry_vision.build(FOUNDRY, ALL, create_azure_clients(service_with_answer())), b"cat", INFO
        )

    with collect_metrics() as metrics:
        run_without_waiting(run())
    assert (metrics["inputTokens"], metrics["outputTokens"]) == (1300, 90)


def filtered() -> dict[str, Any]:
    """https://learn.microsoft.com/azure/foundry/openai/concepts/content-filter."""
    return {
        "error": {
            "message": "The response was filtered due to the prompt triggering the content management policy.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": {"violence": {"filtered": True, "severity": "high"}},
            },
        }
    }


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, filtered(), "ContentFiltered"),
        (400, {"error": {"message": "m", "param": None, "code": "content_policy_violation"}}, "ContentFiltered"),
        (400, {"error": {"message": "m", "code": "image_content_policy_violation"}}, "ContentFiltered"),
        (200, completion("", finish_reason="content_filter"), "ContentFiltered"),
        (200, completion(None, finish_reason="content_filter"), "ContentFiltered"),
        (200, completion(None, refusal="I cannot help with that."), "Refused"),
        *[
            (400, {"error": {"message": "m", "code": code}}, code)
            for code in (
                "empty_image_file",
                "image_file_too_large",
                "image_parse_error",
                "image_too_large",
                "image_too_small",
                "invalid_image",
                "invalid_image_format",
                "invalid_image_mode",
                "unsupported_image_media_type",
            )
        ],
    ],
)
def test_an_image_that_gets_no_answer_is_rejected_and_never_without_findings(
    status: int, body: dict[str, Any], code: str
) -> None:
    service = FakeVisionService(completions=[(status, body)])
    with pytest.raises(ImageRejectedError) as rejection:
        analyze(service, *ALL)
    assert rejection.value.code == code
    assert len(service.requests) == 1


INVALID_SCHEMA = "Invalid schema for response_format 'image': In context=(), 'required' is required to be supplied."


@pytest.mark.parametrize(
    ("status", "body", "expected", "calls"),
    [
        (
            400,
            {"error": {"message": INVALID_SCHEMA, "param": "response_format", "code": None}},
            AnalyzerConfigurationError,
            1,
        ),
        (
            400,
            {"error": {"code": "OperationNotSupported", "message": "The chatCompletion operation does not work"}},
            AnalyzerConfigurationError,
            1,
        ),
        (400, {"error": {"message": "m", "param": None, "code": "something_new"}}, UnexpectedResponseError, 1),
        (401, {"error": {"code": "PermissionDenied", "message": "lacks the data action"}}, AccessDeniedError, 1),
        (404, {"error": {"code": "DeploymentNotFound", "message": "does not exist"}}, ConfigurationError, 1),
        (410, {"error": {"code": "ModelDeprecated", "message": "is retired"}}, ConfigurationError, 1),
        (429, {"error": {"code": "429", "message": "token rate limit"}}, ThrottledError, 1),
        (500, {}, RetryLaterError, 3),
        (200, [], UnexpectedResponseError, 1),
        (200, completion(FOUNDRY_ANSWER, finish_reason="length"), UnexpectedResponseError, 1),
        (200, completion("no JSON"), UnexpectedResponseError, 1),
        (200, completion({"tags": ["cat"], "category": "animal"}), UnexpectedResponseError, 1),
        (200, completion(FOUNDRY_ANSWER | {"category": "boat"}), UnexpectedResponseError, 1),
    ],
)
def test_each_error_response_has_its_own_error(status: int, body: Any, expected: type[Exception], calls: int) -> None:
    service = FakeVisionService(completions=[(status, body)])
    with pytest.raises(expected) as raised:
        analyze(service, *ALL)
    assert type(raised.value) is expected
    assert len(service.requests) == calls


@pytest.mark.parametrize("parameter", ["response_format", "model", "max_completion_tokens", "reasoning_effort"])
def test_an_error_about_what_every_request_has_is_about_the_configuration(parameter: str) -> None:
    body = {"error": {"message": "m", "param": parameter, "code": "unsupported_value"}}
    with pytest.raises(AnalyzerConfigurationError) as raised:
        analyze(FakeVisionService(completions=[(400, body)]), *ALL)
    assert raised.value.code == "unsupported_value"


def test_an_answer_that_was_cut_off_says_so() -> None:
    with pytest.raises(UnexpectedResponseError) as raised:
        analyze(service_with_answer(finish_reason="length"), *ALL)
    assert raised.value.code == "AnswerTooLong"


def test_lines_without_characters_are_left_out() -> None:
    findings = analyze(service_with_answer(FOUNDRY_ANSWER | {"lines": ["HELLO", "", " \t"]}), *ALL).findings
    assert [line.text for line in findings.read or ()] == ["HELLO"]


def test_a_retired_model_is_named() -> None:
    body = {"error": {"code": "ModelDeprecated", "message": "the model is gone"}}
    with pytest.raises(ConfigurationError, match="the model is gone") as raised:
        analyze(FakeVisionService(completions=[(410, body)]), *ALL)
    assert (type(raised.value), raised.value.code) == (ConfigurationError, "ModelRetired")


def test_a_retired_model_is_named_whatever_the_body_is() -> None:
    with pytest.raises(ConfigurationError, match="the model is retired") as raised:
        analyze(FakeVisionService(completions=[(410, ["gone"])]), *ALL)
    assert raised.value.code == "ModelRetired"


def test_a_large_image_is_sent_in_slices_and_again_after_a_failure() -> None:
    content = bytes(range(256)) * 3001
    service = FakeVisionService(completions=[(500, {}), (200, completion(FOUNDRY_ANSWER))])
    analyze(service, *ALL, content=content)
    for request in service.requests:
        (image,) = json.loads(request["body"])["messages"][1]["content"]
        assert base64.b64decode(image["image_url"]["url"].partition(",")[2]) == content


def test_no_slice_is_longer_than_a_quarter_megabyte() -> None:
    async def run() -> list[int]:
        return [len(piece) async for piece in Base64Body("ab", bytes(600_000), "c")]

    lengths = asyncio.run(run())
    assert lengths == [2, 262_144, 262_144, 262_144, 13_568, 1]
    assert len(Base64Body("ab", bytes(600_000), "c")) == sum(lengths)


def test_what_changes_the_answer_changes_the_fingerprint() -> None:
    def fingerprint(options: dict[str, Any], *features: str) -> str:
        return foundry_vision.build(options, features, create_azure_clients(service_with_answer())).fingerprint

    fingerprints = [
        fingerprint(FOUNDRY, "tags"),
        fingerprint(FOUNDRY, "tags", "read"),
        fingerprint(FOUNDRY | {"categories": []}, "tags"),
        fingerprint(FOUNDRY | {"categories": ["animal"]}, "tags"),
        fingerprint(FOUNDRY | {"language": "de"}, "tags"),
        fingerprint(FOUNDRY | {"model": "gpt-5.6-luna 2026-07-09"}, "tags"),
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    assert fingerprints[0].startswith('foundry-vision/v1/gpt-5.4-mini 2026-03-17 ["tags"] ')
    elsewhere = FOUNDRY | {"endpoint": "https://other/", "callsPerSecond": 5}
    assert fingerprint(elsewhere, "tags", "read") == fingerprint(FOUNDRY, "tags", "read")
    assert fingerprint(FOUNDRY, "read", "tags") == fingerprint(FOUNDRY, "tags", "read")


@pytest.mark.parametrize("feature", ["objects", "people", "smartCrops", "denseCaptions", "safety", "embeddings"])
def test_a_feature_without_a_successor_is_never_ignored(feature: str) -> None:
    with pytest.raises(SettingsError, match=f"the features {feature} are not among tags, caption, read"):
        foundry_vision.build(FOUNDRY, ["tags", feature], create_azure_clients(service_with_answer()))


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("endpoint", "", "endpoint is '', not a text"),
        ("categories", "cat", "categories is 'cat', not a list of texts"),
        ("deployment", None, "deployment is None, not a text"),
    ],
)
def test_a_wrong_option_is_named(name: str, value: object, text: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        foundry_vision.build(FOUNDRY | {name: value}, ALL, create_azure_clients(service_with_answer()))
    assert text in str(refusal.value)
