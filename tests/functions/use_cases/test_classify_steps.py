"""The pipeline's time limits, measures and sentences, and the steps of its parts one by one."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from classifier.domain import timeouts
from classifier.domain.errors import (
    ConcurrencyError,
    ConfigurationError,
    RetryLaterError,
    ThrottledError,
    UnexpectedResponseError,
)
from classifier.domain.events import Message
from classifier.domain.metrics import collect_metrics
from classifier.domain.models import Analysis, BlobInfo, ImageInfo, Outcome, Versioned
from classifier.domain.record import blank
from classifier.domain.watermark import Watermark
from classifier.use_cases.cached_analyzer import CachedAnalyzer
from classifier.use_cases.reconcile import Report
from classifier.use_cases.record_writer import RecordWriter
from classifier.use_cases.redrive import redrive

from tests.functions.test_triggers import InMemoryImagesQueue, InMemoryPoisonQueue
from tests.functions.use_cases.test_reconcile import ReconcileScenario
from tests.support.in_memory_services import (
    NOW,
    InMemoryAnalysisCache,
    InMemoryRecordRepository,
    InMemoryServices,
    handle,
    message,
)

CAT = b"cat"
CAT_SHA256 = "77af778b51abd4a3c51c5ddd97204a9c3ae614ebccb75a606c3b6865aed6744e"
INFO = ImageInfo(width=640, height=480, format="PNG")


class Limits:
    """Time limits that are noted, and never reached."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> AbstractAsyncContextManager[None]:
        self.seconds.append(seconds)
        return contextlib.nullcontext()


def failing_at(*operations: str, error: Exception) -> Callable[[str, Callable[[], Any]], Any]:
    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation in operations:
            raise error
        return effect()

    return step


DOWN = RetryLaterError("503")


@pytest.mark.parametrize(
    ("failure", "attempt", "seconds"),
    [
        (None, 1, [500, 240]),
        (ThrottledError("429", retry_after_seconds=1), 1, [500, 240, 150]),
        (UnexpectedResponseError("C", "no tags"), 1, [500, 240, 15, 60]),
        (None, 6, [500, 60]),
    ],
)
def test_each_part_of_an_invocation_has_its_own_time(
    services: InMemoryServices, failure: Exception | None, attempt: int, seconds: list[float]
) -> None:
    """Processing 240, giving a lease back 15, recording a failure 60, requeueing 150, all of it 500 seconds."""
    services.failure = failure
    limits = Limits()
    handle(services, attempt=attempt, time_limit=limits)
    assert limits.seconds == seconds


def test_an_outcome_says_what_happened_to_which_image(services: InMemoryServices) -> None:
    record_id = Message.parse(message()).event.record_id
    assert handle(services) == Outcome(status="classified", detail="cat", record_id=record_id, event_id="event-1")
    services.upload("cat.png", b"text")
    assert handle(services) == Outcome(status="rejected", detail="NotAnImage", record_id=record_id, event_id="event-1")
    del services.blobs["cat.png"]
    gone = Outcome(status="removed", detail="the blob does not exist", record_id=record_id, event_id="event-1")
    assert handle(services) == gone
    assert handle(services, attempt=6) == gone
    assert handle(services, "[]") == Outcome(status="poison", detail="the message is no JSON object but '[]'")


def test_without_a_category_there_is_no_detail(services: InMemoryServices) -> None:
    assert handle(services, min_confidence=0.95).detail == ""
    assert handle(services, min_confidence=0.9).detail == ""


def test_a_requeued_message_says_why_and_for_how_long(
    services: InMemoryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _high: low)
    services.failure = ThrottledError("the accounts are throttled", retry_after_seconds=30)
    with collect_metrics() as metrics:
        outcome = handle(services)
    assert (outcome.status, outcome.detail) == ("delayed", "the accounts are throttled; back in 30 s")
    assert metrics == {"putBacks": 1}
    ((text, delay),) = services.queued_messages
    assert delay == 30
    assert json.loads(text)["deadline"] == "2026-01-02T04:04:05+00:00"


def test_a_timeout_has_a_sentence_too(services: InMemoryServices) -> None:
    services.step = failing_at("read", error=TimeoutError())
    assert handle(services).detail.startswith("TimeoutError; back in ")


