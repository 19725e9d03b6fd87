"""Files and messages that were made to do harm, or are odd: each comes to a defined end."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from classifier.domain.events import EventError, Message
from classifier.domain.image_limits import MAX_BYTES
from classifier.domain.models import RejectionReason
from classifier.domain.record import is_current
from hypothesis import given
from hypothesis import strategies as st

from tests.support.in_memory_services import NOW, World, handle, message

ARCHIVED = RejectionReason(code="Archived", sentence="The blob is in the archive access tier.")


@pytest.mark.parametrize(
    ("reason", "content", "code"),
    [
        (None, b"", "EmptyFile"),
        (None, b"text", "NotAnImage"),
        (None, b"tiny", "BadDimensions"),
        (ARCHIVED, None, "Archived"),
        (RejectionReason(code="BadContentEncoding", sentence="damaged"), None, "BadContentEncoding"),
        (RejectionReason(code="TooLarge", sentence="too large", limit=MAX_BYTES), None, "TooLarge"),
    ],
)
def test_a_file_that_can_never_be_analyzed_is_rejected_with_its_reason(
    world: World, reason: RejectionReason | None, content: bytes | None, code: str
) -> None:
    world.upload("cat.png", content, size=7 if content is None else None)
    world.blobs["cat.png"] = replace(world.blobs["cat.png"], rejection=reason)
    assert handle(world).status == "rejected"
    assert world.record["reason"]["code"] == code
    assert (world.analyzed.total(), world.poisoned, world.queued) == (0, [], [])


def test_an_image_that_was_archived_after_its_analysis_keeps_its_record(world: World) -> None:
    handle(world)
    # Set Blob Tier keeps the ETag: https://learn.microsoft.com/rest/api/storageservices/set-blob-tier
    world.blobs["cat.png"] = replace(world.blobs["cat.png"], content=None, rejection=ARCHIVED)
    assert handle(world).status == "classified"
    assert world.record["status"] == "classified"


def test_an_archived_image_is_tried_again_once_it_is_rehydrated(world: World) -> None:
    original = world.blobs["cat.png"]
    world.blobs["cat.png"] = replace(original, content=None, rejection=ARCHIVED)
    handle(world)
    record = world.record
    assert is_current(record, original.etag, None)
    assert not is_current(record, original.etag, world.identity)  # so a backfill finds it
    world.blobs["cat.png"] = original
    assert handle(world).status == "classified"
    assert world.record["status"] == "classified"


@pytest.mark.parametrize("name", ["../b.png", "a/../b.png", "./b.png", "a/./b.png", "..", "a/..", "a\\..\\b.png"])
def test_a_name_with_a_dot_segment_reads_no_other_blob(world: World, name: str) -> None:
    async def step(operation: str, effect: Any) -> Any:
        assert operation == "send"
        return effect()

    world.step = step
    assert handle(world, message(name)).status == "poison"
    assert world.poisoned[0]["poison"]["code"] == "BadEvent"
    assert "dot segment" in world.poisoned[0]["poison"]["sentence"]


@pytest.mark.parametrize("name", ["...", ".hidden.png", "a..b.png", "a/.b/c.", "a//b.png", "~"])
def test_a_name_with_dots_is_a_name(world: World, name: str) -> None:
    world.upload(name, b"cat")
    assert handle(world, message(name)).status == "classified"


def test_a_time_without_a_zone_is_in_utc(world: World) -> None:
    text = message(eventTime="2026-01-02T03:04:03.1234567")
    assert Message.parse(text).notice.time == datetime(2026, 1, 2, 3, 4, 3, 123456, tzinfo=UTC)
    assert handle(world, text).status == "classified"
    assert world.record["timings"]["queuedMs"] == 1877
    later = (NOW + timedelta(hours=1)).replace(tzinfo=None).isoformat()
    back = json.dumps({"event": json.loads(message()), "putBacks": 1, "deadline": later})
    assert Message.parse(back).deadline == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    "text",
    [
        message("\ud800.png"),
        message(id="\udfff"),
        message(data={"url": "https://acct.blob.core.windows.net/", "sequencer": "\ud83d"}),
        message(eventTime=7),
        message(eventTime="yesterday"),
        json.dumps({"event": json.loads(message()), "putBacks": float("inf"), "deadline": NOW.isoformat()}),
        base64.b64encode(message().encode()).decode(),
        "\ud800",
        "[" * 100_000,
    ],
    ids=lambda text: text[:20],
)
def test_a_malformed_message_becomes_poison_with_a_reason_at_its_first_attempt(world: World, text: str) -> None:
    assert handle(world, text).status == "poison"
    assert world.poisoned[0]["poison"]["code"] == "BadEvent"
    json.dumps(world.poisoned, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert world.records == {}


EVENT = json.loads(message())
JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just("\ud800") | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*EVENT, "putBacks", "deadline", "event"]), JUNK, max_size=4))
def test_a_message_is_parsed_or_malformed_and_nothing_else(changes: dict[str, Any]) -> None:
    try:
        parsed = Message.parse(json.dumps(EVENT | changes))
    except EventError:
        return
    assert parsed.notice.time.tzinfo is not None
    assert parsed.notice.record_id
