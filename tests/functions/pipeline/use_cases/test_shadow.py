"""The shadow: what it compares, what it skips, and that it is never in the way of the images."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from classifier.domain.comparison import Comparison, SuccessorOutcome
from classifier.domain.errors import (
    AnalyzerConfigurationError,
    ImageRejectedError,
    OperationLimitError,
    UnexpectedResponseError,
)
from classifier.domain.events import Message
from classifier.domain.outcomes import Outcome, OutcomeStatus
from common.domain.errors import AccessDeniedError, RetryLaterError
from common.domain.findings import Findings
from common.domain.metrics import collect_metrics
from msgspec.structs import replace

from tests.support.in_memory_api import create_record
from tests.support.in_memory_operations import OPERATION_TIME, InMemoryOperations
from tests.support.in_memory_services import InMemoryServices, RecordedTimeLimits, handle, message
from tests.support.in_memory_shadow import InMemoryShadow


@pytest.fixture
def services() -> InMemoryServices:
    """Services with one classified image."""
    services = InMemoryServices()
    services.upload("cat.png", b"cat")
    assert handle(services).status is OutcomeStatus.CLASSIFIED
    return services


@pytest.fixture
def shadow(services: InMemoryServices) -> InMemoryShadow:
    return InMemoryShadow(services)


def compare(shadow: InMemoryShadow, text: str | None = None, *, attempt: int = 1, **changes: Any) -> Outcome:
    use_case = shadow.use_case(**changes)
    return asyncio.run(use_case.handle(message() if text is None else text, attempt=attempt))


def test_a_sampled_image_is_compared_with_its_record(shadow: InMemoryShadow) -> None:
    with collect_metrics() as metrics:
        outcome = compare(shadow)
    assert (outcome.status, outcome.detail) == (OutcomeStatus.COMPARED, "classified")
    (comparison,) = shadow.comparisons.items.values()
    assert comparison.main.labels == ("cat",)
    assert comparison.successor.labels == ("cat",)
    assert (comparison.main.category, comparison.successor.category) == ("cat", "cat")
    assert (comparison.main.fingerprint, comparison.successor.fingerprint) == ("test/1", "successor/1")
    assert (comparison.main.model_version, comparison.successor.model_version) == ("m", "m2")
    assert (comparison.label_agreement, comparison.same_category) == (1.0, True)
    # The analyzer was asked for tags only.
    assert (comparison.caption_agreement, comparison.text_error_rate) == (None, None)
    assert (comparison.successor.caption, comparison.successor.text) == ("A cat", "STOP")
    assert (comparison.input_tokens, comparison.output_tokens, comparison.latency_ms) == (1_000, 100, 0)
    assert comparison.format == "PNG"
    assert (metrics["inputTokens"], metrics["outputTokens"]) == (1_000, 100)
    assert shadow.poison == []


def test_a_content_is_paid_for_once_and_compared_once(services: InMemoryServices, shadow: InMemoryShadow) -> None:
    compare(shadow)
    first = dict(shadow.comparisons.items)
    compare(shadow)
    services.upload("copy.png", b"cat")
    handle(services, message("copy.png"))
    compare(shadow, message("copy.png"))
    assert shadow.successor.paid == 1
    assert shadow.comparisons.items == first


def test_an_analysis_that_was_stored_before_has_its_tokens_and_no_latency(shadow: InMemoryShadow) -> None:
    compare(shadow)
    shadow.comparisons.items.clear()
    compare(shadow)
    (comparison,) = shadow.comparisons.items.values()
    assert (comparison.latency_ms, comparison.input_tokens, comparison.output_tokens) == (None, 1_000, 100)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda services: services.blobs.clear(), "the blob has not the version of the record"),
        (lambda services: services.upload("cat.png", b"dog"), "the blob has not the version of the record"),
        (lambda services: services.record_items.clear(), "the image has no classified record"),
        (lambda services: services.change_record(status="rejected"), "the image has no classified record"),
        (
            lambda services: services.change_record(analyzer=services.record["analyzer"] | {"identity": "successor/1"}),
            "the successor has made the record",
        ),
    ],
)
def test_what_cannot_be_compared_is_skipped(
    services: InMemoryServices, shadow: InMemoryShadow, change: Any, detail: str
) -> None:
    change(services)
    outcome = compare(shadow)
    assert (outcome.status, outcome.detail) == (OutcomeStatus.SKIPPED, detail)
    assert (shadow.successor.calls_made, shadow.comparisons.items) == (0, {})


def test_a_blob_that_changes_during_the_analysis_is_not_compared(
    services: InMemoryServices, shadow: InMemoryShadow
) -> None:
    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "etag":
            result = effect()
            services.upload("cat.png", b"dog")
            return result
        return effect()

    services.step = step
    outcome = compare(shadow)
    assert (outcome.status, outcome.detail) == (OutcomeStatus.SKIPPED, "the blob was changed meanwhile")
    assert shadow.comparisons.items == {}


def test_an_image_that_the_successor_rejects_is_counted(shadow: InMemoryShadow) -> None:
    shadow.successor.failure = ImageRejectedError("ContentFiltered", "no")
    outcome = compare(shadow)
    assert (outcome.status, outcome.detail) == (OutcomeStatus.COMPARED, "ContentFiltered")
    (comparison,) = shadow.comparisons.items.values()
    assert (comparison.outcome, comparison.reason) == (SuccessorOutcome.REJECTED, "ContentFiltered")
    assert (comparison.label_agreement, comparison.same_category) == (None, None)
    assert shadow.poison == []


def test_an_image_in_which_the_successor_finds_nothing_is_counted(shadow: InMemoryShadow) -> None:
    shadow.successor.findings = Findings(tags=())
    compare(shadow)
    (comparison,) = shadow.comparisons.items.values()
    assert (comparison.outcome, comparison.label_agreement, comparison.same_category) == ("empty", 0.0, False)


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (RetryLaterError("down"), OutcomeStatus.DELAYED),
        (TimeoutError(), OutcomeStatus.DELAYED),
        (AnalyzerConfigurationError("DeploymentNotFound", "no model"), OutcomeStatus.MISCONFIGURED),
    ],
)
def test_errors_requeue_in_the_queue_of_the_shadow(
    services: InMemoryServices, shadow: InMemoryShadow, failure: Exception, status: OutcomeStatus
) -> None:
    shadow.successor.failure = failure
    assert compare(shadow).status is status
    ((text, delay),) = shadow.queued
    assert json.loads(text)["putBacks"] == 1
    assert delay >= 1
    assert (services.queued_messages, services.poison_messages, shadow.poison) == ([], [], [])


def test_without_the_right_to_call_the_successor_messages_wait_in_the_queue_of_the_shadow(
    services: InMemoryServices, shadow: InMemoryShadow
) -> None:
    shadow.successor.failure = AccessDeniedError("403 of the successor")
    assert compare(shadow).status is OutcomeStatus.DELAYED
    shadow.successor.failure = None
    ((text, _),) = shadow.queued
    assert compare(shadow, text).status is OutcomeStatus.COMPARED
    assert (services.queued_messages, services.poison_messages, shadow.poison) == ([], [], [])


def test_without_the_right_to_store_comparisons_nothing_is_paid_twice(
    services: InMemoryServices, shadow: InMemoryShadow
) -> None:
    class DeniedStore:
        async def add(self, comparison: Comparison) -> None:
            raise AccessDeniedError(f"403 of the container of comparisons for {comparison.id}")

    assert compare(shadow, comparisons=DeniedStore()).status is OutcomeStatus.DELAYED
    ((text, _),) = shadow.queued
    assert compare(shadow, text).status is OutcomeStatus.COMPARED
    assert shadow.successor.calls_made == 1
    assert len(shadow.comparisons.items) == 1
    assert (services.queued_messages, services.poison_messages, shadow.poison) == ([], [], [])


def test_the_deadline_of_the_shadow_is_two_hours(services: InMemoryServices, shadow: InMemoryShadow) -> None:
    before = services.records
    shadow.successor.failure = RetryLaterError("down")
    compare(shadow)
    services.now += timedelta(hours=2)
    (text, _) = shadow.queued.pop()
    outcome = compare(shadow, text)
    assert outcome.status is OutcomeStatus.POISON
    assert outcome.detail.startswith("DeadlineExceeded: down, until the deadline 2026-01-02T05:04:05")
    ((poison, _),) = shadow.poison
    assert json.loads(poison)["poison"]["code"] == "DeadlineExceeded"
    assert (shadow.queued, services.poison_messages, services.records) == ([], [], before)


def test_what_can_never_be_compared_is_poison_of_the_shadow(services: InMemoryServices, shadow: InMemoryShadow) -> None:
    assert compare(shadow, "no event").status is OutcomeStatus.POISON
    shadow.successor.failure = UnexpectedResponseError("UnreadableResponse", "no JSON")
    assert compare(shadow).status is OutcomeStatus.POISON
    shadow.successor.failure = OperationLimitError("3 operations for the image had no result")
    assert compare(shadow).detail == "OperationLimit: 3 operations for the image had no result"
    codes = [json.loads(text)["poison"]["code"] for text, _ in shadow.poison]
    assert codes == ["BadEvent", "UnreadableResponse", "OperationLimit"]
    assert services.poison_messages == []


def test_an_unknown_error_is_left_to_the_host(shadow: InMemoryShadow) -> None:
    shadow.successor.failure = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        compare(shadow)
    assert (shadow.queued, shadow.poison) == ([], [])


def test_the_time_of_an_invocation_is_limited(shadow: InMemoryShadow) -> None:
    limits = RecordedTimeLimits()
    compare(shadow, time_limit=limits)
    assert limits.seconds == [500.0, 240.0]


def test_a_long_running_operation_of_the_successor_holds_no_instance(
    services: InMemoryServices, shadow: InMemoryShadow
) -> None:
    """The message goes on in the queue of the shadow without the image, and the comparison has the whole latency."""
    operations = InMemoryOperations(services)
    shadow.successor.calls = services.calls
    services.calls = (services,)
    paid = services.analysis_counts.total()
    outcome = compare(shadow)
    assert outcome.status is OutcomeStatus.DELAYED
    (text, _) = shadow.queued.pop()
    fields = json.loads(text)
    assert fields["putBacks"] == 0
    assert fields["resume"]["etag"] == services.blobs["cat.png"].etag
    services.now += OPERATION_TIME
    assert compare(shadow, text).status is OutcomeStatus.COMPARED
    (comparison,) = shadow.comparisons.items.values()
    assert comparison.latency_ms == 20_000
    assert comparison.successor.labels == ("cat", "sofa")
    assert comparison.successor.caption == "cat"
    assert services.analysis_counts.total() == paid + 1
    assert operations.polls == 2
    assert (services.queued_messages, services.poison_messages, shadow.poison) == ([], [], [])


@pytest.mark.parametrize("last", ["tags", "caption"])
def test_tokens_are_those_of_every_operation_whichever_ends_last(
    services: InMemoryServices, shadow: InMemoryShadow, last: str
) -> None:
    """The first result was stored by an earlier delivery; captions have no tokens."""
    operations = InMemoryOperations(services)
    shadow.successor.calls = services.calls
    services.calls = (services,)
    compare(shadow)
    for started in operations.operations.values():
        started.state = "stuck" if started.call == last else "good"
    services.now += OPERATION_TIME
    assert compare(shadow, shadow.queued.pop()[0]).status is OutcomeStatus.DELAYED
    for started in operations.operations.values():
        started.state = "good"
    assert compare(shadow, shadow.queued.pop()[0]).status is OutcomeStatus.COMPARED
    (comparison,) = shadow.comparisons.items.values()
    assert (comparison.input_tokens, comparison.output_tokens) == (1_000, 100)


def test_the_tokens_of_a_call_that_rejects_the_image_are_known(shadow: InMemoryShadow) -> None:
    async def step(_operation: str, effect: Callable[[], Any]) -> Any:
        effect()
        raise ImageRejectedError("Refused", "no")

    shadow.successor.step = step
    compare(shadow)
    (comparison,) = shadow.comparisons.items.values()
    assert (comparison.reason, comparison.input_tokens, comparison.output_tokens) == ("Refused", 1_000, 100)


class TestSampler:
    def test_a_classified_image_of_the_sample_is_sent_after_its_result_was_published(self) -> None:
        services = InMemoryServices()
        services.upload("cat.png", b"cat")
        shadow = InMemoryShadow(services)
        steps: list[str] = []

        async def step(operation: str, effect: Callable[[], Any]) -> Any:
            steps.append(operation)
            return effect()

        services.step = step
        with collect_metrics() as metrics:
            handle(services, shadow_sampler=shadow.sampler)
        assert steps[-2:] == ["publish", "send"]
        assert shadow.queued == [(message(), 0)]
        assert len(services.published_results) == 1
        assert metrics["shadowSent"] == 1
        assert shadow.time_limits.seconds == [5.0]

    @pytest.mark.parametrize(("content", "percent"), [(b"text", 100), (b"tiny", 100), (b"cat", 0.01)])
    def test_rejected_images_and_those_outside_of_the_sample_are_not_sent(self, content: bytes, percent: float) -> None:
        services = InMemoryServices()
        services.upload("cat.png", content)
        shadow = InMemoryShadow(services, percent=percent)
        handle(services, shadow_sampler=shadow.sampler)
        assert shadow.queued == []
        assert len(services.records) == 1

    def test_a_record_without_a_hash_belongs_to_no_sample(self) -> None:
        record = create_record("cat.png")
        shadow = InMemoryShadow(InMemoryServices())
        unread = replace(record, blob=replace(record.blob, content_sha256=None))
        asyncio.run(shadow.sampler.send(Message.parse(message("cat.png")), unread))
        assert shadow.queued == []

    def test_without_the_right_to_send_to_the_shadow_images_are_classified_all_the_same(self) -> None:
        services = InMemoryServices()
        shadow = InMemoryShadow(services)
        shadow.queue_failure = AccessDeniedError("403 of the queue of the shadow")
        services.upload("cat.png", b"cat")
        with collect_metrics() as metrics:
            assert handle(services, shadow_sampler=shadow.sampler).status is OutcomeStatus.CLASSIFIED
        assert metrics["shadowUnsent"] == 1
        assert (shadow.queued, services.queued_messages, services.poison_messages) == ([], [], [])

    def test_a_queue_that_fails_changes_no_outcome_and_is_called_three_times(self) -> None:
        services = InMemoryServices()
        shadow = InMemoryShadow(services)
        shadow.queue_failure = OSError("unreachable")
        seconds = 0.0
        shadow.clock = lambda: seconds
        sampler = shadow.sampler
        with collect_metrics() as metrics:
            for number in range(5):
                services.upload(f"{number}.png", f"{number}".encode())
                outcome = handle(services, message(f"{number}.png"), shadow_sampler=sampler)
                assert outcome.status is OutcomeStatus.CLASSIFIED
        assert metrics["shadowUnsent"] == 5
        assert shadow.time_limits.seconds == [5.0] * 3
        assert (services.queued_messages, services.poison_messages) == ([], [])
        # Later, one image tries whether the queue is there again.
        seconds = 60.0
        for _ in range(2):
            handle(services, message("0.png"), shadow_sampler=sampler)
        assert shadow.time_limits.seconds == [5.0] * 4
