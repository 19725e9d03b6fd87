"""Files and messages that were made to do harm, or are odd: each comes to a defined end."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from classifier.domain.events import EventError, Message
from common.domain.image_limits import MAX_BYTES
from common.domain.models import Reason
from common.domain.record import ImageRecord
from hypothesis import given
from hypothesis import strategies as st

from tests.support.in_memory_services import NOW, InMemoryServices, handle, message

ARCHIVED = Reason(code="Archived", sentence="The blob is in the archive access tier.", measured=None, limit=None)


@pytest.mark.parametrize(
    ("reason", "content", "code"),
    [
        (None, b"", "EmptyFile"),
        (None, b"text", "NotAnImage"),
        (None, b"tiny", "BadDimensions"),
        (ARCHIVED, None, "Archived"),
        (Reason(code="BadContentEncoding", sentence="damaged", measured=None, limit=None), None, "BadContentEncoding"),
        (Reason(code="TooLarge", sentence="too large", limit=MAX_BYTES, measured=None), None, "TooLarge"),
    ],
)
def test_a_file_that_can_never_be_analyzed_is_rejected_with_its_reason(
    services: InMemoryServices, reason: Reason | None, content: bytes | None, code: str
) -> None:
    services.upload("cat.png", content, size=7 if content is None else None)
    services.blobs["cat.png"] = replace(services.blobs["cat.png"], rejection=reason)
    assert handle(services).status == "rejected"
    assert services.record["reason"]["code"] == code
    assert (services.analysis_counts.total(), services.poison_messages, services.queued_messages) == (0, [], [])


def test_an_image_that_was_archived_after_its_analysis_keeps_its_record(services: InMemoryServices) -> None:
    handle(services)
    # Set Blob Tier keeps the ETag: https://learn.microsoft.com/rest/api/storageservices/set-blob-tier
    services.blobs["cat.png"] = replace(services.blobs["cat.png"], content=None, rejection=ARCHIVED)
    assert handle(services).status == "classified"
    assert services.record["status"] == "classified"


def test_an_archived_image_is_tried_again_once_it_is_rehydrated(services: InMemoryServices) -> None:
    original = services.blobs["cat.png"]
    services.blobs["cat.png"] = replace(original, content=None, rejection=ARCHIVED)
    handle(services)
    record = msgspec.convert(services.record, ImageRecord)
    assert record.is_current(original.etag, None)
    assert not record.is_current(original.etag, services.fingerprint)  # so a backfill finds it
    services.blobs["cat.png"] = original
    assert handle(services).status == "classified"
    assert services.record["status"] == "classified"


@pytest.mark.parametrize("name", ["../b.png", "a/../b.png", "./b.png", "a/./b.png", "..", "a/..", "a\\..\\b.png"])
def test_a_name_with_a_dot_segment_reads_no_other_blob(services: InMemoryServices, name: str) -> None:
    async def step(operation: str, effect: Any) -> Any:
        assert operation == "send"
        return effect()

    services.step = step
    assert handle(services, message(name)).status == "poison"
    assert services.poison_messages[0]["poison"]["code"] == "BadEvent"
    assert "dot segment" in services.poison_messages[0]["poison"]["sentence"]


@pytest.mark.parametrize("name", ["...", ".hidden.png", "a..b.png", "a/.b/c.", "a//b.png", "~"])
def test_a_name_with_dots_is_a_name(services: InMemoryServices, name: str) -> None:
    services.upload(name, b"cat")
    assert handle(services, message(name)).status == "classified"


def test_a_time_without_a_zone_is_in_utc(services: InMemoryServices) -> None:
    text = message(eventTime="2026-01-02T03:04:03.1234567")
    assert Message.parse(text).event.time == datetime(2026, 1, 2, 3, 4, 3, 123456, tzinfo=UTC)
    assert handle(services, text).status == "classified"
    assert services.record["timings"]["queuedMs"] == 1877
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
def test_a_malformed_message_becomes_poison_with_a_reason_at_its_first_attempt(
    services: InMemoryServices, text: str
) -> None:
    assert handle(services, text).status == "poison"
    assert services.poison_messages[0]["poison"]["code"] == "BadEvent"
    json.dumps(services.poison_messages, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert services.records == {}


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
    assert parsed.event.time.tzinfo is not None
    assert parsed.event.record_id
