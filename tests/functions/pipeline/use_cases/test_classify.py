"""The pipeline with in-memory services: the outcome of one message."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from classifier.domain.errors import (
    AnalyzerConfigurationError,
    ImageRejectedError,
    ThrottledError,
    UnexpectedResponseError,
)
from common.domain import timeouts
from common.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError
from common.domain.image_limits import ImageLimits
from common.domain.models import ImageFormat
from common.domain.record import ImageRecord
from common.domain.record_id import record_id
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.outages import VirtualTime
from tests.support.in_memory_services import (
    NOW,
    InMemoryServices,
    handle,
    message,
    run_effect,
)

RECORD_FIELDS = {
    "id",
    "schemaVersion",
    "stamp",
    "status",
    "reason",
    "blob",
    "eventId",
    "sequencer",
    "image",
    "tags",
    "labels",
    "category",
    "caption",
    "denseCaptions",
    "objects",
    "people",
    "read",
    "smartCrops",
    "text",
    "analyzer",
    "copy",
    "timings",
    "attempts",
    "processedAt",
    "_etag",
}


def test_an_image_becomes_a_record(services: InMemoryServices) -> None:
    outcome = handle(services, attempt=2)
    assert (outcome.status, outcome.detail, outcome.event_id) == ("classified", "cat", "event-1")
    record = services.record
    assert set(record) == RECORD_FIELDS
    assert record["id"] == outcome.record_id
    assert record["category"] == {"name": "cat", "confidence": 0.9}
    assert record["labels"] == ["cat"]
    assert [tag["name"] for tag in record["tags"]] == ["cat", "sofa"]
    assert record["image"] == {"width": 640, "height": 480, "format": "PNG"}
    assert (record["blob"]["name"], record["blob"]["sizeBytes"], record["blob"]["etag"]) == ("cat.png", 3, "e0001")
    assert record["timings"] == {"queuedMs": 2000, "analyzeMs": 0, "totalMs": 2000}
    assert (record["attempts"], record["analyzer"]["cached"], record["eventId"]) == (2, False, "event-1")
    assert services.published_results == [(record["id"], "e0001", "classified")]
    assert services.copies == {"cat/cat.png": "e0001"}


def test_nothing_surer_than_the_minimum_means_no_label_and_no_category(services: InMemoryServices) -> None:
    handle(services, min_confidence=0.95)
    assert (services.record["labels"], services.record["category"], len(services.record["tags"])) == ([], None, 2)
    assert services.copies == {}


@pytest.mark.parametrize(
    ("content", "size", "code", "measured"),
    [
        (b"text", None, "NotAnImage", None),
        (b"", None, "EmptyFile", 0),
        (b"tiny", None, "BadDimensions", {"width": 10, "height": 480}),
        (None, 30_000_000, "TooLarge", 30_000_000),
    ],
)
def test_what_can_never_be_analyzed_is_rejected_without_asking_the_analyzer(
    services: InMemoryServices, content: bytes | None, size: int | None, code: str, measured: object
) -> None:
    services.upload("cat.png", content, size=size)
    assert handle(services).status == "rejected"
    assert (services.record["reason"]["code"], services.record["reason"]["measured"]) == (code, measured)
    assert not services.analysis_counts
    # The limits of an analyzer are its own: another one may accept the image.
    assert (services.record["analyzer"] is not None) == (code == "BadDimensions")
    assert services.published_results[0][2] == "rejected"


def test_an_image_beyond_the_limits_of_one_analyzer_is_processed_by_the_next(services: InMemoryServices) -> None:
    services.limits = ImageLimits(formats=(ImageFormat.JPEG,), min_side=1, max_side=16_000)
    handle(services)
    assert services.record["reason"]["code"] == "UnsupportedFormat"
    record = msgspec.convert(services.record, ImageRecord)
    assert record.is_current(services.blobs["cat.png"].etag, "test/1")
    assert not record.is_current(services.blobs["cat.png"].etag, "test/2")


def test_the_analyzers_own_verdict_is_a_rejection_too(services: InMemoryServices) -> None:
    services.failure = ImageRejectedError("InvalidImageFormat", "corrupt")
    assert handle(services).status == "rejected"
    analyzer = services.record["analyzer"]
    assert (analyzer["identity"], analyzer["modelVersion"], analyzer["cached"]) == (services.fingerprint, None, False)
    assert (services.record["image"]["format"], services.analyses) == ("PNG", {})


DOWN = RetryLaterError("503", retry_after_seconds=0)


@pytest.mark.parametrize("operation", ["read", "get_or_lease", "analyze", "put", "save_copy", "etag", "publish"])
def test_a_transient_error_of_any_service_requeues_the_message_with_back_off_and_is_never_poison(
    services: InMemoryServices, operation: str
) -> None:
    unavailable = True

    async def step(current: str, effect: Callable[[], Any]) -> Any:
        if unavailable and current == operation:
            raise DOWN
        return effect()

    services.step = step
    text, delays = message(), []
    for _ in range(12):  # more often than the host would deliver one message
        assert handle(services, text, attempt=5 if text == message() else 1).status == "delayed"
        text, delay = services.queued_messages.pop()
        delays.append(delay)
    assert services.poison_messages == []
    for earlier, later in pairwise(delays[::2]):
        assert later > earlier
    assert max(delays) <= timeouts.BACKOFF_LONGEST_SECONDS * timeouts.BACKOFF_JITTER
    assert json.loads(text)["interruptions"] == 4
    unavailable = False
    assert handle(services, text).status == "classified"
    if operation in {"read", "get_or_lease", "analyze", "put"}:  # the others come after the record
        assert services.record["attempts"] == 12 + 4 + 1
    assert services.analysis_counts == {b"cat": 1}, "what was paid for before the error is not paid for again"


@pytest.mark.parametrize("after", [0, 45, 900])
def test_the_services_own_retry_after_is_the_least_that_is_waited(services: InMemoryServices, after: float) -> None:
    services.failure = RetryLaterError("503", retry_after_seconds=after)
    handle(services)
    ((_, delay),) = services.queued_messages
    least = max(after, timeouts.BACKOFF_FIRST_SECONDS)
    assert least <= delay <= least * timeouts.BACKOFF_JITTER


def test_a_lost_cache_entry_costs_no_record_and_no_second_payment(
    services: InMemoryServices, caplog: pytest.LogCaptureFixture
) -> None:
    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "store":
            raise DOWN
        return effect()

    services.step = step
    assert handle(services).status == "classified"
    assert (services.analysis_counts, services.queued_messages, services.record["status"]) == (
        {b"cat": 1},
        [],
        "classified",
    )
    assert "an analysis was not cached: RetryLaterError: 503" in caplog.text


def test_a_lease_of_another_worker_is_waited_for_without_reading_the_blob_again(services: InMemoryServices) -> None:
    async def crash(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "analyze":
            raise asyncio.CancelledError
        if operation == "release":
            raise DOWN
        return effect()

    services.step = crash
    with pytest.raises(asyncio.CancelledError):
        handle(services)
    reads: list[str] = []

    async def count(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "read":
            reads.append(operation)
        return effect()

    services.step = count
    assert handle(services, attempt=2).status == "delayed"
    ((text, delay),) = services.queued_messages
    assert delay >= timeouts.ANALYSIS_LEASE_SECONDS
    services.now += timedelta(seconds=delay)
    assert handle(services, text).status == "classified"
    assert len(reads) == 2


@pytest.mark.parametrize(
    "failure",
    [
        ConfigurationError("UnknownHost", "no such host"),
        AnalyzerConfigurationError("NotSupportedVisualFeature", "no captions here"),
    ],
)
def test_a_configuration_error_requeues_slowly_and_is_an_outcome_of_its_own(
    services: InMemoryServices, failure: ConfigurationError
) -> None:
    services.failure = failure
    outcome = handle(services)
    assert (outcome.status, services.records, services.poison_messages) == ("misconfigured", {}, [])
    # An alert looks for the code of a model that is retired.
    assert outcome.detail.startswith(f"{failure.code}: {failure}; back in ")
    assert str(failure) in outcome.detail
    ((text, delay),) = services.queued_messages
    assert delay >= timeouts.CONFIGURATION_RETRY_SECONDS
    services.failure = None
    assert handle(services, text).status == "classified"


def test_a_refused_identity_is_transient_until_its_role_assignment_must_be_in_force(services: InMemoryServices) -> None:
    services.failure = AccessDeniedError("403")
    assert handle(services).status == "delayed"
    text, delay = services.queued_messages.pop()
    assert delay <= timeouts.BACKOFF_FIRST_SECONDS * timeouts.BACKOFF_JITTER
    services.now += timeouts.ACCESS_PROPAGATION - timedelta(seconds=1)
    assert handle(services, text).status == "delayed"
    services.now += timedelta(seconds=1)
    assert handle(services, text).status == "misconfigured"


def test_what_the_adapters_do_not_know_is_repeated_by_the_host_and_then_poison_with_its_reason(
    services: InMemoryServices,
) -> None:
    services.failure = KeyError("down\nlong trace")
    with pytest.raises(KeyError):
        handle(services, attempt=4)
    assert (services.records, services.analyses, services.poison_messages) == ({}, {}, [])
    assert handle(services, attempt=5).status == "failed"
    assert services.record["reason"]["code"] == "KeyError"
    (poison,) = services.poison_messages
    assert (poison["poison"]["code"], poison["message"]) == ("KeyError", message())
    assert services.published_results[0][2] == "failed"
    services.failure = None
    assert handle(services).status == "classified"
    assert services.record["status"] == "classified"


def test_an_answer_that_cannot_be_read_is_paid_for_once(services: InMemoryServices) -> None:
    services.failure = UnexpectedResponseError("UnexpectedResponse", "no tags")
    assert handle(services, attempt=1).status == "failed"
    assert (services.record["reason"]["code"], len(services.poison_messages), services.queued_messages) == (
        "UnexpectedResponse",
        1,
        [],
    )


def test_a_failure_is_recorded_for_the_version_that_was_tried_and_for_no_other(services: InMemoryServices) -> None:
    services.failure = KeyError("bug")

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "analyze" and services.blobs["cat.png"].etag == "e0001":
            services.upload("cat.png", b"dog")
        return effect()

    services.step = step
    assert handle(services, attempt=5).status == "delayed"
    assert (services.records, services.published_results, services.poison_messages) == ({}, [], [])
    services.failure = None
    text, _ = services.queued_messages.pop()
    assert handle(services, text).status == "classified"


def test_a_copy_that_could_not_be_made_is_made_by_a_redrive(services: InMemoryServices) -> None:
    async def without_copies(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "save_copy":
            raise ValueError("a bug")
        return effect()

    services.step = without_copies
    with pytest.raises(ValueError, match="bug"):
        handle(services, attempt=4)
    assert handle(services, attempt=5).status == "classified"
    (poison,) = services.poison_messages
    assert services.copies == {}
    services.step = run_effect
    assert handle(services, poison["message"]).status == "classified"
    assert [*services.copies] == [services.record["copy"]]


@pytest.mark.parametrize(
    ("text", "attempt"),
    [
        (message(), 6),
        (
            json.dumps(
                {
                    "event": json.loads(message()),
                    "putBacks": 3,
                    "interruptions": 4,
                    "deadline": (NOW + timedelta(hours=1)).isoformat(),
                }
            ),
            2,
        ),
    ],
)
def test_an_image_that_ends_the_worker_each_time_is_not_touched_again_and_failed_once(
    services: InMemoryServices, text: str, attempt: int
) -> None:
    """However its deaths are spread over messages: requeueing makes a new message with a new dequeue count."""
    touched: list[str] = []

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        touched.append(operation)
        return effect()

    services.step = step
    assert handle(services, text, attempt=attempt).status == "failed"
    assert services.record["reason"]["code"] == "Interrupted"
    assert (len(services.poison_messages), services.poison_messages[0]["poison"]["code"]) == (1, "Interrupted")
    assert not {"read", "get_or_lease", "analyze"} & {*touched}
    assert services.published_results[0][2] == "failed"


def test_a_worker_that_dies_between_lease_and_result_each_time_is_given_up_within_the_hour(
    services: InMemoryServices,
) -> None:
    """The message meets its own dead worker's lease, so every death is followed by a requeueing."""

    async def crash(operation: str, effect: Callable[[], Any]) -> Any:
        if operation in {"analyze", "release"}:
            raise asyncio.CancelledError
        return effect()

    services.step = crash
    text, attempt, start, outcome = message(), 1, services.now, None
    while outcome is None or outcome.status == "delayed":
        assert services.now - start < timedelta(hours=1)
        try:
            outcome = handle(services, text, attempt=attempt)
        except asyncio.CancelledError:
            attempt += 1
            services.now += timedelta(seconds=30)
            continue
        if outcome.status == "delayed":
            text, delay = services.queued_messages.pop()
            attempt = 1
            services.now += timedelta(seconds=delay)
    assert services.record["reason"]["code"] == "Interrupted"


