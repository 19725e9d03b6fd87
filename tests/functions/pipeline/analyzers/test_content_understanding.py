"""Content Understanding against a fake of its service: requests as documented, operations, findings and errors."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from classifier.analyzers import content_understanding
from classifier.domain.errors import (
    AnalyzerConfigurationError,
    ImageRejectedError,
    OperationLostError,
    OperationRunningError,
    OperationThrottledError,
    ThrottledError,
    UnexpectedResponseError,
)
from classifier.domain.models import LongRunningOperation
from classifier.domain.ports import LongRunningCall
from common.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError
from common.domain.metrics import collect_metrics
from common.domain.models import Analysis, ImageFormat, ImageInfo, Tokens
from common.settings import SettingsError
from msgspec import UNSET

from benchmarks.outages import VirtualTime
from tests.support.fake_content_understanding import (
    ANALYZER,
    CONTENT_UNDERSTANDING,
    FIELDS,
    PAGE,
    READ,
    READ_USAGE,
    TEXT,
    UNFINISHED,
    USAGE,
    FakeContentUnderstanding,
    failed,
    succeeded,
)
from tests.support.fake_vision_service import create_azure_clients
from tests.support.in_memory_services import as_json

INFO = ImageInfo(width=200, height=100, format=ImageFormat.PNG)
ALL = ("tags", "caption", "read")
HOST = "https://content1.services.ai.azure.com/contentunderstanding"
OPERATION = LongRunningOperation(account="content1.services.ai.azure.com", id="op-1")


def run_without_waiting[Result](run: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of the coroutine. Time is virtual, so the account pool's waits take none."""
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(run)


def analyze(
    service: FakeContentUnderstanding, *features: str, options: dict[str, Any] = CONTENT_UNDERSTANDING
) -> Analysis:
    """Start every operation of an analyzer, and return what their results make."""

    async def run() -> Analysis:
        azure = create_azure_clients(service)  # type: ignore[arg-type]
        analyzer = content_understanding.build(options, features, azure)
        results: list[Analysis] = []
        for call in analyzer.calls:
            assert isinstance(call, LongRunningCall)
            operation, _ = await call.start(b"cat", INFO, paid=bool(results))
            results.append(await call.get_result(operation))
        return Analysis.combine(results)

    return run_without_waiting(run())


def generated(body: Any, status: int = 200, **headers: str) -> FakeContentUnderstanding:
    """Return a service whose operations of the stack's own analyzer have this response."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return FakeContentUnderstanding({ANALYZER: [(status, body, named)], READ: [(200, succeeded(TEXT), {})]})


def starting(status: int, body: Any, **headers: str) -> FakeContentUnderstanding:
    """Return a service that answers every POST like this."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return FakeContentUnderstanding(starts=[(status, body, named)])


def test_each_analysis_is_one_post_with_the_image_and_one_get() -> None:
    service = FakeContentUnderstanding()
    analyze(service, *ALL)
    assert [(request["method"], request["url"], request["query"], request["body"]) for request in service.requests] == [
        (
            "POST",
            f"{HOST}/analyzers/{ANALYZER}:analyzeBinary",
            {"api-version": "2025-11-01", "stringEncoding": "codePoint"},
            b"cat",
        ),
        ("GET", f"{HOST}/analyzerResults/op-1", {"api-version": "2025-11-01"}, None),
        (
            "POST",
            f"{HOST}/analyzers/{READ}:analyzeBinary",
            {"api-version": "2025-11-01", "stringEncoding": "codePoint", "processingLocation": "geography"},
            b"cat",
        ),
        ("GET", f"{HOST}/analyzerResults/op-2", {"api-version": "2025-11-01"}, None),
    ]
    assert {request["headers"]["Authorization"] for request in service.requests} == {"Bearer token"}
    assert service.requests[0]["headers"]["Content-Type"] == "application/octet-stream"


