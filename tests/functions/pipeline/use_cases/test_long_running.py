"""Images whose analysis is a long-running operation: started in one delivery of their message, finished in another."""

import gc
import json
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from classifier.domain.errors import (
    AnalyzerConfigurationError,
    ImageRejectedError,
    OperationThrottledError,
    ThrottledError,
)
from classifier.domain.events import parse_poison_message
from classifier.domain.models import Blob
from classifier.domain.outcomes import Outcome, OutcomeStatus
from common.domain.errors import AccessDeniedError, RetryLaterError
from common.domain.metrics import collect_metrics
from common.domain.models import Reason

from tests.support.in_memory_operations import InMemoryOperations, OperationState
from tests.support.in_memory_services import (
    NOW,
    InMemoryServices,
    as_json,
    failing_at,
    handle,
    message,
    run_effect,
)


@pytest.fixture
def operations(services: InMemoryServices) -> InMemoryOperations:
    services.upload("cat.png", b"cat")
    return InMemoryOperations(services)


def steps(services: InMemoryServices) -> list[str]:
    """Record the calls of all ports."""
    names: list[str] = []

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        names.append(operation)
        return effect()

    services.step = step
    return names


def last_message(services: InMemoryServices) -> str:
    return services.queued_messages[-1][0]


def deliver(services: InMemoryServices, *, after: float = 0, **changes: Any) -> Outcome:
    """Deliver the last message of the queue, some seconds later; the event itself at first."""
    services.now += timedelta(seconds=after)
    text = last_message(services) if services.queued_messages else None
    return handle(services, text, **changes)