def test_a_failure_never_replaces_what_was_classified(services: InMemoryServices) -> None:
    handle(services, image_copies=None)
    services.failure, services.analyses = KeyError("late"), {}
    assert handle(services, attempt=5, image_copies=None).status == "classified"
    assert (services.record["status"], services.poison_messages) == ("classified", [])


def hang_at(*operations: str) -> Callable[[str, Callable[[], Any]], Any]:
    async def hang(operation: str, effect: Callable[[], Any]) -> Any:
        if operation in operations:
            await asyncio.Event().wait()
        return effect()

    return hang


def test_processing_that_takes_too_long_is_requeued_and_gives_its_lease_back(services: InMemoryServices) -> None:
    services.step = hang_at("analyze")
    assert handle(services, attempt=5, time_limit=asyncio.timeout).status == "delayed"
    assert (services.analyses, services.poison_messages, len(services.queued_messages)) == ({}, [], 1)


@pytest.mark.parametrize("operations", [("put",), ("analyze", "release"), ("analyze", "send"), ("etag",)])
@pytest.mark.parametrize("attempt", [1, 6])
def test_an_invocation_always_ends_within_its_time(
    services: InMemoryServices, operations: tuple[str, ...], attempt: int
) -> None:
    """Whatever hangs, recording a failure and requeueing included."""
    services.step = hang_at(*operations)

    async def run() -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with contextlib.suppress(TimeoutError):
            await services.pipeline(time_limit=asyncio.timeout).handle(message(), attempt=attempt)
        return loop.time() - started

    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        assert runner.run(run()) <= timeouts.INVOCATION_SECONDS