def test_findings_are_those_of_both_analyzers() -> None:
    with collect_metrics() as metrics:
        analysis = analyze(FakeContentUnderstanding(), *ALL)
    assert (analysis.analyzer, analysis.api_version) == ("content-understanding", "2025-11-01")
    assert analysis.model_version == f"gpt-5.4-mini 2026-03-17 {ANALYZER}, prebuilt-read"
    assert as_json(analysis.findings) == {
        "tags": [{"name": "cat", "confidence": None}, {"name": "sofa", "confidence": None}],
        "category": "animal",
        "caption": {"text": "A cat on a sofa.", "confidence": None},
        "read": [
            {"text": "HELLO CAT", "confidence": 0.75, "box": {"x": 9, "y": 10, "width": 42, "height": 11}},
            {"text": "BYE", "confidence": 0.5, "box": {"x": 9, "y": 40, "width": 42, "height": 11}},
        ],
    }
    assert {name: metrics[name] for name in ("visionCalls", "polls", "inputTokens", "outputTokens")} == {
        "visionCalls": 2,
        "polls": 2,
        "inputTokens": 1100,
        "outputTokens": 90,
    }
    assert analysis.tokens == Tokens(input=1100, output=90)
    assert "emptyAnalysis" not in metrics


@pytest.mark.parametrize(
    ("usage", "read_usage", "tokens"),
    [
        (USAGE, USAGE, Tokens(input=2200, output=180)),
        (READ_USAGE, USAGE, Tokens(input=1100, output=90)),
        (READ_USAGE, READ_USAGE, UNSET),
        (None, None, UNSET),
    ],
)
def test_tokens_are_those_of_the_operations_that_report_them(usage: Any, read_usage: Any, tokens: Any) -> None:
    service = FakeContentUnderstanding(
        {
            ANALYZER: [(200, succeeded({"fields": FIELDS}, usage=usage), {})],
            READ: [(200, succeeded(TEXT, usage=read_usage), {})],
        }
    )
    with collect_metrics() as metrics:
        assert analyze(service, *ALL).tokens == tokens
    known = {} if tokens is UNSET else {"inputTokens": tokens.input, "outputTokens": tokens.output}
    assert {name: metrics[name] for name in ("inputTokens", "outputTokens") if name in metrics} == known


@pytest.mark.parametrize(
    ("features", "categories", "analyzers"),
    [
        (("tags",), [], [ANALYZER]),
        (("caption", "read"), [], [ANALYZER, READ]),
        (("read",), [], [READ]),
        (("read",), ["animal"], [ANALYZER, READ]),
    ],
)
def test_only_the_analyzers_are_called_that_have_something_to_find(
    features: tuple[str, ...], categories: list[str], analyzers: list[str]
) -> None:
    service = FakeContentUnderstanding()
    analyze(service, *features, options=CONTENT_UNDERSTANDING | {"categories": categories})
    assert [*service.operations.values()] == analyzers


def test_only_what_was_requested_is_a_finding() -> None:
    findings = analyze(FakeContentUnderstanding(), "tags", options=CONTENT_UNDERSTANDING | {"categories": []}).findings
    assert as_json(findings) == {"tags": [{"name": "cat", "confidence": None}, {"name": "sofa", "confidence": None}]}


@pytest.mark.parametrize("fields", [{}, {"caption": {"type": "string"}, "tags": {"type": "array"}}, None])
def test_an_analysis_without_any_value_is_one_without_findings_and_is_counted(fields: Any) -> None:
    with collect_metrics() as metrics:
        findings = analyze(generated(succeeded({"fields": fields})), "tags", "caption").findings
    assert as_json(findings) == {"tags": []}
    assert metrics["emptyAnalysis"] == 1


def test_a_tag_without_a_text_is_left_out() -> None:
    tags = {"type": "array", "valueArray": [{"type": "string"}, {"type": "string", "valueString": "cat"}]}
    findings = analyze(generated(succeeded({"fields": FIELDS | {"tags": tags}})), "tags").findings
    assert [tag.name for tag in findings.tags or ()] == ["cat"]


