"""The pipeline with plain objects behind its ports: what becomes of one message, and every race that has a name."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from classifier import timeouts
from classifier.errors import (
    AccessDeniedError,
    AnalyzerConfigurationError,
    ConfigurationError,
    ImageRejectedError,
    RetryLaterError,
    ThrottledError,
    UnexpectedResponseError,
)
from classifier.events import record_id
from hypothesis import given
from hypothesis import strategies as st

from tests.functions.world import NOW, World, handle, message, through

RECORD_FIELDS = {
    "id", "schemaVersion", "status", "reason", "blob", "eventId", "sequencer", "image", "tags", "labels", "category",
    "caption", "denseCaptions", "objects", "people", "read", "smartCrops", "analyzer", "copy", "timings", "attempts",
    "processedAt", "_etag",
}  # fmt: skip


def test_an_image_becomes_a_record(world: World) -> None:
    outcome = handle(world, attempt=2)
    assert (outcome.status, outcome.detail, outcome.event_id) == ("classified", "cat", "event-1")
    record = world.record
    assert set(record) == RECORD_FIELDS
    assert record["id"] == outcome.record_id
    assert record["category"] == {"name": "cat", "confidence": 0.9}
    assert record["labels"] == ["cat"]
    assert [tag["name"] for tag in record["tags"]] == ["cat", "sofa"]
    assert record["image"] == {"width": 640, "height": 480, "format": "PNG"}
    assert (record["blob"]["name"], record["blob"]["sizeBytes"], record["blob"]["etag"]) == ("cat.png", 3, "e0001")
    assert record["timings"] == {"queuedMs": 2000, "analyzeMs": 0, "totalMs": 2000}
    assert (record["attempts"], record["analyzer"]["cached"], record["eventId"]) == (2, False, "event-1")
    assert world.announced == [(record["id"], "e0001", "classified")]
    assert world.copies == {"cat/cat.png": "e0001"}


def test_nothing_surer_than_the_minimum_means_no_label_and_no_category(world: World) -> None:
    handle(world, min_confidence=0.95)
    assert (world.record["labels"], world.record["category"], len(world.record["tags"])) == ([], None, 2)
    assert world.copies == {}


@pytest.mark.parametrize(
    ("content", "size", "code", "measured"),
    [
        (b"text", None, "NotAnImage", None),
        (b"", None, "EmptyFile", 0),
        (b"tiny", None, "BadDimensions", {"width": 10, "height": 480}),
        (None, 30_000_000, "TooLarge", 30_000_000),
    ],
)
def test_what_can_never_be_analysed_is_rejected_without_asking_the_analyser(
    world: World, content: bytes | None, size: int | None, code: str, measured: object
) -> None:
    world.upload("cat.png", content, size=size)
    assert handle(world).status == "rejected"
    assert (world.record["reason"]["code"], world.record["reason"]["measured"]) == (code, measured)
    assert not world.analyzed
    assert world.record["analyzer"] is None
    assert world.announced[0][2] == "rejected"


def test_the_analysers_own_verdict_is_a_rejection_too(world: World) -> None:
    world.failure = ImageRejectedError("InvalidImageFormat", "corrupt")
    assert handle(world).status == "rejected"
    analyzer = world.record["analyzer"]
    assert (analyzer["identity"], analyzer["modelVersion"], analyzer["cached"]) == (world.identity, None, False)
    assert (world.record["image"]["format"], world.analyses) == ("PNG", {})


DOWN = RetryLaterError("503", retry_after_seconds=0)


@pytest.mark.parametrize("operation", ["read", "begin", "analyze", "put", "keep", "etag", "announce"])
def test_a_transient_error_of_any_service_requeues_the_message_with_back_off_and_is_never_poison(
    world: World, operation: str
) -> None:
    down = True

    async def step(found: str, effect: Callable[[], Any]) -> Any:
        if down and found == operation:
            raise DOWN
        return effect()

    world.step = step
    text, delays = message(), []
    for _ in range(12):  # more often than the host would deliver one message
        assert handle(world, text, attempt=5 if text == message() else 1).status == "delayed"
        text, delay = world.queued.pop()
        delays.append(delay)
    assert world.poisoned == []
    for earlier, later in pairwise(delays[::2]):
        assert later > earlier
    assert max(delays) <= timeouts.BACKOFF_LONGEST_SECONDS * timeouts.BACKOFF_JITTER
    assert json.loads(text)["interruptions"] == 4
    down = False
    assert handle(world, text).status == "classified"
    if operation in {"read", "begin", "analyze", "put"}:  # the others come after the record
        assert world.record["attempts"] == 12 + 4 + 1
    assert world.analyzed == {b"cat": 1}, "what was paid for before the error is not paid for again"


@pytest.mark.parametrize("after", [0, 45, 900])
def test_the_services_own_retry_after_is_the_least_that_is_waited(world: World, after: float) -> None:
    world.failure = RetryLaterError("503", retry_after_seconds=after)
    handle(world)
    ((_, delay),) = world.queued
    least = max(after, timeouts.BACKOFF_FIRST_SECONDS)
    assert least <= delay <= least * timeouts.BACKOFF_JITTER


def test_a_lost_cache_entry_costs_no_record_and_no_second_payment(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "finish":
            raise DOWN
        return effect()

    world.step = step
    assert handle(world).status == "classified"
    assert (world.analyzed, world.queued, world.record["status"]) == ({b"cat": 1}, [], "classified")
    assert "an analysis was not cached: RetryLaterError: 503" in caplog.text


def test_a_lease_of_another_worker_is_waited_for_without_reading_the_blob_again(world: World) -> None:
    async def crash(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "analyze":
            raise asyncio.CancelledError
        if operation == "release":
            raise DOWN
        return effect()

    world.step = crash
    with pytest.raises(asyncio.CancelledError):
        handle(world)
    reads: list[str] = []

    async def count(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "read":
            reads.append(operation)
        return effect()

    world.step = count
    assert handle(world, attempt=2).status == "delayed"
    ((text, delay),) = world.queued
    assert delay >= timeouts.ANALYSIS_LEASE_SECONDS
    world.now += timedelta(seconds=delay)
    assert handle(world, text).status == "classified"
    assert len(reads) == 2


@pytest.mark.parametrize(
    "failure",
    [
        ConfigurationError("UnknownHost", "no such host"),
        AnalyzerConfigurationError("NotSupportedVisualFeature", "no captions here"),
    ],
)
def test_a_configuration_error_requeues_slowly_and_is_an_outcome_of_its_own(
    world: World, failure: ConfigurationError
) -> None:
    world.failure = failure
    outcome = handle(world)
    assert (outcome.status, world.records, world.poisoned) == ("misconfigured", {}, [])
    assert str(failure) in outcome.detail
    ((text, delay),) = world.queued
    assert delay >= timeouts.CONFIGURATION_RETRY_SECONDS
    world.failure = None
    assert handle(world, text).status == "classified"


def test_a_refused_identity_is_transient_until_its_role_assignment_must_be_in_force(world: World) -> None:
    world.failure = AccessDeniedError("403")
    assert handle(world).status == "delayed"
    text, delay = world.queued.pop()
    assert delay <= timeouts.BACKOFF_FIRST_SECONDS * timeouts.BACKOFF_JITTER
    world.now += timeouts.ACCESS_PROPAGATION - timedelta(seconds=1)
    assert handle(world, text).status == "delayed"
    world.now += timedelta(seconds=1)
    assert handle(world, text).status == "misconfigured"


def test_what_the_adapters_do_not_know_is_repeated_by_the_host_and_then_poison_with_its_reason(world: World) -> None:
    world.failure = KeyError("down\nlong trace")
    with pytest.raises(KeyError):
        handle(world, attempt=4)
    assert (world.records, world.analyses, world.poisoned) == ({}, {}, [])
    assert handle(world, attempt=5).status == "failed"
    assert world.record["reason"]["code"] == "KeyError"
    (poison,) = world.poisoned
    assert (poison["poison"]["code"], poison["message"]) == ("KeyError", message())
    assert world.announced[0][2] == "failed"
    world.failure = None
    assert handle(world).status == "classified"
    assert world.record["status"] == "classified"


def test_an_answer_that_cannot_be_read_is_paid_for_once(world: World) -> None:
    world.failure = UnexpectedResponseError("UnexpectedResponse", "no tags")
    assert handle(world, attempt=1).status == "failed"
    assert (world.record["reason"]["code"], len(world.poisoned), world.queued) == ("UnexpectedResponse", 1, [])


def test_a_failure_is_recorded_for_the_version_that_was_tried_and_for_no_other(world: World) -> None:
    world.failure = KeyError("bug")

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "analyze" and world.blobs["cat.png"].etag == "e0001":
            world.upload("cat.png", b"dog")
        return effect()

    world.step = step
    assert handle(world, attempt=5).status == "delayed"
    assert (world.records, world.announced, world.poisoned) == ({}, [], [])
    world.failure = None
    text, _ = world.queued.pop()
    assert handle(world, text).status == "classified"


def test_a_copy_that_could_not_be_made_is_made_by_a_redrive(world: World) -> None:
    async def without_copies(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "keep":
            raise ValueError("a bug")
        return effect()

    world.step = without_copies
    with pytest.raises(ValueError, match="bug"):
        handle(world, attempt=4)
    assert handle(world, attempt=5).status == "classified"
    (poison,) = world.poisoned
    assert world.copies == {}
    world.step = through
    assert handle(world, poison["message"]).status == "classified"
    assert [*world.copies] == [world.record["copy"]]


@pytest.mark.parametrize(
    ("text", "attempt"),
    [
        (message(), 6),
        (json.dumps({"event": json.loads(message()), "putBacks": 3, "interruptions": 4,
                     "deadline": (NOW + timedelta(hours=1)).isoformat()}), 2),
    ],
)  # fmt: skip
def test_an_image_that_ends_the_worker_each_time_is_not_touched_again_and_failed_once(
    world: World, text: str, attempt: int
) -> None:
    """However its deaths are spread over messages: requeueing makes a new message with a new dequeue count."""
    touched: list[str] = []

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        touched.append(operation)
        return effect()

    world.step = step
    assert handle(world, text, attempt=attempt).status == "failed"
    assert world.record["reason"]["code"] == "Interrupted"
    assert (len(world.poisoned), world.poisoned[0]["poison"]["code"]) == (1, "Interrupted")
    assert not {"read", "begin", "analyze"} & {*touched}
    assert world.announced[0][2] == "failed"


def test_a_worker_that_dies_between_lease_and_result_each_time_is_given_up_within_the_hour(world: World) -> None:
    """The message meets its own dead worker's lease, so every death is followed by a requeueing."""

    async def crash(operation: str, effect: Callable[[], Any]) -> Any:
        if operation in {"analyze", "release"}:
            raise asyncio.CancelledError
        return effect()

    world.step = crash
    text, attempt, start, outcome = message(), 1, world.now, None
    while outcome is None or outcome.status == "delayed":
        assert world.now - start < timedelta(hours=1)
        try:
            outcome = handle(world, text, attempt=attempt)
        except asyncio.CancelledError:
            attempt += 1
            world.now += timedelta(seconds=30)
            continue
        if outcome.status == "delayed":
            text, delay = world.queued.pop()
            attempt = 1
            world.now += timedelta(seconds=delay)
    assert world.record["reason"]["code"] == "Interrupted"