def test_past_the_deadline_the_last_error_stands_in_the_record(services: InMemoryServices) -> None:
    services.failure = ThrottledError("the accounts are throttled", retry_after_seconds=30)
    text = json.dumps({"event": json.loads(message()), "putBacks": 3, "deadline": NOW.isoformat()})
    assert handle(services, text).status == "failed"
    assert services.record["reason"] == {
        "code": "DeadlineExceeded",
        "sentence": "the accounts are throttled, until the deadline 2026-01-02T03:04:05+00:00",
        "measured": None,
        "limit": None,
    }


@pytest.mark.parametrize(("seconds_left", "status"), [(30, "delayed"), (29, "failed")])
def test_a_delivery_at_the_deadline_itself_is_still_made(
    services: InMemoryServices, monkeypatch: pytest.MonkeyPatch, seconds_left: int, status: str
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _high: low)
    services.failure = ThrottledError("429", retry_after_seconds=30)
    deadline = (NOW + timedelta(seconds=seconds_left)).isoformat()
    text = json.dumps({"event": json.loads(message()), "putBacks": 3, "deadline": deadline})
    assert handle(services, text).status == status


@pytest.mark.parametrize(("interruptions", "attempt", "status"), [(4, 1, "classified"), (4, 2, "failed")])
def test_after_five_deliveries_without_an_outcome_an_image_is_not_touched(
    services: InMemoryServices, interruptions: int, attempt: int, status: str
) -> None:
    text = json.dumps({
        "event": json.loads(message()), "putBacks": 1, "interruptions": interruptions,
        "deadline": (NOW + timedelta(hours=1)).isoformat(),
    })  # fmt: skip
    assert handle(services, text, attempt=attempt).status == status
    if status == "failed":
        assert services.record["reason"]["sentence"] == "5 deliveries ended without an outcome"


def test_an_unknown_error_has_its_first_line_as_sentence(services: InMemoryServices) -> None:
    services.step = failing_at("analyze", error=ValueError("\n first\nsecond"))
    handle(services, attempt=5)
    assert services.record["reason"] == {"code": "ValueError", "sentence": "first", "measured": None, "limit": None}
    services.records.clear()
    services.step = failing_at("analyze", error=ValueError())
    handle(services, attempt=5)
    assert services.record["reason"]["sentence"] == ""


def test_another_hosts_or_containers_event_is_named(services: InMemoryServices) -> None:
    outcome = handle(services, message(data={"url": "https://other.blob.core.windows.net/x"}))
    assert outcome.detail == (
        "the event is about ('other.blob.core.windows.net', 'images'), not about"
        " ('acct.blob.core.windows.net', 'images')"
    )


def test_what_an_image_took_is_measured(services: InMemoryServices) -> None:
    async def slow(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "analyze":
            services.now += timedelta(seconds=1.5)
        return effect()

    services.step = slow
    with collect_metrics() as metrics:
        handle(services)
        assert metrics == {"queuedMs": 2000}
        assert services.record["timings"] == {"queuedMs": 2000, "analyzeMs": 1500, "totalMs": 3500}
        assert services.record["processedAt"] == "2026-01-02T03:04:06.500000+00:00"
        handle(services)
    assert metrics == {"queuedMs": 3500, "cacheHits": 1}


@pytest.mark.parametrize("content", [b"text", b"tiny", b""])
def test_what_is_rejected_took_no_analysis(services: InMemoryServices, content: bytes) -> None:
    services.upload("cat.png", content)
    handle(services)
    assert services.record["timings"] == {"queuedMs": 2000, "analyzeMs": 0, "totalMs": 2000}
    assert (services.record["copy"], services.record["analyzer"]) == (None, None)


def test_a_record_is_looked_at_again_while_its_blob_changes_with_and_without_a_copy(services: InMemoryServices) -> None:
    """Of a version without a category there is no copy to discard."""
    contents = [b"dog", b"text", b"fox"]

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "put" and contents:
            services.upload("cat.png", contents.pop(0))
        return effect()

    services.step = step
    assert handle(services).detail == "fox"
    assert (services.record["copy"], services.copies) == (
        "fox/cat.png",
        {"fox/cat.png": services.blobs["cat.png"].etag},
    )


def test_without_copies_a_record_names_none(services: InMemoryServices) -> None:
    handle(services, image_copies=None)
    assert (services.record["copy"], services.copies) == (None, {})


def test_without_subscribers_nothing_is_published(services: InMemoryServices) -> None:
    assert handle(services, result_publisher=None).status == "classified"
    assert services.published_results == []


class ImageCopyStoreSpy:
    """Notes which copies are discarded."""

    def __init__(self) -> None:
        self.discarded: list[tuple[str, str]] = []

    async def save(self, path: str, blob: Any) -> None:
        raise AssertionError(f"the register keeps no copy: {path}, {blob}")

    async def delete(self, path: str, etag: str) -> None:
        self.discarded.append((path, etag))


def stored(
    services: InMemoryServices, *, copy: str | None, etag: str = "e0000", status: str = "classified"
) -> dict[str, Any]:
    """A record of an older version, as it is stored."""
    record = blank(Message.parse(message()), 1)
    record["blob"]["etag"] = etag
    record |= {"status": status, "copy": copy, "analyzer": {"identity": "test/0"}}
    asyncio.run(InMemoryRecordRepository(services).put(record, None))
    return record


@pytest.mark.parametrize(
    ("old", "new", "discarded"),
    [
        (None, None, []),
        (None, "cat/cat.png", []),
        ("cat/cat.png", "cat/cat.png", []),
        ("dog/cat.png", "cat/cat.png", [("dog/cat.png", "e0000")]),
        ("dog/cat.png", None, [("dog/cat.png", "e0000")]),
    ],
)
def test_a_copy_is_discarded_only_when_the_new_record_has_another(
    services: InMemoryServices, old: str | None, new: str | None, discarded: list[tuple[str, str]]
) -> None:
    image_copies = ImageCopyStoreSpy()
    stored(services, copy=old)
    record = blank(Message.parse(message()), 1)
    record["blob"]["etag"] = "e0001"
    record |= {"status": "classified", "copy": new, "analyzer": {"identity": "test/1"}}
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=image_copies)
    assert asyncio.run(writer.write(record, "cat.png")) == record
    assert image_copies.discarded == discarded
    assert asyncio.run(
        RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None).write(
            record, "cat.png"
        )
    )