def test_a_failure_that_takes_too_long_to_record_is_requeued(services: InMemoryServices) -> None:
    services.step = hang_at("etag")
    assert handle(services, attempt=6, time_limit=asyncio.timeout).status == "delayed"
    assert len(services.queued_messages) == 1


def test_a_message_that_is_none_of_ours_takes_no_longer_either(services: InMemoryServices) -> None:
    services.step = hang_at("send")
    with pytest.raises(TimeoutError):
        handle(services, "[]", time_limit=asyncio.timeout)
    assert services.poison_messages == []


def test_a_message_that_cannot_be_requeued_is_the_hosts_to_repeat(services: InMemoryServices) -> None:
    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation in {"analyze", "send"}:
            raise DOWN
        return effect()

    services.step = step
    with pytest.raises(RetryLaterError):
        handle(services)


def test_throttling_puts_the_message_back_with_its_delay_and_never_counts_as_failure(
    services: InMemoryServices,
) -> None:
    services.failure = ThrottledError("throttled", retry_after_seconds=30)
    text = message()
    for put_backs in range(1, 12):
        assert handle(services, text, attempt=5 if put_backs == 1 else 1).status == "delayed"
        text, delay = services.queued_messages.pop()
        assert 30 <= delay <= 45
        assert json.loads(text)["putBacks"] == put_backs
        assert json.loads(text)["deadline"] == (NOW + timedelta(hours=1)).isoformat()
    assert (services.records, services.poison_messages) == ({}, [])
    services.failure = None
    assert handle(services, text).status == "classified"