def test_a_missing_category_is_the_one_for_images_that_none_fits() -> None:
    fields = {name: value for name, value in FIELDS.items() if name != "category"}
    assert analyze(generated(succeeded({"fields": fields})), "tags").findings.category == "other"


def test_an_unknown_category_is_refused() -> None:
    fields = FIELDS | {"category": {"type": "string", "valueString": "vehicle"}}
    with pytest.raises(UnexpectedResponseError, match="vehicle"):
        analyze(generated(succeeded({"fields": fields})), "tags")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"unit": "inch"}, [("HELLO CAT", 0.75, False), ("BYE", 0.5, False)]),
        (
            {"pages": [PAGE | {"words": None, "lines": [{"content": "A"}, {"content": "B", "source": "D(1)"}]}]},
            [("A", None, False), ("B", None, False)],
        ),
        ({"pages": [PAGE | {"lines": []}]}, [("HELLO CAT", None, False), ("BYE", None, False)]),
        ({"pages": None, "markdown": None}, []),
        ({"pages": [{"pageNumber": 1, "spans": []}], "markdown": "![image](pages/1)\n"}, []),
        (
            {"pages": [PAGE | {"words": [{"content": "HELLO", "span": {"length": 5}}, {"confidence": 0.9}]}]},
            [("HELLO CAT", None, True), ("BYE", None, True)],
        ),
        (
            {"pages": [PAGE | {"words": PAGE["words"][::-1]}, {"pageNumber": 2, "lines": []}]},
            [("HELLO CAT", 0.75, True), ("BYE", 0.5, True)],
        ),
    ],
    ids=[
        "in inches",
        "without positions",
        "without lines",
        "without text",
        "a picture only",
        "words without confidence or position",
        "words in another order, and a page without lines",
    ],
)
def test_text_is_read_without_what_the_service_does_not_state(
    changes: dict[str, Any], expected: list[tuple[str, float | None, bool]]
) -> None:
    service = FakeContentUnderstanding({READ: [(200, succeeded(TEXT | changes), {})]})
    lines = analyze(service, "read", options=CONTENT_UNDERSTANDING | {"categories": []}).findings.read or ()
    assert [(line.text, line.confidence, line.box is not None) for line in lines] == expected


@pytest.mark.parametrize("status", ["NotStarted", "Running"])
def test_a_running_operation_says_when_to_come_back(status: str) -> None:
    with pytest.raises(OperationRunningError) as error:
        analyze(generated({"id": "op", "status": status}, Retry_After="7"), "tags")
    assert error.value.retry_after_seconds == 7


def test_the_answer_to_the_post_may_say_when_to_come_back() -> None:
    location = f"{HOST}/analyzerResults/op-9"
    service = starting(202, UNFINISHED, Operation_Location=location, Retry_After="4")

    async def run() -> Any:
        analyzer = content_understanding.build(CONTENT_UNDERSTANDING, ["tags"], create_azure_clients(service))  # type: ignore[arg-type]
        return await analyzer.calls[0].start(b"cat", INFO, paid=False)  # type: ignore[union-attr]

    account = "content1.services.ai.azure.com"
    assert run_without_waiting(run()) == (LongRunningOperation(account=account, id="op-9"), 4.0)


def test_an_operation_without_an_id_cannot_be_read() -> None:
    with pytest.raises(UnexpectedResponseError, match="Operation-Location"):
        analyze(starting(202, UNFINISHED), "tags")


def test_an_analysis_that_is_answered_at_once_cannot_be_read() -> None:
    with pytest.raises(UnexpectedResponseError, match="200") as error:
        analyze(starting(200, succeeded({"fields": FIELDS})), "tags")
    assert error.value.code == "UnexpectedResponse"


def nested(code: str, message: str = "m", outer: str = "InvalidRequest") -> dict[str, Any]:
    return {"code": outer, "message": "Invalid request.", "innererror": {"code": code, "message": message}}