def test_a_failure_never_replaces_what_was_classified(world: World) -> None:
    handle(world, gallery=None)
    world.failure, world.analyses = KeyError("late"), {}
    assert handle(world, attempt=5, gallery=None).status == "classified"
    assert (world.record["status"], world.poisoned) == ("classified", [])


def hang_at(*operations: str) -> Callable[[str, Callable[[], Any]], Any]:
    async def hang(operation: str, effect: Callable[[], Any]) -> Any:
        if operation in operations:
            await asyncio.Event().wait()
        return effect()

    return hang


def tenths(seconds: float) -> Any:
    """Time limits, a ten-thousandth as long."""
    return asyncio.timeout(seconds / 10_000)


def test_processing_that_takes_too_long_is_requeued_and_gives_its_lease_back(world: World) -> None:
    world.step = hang_at("analyze")
    assert handle(world, attempt=5, time_limit=tenths).status == "delayed"
    assert (world.analyses, world.poisoned, len(world.queued)) == ({}, [], 1)


@pytest.mark.parametrize("operations", [("put",), ("analyze", "release"), ("analyze", "send"), ("etag",)])
@pytest.mark.parametrize("attempt", [1, 6])
def test_an_invocation_always_ends_within_its_time(world: World, operations: tuple[str, ...], attempt: int) -> None:
    """Whatever hangs, recording a failure and requeueing included."""
    world.step = hang_at(*operations)

    async def run() -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with contextlib.suppress(TimeoutError):
            await world.pipeline(time_limit=tenths).handle(message(), attempt=attempt)
        return loop.time() - started

    assert asyncio.run(run()) * 10_000 < timeouts.INVOCATION_SECONDS + 1000


