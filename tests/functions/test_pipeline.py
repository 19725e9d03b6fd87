"""The pipeline with plain objects behind its ports: what becomes of one message, and every race that has a name."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from classifier import limits
from classifier.events import record_id
from classifier.ports import Later, Refused
from hypothesis import given
from hypothesis import strategies as st

from tests.functions.world import NOW, Records, World, handle, message, through

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
    assert world.announced[0][2] == "rejected"


def test_the_analysers_own_verdict_is_a_rejection_too(world: World) -> None:
    world.failure = limits.Rejected("InvalidImageFormat", "corrupt")
    assert handle(world).status == "rejected"
    assert (world.record["image"]["format"], world.analyses) == ("PNG", {})


def test_a_passing_trouble_is_raised_and_leaves_nothing_behind(world: World) -> None:
    world.failure = ConnectionError("down")
    with pytest.raises(ConnectionError):
        handle(world, attempt=4)
    assert (world.records, world.analyses, world.poisoned) == ({}, {}, [])


def test_the_last_attempt_is_a_failed_record_and_poison_with_a_reason_and_a_later_success_replaces_it(
    world: World,
) -> None:
    world.failure = ConnectionError("down\nlong trace")
    assert handle(world, attempt=5).status == "failed"
    assert (world.record["reason"]["code"], world.record["reason"]["sentence"]) == ("ConnectionError", "down")
    (poison,) = world.poisoned
    assert (poison["poison"]["code"], poison["message"]) == ("ConnectionError", message())
    assert world.announced[0][2] == "failed"
    world.failure = None
    assert handle(world).status == "classified"
    assert world.record["status"] == "classified"


def test_a_copy_that_could_not_be_made_is_made_by_a_redrive(world: World) -> None:
    async def without_copies(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "keep":
            raise ConnectionError("down")
        return effect()

    world.step = without_copies
    with pytest.raises(ConnectionError):
        handle(world, attempt=4)
    assert handle(world, attempt=5).status == "classified"
    (poison,) = world.poisoned
    assert world.copies == {}
    world.step = through
    assert handle(world, poison["message"]).status == "classified"
    assert [*world.copies] == [world.record["copy"]]


def test_an_image_that_ends_the_worker_each_time_is_not_touched_again_and_failed_once(world: World) -> None:
    touched: list[str] = []

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        touched.append(operation)
        return effect()

    world.step = step
    assert handle(world, attempt=6).status == "failed"
    assert world.record["reason"]["code"] == "Interrupted"
    assert (len(world.poisoned), world.poisoned[0]["poison"]["code"]) == (1, "Interrupted")
    assert not {"read", "begin", "analyze"} & {*touched}
    assert world.announced[0][2] == "failed"


def test_what_no_retry_can_mend_is_failed_and_poison_at_once_and_once(world: World) -> None:
    world.failure = Refused("NotSupportedVisualFeature", "no captions here")
    assert handle(world, attempt=1).status == "failed"
    assert world.record["reason"]["code"] == "NotSupportedVisualFeature"
    assert len(world.poisoned) == 1


def test_a_failure_never_replaces_what_was_classified(world: World) -> None:
    handle(world, gallery=None)
    world.failure, world.analyses = ConnectionError("late"), {}
    assert handle(world, attempt=5, gallery=None).status == "classified"
    assert (world.record["status"], world.poisoned) == ("classified", [])


def test_no_message_takes_longer_than_its_budget_and_the_last_one_that_does_is_a_failure(world: World) -> None:
    async def hang(_operation: str, effect: Callable[[], Any]) -> Any:
        if _operation == "analyze":
            await asyncio.Event().wait()
        return effect()

    world.step = hang
    with pytest.raises(TimeoutError):
        handle(world, attempt=4, budget=lambda: asyncio.timeout(0.01))
    assert world.analyses == {}, "the claim is given back"
    assert handle(world, attempt=5, budget=lambda: asyncio.timeout(0.01)).status == "failed"
    assert (world.record["reason"]["code"], len(world.poisoned)) == ("TimeoutError", 1)


def test_throttling_puts_the_message_back_with_a_delay_and_never_counts_as_failure(world: World) -> None:
    world.failure = Later(30, "throttled")
    text = message()
    for put_backs in range(1, 12):
        assert handle(world, text, attempt=5).status == "delayed"
        text, delay = world.queued.pop()
        assert 30 <= delay <= 45
        assert json.loads(text)["putBacks"] == put_backs
        assert json.loads(text)["deadline"] == (NOW + timedelta(hours=1)).isoformat()
    assert (world.records, world.poisoned) == ({}, [])
    world.failure = None
    assert handle(world, text).status == "classified"
    assert world.record["attempts"] == 12


def test_at_the_deadline_a_throttled_image_is_failed_and_is_no_poison(world: World) -> None:
    world.failure = Later(30, "throttled")
    handle(world)
    text, _ = world.queued.pop()
    world.now += timedelta(minutes=59, seconds=50)
    assert handle(world, text).status == "failed"
    assert (world.record["reason"]["code"], world.poisoned, world.queued) == ("DeadlineExceeded", [], [])


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
    assert outcome.record_id.isalnum()
    assert len(outcome.record_id) == 52


@given(st.text() | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_message_can_do_more_than_be_poison(text: str) -> None:
    world = World()
    assert handle(world, text).status == "poison"


def test_records_of_the_test_refuse_what_cosmos_db_would(world: World) -> None:
    handle(world)
    with pytest.raises(Exception, match=world.record["id"]):
        asyncio.run(Records(world).put(world.record, None))