@pytest.mark.parametrize(("copy", "discarded"), [(None, []), ("dog/cat.png", [("dog/cat.png", "e0000")])])
def test_the_copy_of_a_removed_record_is_discarded(
    services: InMemoryServices, copy: str | None, discarded: list[tuple[str, str]]
) -> None:
    image_copies = ImageCopyStoreSpy()
    stored(services, copy=copy)
    del services.blobs["cat.png"]
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=image_copies)
    assert asyncio.run(writer.remove(Message.parse(message()).event)) is True
    assert (image_copies.discarded, services.records) == (discarded, {})


def test_a_record_that_changes_while_it_is_removed_is_removed_all_the_same(services: InMemoryServices) -> None:
    record = stored(services, copy=None)
    del services.blobs["cat.png"]
    changes = 2

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        nonlocal changes
        if operation == "delete" and changes:
            changes -= 1
            services.records[record["id"]] = services.record | {"_etag": services.new_etag()}
        return effect()

    services.step = step
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None)
    assert asyncio.run(writer.remove(Message.parse(message()).event)) is True
    assert (services.records, changes) == ({}, 0)


def test_a_record_that_is_removed_while_it_is_written_is_written_all_the_same(services: InMemoryServices) -> None:
    """The write is refused, and then there is nothing to be refused by."""
    refusals = 2

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        nonlocal refusals
        if operation == "put" and refusals:
            refusals -= 1
            raise ConcurrencyError("record")
        return effect()

    services.step = step
    record = blank(Message.parse(message()), 1)
    record["blob"]["etag"] = "e0001"
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None)
    assert asyncio.run(writer.write(record, "cat.png")) == record
    assert services.record["blob"]["etag"] == "e0001"


@pytest.mark.parametrize(
    ("status", "sha256", "identity", "kept"),
    [
        ("classified", CAT_SHA256, "test/0", True),
        ("classified", CAT_SHA256, "test/1", False),
        ("failed", CAT_SHA256, None, True),
        ("rejected", CAT_SHA256, None, False),
        ("rejected", None, None, True),
    ],
)
def test_which_record_of_the_same_version_stays(
    services: InMemoryServices, status: str, sha256: str | None, identity: str | None, *, kept: bool
) -> None:
    """One that says the same; a success in the place of a failure, and an analysis in the place of no content."""
    seen = stored(services, copy=None, etag="e0001")
    services.record["blob"]["contentSha256"] = CAT_SHA256
    record = blank(Message.parse(message()), 7)
    record["blob"] |= {"etag": "e0001", "contentSha256": sha256}
    record |= {"status": status, "analyzer": {"identity": identity} if identity else None}
    writer = RecordWriter(images=services, records=InMemoryRecordRepository(services), image_copies=None)
    written = asyncio.run(writer.write(record, "cat.png"))
    assert written is not None
    assert written["attempts"] == (1 if kept else 7)
    assert services.record["attempts"] == written["attempts"]
    assert seen["attempts"] == 1


