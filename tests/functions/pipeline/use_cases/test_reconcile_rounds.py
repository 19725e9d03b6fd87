"""Rounds of reconcile: when they begin and end, what they enqueue, and dead letters."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from classifier.domain.watermark import Watermark
from classifier.use_cases.reconcile import Report
from common.domain.errors import ConcurrencyError, RetryLaterError
from common.domain.models import Versioned

from tests.functions.pipeline.use_cases.test_reconcile import ReconcileScenario
from tests.support.in_memory_services import (
    message,
)

CAT = b"cat"


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
    mark = msgspec.convert(scenario.checkpoints.value, Watermark)
    assert mark == Watermark(
        cutoff="2026-01-02T04:04:05+00:00",
        earliest="2026-01-02T03:04:05+00:00",
        backfill=True,
        database_region="northeurope",
    )


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


def test_a_watermark_that_another_instance_wrote_ends_the_run() -> None:
    scenario = scenario_of(5)
    store = scenario.checkpoints.store

    async def overtaken(value: Watermark, replacing: Versioned[Watermark] | None) -> Versioned[Watermark]:
        await store(Watermark(), scenario.checkpoints.checkpoint)
        return await store(value, replacing)

    scenario.checkpoints.store = overtaken  # type: ignore[method-assign]
    assert scenario.run() == Report(listed=2, enqueued=2, ended_because="another round has begun")


def test_after_a_failover_of_the_database_every_blob_is_looked_up() -> None:
    scenario = scenario_of(5)
    scenario.run()
    scenario.work()
    scenario.later(hours=1)
    assert scenario.run().enqueued == 0
    scenario.services.record_items.popitem()
    scenario.later(hours=1)
    assert scenario.run().enqueued == 0  # the checkpoint says that all records are there
    scenario.checkpoints.write_region = "westeurope"
    scenario.later(hours=1)
    assert scenario.run().enqueued == 1
    assert scenario.checkpoints.value["database_region"] == "westeurope"


def test_two_stamps_with_the_same_names_have_their_own_records() -> None:
    scenario = scenario_of(5)
    scenario.run()
    scenario.work()
    first = {*scenario.services.record_items}
    scenario.services.stamp = "westeurope"
    scenario.checkpoints.text = None
    scenario.run()
    scenario.work()
    records = scenario.services.records
    assert len(records) == 2 * len(first)
    assert {record["stamp"] for record_id, record in records.items() if record_id not in first} == {"westeurope"}
    scenario.later(hours=1)
    assert scenario.run().enqueued == 0


def test_a_checkpoint_that_keeps_changing_ends_a_request_for_a_backfill() -> None:
    scenario = scenario_of(5)
    attempts = 0

    async def store(*_: Any) -> Any:
        nonlocal attempts
        attempts += 1
        raise ConcurrencyError("watermark")

    scenario.checkpoints.store = store  # type: ignore[method-assign]
    with pytest.raises(RetryLaterError, match="keeps changing"):
        asyncio.run(scenario.reconciler.start_backfill())
    assert attempts == 5
