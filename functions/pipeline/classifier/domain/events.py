"""Messages of the images queue: Event Grid events, and requeued events in an envelope.

An event says that a blob may have changed, no more: it may be delivered twice, late, and after a newer one
(https://learn.microsoft.com/azure/event-grid/delivery-and-retry). The blob itself says what it is now.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

from classifier.domain.errors import EventError

_SUBJECT_PREFIX = "/blobServices/default/containers/"
# The type of the events that reconcile writes for blobs without a final record.
BLOB_FOUND_EVENT_TYPE = "ImagePipeline.BlobFound"
_EVENT_TYPES = ("Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted", BLOB_FOUND_EVENT_TYPE)
# Messages have at most 64 KiB: https://learn.microsoft.com/azure/storage/queues/scalability-targets
_MAX_QUOTED_CHARACTERS = 300


def record_id(container: str, name: str) -> str:
    """Return the id of a blob's record: the same for every upload under this name, and valid in Cosmos DB."""
    digest = hashlib.sha256(f"{container}/{name}".encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


@dataclass(frozen=True, kw_only=True)
class BlobEvent:
    """The blob that an event is about.

    Attributes:
        host: host name of the storage account's blob service. For comparison only, it is never called.
        container: name of the container.
        name: name of the blob.
        event_id: id of the event.
        time: when the event was raised.
        sequencer: order of the events of one blob, as Event Grid has it, or None.
    """

    host: str
    container: str
    name: str
    event_id: str
    time: datetime
    sequencer: str | None

    @property
    def record_id(self) -> str:
        """The id of the blob's record."""
        return record_id(self.container, self.name)


@dataclass(frozen=True, kw_only=True)
class Message:
    """An event, how often its message was requeued, and until when it may be requeued.

    Attributes:
        event: what the event is about.
        event_json: the event as Event Grid sent it.
        requeue_count: how often the message was requeued.
        interruptions: deliveries before the last requeueing that ended without an outcome, because the worker ended or
            the message could not be requeued. A requeued message has a new dequeue count, so they are counted here.
        deadline: until when the message is requeued after errors; None before the first error.
    """

    event: BlobEvent
    event_json: dict[str, Any]
    requeue_count: int = 0
    interruptions: int = 0
    deadline: datetime | None = None

    @staticmethod
    def parse(text: str) -> "Message":
        """Parse the text of a message: an event, or an event in an envelope.

        Raises:
            EventError: the text is neither.
        """
        try:
            value = json.loads(text)
            if not isinstance(value, dict):
                raise EventError(f"the message is no JSON object but {text[:_MAX_QUOTED_CHARACTERS]!r}")
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate can neither be hashed nor stored
            event_json = cast("dict[str, Any]", value)
            requeue_count = 0
            interruptions = 0
            deadline: datetime | None = None
            if "putBacks" in event_json:
                requeue_count = int(event_json["putBacks"])
                deadline = _parse_time(event_json["deadline"])
                interruptions = int(event_json.get("interruptions", 0))
                event_json = cast("dict[str, Any]", event_json["event"])
            return Message(
                event=_parse_event(event_json),
                event_json=event_json,
                requeue_count=requeue_count,
                interruptions=interruptions,
                deadline=deadline,
            )
        except EventError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise EventError(f"the message is no Event Grid event: {type(error).__name__} {error}") from error

    def to_requeue_text(self, deadline: datetime, interruptions: int) -> str:
        """Return the text of the message when it is requeued once more."""
        return json.dumps(
            {
                "event": self.event_json,
                "putBacks": self.requeue_count + 1,
                "interruptions": interruptions,
                "deadline": deadline.isoformat(),
            }
        )


def create_blob_found_event(host: str, container: str, name: str, event_id: str, time: datetime) -> str:
    """Return the text of a message for a blob whose event was lost, or that was stored before there were events."""
    return json.dumps(
        {
            "eventType": BLOB_FOUND_EVENT_TYPE,
            "id": event_id,
            "subject": f"{_SUBJECT_PREFIX}{container}/blobs/{name}",
            "eventTime": time.isoformat(),
            "data": {"url": f"https://{host}/{container}"},
        }
    )


def create_poison_message(text: str, code: str, sentence: str, time: datetime) -> str:
    """Return the text of a poison message: the original message, and why it is in the poison queue."""
    reason = {"code": code, "sentence": sentence[:_MAX_QUOTED_CHARACTERS], "time": time.isoformat()}
    return json.dumps({"poison": reason, "message": text})


def parse_poison_message(text: str) -> tuple[str | None, str]:
    """Return the code of the reason (None if the host moved the message), and the text of the message to send again.

    Requeue count and deadline start anew.
    """
    code: str | None = None
    try:
        value: Any = json.loads(text)
        if isinstance(value, dict) and "poison" in value:
            poison_message = cast("dict[str, Any]", value)
            code = str(poison_message["poison"]["code"])
            text = str(poison_message["message"])
        return code, json.dumps(Message.parse(text).event_json)
    except (ValueError, KeyError, TypeError):
        return code, text


def _parse_event(event: dict[str, Any]) -> BlobEvent:
    event_type, subject, data = event["eventType"], event["subject"], event["data"]
    if event_type not in _EVENT_TYPES:
        raise EventError(f"eventType is {event_type!r}, none of {', '.join(_EVENT_TYPES)}")
    container, separator, name = subject.removeprefix(_SUBJECT_PREFIX).partition("/blobs/")
    if not (subject.startswith(_SUBJECT_PREFIX) and separator and container and name):
        raise EventError(f"subject {subject[:_MAX_QUOTED_CHARACTERS]!r} names no blob")
    if not {".", ".."}.isdisjoint(name.replace("\\", "/").split("/")):
        # No blob has such a name, so nothing can be recorded of it, and a client would read another blob: the service
        # resolves dot segments, and treats a backslash as a slash, before it stores or reads.
        # https://github.com/Azure/azure-sdk-for-rust/issues/5275 https://github.com/versity/versitygw/issues/845
        raise EventError(f"subject {subject[:_MAX_QUOTED_CHARACTERS]!r} has a dot segment, which no blob's name has")
    return BlobEvent(
        # Only the host of the URL is used, for comparison; the URL itself is never fetched.
        host=(urlsplit(str(data["url"])).hostname or "").lower(),
        container=container,
        name=name,
        event_id=str(event["id"]),
        time=_parse_time(event["eventTime"]),
        sequencer=data.get("sequencer"),
    )


def _parse_time(text: str) -> datetime:
    """Parse a time; without a time zone it is in UTC, as all of Azure's times are."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