def cached_analyzer(services: InMemoryServices, limits: Limits | None = None) -> CachedAnalyzer:
    return CachedAnalyzer(analyzer=services, analyses=InMemoryAnalysisCache(services), time_limit=limits or Limits())


def test_an_analysis_is_stored_under_its_content_and_analyzer(services: InMemoryServices) -> None:
    """Another key has every image paid for again."""
    analysis, cached = asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    assert (analysis.findings["tags"][0]["name"], cached) == ("cat", False)
    assert [*services.analyses] == ["3ee8437e5aabd57e8278f5973ee61b44076b391d799da2f460837ae977fc9601"]
    with collect_metrics() as metrics:
        assert asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO)) == (analysis, True)
    assert metrics == {"cacheHits": 1}


@pytest.mark.parametrize("failure", [DOWN, ConfigurationError("C", "s")])
def test_what_was_analyzed_needs_no_analyzer_that_is_ready(services: InMemoryServices, failure: Exception) -> None:
    analysis, _ = asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    services.failure = failure
    with collect_metrics() as metrics:
        assert asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO)) == (analysis, True)
    assert metrics == {"cacheHits": 1}
    with pytest.raises(type(failure)):
        asyncio.run(cached_analyzer(services).analyze("0" * 64, CAT, INFO))


@pytest.mark.parametrize("release_fails", [False, True])
@pytest.mark.parametrize("error", [UnexpectedResponseError("C", "no tags"), asyncio.CancelledError()])
def test_an_analysis_that_fails_gives_its_lease_back(
    services: InMemoryServices, error: BaseException, *, release_fails: bool
) -> None:
    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "analyze":
            raise error
        if operation == "release" and release_fails:
            raise DOWN
        return effect()

    services.step = step
    limits = Limits()
    with pytest.raises(type(error)):
        asyncio.run(cached_analyzer(services, limits).analyze(CAT_SHA256, CAT, INFO))
    assert limits.seconds == [15]
    assert bool(services.analyses) is release_fails


def test_an_analysis_that_cannot_be_stored_is_used(
    services: InMemoryServices, caplog: pytest.LogCaptureFixture
) -> None:
    services.step = failing_at("store", error=RetryLaterError("Cosmos DB: 503"))
    with collect_metrics() as metrics:
        analysis, cached = asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    assert (analysis.analyzer, cached, metrics) == ("test", False, {"uncached": 1})
    assert caplog.messages == ["an analysis was not cached: RetryLaterError: Cosmos DB: 503"]


def test_an_analysis_is_an_item_and_comes_back_out_of_it() -> None:
    analysis = Analysis(analyzer="a", api_version="1", model_version="m", findings={"tags": [1]}, exclusive=True)
    item = analysis.to_item("key")
    assert item == {
        "id": "key",
        "schemaVersion": 1,
        "analyzer": "a",
        "apiVersion": "1",
        "modelVersion": "m",
        "findings": {"tags": [1]},
        "exclusive": True,
    }
    assert Analysis.from_item(item) == analysis
    assert Analysis(analyzer="a", api_version="1", model_version="m", findings={}).exclusive is False


CUTOFF = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC)


def listed(name: str = "a", *, seconds: int = 0) -> BlobInfo:
    """A blob that was modified so many seconds after the cutoff."""
    return BlobInfo(name=name, etag="e", last_modified=CUTOFF + timedelta(seconds=seconds))