def test_a_failure_that_takes_too_long_to_record_is_requeued(world: World) -> None:
    world.step = hang_at("etag")
    assert handle(world, attempt=6, time_limit=tenths).status == "delayed"
    assert len(world.queued) == 1


def test_a_message_that_is_none_of_ours_takes_no_longer_either(world: World) -> None:
    world.step = hang_at("send")
    with pytest.raises(TimeoutError):
        handle(world, "[]", time_limit=tenths)
    assert world.poisoned == []


def test_a_message_that_cannot_be_requeued_is_the_hosts_to_repeat(world: World) -> None:
    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation in {"analyze", "send"}:
            raise DOWN
        return effect()

    world.step = step
    with pytest.raises(RetryLaterError):
        handle(world)


def test_throttling_puts_the_message_back_with_its_delay_and_never_counts_as_failure(world: World) -> None:
    world.failure = ThrottledError("throttled", retry_after_seconds=30)
    text = message()
    for put_backs in range(1, 12):
        assert handle(world, text, attempt=5 if put_backs == 1 else 1).status == "delayed"
        text, delay = world.queued.pop()
        assert 30 <= delay <= 45
        assert json.loads(text)["putBacks"] == put_backs
        assert json.loads(text)["deadline"] == (NOW + timedelta(hours=1)).isoformat()
    assert (world.records, world.poisoned) == ({}, [])
    world.failure = None
    assert handle(world, text).status == "classified"


