"""Messages of the images queue: Event Grid's events, and those events again in an envelope when they were put back.

An event is a hint that something happened to a blob, no more: it may come twice, late, and after a newer one
(https://learn.microsoft.com/azure/event-grid/delivery-and-retry). What happened is read off the blob itself.
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
# What `reconcile` writes for a blob that no event told of.
FOUND = "ImagePipeline.BlobFound"
_TYPES = ("Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted", FOUND)
# Messages have at most 64 KiB: https://learn.microsoft.com/azure/storage/queues/scalability-targets
_MOST_SAID = 300


def record_id(container: str, name: str) -> str:
    """The id of a blob's record: the same for every upload under this name, and legal in Cosmos DB."""
    digest = hashlib.sha256(f"{container}/{name}".encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Which blob an event is about; `host` is its account's, to be compared and never to be called."""

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
    """An event, how often it was put back into the queue, and until when that may go on.

    `interruptions` counts the deliveries before the last requeueing that ended without an outcome, because the worker
    ended or the message could not be requeued: a new message has a new dequeue count.
    """

    event: dict[str, Any]
    notice: Notice
    put_backs: int = 0
    interruptions: int = 0
    deadline: datetime | None = None

    @staticmethod
    def parse(text: str) -> "Message":
        """The message in a text, an event by itself or in an envelope. Raises EventError."""
        try:
            value = json.loads(text)
            if not isinstance(value, dict):
                raise EventError(f"the message is no JSON object but {text[:_MOST_SAID]!r}")
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate can neither be hashed nor stored
            event, put_backs, interruptions, deadline = cast("dict[str, Any]", value), 0, 0, None
            if "putBacks" in event:
                put_backs, deadline = int(event["putBacks"]), _time(event["deadline"])
                interruptions = int(event.get("interruptions", 0))
                event = cast("dict[str, Any]", event["event"])
            return Message(
                event=event,
                notice=_notice(event),
                put_backs=put_backs,
                interruptions=interruptions,
                deadline=deadline,
            )
        except EventError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise EventError(f"the message is no Event Grid event: {type(error).__name__} {error}") from error

    def put_back(self, deadline: datetime, interruptions: int) -> str:
        """The text that goes back into the queue."""
        return json.dumps(
            {
                "event": self.event,
                "putBacks": self.put_backs + 1,
                "interruptions": interruptions,
                "deadline": deadline.isoformat(),
            }
        )


def found(host: str, container: str, name: str, event_id: str, time: datetime) -> str:
    """The message for a blob that no event told of."""
    return json.dumps(
        {
            "eventType": FOUND,
            "id": event_id,
            "subject": f"{_SUBJECT_PREFIX}{container}/blobs/{name}",
            "eventTime": time.isoformat(),
            "data": {"url": f"https://{host}/{container}"},
        }
    )


def poison(text: str, code: str, sentence: str, time: datetime) -> str:
    """What lies in the poison queue: the message as it came, and why it is there."""
    reason = {"code": code, "sentence": sentence[:_MOST_SAID], "time": time.isoformat()}
    return json.dumps({"poison": reason, "message": text})


def redriven(text: str) -> tuple[str | None, str]:
    """Out of a poison message: why it is there (None: the host put it there), and the message to try again.

    Put-backs and deadline begin anew.
    """
    code: str | None = None
    try:
        value: Any = json.loads(text)
        if isinstance(value, dict) and "poison" in value:
            poisoned = cast("dict[str, Any]", value)
            code, text = str(poisoned["poison"]["code"]), str(poisoned["message"])
        return code, json.dumps(Message.parse(text).event)
    except (ValueError, KeyError, TypeError):
        return code, text


def _notice(event: dict[str, Any]) -> Notice:
    kind, subject, data = event["eventType"], event["subject"], event["data"]
    if kind not in _TYPES:
        raise EventError(f"eventType is {kind!r}, none of {', '.join(_TYPES)}")
    container, separator, name = subject.removeprefix(_SUBJECT_PREFIX).partition("/blobs/")
    if not (subject.startswith(_SUBJECT_PREFIX) and separator and container and name):
        raise EventError(f"subject {subject[:_MOST_SAID]!r} names no blob")
    if not {".", ".."}.isdisjoint(name.replace("\\", "/").split("/")):
        # No blob has such a name, so nothing can be recorded of it, and a client would read another blob: the service
        # resolves dot segments, and takes a backslash for a slash, before it stores or reads.
        # https://github.com/Azure/azure-sdk-for-rust/issues/5275 https://github.com/versity/versitygw/issues/845
        raise EventError(f"subject {subject[:_MOST_SAID]!r} has a dot segment, which no blob's name has")
    # Only the host is taken from the URL, to be compared; the URL itself is never fetched.
    return Notice(
        host=(urlsplit(str(data["url"])).hostname or "").lower(),
        container=container,
        name=name,
        event_id=str(event["id"]),
        time=_time(event["eventTime"]),
        sequencer=data.get("sequencer"),
    )


def _time(text: str) -> datetime:
    """The time that a text gives; in UTC, as all of Azure's times are, where it names no other zone."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
