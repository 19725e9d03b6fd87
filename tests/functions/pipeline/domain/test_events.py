"""Messages of the images queue and of the poison queue, field by field."""

import json
from datetime import timedelta
from typing import Any

import pytest
from classifier.domain import events
from classifier.domain.errors import (
    EventError,
)
from classifier.domain.events import Message
from classifier.domain.resume import Resume
from common.domain.models import ImageFormat, ImageInfo

from tests.support.in_memory_services import NOW, message

ID = "6flw3l5gwcmj2dtqvmjeio5kaxoh4ufndd6iwnamps6irpos7xqa"


def test_an_events_fields_are_read() -> None:
    parsed = Message.parse(message("a b.png"))
    assert (parsed.requeue_count, parsed.interruptions, parsed.deadline) == (0, 0, None)
    event = parsed.event
    assert (event.host, event.container, event.name) == ("acct.blob.core.windows.net", "images", "a b.png")
    assert (event.event_id, event.sequencer, event.time) == ("event-1", "0001", NOW - timedelta(seconds=2))
    assert Message.parse(message(data={"url": "https://ACCT.Blob/x"})).event.host == "acct.blob"
    assert Message.parse(message(data={"url": "https://a/x"})).event.sequencer is None
    assert Message.parse(message(id=7)).event.event_id == "7"


def test_a_records_id_stays_what_it_is() -> None:
    """Another id would leave every record behind, and classify every image again under a new one."""
    assert events.record_id("images", "cat.png") == ID


def test_a_requeued_message_is_its_event_with_its_history() -> None:
    back = json.loads(Message.parse(message()).to_requeue_text(NOW, 2))
    assert back == {
        "event": json.loads(message()),
        "putBacks": 1,
        "interruptions": 2,
        "deadline": "2026-01-02T03:04:05+00:00",
    }
    again = Message.parse(json.dumps(back))
    assert (again.requeue_count, again.interruptions, again.deadline) == (1, 2, NOW)
    assert json.loads(again.to_requeue_text(NOW, 4))["putBacks"] == 2
    older = {name: value for name, value in back.items() if name != "interruptions"}
    assert Message.parse(json.dumps(older)).interruptions == 0


RESUME = Resume(
    etag="e0001",
    sha256="77af778b51abd4a3c51c5ddd97204a9c3ae614ebccb75a606c3b6865aed6744e",
    image=ImageInfo(width=640, height=480, format=ImageFormat.PNG),
    started_at=NOW,
)


def test_a_message_that_waits_for_an_operation_is_no_further_attempt_and_has_what_is_needed_later() -> None:
    back = json.loads(Message.parse(message()).to_requeue_text(NOW, 2, is_attempt=False, resume=RESUME))
    assert (back["putBacks"], back["resume"]["etag"], back["resume"]["image"]["format"]) == (0, "e0001", "PNG")
    again = Message.parse(json.dumps(back))
    assert (again.requeue_count, again.interruptions, again.resume) == (0, 2, RESUME)
    assert Message.parse(again.to_requeue_text(NOW, 2)).resume is None


def test_an_event_and_what_is_needed_later_fit_into_the_queue() -> None:
    """An event has up to 32 KiB, and a message up to 48."""
    longest = message(data={"url": "https://a/x", "filler": "x" * 32_000})
    text = Message.parse(longest).to_requeue_text(NOW, 2, resume=RESUME)
    assert len(text.encode()) < 33 * 1024


def test_a_message_with_a_damaged_memory_of_its_operation_is_no_event() -> None:
    back = json.loads(Message.parse(message()).to_requeue_text(NOW, 2, resume=RESUME))
    back["resume"]["image"]["format"] = "HEIF"
    with pytest.raises(EventError):
        Message.parse(json.dumps(back))