def text(seconds: int) -> str:
    return (CUTOFF + timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize(
    ("mark", "seconds", "looked_up"),
    [
        (Watermark(), 0, False),
        (Watermark(cutoff=text(0)), 0, True),
        (Watermark(cutoff=text(0)), 1, False),
        (Watermark(cutoff=text(0), verified=text(-60)), -60, True),
        (Watermark(cutoff=text(0), verified=text(-60)), -61, False),
        (Watermark(cutoff=text(0), verified=text(-60), remembered=("a",)), -61, True),
        (Watermark(cutoff=text(0), verified=text(-60), remembered=("b",)), -61, False),
        (Watermark(cutoff=text(0), verified=text(-60), backfill=True), -61, True),
        (Watermark(cutoff=text(0), verified=text(-60), backfill=True), 1, False),
        (Watermark(cutoff=text(0), verified=text(-60), remembered=("a",)), 1, False),
    ],
)
def test_which_blobs_a_round_looks_up(mark: Watermark, seconds: int, *, looked_up: bool) -> None:
    assert mark.includes(listed(seconds=seconds)) is looked_up


def test_what_is_missed_for_the_first_time_moves_the_next_round_back_to_it() -> None:
    mark = Watermark(cutoff=text(0), previous=text(-100))
    mark = mark.after_page([listed("b", seconds=-50), listed("a", seconds=-100), listed("c", seconds=-20)])
    assert (mark.earliest, mark.missed) == (text(-100), ())
    assert mark.after_page([listed("d", seconds=-10)]).earliest == text(-100)
    assert mark.after_page([]) == mark
    assert mark.after_round() == Watermark(verified=text(-100), previous=text(0))


def test_what_is_missed_again_is_remembered_by_name() -> None:
    mark = Watermark(cutoff=text(0), previous=text(-100), missed=("z",)).after_page([listed("a", seconds=-101)])
    assert (mark.earliest, mark.missed) == (None, ("z", "a"))
    assert mark.after_round() == Watermark(verified=text(0), previous=text(0), remembered=("z", "a"))


def test_two_hundred_names_are_remembered_and_the_rest_by_its_time() -> None:
    names = tuple(f"{number:03}" for number in range(199))
    mark = Watermark(cutoff=text(0), previous=text(-100), missed=names)
    mark = mark.after_page([listed("a", seconds=-101), listed("b", seconds=-102), listed("c", seconds=-103)])
    assert (len(mark.missed), mark.missed[-1], mark.earliest) == (200, "a", text(-103))


def test_a_backfill_leaves_what_the_rounds_know() -> None:
    mark = Watermark(
        marker="m", cutoff=text(0), verified=text(-1), previous=text(-2), remembered=("a",), earliest=text(-3),
        missed=("b",), backfill=True,
    )  # fmt: skip
    assert mark.after_page([listed()]) == mark
    assert mark.after_round() == Watermark(verified=text(-1), previous=text(-2), remembered=("a",))


def test_a_watermark_comes_back_out_of_json() -> None:
    mark = Watermark(marker="m", cutoff=text(0), remembered=("a",), missed=("b",), backfill=True)
    assert Watermark.from_json(json.loads(json.dumps(asdict(mark)))) == mark
    assert Watermark.from_json({}) == Watermark()
    assert Watermark.from_json({"marker": "m", "of-another-version": 1}) == Watermark(marker="m")


def scenario_of(count: int, **changes: Any) -> ReconcileScenario:
    """A reconcile with so many blobs, an hour old."""
    scenario = ReconcileScenario(**changes)
    for number in range(count):
        scenario.services.upload(f"{number}", CAT)
    scenario.later(hours=1)
    return scenario


@pytest.mark.parametrize(("waiting", "began"), [(0, True), (1_000, True), (1_001, False)])
def test_a_round_begins_when_a_thousand_messages_wait_and_no_more(waiting: int, *, began: bool) -> None:
    scenario = scenario_of(1)
    scenario.waiting.extend(range(waiting))
    because = "the round is finished" if began else "a backlog is being worked on"
    assert scenario.run() == Report(listed=int(began), enqueued=int(began), finished=began, ended_because=because)


@pytest.mark.parametrize(("waiting", "goes_on"), [(100_000, True), (100_001, False)])
def test_a_round_goes_on_while_a_hundred_thousand_messages_wait_and_no_longer(waiting: int, *, goes_on: bool) -> None:
    scenario = scenario_of(5)
    scenario.run(seconds=0)
    scenario.waiting.extend(range(waiting))
    report = scenario.run()
    assert report.ended_because == ("the round is finished" if goes_on else "the queue is full")
    assert report.listed == (3 if goes_on else 2)


def test_a_run_out_of_time_says_so() -> None:
    assert scenario_of(5).run(seconds=0) == Report(listed=2, enqueued=2, finished=False, ended_because="time is up")


def test_what_is_enqueued_is_an_event_about_the_version_that_was_listed() -> None:
    scenario = scenario_of(1)
    scenario.run()
    ((text_sent, delay),) = scenario.services.queued_messages
    assert delay == 0
    assert json.loads(text_sent) == {
        "eventType": "ImagePipeline.BlobFound",
        "id": "reconcile-e0001",
        "subject": "/blobServices/default/containers/images/blobs/0",
        "eventTime": "2026-01-02T04:04:05+00:00",
        "data": {"url": "https://acct.blob.core.windows.net/images"},
    }
    assert scenario.checkpoints.value["previous"] == "2026-01-02T03:34:05+00:00"


@pytest.mark.parametrize(("seconds", "enqueued"), [(0, 1), (1, 0)])
def test_a_round_looks_at_blobs_up_to_its_grace(seconds: int, enqueued: int) -> None:
    scenario = ReconcileScenario(grace=timedelta(minutes=30))
    scenario.services.upload("a", CAT)
    scenario.services.last_modified["a"] += timedelta(seconds=seconds)
    scenario.later(minutes=30)
    assert scenario.run().enqueued == enqueued


def test_a_backfill_begins_at_the_first_page_with_everything_there_is() -> None:
    scenario = scenario_of(5)
    scenario.run(seconds=0)
    asyncio.run(scenario.reconciler.start_backfill())
    mark = Watermark.from_json(scenario.checkpoints.value)
    assert mark == Watermark(cutoff="2026-01-02T04:04:05+00:00", earliest="2026-01-02T03:04:05+00:00", backfill=True)


def test_dead_letters_wait_when_time_is_up_before_them() -> None:
    event = json.loads(message())
    scenario = ReconcileScenario({"a": json.dumps([event, event]).encode(), "b": b"[]", "c": b""})
    assert scenario.run(seconds=-1).dead_letters == 0
    assert len(scenario.dead_letters.contents) == 3
    assert scenario.run().dead_letters == 3
    assert [json.loads(sent) for sent, _ in scenario.services.queued_messages] == [event, event]
    assert (scenario.dead_letters.contents, scenario.services.poison_messages) == ({}, [])


def test_a_dead_letter_with_one_bad_event_sends_the_others() -> None:
    event = json.loads(message())
    scenario = ReconcileScenario({"a": json.dumps([7, event]).encode()})
    scenario.run()
    assert [json.loads(sent) for sent, _ in scenario.services.queued_messages] == [event]
    (poison,) = scenario.services.poison_messages
    assert poison["message"] == "7"
    assert poison["poison"]["sentence"] == "dead letter a: the message is no JSON object but '7'"
    assert poison["poison"]["time"] == "2026-01-02T03:04:05+00:00"


def test_a_watermark_that_somebody_else_wrote_ends_the_run() -> None:
    scenario = scenario_of(5)
    store = scenario.checkpoints.store

    async def overtaken(value: dict[str, Any], replacing: Versioned | None) -> Versioned:
        await store({"cutoff": None}, scenario.checkpoints.checkpoint)
        return await store(value, replacing)

    scenario.checkpoints.store = overtaken  # type: ignore[method-assign]
    assert scenario.run() == Report(listed=2, enqueued=2, ended_because="another round has begun")


def redriven_at(inserted: datetime, *, deadline: datetime) -> dict[str, int | bool]:
    queue = InMemoryPoisonQueue(message())
    queue.messages[0].inserted_on = inserted
    return asyncio.run(redrive(queue, InMemoryImagesQueue(), deadline=deadline, now=lambda: NOW))


@pytest.mark.parametrize(("seconds", "redriven"), [(-1, 1), (0, 1), (1, 0)])
def test_a_redrive_sends_what_was_there_when_it_began(seconds: int, redriven: int) -> None:
    assert redriven_at(NOW + timedelta(seconds=seconds), deadline=NOW + timedelta(seconds=1)) == {
        "redriven": redriven, "kept": 0, "finished": True,
    }  # fmt: skip


def test_a_redrive_hides_messages_for_ten_minutes() -> None:
    hidden: list[int] = []

    class RecordingQueue(InMemoryPoisonQueue):
        async def receive(self, *, hidden_seconds: int) -> AsyncIterator[Any]:
            hidden.append(hidden_seconds)
            async for found in super().receive(hidden_seconds=hidden_seconds):
                yield found

    asyncio.run(redrive(RecordingQueue(message()), InMemoryImagesQueue(), deadline=NOW, now=lambda: NOW))
    assert hidden == [600]


def test_durations_that_others_rely_on() -> None:
    """By the service or the document that each is named after in `timeouts`."""
    assert timeouts.MESSAGE_LEASE_SECONDS == 600
    assert timeouts.ANALYSIS_LEASE_SECONDS == 300
    assert timedelta(minutes=30) == timeouts.EVENT_GRACE
    assert timedelta(minutes=2) == timeouts.SCHEDULE_GRACE
    assert (timeouts.RECONCILE_SECONDS, timeouts.HTTP_FUNCTION_SECONDS) == (420, 200)