# As users report them: see docs/decisions/0047.
NO_RESOURCE = "It failed. (NotFound, 404, The Azure OpenAI deployment or resource was not found.)"
NONE_RESOLVED = "This analyzer needs a 'completion' model deployment for current request, but none was resolved."
ERRORS = [
    (nested("InvalidContent"), ImageRejectedError, "InvalidContent"),
    (nested("InvalidContentDimensions"), ImageRejectedError, "InvalidContentDimensions"),
    (nested("InvalidContentLength"), ImageRejectedError, "InvalidContentLength"),
    (nested("UnsupportedContent"), ImageRejectedError, "UnsupportedContent"),
    (nested("HarmfulContentFiltered"), ImageRejectedError, "ContentFiltered"),
    (
        {"code": "InternalServerError", "message": "m", "details": [{"code": "content_filter", "message": "violence"}]},
        ImageRejectedError,
        "ContentFiltered",
    ),
    (
        {"code": "InternalServerError", "details": [nested("ResponsibleAIPolicyViolation")]},
        ImageRejectedError,
        "ContentFiltered",
    ),
    (nested("DeploymentNotFound"), AnalyzerConfigurationError, "DeploymentNotFound"),
    (nested("ResourceError", NO_RESOURCE), AnalyzerConfigurationError, "ModelDeploymentNotFound"),
    (nested("BadRequest", NONE_RESOLVED), AnalyzerConfigurationError, "ModelDeploymentNotFound"),
    (nested("DefaultsNotSet"), AnalyzerConfigurationError, "DefaultsNotSet"),
    (nested("DefaultDeploymentModelNotFound"), AnalyzerConfigurationError, "DefaultDeploymentModelNotFound"),
    (nested("ModelNotReady"), AnalyzerConfigurationError, "ModelNotReady"),
    (nested("BadRequest", "The model gpt-5.4-mini is retired."), AnalyzerConfigurationError, "ModelRetired"),
    (nested("ApiVersionRetired", "The API version is retired."), AnalyzerConfigurationError, "ApiVersionRetired"),
    (nested("New"), UnexpectedResponseError, "New"),
    ({"code": "InvalidRequest"}, UnexpectedResponseError, "InvalidRequest"),
    (nested("New", outer="InvalidArgument"), UnexpectedResponseError, "New"),
    (nested(""), UnexpectedResponseError, "InvalidRequest"),
]


@pytest.mark.parametrize(
    ("error", "kind", "code"), ERRORS, ids=[f"{number} {code}" for number, (_, _, code) in enumerate(ERRORS)]
)
@pytest.mark.parametrize("at", ["start", "result"])
def test_an_error_means_the_same_in_a_response_and_in_an_operation(
    at: str, error: dict[str, Any], kind: type[Exception], code: str
) -> None:
    service = starting(400, {"error": error}) if at == "start" else generated(failed(**error))
    with pytest.raises(kind) as raised:
        analyze(service, "tags")
    assert getattr(raised.value, "code", None) == code


@pytest.mark.parametrize(
    "body",
    [
        failed(code="InternalServerError", message="An unexpected error occurred."),
        failed(),
        {"id": "op", "status": "Failed"},
        {"id": "op", "status": "Canceled"},
    ],
)
def test_an_operation_that_fails_with_an_error_that_may_pass_is_started_again(body: Any) -> None:
    with pytest.raises(OperationLostError):
        analyze(generated(body), "tags")


@pytest.mark.parametrize(
    "error",
    [
        nested("ResourceError", "It failed. (RateLimit, 429, Rate limit exceeded)"),
        nested("RateLimit", "Too many."),
        {"code": "InternalServerError", "message": "Rate limit exceeded."},
        nested("429", outer="BadRequest"),
    ],
)
def test_a_model_that_is_called_too_often_slows_the_account_down(error: dict[str, Any]) -> None:
    service = generated(failed(**error))

    async def run() -> float:
        analyzer = content_understanding.build(CONTENT_UNDERSTANDING, ["tags"], create_azure_clients(service))  # type: ignore[arg-type]
        call: Any = analyzer.calls[0]
        operation, _ = await call.start(b"cat", INFO, paid=False)
        with pytest.raises(OperationThrottledError):
            await call.get_result(operation)
        started = asyncio.get_running_loop().time()
        await call.start(b"cat", INFO, paid=False)
        return asyncio.get_running_loop().time() - started

    with collect_metrics() as metrics:
        waited = run_without_waiting(run())
    assert metrics["throttled"] == 1
    assert waited > 0.99