def test_a_found_blobs_message_is_an_event_of_its_own_type() -> None:
    text = events.create_blob_found_event("acct.blob.core.windows.net", "images", "a/b.png", "reconcile-e1", NOW)
    assert json.loads(text) == {
        "eventType": "ImagePipeline.BlobFound",
        "id": "reconcile-e1",
        "subject": "/blobServices/default/containers/images/blobs/a/b.png",
        "eventTime": "2026-01-02T03:04:05+00:00",
        "data": {"url": "https://acct.blob.core.windows.net/images"},
    }
    assert Message.parse(text).event.name == "a/b.png"


def test_a_poison_message_fits_into_the_queue_whatever_its_sentence() -> None:
    """Messages have at most 64 KiB: https://learn.microsoft.com/azure/storage/queues/scalability-targets."""
    poison = json.loads(events.create_poison_message("text", "BadEvent", "x" * 100_000, NOW))
    assert poison == {
        "poison": {"code": "BadEvent", "sentence": "x" * 300, "time": "2026-01-02T03:04:05+00:00"},
        "message": "text",
    }


@pytest.mark.parametrize("text", ["x" * 100_000, '"' * 49_000, "\x00" * 30_000, "\u20ac" * 20_000])
def test_a_poison_message_fits_into_the_queue_whatever_its_text(text: str) -> None:
    poison = events.create_poison_message(text, "BadEvent", "too long", NOW)
    assert 40_000 < len(poison.encode()) <= 49_152
    assert text.startswith(json.loads(poison)["message"])


def test_an_event_that_could_not_be_requeued_is_no_message() -> None:
    with pytest.raises(EventError, match=r"has 4\d,\d{3} bytes, more than the 32,768 that can be requeued"):
        Message.parse(message(comment="x" * 40_000))


@pytest.mark.parametrize("text", ['["' + "x" * 5000 + '"]', message(subject="x" * 5000), message("../" + "x" * 5000)])
def test_a_sentence_about_a_bad_message_quotes_no_more_than_its_start(text: str) -> None:
    with pytest.raises(EventError) as raised:
        Message.parse(text)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("changes", [{"putBacks": "1"}, {"putBacks": -1}, {"interruptions": -1}, {"deadline": None}])
def test_an_envelope_with_a_value_of_another_type_is_no_message(changes: dict[str, Any]) -> None:
    envelope = {"event": json.loads(message()), "putBacks": 1, "interruptions": 0, "deadline": NOW.isoformat()}
    with pytest.raises(EventError, match="no Event Grid event"):
        Message.parse(json.dumps(envelope | changes))


def test_an_event_is_sent_again_as_it_came() -> None:
    """Fields that the pipeline does not read are for later versions of it, and for people."""
    text = message("é.png", deadLetterReason="MaxDeliveryAttemptsExceeded", topic=None)
    assert Message.parse(text).event_json == text
    back = Message.parse(text).to_requeue_text(NOW, 0)
    assert Message.parse(back).event_json == text
    assert events.parse_poison_message(events.create_poison_message(back, "KeyError", "s", NOW)) == ("KeyError", text)


def test_a_poison_message_is_json_whatever_its_text() -> None:
    """A text that was no UTF-8 has lone surrogates in the place of its bytes."""
    text = b'{"a\xff"}'.decode(errors="surrogateescape")
    poison = events.create_poison_message(text, "BadEvent", "quoted \udcff", NOW)
    assert json.loads(poison)["message"] == '{"a\\udcff"}'
    assert json.loads(poison)["poison"]["sentence"] == "quoted \\udcff"
    assert events.parse_poison_message(poison)[0] == "BadEvent"


@pytest.mark.parametrize(
    "subject",
    [
        "images/blobs/cat.png",
        "/blobServices/default/containers/images/cat.png",
        "/blobServices/default/containers//blobs/cat.png",
        "/blobServices/default/containers/images/blobs/",
    ],
)
def test_a_subject_that_names_no_blob_is_no_event_of_the_pipeline(subject: str) -> None:
    with pytest.raises(EventError, match=f"^subject '{subject}' names no blob$"):
        Message.parse(message(subject=subject))
