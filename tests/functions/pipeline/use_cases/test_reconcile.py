"""Reconcile with in-memory services: every missed blob is enqueued, once, in bounded batches."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from classifier.domain.errors import ImageRejectedError
from classifier.domain.models import BlobInfo
from classifier.use_cases.reconcile import Reconciler, Report
from common.domain import timeouts
from common.domain.errors import RetryLaterError
from common.domain.metrics import collect_metrics
from common.domain.record import StoredRecord

from tests.support.in_memory_services import (
    InMemoryCheckpointStore,
    InMemoryDeadLetterStore,
    InMemoryQueue,
    InMemoryRecordRepository,
    InMemoryServices,
    message,
)

HALF_AN_HOUR = timedelta(minutes=30)


class ReconcileScenario:
    """In-memory services, and a reconciler that uses them."""

    def __init__(self, dead_letters: dict[str, bytes] | None = None, grace: timedelta = HALF_AN_HOUR) -> None:
        self.services = InMemoryServices()
        self.checkpoints = InMemoryCheckpointStore()
        self.dead_letters = InMemoryDeadLetterStore(dead_letters or {})
        self.waiting: list[Any] = []
        self.reconciler = Reconciler(
            images=self.services,
            records=InMemoryRecordRepository(self.services),
            analyzer=self.services,
            dead_letters=self.dead_letters,
            queue=InMemoryQueue(self.services.run_step, self.services.queued_messages.append, self.waiting),
            poison_queue=InMemoryQueue(self.services.run_step, self.services.add_poison_message),
            checkpoints=self.checkpoints,
            grace=grace,
            now=lambda: self.services.now,
        )

    def run(self, seconds: float = 60) -> Report:
        return asyncio.run(self.reconciler.run(self.services.now + timedelta(seconds=seconds)))

    def work(self) -> None:
        """Handles everything that is queued."""
        pipeline = self.services.pipeline(image_copies=None)
        while self.services.queued_messages:
            asyncio.run(pipeline.handle(self.services.queued_messages.pop(0)[0], attempt=1))

    def later(self, **time: float) -> None:
        self.services.now += timedelta(**time)


@pytest.fixture
def scenario() -> ReconcileScenario:
    scenario = ReconcileScenario()
    for name in ("a", "b", "c", "d", "e"):
        scenario.services.upload(name, b"cat")
    scenario.later(hours=1)
    return scenario


def test_a_backlog_from_before_there_were_events_is_enqueued_and_found_done_afterwards(
    scenario: ReconcileScenario,
) -> None:
    report = scenario.run()
    assert (report.listed, report.enqueued, report.finished) == (5, 5, True)
    scenario.work()
    assert {record["status"] for record in scenario.services.records.values()} == {"classified"}
    scenario.later(hours=1)
    assert scenario.run().enqueued == 0


def test_what_is_young_is_left_to_its_event(scenario: ReconcileScenario) -> None:
    scenario.run()
    scenario.work()
    scenario.services.upload("young", b"cat")
    assert scenario.run().enqueued == 0
    scenario.later(hours=1)
    assert scenario.run().enqueued == 1


def test_an_upload_in_the_second_of_the_cutoff_is_found() -> None:
    """Last-Modified is in whole seconds, and Storage's clock may be behind the app's by some of them."""
    scenario = ReconcileScenario(grace=timeouts.SCHEDULE_GRACE)
    scenario.later(milliseconds=200)
    for lead in (0, 0.7, 3):
        scenario.run()
        stored = (scenario.services.now - timedelta(seconds=lead)).replace(microsecond=0)
        scenario.services.upload(f"lead {lead}", b"cat")
        scenario.services.last_modified[f"lead {lead}"] = stored
        scenario.later(seconds=1)
    enqueued = 0
    for _ in range(10):
        scenario.later(minutes=1)
        enqueued += scenario.run().enqueued
        scenario.work()
    assert enqueued == 3
    assert len(scenario.services.records) == 3


def test_an_overwritten_blob_whose_event_was_missed_is_found(scenario: ReconcileScenario) -> None:
    scenario.run()
    scenario.work()
    scenario.services.upload("c", b"dog")
    scenario.later(hours=1)
    assert scenario.run().enqueued == 1
    scenario.work()
    assert sorted(record["category"]["name"] for record in scenario.services.records.values()) == ["cat"] * 4 + ["dog"]


def test_a_run_that_is_out_of_time_goes_on_where_it_ended(scenario: ReconcileScenario) -> None:
    reports = [scenario.run(seconds=0) for _ in range(3)]
    assert [report.listed for report in reports] == [2, 2, 1]
    assert [report.finished for report in reports] == [False, False, True]
    assert len(scenario.services.queued_messages) == 5


def test_times_are_compared_in_whole_seconds_as_storage_keeps_them() -> None:
    scenario = ReconcileScenario(grace=timedelta())
    scenario.later(milliseconds=200)
    scenario.run()
    scenario.later(milliseconds=700)
    scenario.services.upload("same second", b"cat")
    scenario.services.last_modified["same second"] = scenario.services.now.replace(microsecond=0)
    scenario.later(hours=1)
    assert scenario.run().enqueued == 1


def lookups(scenario: ReconcileScenario) -> list[str]:
    """The names that the coming runs look up."""
    looked_up: list[str] = []
    get = scenario.reconciler._records.get

    async def spy(record_id: str) -> StoredRecord | None:
        looked_up.append(record_id)
        return await get(record_id)

    scenario.reconciler._records.get = spy  # type: ignore[method-assign]
    return looked_up


def test_after_a_miss_the_same_blobs_are_looked_up_once_more_and_then_no_longer(scenario: ReconcileScenario) -> None:
    looked_up = lookups(scenario)
    scenario.run()
    scenario.work()
    scenario.run()
    assert len(looked_up) == 10
    scenario.later(hours=1)
    scenario.run()
    scenario.run()
    assert len(looked_up) == 10


def test_what_was_enqueued_and_lost_again_and_again_is_enqueued_in_every_round(scenario: ReconcileScenario) -> None:
    for _ in range(5):
        assert scenario.run().enqueued == 5
        scenario.services.queued_messages.clear()
        scenario.later(hours=1)
    scenario.run()
    scenario.work()
    scenario.run()
    assert scenario.run().enqueued == 0


def test_one_miss_a_round_does_not_make_every_round_read_everything() -> None:
    """As with `trigger: schedule`, where every new image is a miss; one blob never gets a record."""
    scenario = ReconcileScenario(grace=timeouts.SCHEDULE_GRACE)
    scenario.services.upload("hopeless", b"cat")
    looked_up = lookups(scenario)
    counts: list[int] = []
    for number in range(30):
        for image in range(20):
            scenario.services.upload(f"image {number:02} {image:02}", b"cat")
        scenario.later(hours=1)
        lookups_before = len(looked_up)
        scenario.run()
        counts.append(len(looked_up) - lookups_before)
        scenario.services.queued_messages[:] = [
            sent for sent in scenario.services.queued_messages if "hopeless" not in sent[0]
        ]
        scenario.work()
    assert len(scenario.services.records) == 600
    assert max(counts[3:]) <= 2 * 20 + 1


def test_more_hopeless_blobs_than_are_remembered_by_name_are_not_forgotten(scenario: ReconcileScenario) -> None:
    for number in range(250):
        scenario.services.upload(f"hopeless {number:03}", b"cat")
    scenario.later(hours=1)
    for _ in range(4):
        scenario.run()
        scenario.services.queued_messages.clear()
    assert len(scenario.checkpoints.value["remembered"]) == 200
    assert scenario.run().enqueued == 255


def test_a_backfill_does_not_make_later_rounds_read_everything(scenario: ReconcileScenario) -> None:
    scenario.run()
    scenario.work()
    scenario.run()
    verified = scenario.checkpoints.value["verified"]
    asyncio.run(scenario.reconciler.start_backfill())
    scenario.run()
    assert scenario.checkpoints.value["verified"] == verified is not None


def test_a_blob_that_was_restored_with_its_old_time_is_found_by_a_backfill(scenario: ReconcileScenario) -> None:
    scenario.run()
    scenario.work()
    restored, last_modified = scenario.services.blobs.pop("c"), scenario.services.last_modified.pop("c")
    scenario.services.queued_messages.append((message("c", kind="BlobDeleted"), 0))
    scenario.work()
    scenario.later(hours=1)
    scenario.run()
    scenario.services.blobs["c"], scenario.services.last_modified["c"] = restored, last_modified
    scenario.run()
    scenario.run()
    assert len(scenario.services.records) == 4
    asyncio.run(scenario.reconciler.start_backfill())
    assert scenario.run().enqueued == 1
    scenario.work()
    assert len(scenario.services.records) == 5


def test_a_watermark_of_another_version_of_the_code_is_read(scenario: ReconcileScenario) -> None:
    scenario.checkpoints.text = json.dumps(
        {"marker": None, "verified": None, "misses": 3, "field-of-a-later-version": 1}
    )
    assert scenario.run().enqueued == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"status": None},
        {"status": "of a later version"},
        {"blob": {}},
        {"timings": {"queuedMs": "long"}},
        {"tags": [{"name": "cat"}]},
    ],
)
def test_a_record_that_cannot_be_read_is_made_anew(changes: dict[str, Any]) -> None:
    scenario = ReconcileScenario()
    scenario.services.upload("a", b"cat")
    scenario.later(hours=1)
    scenario.run()
    scenario.work()
    record = scenario.services.record
    scenario.services.change_record(**changes)
    assert scenario.run().enqueued == 1
    scenario.work()
    assert scenario.services.record["status"] == "classified"
    assert {**scenario.services.record} == record | {
        name: scenario.services.record[name]
        for name in ("_etag", "analyzer", "eventId", "processedAt", "sequencer", "timings")
    }
    assert scenario.services.record["analyzer"] == record["analyzer"] | {"cached": True}
    assert scenario.run().enqueued == 0


@pytest.mark.parametrize("failing", [1, 40])
def test_a_lookup_that_fails_leaves_no_task_behind(failing: int) -> None:
    scenario = ReconcileScenario()
    for number in range(200):
        scenario.services.upload(f"{number:03}", b"cat")
    scenario.later(hours=1)
    page = [
        BlobInfo(name=name, etag=blob.etag, last_modified=scenario.services.last_modified[name])
        for name, blob in scenario.services.blobs.items()
    ]

    async def one_page(_marker: str | None) -> AsyncIterator[Any]:
        yield page, None

    scenario.services.list_pages = one_page  # type: ignore[method-assign]
    calls = 0
    get = scenario.reconciler._records.get

    async def fail_once(record_id: str) -> StoredRecord | None:
        nonlocal calls
        calls += 1
        number = calls
        await asyncio.sleep(0)
        if number == failing:
            raise RetryLaterError("503")
        if number > failing:
            await asyncio.Event().wait()
        return await get(record_id)

    scenario.reconciler._records.get = fail_once  # type: ignore[method-assign]

    async def run() -> int:
        with pytest.raises(RetryLaterError):
            await scenario.reconciler.run(scenario.services.now + HALF_AN_HOUR)
        return len(asyncio.all_tasks()) - 1

    assert asyncio.run(run()) == 0
    assert len(scenario.services.queued_messages) <= 64
    assert calls <= failing + 32


def test_how_long_a_found_blob_waited_is_counted_from_its_finding(scenario: ReconcileScenario) -> None:
    scenario.later(days=365)
    scenario.run()
    scenario.later(seconds=7)
    with collect_metrics() as metrics:
        scenario.work()
    assert {record["timings"]["queuedMs"] for record in scenario.services.records.values()} == {7000}
    assert metrics["queuedMs"] == 7000


def test_no_round_begins_while_a_backlog_is_being_worked_on(scenario: ReconcileScenario) -> None:
    scenario.waiting.extend(range(1001))
    report = scenario.run()
    assert (report.listed, report.ended_because) == (0, "a backlog is being worked on")


def test_a_round_pauses_when_the_queue_is_full(scenario: ReconcileScenario) -> None:
    scenario.run(seconds=0)
    scenario.waiting.extend(range(100_001))
    report = scenario.run()
    assert (report.listed, report.finished, report.ended_because) == (2, False, "the queue is full")


def test_a_backfill_looks_at_everything_that_another_analyzer_made(scenario: ReconcileScenario) -> None:
    scenario.run()
    scenario.work()
    scenario.run()
    scenario.services.fingerprint = "test/2"
    assert scenario.run().enqueued == 0
    asyncio.run(scenario.reconciler.start_backfill())
    assert scenario.run().enqueued == 5
    scenario.work()
    assert {record["analyzer"]["identity"] for record in scenario.services.records.values()} == {"test/2"}
    assert scenario.run().enqueued == 0


def test_a_backfill_retries_images_that_another_analyzer_rejected(scenario: ReconcileScenario) -> None:
    scenario.services.upload("text", b"text")
    scenario.later(hours=1)
    scenario.services.failure = ImageRejectedError("TooLargeForCustomVision", "over its limit")
    scenario.run()
    scenario.work()
    # Under the same analyzer, it would be rejected again.
    asyncio.run(scenario.reconciler.start_backfill())
    assert scenario.run().enqueued == 0
    scenario.services.fingerprint = "test/2"
    asyncio.run(scenario.reconciler.start_backfill())
    assert scenario.run().enqueued == 5  # a file that is no image is rejected by the limits, whatever the analyzer
    scenario.work()
    asyncio.run(scenario.reconciler.start_backfill())
    assert scenario.run().enqueued == 0
    scenario.services.fingerprint = "test/3"
    scenario.services.failure = None
    asyncio.run(scenario.reconciler.start_backfill())
    assert scenario.run().enqueued == 5
    scenario.work()
    statuses = Counter(record["status"] for record in scenario.services.records.values())
    assert statuses == {"classified": 5, "rejected": 1}


@pytest.mark.parametrize("page", [0, 1, 2])
def test_a_backfill_that_is_asked_for_during_a_round_is_not_lost(scenario: ReconcileScenario, page: int) -> None:
    async def during() -> Report:
        list_pages = scenario.services.list_pages

        async def with_backfill(marker: str | None) -> AsyncIterator[Any]:
            pages = 0
            async for listed in list_pages(marker):
                if pages == page:
                    await scenario.reconciler.start_backfill()
                pages += 1
                yield listed

        scenario.services.list_pages = with_backfill
        try:
            return await scenario.reconciler.run(scenario.services.now + HALF_AN_HOUR)
        finally:
            scenario.services.list_pages = list_pages

    report = asyncio.run(during())
    assert (report.finished, report.ended_because) == (False, "another round has begun")
    assert scenario.checkpoints.value["backfill"]


def test_two_who_ask_for_a_backfill_at_once_both_get_it(scenario: ReconcileScenario) -> None:
    async def both() -> None:
        await asyncio.gather(scenario.reconciler.start_backfill(), scenario.reconciler.start_backfill())

    asyncio.run(both())
    assert scenario.checkpoints.value["backfill"]


def test_dead_letters_are_sent_again_and_removed() -> None:
    letter = [json.loads(message("lost.png")) | {"deadLetterReason": "MaxDeliveryAttemptsExceeded"}]
    scenario = ReconcileScenario({"X/1.json": json.dumps(letter).encode()})
    scenario.services.upload("lost.png", b"cat")
    assert scenario.run().dead_letters == 1
    assert scenario.dead_letters.contents == {}
    scenario.work()
    assert scenario.services.record["category"]["name"] == "cat"


@pytest.mark.parametrize(
    "content",
    [b"not json", b'{"no": "list"}', b'[{"eventType": "Other"}]', b"\xff\xfe", b'["\xff"]', b"[" * 100_000],
    ids=lambda content: content[:20],
)
def test_a_dead_letter_that_holds_no_event_is_poison_with_a_reason(content: bytes) -> None:
    scenario = ReconcileScenario({"X/1.json": content})
    assert scenario.run().dead_letters == 1
    assert scenario.services.queued_messages == []
    (poison,) = scenario.services.poison_messages
    assert poison["poison"]["code"] == "BadEvent"
    assert "X/1.json" in poison["poison"]["sentence"]