def test_an_operation_that_fails_otherwise_slows_nothing_down() -> None:
    with collect_metrics() as metrics, pytest.raises(OperationLostError):
        analyze(generated(failed(code="InternalServerError", message="An unexpected error occurred.")), "tags")
    assert "throttled" not in metrics


def test_an_error_without_a_message_has_none() -> None:
    with pytest.raises(UnexpectedResponseError) as error:
        analyze(generated(failed(code="InvalidRequest")), "tags")
    assert str(error.value) == ""


def test_an_image_that_is_refused_has_the_reason_of_the_service() -> None:
    with pytest.raises(ImageRejectedError) as error:
        analyze(generated(failed(**nested("InvalidContent", "The file is corrupt."))), "tags")
    assert str(error.value) == "The file is corrupt."


def test_a_result_may_have_no_list_of_warnings() -> None:
    body = succeeded({"fields": FIELDS})
    body["result"]["warnings"] = None
    assert analyze(generated(body), "tags").findings.tags


def test_a_result_that_a_content_filter_has_emptied_is_a_rejection() -> None:
    warning = {"code": "HarmfulContentFiltered", "message": "Content of category `Violence` was filtered."}
    with pytest.raises(ImageRejectedError) as error:
        analyze(generated(succeeded({"fields": {}}, warnings=(warning,))), "tags")
    assert (error.value.code, str(error.value)) == ("ContentFiltered", warning["message"])


def test_content_that_a_filter_has_only_noticed_is_analyzed() -> None:
    warning = {"code": "HarmfulContentDetected", "message": "m", "target": "Result.Contents[0]"}
    assert analyze(generated(succeeded({"fields": FIELDS}, warnings=(warning,))), "tags").findings.tags