def test_at_the_deadline_an_image_is_failed_and_is_no_poison(services: InMemoryServices) -> None:
    services.failure = ThrottledError("throttled", retry_after_seconds=30)
    handle(services)
    text, _ = services.queued_messages.pop()
    services.now += timedelta(minutes=59, seconds=50)
    assert handle(services, text).status == "failed"
    assert (services.record["reason"]["code"], services.poison_messages, services.queued_messages) == (
        "DeadlineExceeded",
        [],
        [],
    )
    assert "throttled" in services.record["reason"]["sentence"]


def test_past_the_deadline_a_failure_that_cannot_be_recorded_is_recorded_later(services: InMemoryServices) -> None:
    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation in {"get_or_lease", "put"}:
            raise DOWN
        return effect()

    handle_text = json.dumps({"event": json.loads(message()), "putBacks": 3, "deadline": NOW.isoformat()})
    services.step = step
    assert handle(services, handle_text).status == "delayed"
    assert (services.poison_messages, len(services.queued_messages)) == ([], 1)


@pytest.mark.parametrize("name", ["gone.png", "cat.png", "text.png"])
def test_what_needs_no_analysis_never_waits_for_the_analyzer(services: InMemoryServices, name: str) -> None:
    handle(services)
    services.upload("text.png", b"text")
    services.failure = ThrottledError("every account is throttled", retry_after_seconds=60)
    expected = {"gone.png": "removed", "cat.png": "classified", "text.png": "rejected"}[name]
    assert handle(services, message(name)).status == expected
    assert services.queued_messages == []