def test_the_first_delivery_starts_every_operation_and_waits_for_none(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    with collect_metrics() as metrics:
        outcome = deliver(services)
    assert (outcome.status, services.records) == (OutcomeStatus.DELAYED, {})
    assert (operations.polls, len(operations.operations), metrics) == (0, 2, {})
    text, delay = services.queued_messages[0]
    assert 6 <= delay <= 9
    envelope = json.loads(text)
    assert {name: envelope[name] for name in ("putBacks", "interruptions", "resume")} == {
        "putBacks": 0,
        "interruptions": 0,
        "resume": {
            "etag": services.blobs["cat.png"].etag,
            "sha256": "77af778b51abd4a3c51c5ddd97204a9c3ae614ebccb75a606c3b6865aed6744e",
            "image": {"width": 640, "height": 480, "format": "PNG"},
            "startedAt": as_json(NOW),
        },
    }


def test_a_running_operation_is_no_attempt_and_needs_no_content(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    deliver(services)
    names = steps(services)
    outcome = deliver(services, after=10)
    assert outcome.status is OutcomeStatus.DELAYED
    assert names == ["properties", "cached", "poll", "cached", "poll", "send"]
    _, delay = services.queued_messages[-1]
    assert 11 <= delay <= 16.5, "6 s, and half of the age"
    first, second = (json.loads(text) for text, _ in services.queued_messages)
    assert first == second


def test_the_pause_grows_to_thirty_seconds(services: InMemoryServices, operations: InMemoryOperations) -> None:
    deliver(services)
    for started in operations.operations.values():
        started.state = "stuck"
    deliver(services, after=1000)
    assert 30 <= services.queued_messages[-1][1] <= 45


@pytest.mark.parametrize("position", [0, 1])
def test_the_service_may_want_a_longer_pause(
    services: InMemoryServices, operations: InMemoryOperations, position: int
) -> None:
    """The message waits for the operation that takes longest."""
    deliver(services)
    [*operations.operations.values()][position].retry_after_seconds = 60
    deliver(services, after=10)
    assert 60 <= services.queued_messages[-1][1] <= 90


def test_any_worker_finishes_the_record(services: InMemoryServices, operations: InMemoryOperations) -> None:
    deliver(services, image_copies=None)
    names = steps(services)
    outcome = deliver(services, after=25, image_copies=None)
    assert outcome.status is OutcomeStatus.CLASSIFIED
    assert "read" not in names
    record = services.record
    assert (record["category"]["name"], record["caption"]["text"], record["attempts"]) == ("cat", "cat", 1)
    assert record["blob"] == {
        "account": "acct",
        "container": "images",
        "name": "cat.png",
        "etag": services.blobs["cat.png"].etag,
        "contentType": "image/png",
        "sizeBytes": 3,
        "contentSha256": "77af778b51abd4a3c51c5ddd97204a9c3ae614ebccb75a606c3b6865aed6744e",
        "createdAt": NOW.isoformat(),
    }
    assert record["image"] == {"width": 640, "height": 480, "format": "PNG"}
    assert record["timings"] == {"queuedMs": 2000, "analyzeMs": 25_000, "totalMs": 27_000}
    assert record["analyzer"]["cached"] is False
    assert sum(services.analysis_counts.values()) + sum(services.caption_counts.values()) == 2


def test_results_are_collected_one_by_one(services: InMemoryServices, operations: InMemoryOperations) -> None:
    deliver(services)
    tags, caption = operations.operations.values()
    caption.state = "stuck"
    assert deliver(services, after=25).status is OutcomeStatus.DELAYED
    caption.state = "good"
    tags.state = "failed"  # its result is stored
    assert deliver(services, after=20).status is OutcomeStatus.CLASSIFIED
    assert operations.polls == 3


def test_a_blob_that_was_overwritten_meanwhile_is_analyzed_anew(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    deliver(services, image_copies=None)
    etag = services.upload("cat.png", b"dog")
    assert deliver(services, after=25, image_copies=None).status is OutcomeStatus.DELAYED
    assert json.loads(last_message(services))["resume"]["etag"] == etag
    assert deliver(services, after=25, image_copies=None).status is OutcomeStatus.CLASSIFIED
    assert (services.record["category"]["name"], services.record["blob"]["etag"]) == ("dog", etag)
    assert services.analysis_counts == {b"cat": 1, b"dog": 1}


def test_the_record_of_a_blob_that_was_deleted_meanwhile_is_removed(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    deliver(services)
    del services.blobs["cat.png"]
    assert deliver(services, after=25).status is OutcomeStatus.REMOVED
    assert services.records == {}


def test_other_messages_about_the_same_content_use_its_operation(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    services.upload("copy.png", b"cat")
    deliver(services)
    assert handle(services, message("copy.png")).status is OutcomeStatus.DELAYED
    services.now += timedelta(seconds=25)
    for text, _ in [*services.queued_messages]:
        assert handle(services, text).status is OutcomeStatus.CLASSIFIED
    assert (services.analysis_counts, len(services.records)) == ({b"cat": 1}, 2)


def test_an_operation_is_finished_without_capacity_for_another(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    """Not even a message that knows nothing of it waits for capacity."""
    deliver(services)
    services.failure = ThrottledError("every account is throttled", retry_after_seconds=20)
    services.now += timedelta(seconds=25)
    assert handle(services).status is OutcomeStatus.CLASSIFIED


@pytest.mark.parametrize("state", ["failed", "lost", "stuck"])
def test_an_operation_without_a_result_is_started_again_after_a_back_off(
    services: InMemoryServices, operations: InMemoryOperations, state: OperationState
) -> None:
    deliver(services)
    for started in operations.operations.values():
        started.state = state
    after = 1800 if state == "stuck" else 25
    assert deliver(services, after=after).status is OutcomeStatus.DELAYED
    assert json.loads(last_message(services))["putBacks"] == 1
    assert services.queued_messages[-1][1] >= 10
    # The first operation was given up, and the second is found out about by the next delivery.
    for _ in range(3):
        deliver(services, after=20)
    assert services.analysis_counts == services.caption_counts == {b"cat": 2}
    assert deliver(services, after=25).status is OutcomeStatus.CLASSIFIED
    assert services.record["attempts"] == 3


def deliver_to_the_end(services: InMemoryServices, *, after: float) -> Outcome:
    """Deliver the last message again and again, `after` seconds apart, until it is not requeued."""
    for _ in range(50):
        outcome = deliver(services, after=after, max_retry_age=timedelta(days=7))
        if outcome.status not in {OutcomeStatus.DELAYED, OutcomeStatus.MISCONFIGURED}:
            return outcome
    raise AssertionError(f"still tried after {services.analysis_counts} analyses")


@pytest.mark.parametrize(("state", "after"), [("stuck", 1800), ("failed", 25), ("lost", 25)])
def test_a_service_without_results_is_paid_three_times_for_an_image(
    services: InMemoryServices, operations: InMemoryOperations, state: OperationState, after: float
) -> None:
    operations.new_state = state
    outcome = deliver_to_the_end(services, after=after)
    assert (outcome.status, outcome.detail) == (OutcomeStatus.FAILED, "OperationLimit")
    assert services.analysis_counts == {b"cat": 3}
    assert services.caption_counts[b"cat"] <= 3
    sentence = services.record["reason"]["sentence"]
    assert sentence.startswith("3 operations for the image had no result; the operation op")
    (poison,) = services.poison_messages
    assert poison["poison"]["code"] == "OperationLimit"


@pytest.mark.parametrize(
    "error", [AnalyzerConfigurationError("ModelRetired", "the model is retired"), OperationThrottledError("429")]
)
def test_an_image_waits_for_a_model_that_is_not_called(
    services: InMemoryServices, operations: InMemoryOperations, error: Exception
) -> None:
    """A retired model, or one that is called too often, is nothing that makes the message poison."""

    async def step(name: str, effect: Callable[[], Any]) -> Any:
        if name == "poll":
            raise error
        return effect()

    services.step = step
    deliver(services, max_retry_age=timedelta(days=7))
    for _ in range(10):
        deliver(services, after=1000, max_retry_age=timedelta(days=7))
    assert services.poison_messages == []
    services.step = run_effect
    assert deliver_to_the_end(services, after=100).status is OutcomeStatus.CLASSIFIED


def test_a_result_that_another_message_has_stored_meanwhile_is_cached(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    deliver(services)
    waiting = last_message(services)
    services.upload("copy.png", b"cat")
    handle(services, message("copy.png"))
    assert deliver_to_the_end(services, after=100).status is OutcomeStatus.CLASSIFIED
    assert handle(services, waiting).status is OutcomeStatus.CLASSIFIED
    cached = {record["blob"]["name"]: record["analyzer"]["cached"] for record in services.records.values()}
    assert cached == {"copy.png": False, "cat.png": True}


def test_messages_that_have_waited_for_the_operations_fail_with_them(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    """Reconcile enqueues an image without a record every quarter of an hour; that must not multiply what is paid."""
    operations.new_state = "stuck"
    services.calls = services.calls[:1]
    deliver(services, max_retry_age=timedelta(days=7))
    first = last_message(services)
    assert handle(services, max_retry_age=timedelta(days=7)).status is OutcomeStatus.DELAYED
    second = last_message(services)
    services.queued_messages.append((first, 0))
    assert deliver_to_the_end(services, after=1800).detail == "OperationLimit"
    names = steps(services)
    outcome = handle(services, second, max_retry_age=timedelta(days=7))
    assert (outcome.status, outcome.detail) == (OutcomeStatus.FAILED, "OperationLimit")
    assert "start" not in names
    assert services.analysis_counts == {b"cat": 3}


@pytest.mark.parametrize("delay", ["none", "throttled", "capacity"])
def test_a_redrive_starts_from_the_beginning(
    services: InMemoryServices, operations: InMemoryOperations, delay: str
) -> None:
    """Even if something else delays the message before it starts an operation."""
    operations.new_state = "failed"
    deliver_to_the_end(services, after=25)
    operations.new_state = "stuck"
    _, text = parse_poison_message(json.dumps(services.poison_messages.pop()))
    services.queued_messages[:] = [(text, 0)]
    if delay == "throttled":
        services.step = failing_at("start", error=ThrottledError("429", retry_after_seconds=5))
    elif delay == "capacity":
        services.failure = ThrottledError("every account is throttled", retry_after_seconds=20)
    for _ in range(5):
        deliver(services, after=25, max_retry_age=timedelta(days=7))
    services.step, services.failure = run_effect, None
    assert deliver_to_the_end(services, after=1800).detail == "OperationLimit"
    assert services.analysis_counts == {b"cat": 6}
    assert services.caption_counts[b"cat"] <= 6
    operations.new_state = "good"
    _, text = parse_poison_message(json.dumps(services.poison_messages.pop()))
    services.queued_messages[:] = [(text, 0)]
    assert deliver_to_the_end(services, after=100).status is OutcomeStatus.CLASSIFIED


def test_each_image_with_the_same_content_starts_from_the_beginning(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    operations.new_state = "failed"
    deliver_to_the_end(services, after=25)
    services.upload("copy.png", b"cat")
    operations.new_state = "good"
    services.queued_messages[:] = [(message("copy.png"), 0)]
    assert deliver_to_the_end(services, after=25).status is OutcomeStatus.CLASSIFIED


def test_an_operation_may_run_for_half_an_hour(services: InMemoryServices, operations: InMemoryOperations) -> None:
    deliver(services)
    for started in operations.operations.values():
        started.state = "stuck"
    deliver(services, after=1799)
    assert services.analysis_counts == {b"cat": 1}


def test_a_result_is_used_however_late(services: InMemoryServices, operations: InMemoryOperations) -> None:
    """After an outage of the pipeline, what the service has finished is not paid for again."""
    week = timedelta(days=7)
    deliver(services, max_retry_age=week)
    assert deliver(services, after=80_000, max_retry_age=week).status is OutcomeStatus.CLASSIFIED
    assert services.analysis_counts == {b"cat": 1}


@pytest.mark.parametrize("operation", ["properties", "cached", "poll", "put", "publish"])
def test_a_transient_error_is_an_attempt_that_keeps_the_operation(
    services: InMemoryServices, operations: InMemoryOperations, operation: str
) -> None:
    deliver(services)
    resume = json.loads(last_message(services))["resume"]

    async def step(name: str, effect: Callable[[], Any]) -> Any:
        if name == operation:
            raise RetryLaterError("503")
        return effect()

    services.step = step
    assert deliver(services, after=25).status is OutcomeStatus.DELAYED
    envelope = json.loads(last_message(services))
    assert (envelope["putBacks"], envelope["resume"]) == (1, resume)


def test_a_role_that_is_missing_for_hours_delays_the_image_and_keeps_the_operation(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    deliver(services, max_retry_age=timedelta(days=7))
    has_role = False

    async def step(name: str, effect: Callable[[], Any]) -> Any:
        if name == "poll" and not has_role:
            raise AccessDeniedError("401")
        return effect()

    services.step = step
    statuses = {deliver(services, after=3600, max_retry_age=timedelta(days=7)).status for _ in range(3)}
    assert statuses == {OutcomeStatus.MISCONFIGURED}
    has_role = True
    assert deliver(services, after=600, max_retry_age=timedelta(days=7)).status is OutcomeStatus.CLASSIFIED
    assert services.analysis_counts == {b"cat": 1}


def test_a_content_filter_ends_the_operation_with_a_rejection(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    deliver(services)

    async def step(name: str, effect: Callable[[], Any]) -> Any:
        if name == "poll":
            raise ImageRejectedError("ContentFiltered", "A content filter refuses the image.")
        return effect()

    services.step = step
    assert deliver(services, after=25).status is OutcomeStatus.REJECTED
    record = services.record
    assert (record["reason"]["code"], record["blob"]["sizeBytes"], record["image"]["width"]) == (
        "ContentFiltered",
        3,
        640,
    )
    assert record["analyzer"]["identity"] == "test/1"
    assert record["blob"]["contentSha256"] is not None
    assert len(services.analyses) == 1, "the lease of the call that has ended is released"


def test_copies_are_of_the_version_that_was_analyzed(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    """The blob is overwritten after its properties were read, and before its content is read for the copy."""
    deliver(services)

    async def step(name: str, effect: Callable[[], Any]) -> Any:
        if name == "read" and not services.analysis_counts[b"dog"]:
            services.upload("cat.png", b"dog")
        assert name != "save_copy"
        return effect()

    services.step = step
    assert deliver(services, after=25).status is OutcomeStatus.DELAYED
    assert json.loads(last_message(services))["resume"]["etag"] == services.blobs["cat.png"].etag


def test_an_image_that_was_archived_meanwhile_is_rejected_if_it_is_to_be_copied(
    services: InMemoryServices, operations: InMemoryOperations
) -> None:
    deliver(services)
    blob = services.blobs["cat.png"]
    reason = Reason(code="Archived", sentence="The blob is archived.", measured=None, limit=None)
    services.blobs["cat.png"] = Blob(
        content=None, size_bytes=3, etag=blob.etag, content_type="image/png", created_at=NOW, rejection=reason
    )
    assert deliver(services, after=25).detail == "Archived"


def test_the_retry_deadline_ends_the_wait(services: InMemoryServices, operations: InMemoryOperations) -> None:
    deliver(services)
    for started in operations.operations.values():
        started.state = "stuck"
    outcome = deliver(services, after=3600)
    assert (outcome.status, outcome.detail) == (OutcomeStatus.FAILED, "DeadlineExceeded")


def test_no_content_is_held_while_operations_are_running(services: InMemoryServices) -> None:
    """64 images of 4 MiB each are waited for at the same time; the garbage collector need not run for that."""
    operations = InMemoryOperations(services)
    operations.start = lambda call, content: original(call, content[:1])  # type: ignore[method-assign]
    original = InMemoryOperations.start.__get__(operations)
    number = 0

    async def read(name: str) -> Blob:
        nonlocal number
        number += 1
        content = number.to_bytes(4) + bytes(4 * 1024 * 1024)
        return Blob(content=content, size_bytes=len(content), etag="e", content_type="image/png", created_at=NOW)

    services.read = read  # type: ignore[method-assign]
    gc.disable()
    tracemalloc.start()
    try:
        for index in range(64):
            assert handle(services, message(f"{index}.png")).status is OutcomeStatus.DELAYED
        current_bytes, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert len(services.queued_messages) == 64
    assert current_bytes < 4 * 1024 * 1024 < peak_bytes