@pytest.mark.parametrize(
    "body", [{"status": "Succeeded"}, {"status": "Succeeded", "result": {}}, {"id": 1}, ["no object"]]
)
def test_a_result_of_another_structure_cannot_be_read(body: Any) -> None:
    with pytest.raises(UnexpectedResponseError):
        analyze(generated(body), "tags")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"error": {"code": "NotFound", "message": "Analyzer not found."}}, ConfigurationError),
        (
            410,
            {"error": {"code": "Gone", "innererror": {"code": "ApiVersionRetired", "message": "It was retired."}}},
            AnalyzerConfigurationError,
        ),
        (409, {"error": nested("AnalyzerNotReady", outer="Conflict")}, AnalyzerConfigurationError),
        (401, {}, AccessDeniedError),
        (403, {}, AccessDeniedError),
        (500, {}, RetryLaterError),
        (429, {}, ThrottledError),
    ],
)
def test_errors_of_requests_are_those_of_every_analyzer(status: int, body: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        analyze(starting(status, body, Retry_After="60"), "tags")


@pytest.mark.parametrize(("status", "kind"), [(401, AccessDeniedError), (503, RetryLaterError), (429, ThrottledError)])
def test_a_request_for_a_result_that_fails_leaves_the_operation(status: int, kind: type[Exception]) -> None:
    service = generated({}, status, Retry_After="9")
    with pytest.raises(kind) as error:
        analyze(service, "tags")
    assert not isinstance(error.value, OperationLostError)
    assert [request["method"] for request in service.requests] == ["POST", "GET"]


def test_an_operation_that_the_service_does_not_know_is_lost() -> None:
    with pytest.raises(OperationLostError, match="op-1"):
        analyze(generated({"error": {"code": "NotFound"}}, 404), "tags")


def test_an_operation_of_an_account_that_was_removed_is_lost() -> None:
    async def run() -> None:
        service: Any = FakeContentUnderstanding()
        analyzer = content_understanding.build(CONTENT_UNDERSTANDING, ["tags"], create_azure_clients(service))
        call: Any = analyzer.calls[0]
        await call.get_result(LongRunningOperation(account="content2.services.ai.azure.com", id="op-1"))

    with pytest.raises(OperationLostError, match="content2"):
        run_without_waiting(run())


def test_the_result_is_requested_from_the_account_that_has_the_operation() -> None:
    """With a token, and never from the URL that the service answers."""
    service = FakeContentUnderstanding()
    endpoints = [f"https://content{number}.services.ai.azure.com" for number in range(1, 5)]
    options = CONTENT_UNDERSTANDING | {"endpoints": endpoints}

    async def run() -> None:
        analyzer = content_understanding.build(options, ["tags"], create_azure_clients(service))  # type: ignore[arg-type]
        call: Any = analyzer.calls[0]
        started = [(await call.start(b"cat", INFO, paid=False))[0] for _ in range(8)]
        assert len({operation.account for operation in started}) == 4
        for operation in started:
            service.requests.clear()
            await call.get_result(operation)
            assert service.requests[0]["url"] == (
                f"https://{operation.account}/contentunderstanding/analyzerResults/{operation.id}"
            )

    run_without_waiting(run())


def test_equal_requests_have_equal_fingerprints_and_others_have_not() -> None:
    def fingerprints(**changes: Any) -> tuple[str, ...]:
        features = changes.pop("features", ALL)
        analyzer = content_understanding.build(
            CONTENT_UNDERSTANDING | changes,
            features,
            create_azure_clients(FakeContentUnderstanding()),  # type: ignore[arg-type]
        )
        return analyzer.fingerprint, *(call.fingerprint for call in analyzer.calls)

    own, generated_fields, text = fingerprints()
    assert own == f'content-understanding/2025-11-01/gpt-5.4-mini 2026-03-17 {ANALYZER} ["caption", "read", "tags"]'
    assert text == "content-understanding/2025-11-01/prebuilt-read"
    assert fingerprints(endpoints=["https://other"], callsPerSecond=1, features=ALL[::-1]) == (
        own,
        generated_fields,
        text,
    )
    changed: list[Callable[[], tuple[str, ...]]] = [
        lambda: fingerprints(analyzerId="imgpipe_1"),
        lambda: fingerprints(model="gpt-5.6-luna 2026-07-09"),
        lambda: fingerprints(features=("tags", "read")),
    ]
    for change in changed:
        other = change()
        assert (other[0] != own, other[1] != generated_fields, other[2]) == (True, True, text)


def test_its_calls_are_long_running_and_its_limits_those_of_the_service() -> None:
    service: Any = FakeContentUnderstanding()
    analyzer = content_understanding.build(CONTENT_UNDERSTANDING, ALL, create_azure_clients(service))
    assert all(isinstance(call, LongRunningCall) for call in analyzer.calls)
    assert not any(hasattr(call, "analyze") for call in analyzer.calls)
    assert (analyzer.limits.formats, analyzer.limits.min_side, analyzer.limits.max_side) == (
        ("JPEG", "MPO", "PNG", "BMP"),
        50,
        10_000,
    )
    analyzer.check_capacity()


@pytest.mark.parametrize(
    ("changes", "features", "problem"),
    [
        ({"endpoints": []}, ("tags",), "endpoints is []"),
        ({"analyzerId": ""}, ("tags",), "analyzerId is ''"),
        ({"operationsPerSecond": 0}, ("tags",), "operationsPerSecond is 0"),
        ({"categories": "animal"}, ("tags",), "categories is 'animal'"),
        ({"language": "en"}, ("tags",), "language is unknown"),
        ({}, ("objects",), "the features objects are not among tags, caption, read"),
    ],
)
def test_wrong_options_are_refused(changes: dict[str, Any], features: tuple[str, ...], problem: str) -> None:
    with pytest.raises(SettingsError) as error:
        analyze(FakeContentUnderstanding(), *features, options=CONTENT_UNDERSTANDING | changes)
    assert str(error.value).startswith(f"the analyzer content-understanding: {problem}")