def test_while_the_analyzer_is_down_no_lease_is_taken(services: InMemoryServices) -> None:
    services.failure = ThrottledError("every account is throttled", retry_after_seconds=60)
    assert handle(services).status == "delayed"
    assert services.analyses == {}


def test_duplicates_and_the_same_content_under_another_name_are_not_paid_for(services: InMemoryServices) -> None:
    services.upload("copy.png", b"cat")
    for name in ("cat.png", "cat.png", "copy.png"):
        assert handle(services, message(name)).status == "classified"
    assert services.analysis_counts == {b"cat": 1}
    assert sorted(record["analyzer"]["cached"] for record in services.records.values()) == [False, True]


def test_the_result_of_a_duplicate_is_published_again_because_the_first_worker_may_have_crashed(
    services: InMemoryServices,
) -> None:
    handle(services)
    handle(services)
    assert services.published_results == [services.published_results[0]] * 2


def test_another_analyzer_makes_another_record(services: InMemoryServices) -> None:
    handle(services)
    services.fingerprint = "test/2"
    handle(services)
    assert (services.analysis_counts, services.record["analyzer"]["identity"]) == ({b"cat": 2}, "test/2")


@pytest.mark.parametrize("kind", ["BlobCreated", "BlobDeleted"])
def test_an_event_of_either_kind_leaves_what_the_blob_says(services: InMemoryServices, kind: str) -> None:
    assert handle(services, message(kind=kind)).status == "classified"
    del services.blobs["cat.png"]
    assert handle(services, message(kind=kind)).status == "removed"
    assert (services.records, services.copies) == ({}, {})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("not json", "no Event Grid event"),
        ("[]", "no JSON object"),
        ('{"putBacks": 1}', "no Event Grid event"),
        ("[" * 20_000, "no JSON object"),
        ('{"deep": ' + "[" * 20_000, "no Event Grid event"),
        (f'{{"event": {"[" * 20_000}, "putBacks": 1', "no Event Grid event"),
        (message(eventType="Microsoft.Storage.BlobRenamed"), "eventType is 'Microsoft.Storage.BlobRenamed'"),
        (message(subject="/blobServices/default/containers/images"), "names no blob"),
        (message(subject="/blobServices/default/containers/secrets/blobs/a"), "not about"),
        (message(data={"url": "https://evil.example/a", "eTag": "e", "sequencer": "1"}), "not about"),
        (message(data={"url": "https://acct.blob.core.windows.net@evil.example/a"}), "not about"),
        (message(data={"url": "https://acct.evil.example/a"}), "not about"),
        (message(data={}), "no Event Grid event"),
    ],
)
def test_a_message_that_is_not_about_our_container_is_poison_with_a_reason_and_nothing_is_fetched(
    services: InMemoryServices, text: str, sentence: str
) -> None:
    async def refuse(operation: str, effect: Callable[[], Any]) -> Any:
        assert operation == "send"
        return effect()

    services.step = refuse
    assert handle(services, text).status == "poison"
    (poison,) = services.poison_messages
    assert (poison["poison"]["code"], poison["message"]) == ("BadEvent", text)
    assert sentence in poison["poison"]["sentence"]
    assert services.records == {}


def is_blob_name(name: str) -> bool:
    """Whether a blob may have this name: it is not blank, and has no dot segment."""
    return not name.isspace() and {".", ".."}.isdisjoint(name.replace("\\", "/").split("/"))


@given(st.text(min_size=1, max_size=200).filter(is_blob_name))
def test_any_name_gives_a_legal_and_stable_record_id(name: str) -> None:
    services = InMemoryServices()
    services.upload(name, b"cat")
    outcome = handle(services, message(name))
    assert services.record["blob"]["name"] == name
    assert outcome.record_id == record_id("images", name) == services.record["id"]
    assert outcome.record_id is not None
    assert outcome.record_id.isalnum()
    assert len(outcome.record_id) == 52


@given(st.text() | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_message_can_do_more_than_be_poison(text: str) -> None:
    services = InMemoryServices()
    assert handle(services, text).status == "poison"
