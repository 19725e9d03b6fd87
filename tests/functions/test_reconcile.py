"""Reconcile against a container and a database in memory: what is missed is found, once, in bounded batches."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from classifier import timeouts
from classifier.errors import ConcurrencyError, ImageRejectedError, RetryLaterError
from classifier.measures import measured
from classifier.ports import Listed
from classifier.reconcile import Kept, Reconcile, Report

from tests.functions.world import Queue, Records, World, message

HALF_AN_HOUR = timedelta(minutes=30)


class Memory:
    """`reconcile.Memory`."""

    def __init__(self) -> None:
        self.kept: Kept | None = None

    @property
    def value(self) -> dict[str, Any]:
        assert self.kept is not None
        return self.kept.value

    async def load(self) -> Kept | None:
        return self.kept

    async def store(self, value: dict[str, Any], replacing: Kept | None) -> Kept:
        if self.kept is not replacing:
            raise ConcurrencyError("watermark")
        self.kept = Kept(json.loads(json.dumps(value)), "")
        return self.kept


class Letters:
    """`reconcile.Letters`."""

    def __init__(self, letters: dict[str, bytes]) -> None:
        self.letters = letters

    async def names(self) -> AsyncIterator[str]:
        for name in [*self.letters]:
            yield name

    async def read(self, name: str) -> bytes:
        return self.letters.get(name, b"")

    async def delete(self, name: str) -> None:
        self.letters.pop(name, None)


class Office:
    """A world with a reconcile in it."""

    def __init__(self, letters: dict[str, bytes] | None = None, grace: timedelta = HALF_AN_HOUR) -> None:
        self.world = World()
        self.memory = Memory()
        self.letters = Letters(letters or {})
        self.waiting: list[Any] = []
        self.reconcile = Reconcile(
            images=self.world, records=Records(self.world), analyzer=self.world, letters=self.letters,
            queue=Queue(self.world.step_of, self.world.queued.append, self.waiting),
            poison=Queue(self.world.step_of, lambda sent: self.world.poisoned.append(json.loads(sent[0]))),
            memory=self.memory, grace=grace, now=lambda: self.world.now,
        )  # fmt: skip

    def run(self, seconds: float = 60) -> Report:
        return asyncio.run(self.reconcile.run(self.world.now + timedelta(seconds=seconds)))

    def work(self) -> None:
        """Handles everything that is queued."""
        pipeline = self.world.pipeline(gallery=None)
        while self.world.queued:
            asyncio.run(pipeline.handle(self.world.queued.pop(0)[0], attempt=1))

    def later(self, **time: float) -> None:
        self.world.now += timedelta(**time)


@pytest.fixture
def office() -> Office:
    office = Office()
    for name in ("a", "b", "c", "d", "e"):
        office.world.upload(name, b"cat")
    office.later(hours=1)
    return office


def test_a_backlog_from_before_there_were_events_is_enqueued_and_found_done_afterwards(office: Office) -> None:
    report = office.run()
    assert (report.listed, report.enqueued, report.finished) == (5, 5, True)
    office.work()
    assert {record["status"] for record in office.world.records.values()} == {"classified"}
    office.later(hours=1)
    assert office.run().enqueued == 0


def test_what_is_young_is_left_to_its_event(office: Office) -> None:
    office.run()
    office.work()
    office.world.upload("young", b"cat")
    assert office.run().enqueued == 0
    office.later(hours=1)
    assert office.run().enqueued == 1


def test_an_upload_in_the_second_of_the_cutoff_is_found() -> None:
    """Last-Modified is in whole seconds, and Storage's clock may be behind the app's by some of them."""
    office = Office(grace=timeouts.SCHEDULE_GRACE)
    office.later(milliseconds=200)
    for lead in (0, 0.7, 3):
        office.run()
        stored = (office.world.now - timedelta(seconds=lead)).replace(microsecond=0)
        office.world.upload(f"lead {lead}", b"cat")
        office.world.modified[f"lead {lead}"] = stored
        office.later(seconds=1)
    enqueued = 0
    for _ in range(10):
        office.later(minutes=1)
        enqueued += office.run().enqueued
        office.work()
    assert enqueued == 3
    assert len(office.world.records) == 3


def test_an_overwritten_blob_whose_event_was_missed_is_found(office: Office) -> None:
    office.run()
    office.work()
    office.world.upload("c", b"dog")
    office.later(hours=1)
    assert office.run().enqueued == 1
    office.work()
    assert sorted(record["category"]["name"] for record in office.world.records.values()) == ["cat"] * 4 + ["dog"]


def test_a_run_that_is_out_of_time_goes_on_where_it_ended(office: Office) -> None:
    reports = [office.run(seconds=0) for _ in range(3)]
    assert [report.listed for report in reports] == [2, 2, 1]
    assert [report.finished for report in reports] == [False, False, True]
    assert len(office.world.queued) == 5


def test_times_are_compared_in_whole_seconds_as_storage_keeps_them() -> None:
    office = Office(grace=timedelta())
    office.later(milliseconds=200)
    office.run()
    office.later(milliseconds=700)
    office.world.upload("same second", b"cat")
    office.world.modified["same second"] = office.world.now.replace(microsecond=0)
    office.later(hours=1)
    assert office.run().enqueued == 1


def lookups(office: Office) -> list[str]:
    """The names that the coming runs look up."""
    looked_up: list[str] = []
    get = office.reconcile._records.get

    async def spy(record_id: str) -> dict[str, Any] | None:
        looked_up.append(record_id)
        return await get(record_id)

    office.reconcile._records.get = spy  # type: ignore[method-assign]
    return looked_up


def test_after_a_miss_the_same_blobs_are_looked_up_once_more_and_then_no_longer(office: Office) -> None:
    looked_up = lookups(office)
    office.run()
    office.work()
    office.run()
    assert len(looked_up) == 10
    office.later(hours=1)
    office.run()
    office.run()
    assert len(looked_up) == 10


def test_what_was_enqueued_and_lost_again_and_again_is_enqueued_in_every_round(office: Office) -> None:
    for _ in range(5):
        assert office.run().enqueued == 5
        office.world.queued.clear()
        office.later(hours=1)
    office.run()
    office.work()
    office.run()
    assert office.run().enqueued == 0


def test_one_miss_a_round_does_not_make_every_round_read_everything() -> None:
    """As with `trigger: schedule`, where every new image is a miss; one blob never gets a record."""
    office = Office(grace=timeouts.SCHEDULE_GRACE)
    office.world.upload("hopeless", b"cat")
    looked_up = lookups(office)
    counts: list[int] = []
    for number in range(30):
        for image in range(20):
            office.world.upload(f"image {number:02} {image:02}", b"cat")
        office.later(hours=1)
        before = len(looked_up)
        office.run()
        counts.append(len(looked_up) - before)
        office.world.queued[:] = [sent for sent in office.world.queued if "hopeless" not in sent[0]]
        office.work()
    assert len(office.world.records) == 600
    assert max(counts[3:]) <= 2 * 20 + 1


def test_more_hopeless_blobs_than_are_remembered_by_name_are_not_forgotten(office: Office) -> None:
    for number in range(250):
        office.world.upload(f"hopeless {number:03}", b"cat")
    office.later(hours=1)
    for _ in range(4):
        office.run()
        office.world.queued.clear()
    assert len(office.memory.value["remembered"]) == 200
    assert office.run().enqueued == 255


def test_a_backfill_does_not_make_later_rounds_read_everything(office: Office) -> None:
    office.run()
    office.work()
    office.run()
    verified = office.memory.value["verified"]
    asyncio.run(office.reconcile.backfill())
    office.run()
    assert office.memory.value["verified"] == verified is not None


def test_a_blob_that_was_restored_with_its_old_time_is_found_by_a_backfill(office: Office) -> None:
    office.run()
    office.work()
    restored, modified = office.world.blobs.pop("c"), office.world.modified.pop("c")
    office.world.queued.append((message("c", kind="BlobDeleted"), 0))
    office.work()
    office.later(hours=1)
    office.run()
    office.world.blobs["c"], office.world.modified["c"] = restored, modified
    office.run()
    office.run()
    assert len(office.world.records) == 4
    asyncio.run(office.reconcile.backfill())
    assert office.run().enqueued == 1
    office.work()
    assert len(office.world.records) == 5


def test_a_watermark_of_another_version_of_the_code_is_read(office: Office) -> None:
    office.memory.kept = Kept({"marker": None, "verified": None, "misses": 3, "field-of-a-later-version": 1}, "")
    assert office.run().enqueued == 5


@pytest.mark.parametrize("failing", [1, 40])
def test_a_lookup_that_fails_leaves_no_task_behind(failing: int) -> None:
    office = Office()
    for number in range(200):
        office.world.upload(f"{number:03}", b"cat")
    office.later(hours=1)
    listed = [
        Listed(name=name, etag=blob.etag, modified=office.world.modified[name])
        for name, blob in office.world.blobs.items()
    ]

    async def one_page(_marker: str | None) -> AsyncIterator[Any]:
        yield listed, None

    office.world.pages = one_page  # type: ignore[method-assign]
    calls = 0
    get = office.reconcile._records.get

    async def fail_once(record_id: str) -> dict[str, Any] | None:
        nonlocal calls
        calls += 1
        number = calls
        await asyncio.sleep(0)
        if number == failing:
            raise RetryLaterError("503")
        if number > failing:
            await asyncio.Event().wait()
        return await get(record_id)

    office.reconcile._records.get = fail_once  # type: ignore[method-assign]

    async def run() -> int:
        with pytest.raises(RetryLaterError):
            await office.reconcile.run(office.world.now + HALF_AN_HOUR)
        return len(asyncio.all_tasks()) - 1

    assert asyncio.run(run()) == 0
    assert len(office.world.queued) <= 64
    assert calls <= failing + 32


def test_how_long_a_found_blob_waited_is_counted_from_its_finding(office: Office) -> None:
    office.later(days=365)
    office.run()
    office.later(seconds=7)
    with measured() as measures:
        office.work()
    assert {record["timings"]["queuedMs"] for record in office.world.records.values()} == {7000}
    assert measures["queuedMs"] == 7000


def test_no_round_begins_while_a_backlog_is_being_worked_on(office: Office) -> None:
    office.waiting.extend(range(1001))
    report = office.run()
    assert (report.listed, report.ended_because) == (0, "a backlog is being worked on")


def test_a_round_pauses_when_the_queue_is_full(office: Office) -> None:
    office.run(seconds=0)
    office.waiting.extend(range(100_001))
    report = office.run()
    assert (report.listed, report.finished, report.ended_because) == (2, False, "the queue is full")


def test_a_backfill_looks_at_everything_that_another_analyser_made(office: Office) -> None:
    office.run()
    office.work()
    office.run()
    office.world.identity = "test/2"
    assert office.run().enqueued == 0
    asyncio.run(office.reconcile.backfill())
    assert office.run().enqueued == 5
    office.work()
    assert {record["analyzer"]["identity"] for record in office.world.records.values()} == {"test/2"}
    assert office.run().enqueued == 0


def test_a_backfill_tries_again_what_another_analyser_rejected(office: Office) -> None:
    office.world.upload("text", b"text")
    office.later(hours=1)
    office.world.failure = ImageRejectedError("TooLargeForCustomVision", "over its limit")
    office.run()
    office.work()
    # Under the same analyzer, it would be rejected again.
    asyncio.run(office.reconcile.backfill())
    assert office.run().enqueued == 0
    office.world.identity = "test/2"
    asyncio.run(office.reconcile.backfill())
    assert office.run().enqueued == 5  # what is no image is none for any analyzer
    office.work()
    asyncio.run(office.reconcile.backfill())
    assert office.run().enqueued == 0
    office.world.identity, office.world.failure = "test/3", None
    asyncio.run(office.reconcile.backfill())
    assert office.run().enqueued == 5
    office.work()
    statuses = Counter(record["status"] for record in office.world.records.values())
    assert statuses == {"classified": 5, "rejected": 1}


@pytest.mark.parametrize("page", [0, 1, 2])
def test_a_backfill_that_is_asked_for_during_a_round_is_not_lost(office: Office, page: int) -> None:
    async def during() -> Report:
        pages = office.world.pages

        async def asked_for(marker: str | None) -> AsyncIterator[Any]:
            seen = 0
            async for listed in pages(marker):
                if seen == page:
                    await office.reconcile.backfill()
                seen += 1
                yield listed

        office.world.pages = asked_for
        try:
            return await office.reconcile.run(office.world.now + HALF_AN_HOUR)
        finally:
            office.world.pages = pages

    report = asyncio.run(during())
    assert (report.finished, report.ended_because) == (False, "another round has begun")
    assert office.memory.value["backfill"]


def test_two_who_ask_for_a_backfill_at_once_both_get_it(office: Office) -> None:
    async def both() -> None:
        await asyncio.gather(office.reconcile.backfill(), office.reconcile.backfill())

    asyncio.run(both())
    assert office.memory.value["backfill"]


def test_dead_letters_are_sent_again_and_removed() -> None:
    letter = [json.loads(message("lost.png")) | {"deadLetterReason": "MaxDeliveryAttemptsExceeded"}]
    office = Office({"X/1.json": json.dumps(letter).encode()})
    office.world.upload("lost.png", b"cat")
    assert office.run().dead_letters == 1
    assert office.letters.letters == {}
    office.work()
    assert office.world.record["category"]["name"] == "cat"


@pytest.mark.parametrize("content", [b"not json", b'{"no": "list"}', b'[{"eventType": "Other"}]', b"\xff\xfe"])
def test_a_dead_letter_that_holds_no_event_is_poison_with_a_reason(content: bytes) -> None:
    office = Office({"X/1.json": content})
    assert office.run().dead_letters == 1
    assert office.world.queued == []
    (poison,) = office.world.poisoned
    assert poison["poison"]["code"] == "BadEvent"
    assert "X/1.json" in poison["poison"]["sentence"]