def test_at_the_deadline_an_image_is_failed_and_is_no_poison(world: World) -> None:
    world.failure = ThrottledError("throttled", retry_after_seconds=30)
    handle(world)
    text, _ = world.queued.pop()
    world.now += timedelta(minutes=59, seconds=50)
    assert handle(world, text).status == "failed"
    assert (world.record["reason"]["code"], world.poisoned, world.queued) == ("DeadlineExceeded", [], [])
    assert "throttled" in world.record["reason"]["sentence"]


def test_past_the_deadline_a_failure_that_cannot_be_recorded_is_recorded_later(world: World) -> None:
    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation in {"begin", "put"}:
            raise DOWN
        return effect()

    handle_text = json.dumps({"event": json.loads(message()), "putBacks": 3, "deadline": NOW.isoformat()})
    world.step = step
    assert handle(world, handle_text).status == "delayed"
    assert (world.poisoned, len(world.queued)) == ([], 1)


@pytest.mark.parametrize("name", ["gone.png", "cat.png", "text.png"])
def test_what_needs_no_analysis_never_waits_for_the_analyzer(world: World, name: str) -> None:
    handle(world)
    world.upload("text.png", b"text")
    world.failure = ThrottledError("every account is throttled", retry_after_seconds=60)
    expected = {"gone.png": "removed", "cat.png": "classified", "text.png": "rejected"}[name]
    assert handle(world, message(name)).status == expected
    assert world.queued == []


def test_while_the_analyzer_is_down_no_lease_is_taken(world: World) -> None:
    world.failure = ThrottledError("every account is throttled", retry_after_seconds=60)
    assert handle(world).status == "delayed"
    assert world.analyses == {}


def test_duplicates_and_the_same_content_under_another_name_are_not_paid_for(world: World) -> None:
    world.upload("copy.png", b"cat")
    for name in ("cat.png", "cat.png", "copy.png"):
        assert handle(world, message(name)).status == "classified"
    assert world.analyzed == {b"cat": 1}
    assert sorted(record["analyzer"]["cached"] for record in world.records.values()) == [False, True]


def test_a_duplicate_is_announced_again_for_the_first_may_have_crashed(world: World) -> None:
    handle(world)
    handle(world)
    assert world.announced == [world.announced[0]] * 2


def test_another_analyser_makes_another_record(world: World) -> None:
    handle(world)
    world.identity = "test/2"
    handle(world)
    assert (world.analyzed, world.record["analyzer"]["identity"]) == ({b"cat": 2}, "test/2")


@pytest.mark.parametrize("kind", ["BlobCreated", "BlobDeleted"])
def test_an_event_of_either_kind_leaves_what_the_blob_says(world: World, kind: str) -> None:
    assert handle(world, message(kind=kind)).status == "classified"
    del world.blobs["cat.png"]
    assert handle(world, message(kind=kind)).status == "removed"
    assert (world.records, world.copies) == ({}, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "no Event Grid event"),
        ("[]", "no JSON object"),
        ('{"putBacks": 1}', "no Event Grid event"),
        ("[" * 100_000, "no Event Grid event"),
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
    world: World, text: str, said: str
) -> None:
    async def refuse(operation: str, effect: Callable[[], Any]) -> Any:
        assert operation == "send"
        return effect()

    world.step = refuse
    assert handle(world, text).status == "poison"
    (poison,) = world.poisoned
    assert (poison["poison"]["code"], poison["message"]) == ("BadEvent", text)
    assert said in poison["poison"]["sentence"]
    assert world.records == {}


@given(st.text(min_size=1, max_size=200).filter(lambda name: not name.isspace()))
def test_any_name_gives_a_legal_and_stable_record_id(name: str) -> None:
    world = World()
    world.upload(name, b"cat")
    outcome = handle(world, message(name))
    assert world.record["blob"]["name"] == name
    assert outcome.record_id == record_id("images", name) == world.record["id"]
    assert outcome.record_id is not None
    assert outcome.record_id.isalnum()
    assert len(outcome.record_id) == 52


@given(st.text() | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_message_can_do_more_than_be_poison(text: str) -> None:
    world = World()
    assert handle(world, text).status == "poison"
