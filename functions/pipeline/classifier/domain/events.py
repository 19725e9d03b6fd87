"""Messages of the images queue: Event Grid events, and requeued events in an envelope.

An event says that a blob may have changed, no more: it may be delivered twice, late, and after a newer one
(https://learn.microsoft.com/azure/event-grid/delivery-and-retry). The blob itself says what it is now.
"""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from common.domain.record_id import record_id
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import replace

from classifier.domain.errors import EventError
from classifier.domain.resume import Resume

_SUBJECT_PREFIX = "/blobServices/default/containers/"
# The type of the events that reconcile writes for blobs without a final record.
BLOB_FOUND_EVENT_TYPE = "ImagePipeline.BlobFound"
_EVENT_TYPES = ("Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted", BLOB_FOUND_EVENT_TYPE)
_MAX_QUOTED_CHARACTERS = 300
# Messages have at most 64 KiB, which is 48 KiB before they are encoded in base64:
# https://learn.microsoft.com/azure/storage/queues/scalability-targets
_MAX_MESSAGE_BYTES = 48 * 1024
# An event must also fit with the envelope of a requeued message around it. Those of Blob Storage have about 2 KiB.
_MAX_EVENT_BYTES = 32 * 1024


class BlobEvent(Struct, frozen=True, kw_only=True):
    """The blob that an event is about.

    Attributes:
        host: host name of the storage account's blob service. For comparison only, it is never called.
        container: name of the container.
        name: name of the blob.
        event_id: id of the event.
        time: when the event was raised.
        sequencer: order of the events of one blob, as Event Grid has it, or None.
        stamp: the stamp that the storage account belongs to; empty for the first account. No event states it.
    """

    host: str
    container: str
    name: str
    event_id: str
    time: datetime
    sequencer: str | None
    stamp: str = ""

    @property
    def record_id(self) -> str:
        """The id of the blob's record."""
        return record_id(self.container, self.name, self.stamp)


class Message(Struct, frozen=True, kw_only=True):
    """An event, how often its message was requeued, and until when it may be requeued.

    Attributes:
        event: what the event is about.
        event_json: the event as Event Grid sent it.
        requeue_count: how often the message was requeued.
        interruptions: deliveries before the last requeueing that ended without an outcome, because the worker ended or
            the message could not be requeued. A requeued message has a new dequeue count, so they are counted here.
        deadline: until when the message is requeued after errors; None before the first error.
        resume: what was requeued while a long-running operation analyzes the image; None if none does.
    """

    event: BlobEvent
    event_json: str
    requeue_count: int = 0
    interruptions: int = 0
    deadline: datetime | None = None
    resume: Resume | None = None

    @staticmethod
    def parse(text: str) -> "Message":
        """Parse the text of a message: an event, or an event in an envelope.

        Raises:
            EventError: the text is neither.
        """
        try:
            return _parse_message(text)
        except EventError:
            raise
        except (ValueError, RecursionError) as error:
            raise EventError(f"the message is no Event Grid event: {type(error).__name__} {error}") from error

    def with_stamp(self, stamp: str) -> "Message":
        """Return the message with the stamp that the storage account of its event belongs to."""
        return replace(self, event=replace(self.event, stamp=stamp))

    def to_requeue_text(
        self, deadline: datetime, interruptions: int, *, is_attempt: bool = True, resume: Resume | None = None
    ) -> str:
        """Return the text of the message when it is requeued once more; `is_attempt` if because of an error."""
        envelope = _Envelope(
            event=Raw(self.event_json.encode()),
            put_backs=self.requeue_count + is_attempt,
            interruptions=interruptions,
            deadline=deadline.isoformat(),
            resume=UNSET if resume is None else resume,
        )
        return msgspec.json.encode(envelope).decode()


class _EventData(Struct, frozen=True, kw_only=True):
    """The fields of an event's `data` that the pipeline reads.

    https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage
    """

    url: str
    sequencer: str | UnsetType | None = UNSET


class _Event(Struct, frozen=True, kw_only=True, rename="camel"):
    """The fields of an event that the pipeline reads: https://learn.microsoft.com/azure/event-grid/event-schema."""

    event_type: str
    id: str | int
    subject: str
    event_time: str
    data: _EventData


class _Envelope(Struct, frozen=True, kw_only=True, rename="camel"):
    """A requeued message."""

    event: Raw
    put_backs: Annotated[int, Meta(ge=0)]
    interruptions: Annotated[int, Meta(ge=0)] = 0
    deadline: str
    resume: Resume | UnsetType = UNSET


class _PoisonReason(Struct, frozen=True, kw_only=True):
    """Why a message is in the poison queue."""

    code: str
    sentence: str = ""
    time: str = ""


class _PoisonMessage(Struct, frozen=True, kw_only=True):
    """A message that the pipeline sent to the poison queue; messages that the host moved there have no envelope."""

    poison: _PoisonReason
    message: str


def create_blob_found_event(host: str, container: str, name: str, event_id: str, time: datetime) -> str:
    """Return the text of a message for a blob whose event was lost, or that was stored before there were events."""
    event = _Event(
        event_type=BLOB_FOUND_EVENT_TYPE,
        id=event_id,
        subject=f"{_SUBJECT_PREFIX}{container}/blobs/{name}",
        event_time=time.isoformat(),
        data=_EventData(url=f"https://{host}/{container}"),
    )
    return msgspec.json.encode(event).decode()


def create_poison_message(text: str, code: str, sentence: str, time: datetime) -> str:
    """Return the text of a poison message: the original message, and why it is in the poison queue.

    A message that would be too long for the queue is cut. Only dead letters that are no events can be that long.
    """
    reason = _PoisonReason(
        code=code, sentence=_escape_surrogates(sentence[:_MAX_QUOTED_CHARACTERS]), time=time.isoformat()
    )
    message = _escape_surrogates(text)
    while True:
        encoded = msgspec.json.encode(_PoisonMessage(poison=reason, message=message))
        if len(encoded) <= _MAX_MESSAGE_BYTES:
            return encoded.decode()
        # Escapes and UTF-8 make some characters longer than others, so the length is approached from above.
        message = message[: len(message) * _MAX_MESSAGE_BYTES // (len(encoded) + 1)]


def parse_poison_message(text: str) -> tuple[str | None, str]:
    """Return the code of the reason (None if the host moved the message), and the text of the message to send again.

    Requeue count and deadline start anew.
    """
    code: str | None = None
    try:
        if "poison" in _decode_fields(text):
            poison_message = msgspec.json.decode(text, type=_PoisonMessage)
            code = poison_message.poison.code
            text = poison_message.message
        return code, Message.parse(text).event_json
    except (ValueError, RecursionError):
        return code, text


def _escape_surrogates(text: str) -> str:
    """Return the text with escapes in place of lone surrogates, which JSON text in UTF-8 cannot hold."""
    return text.encode(errors="backslashreplace").decode()


def _decode_fields(text: str) -> dict[str, Raw]:
    return msgspec.json.decode(text, type=dict[str, Raw])


def _parse_message(text: str) -> Message:
    try:
        is_requeued = "putBacks" in _decode_fields(text)
    except msgspec.ValidationError as error:
        raise EventError(f"the message is no JSON object but {text[:_MAX_QUOTED_CHARACTERS]!r}") from error
    if not is_requeued:
        return Message(event=_parse_event(text), event_json=text)
    envelope = msgspec.json.decode(text, type=_Envelope)
    event_json = bytes(envelope.event).decode()
    return Message(
        event=_parse_event(event_json),
        event_json=event_json,
        requeue_count=envelope.put_backs,
        interruptions=envelope.interruptions,
        deadline=_parse_time(envelope.deadline),
        resume=None if isinstance(envelope.resume, UnsetType) else envelope.resume,
    )


def _parse_event(event_json: str) -> BlobEvent:
    size = len(event_json.encode(errors="surrogateescape"))
    if size > _MAX_EVENT_BYTES:
        raise EventError(f"the event has {size:,} bytes, more than the {_MAX_EVENT_BYTES:,} that can be requeued")
    event = msgspec.json.decode(event_json, type=_Event)
    if event.event_type not in _EVENT_TYPES:
        quoted = event.event_type[:_MAX_QUOTED_CHARACTERS]
        raise EventError(f"eventType is {quoted!r}, none of {', '.join(_EVENT_TYPES)}")
    subject = event.subject
    container, separator, name = subject.removeprefix(_SUBJECT_PREFIX).partition("/blobs/")
    if not (subject.startswith(_SUBJECT_PREFIX) and separator and container and name):
        raise EventError(f"subject {subject[:_MAX_QUOTED_CHARACTERS]!r} names no blob")
    if not {".", ".."}.isdisjoint(name.replace("\\", "/").split("/")):
        # No blob has such a name, so nothing can be recorded of it, and a client would read another blob: the service
        # resolves dot segments, and treats a backslash as a slash, before it stores or reads.
        # https://github.com/Azure/azure-sdk-for-rust/issues/5275 https://github.com/versity/versitygw/issues/845
        raise EventError(f"subject {subject[:_MAX_QUOTED_CHARACTERS]!r} has a dot segment, which no blob's name has")
    sequencer = event.data.sequencer
    return BlobEvent(
        # Only the host of the URL is used, for comparison; the URL itself is never fetched.
        host=(urlsplit(event.data.url).hostname or "").lower(),
        container=container,
        name=name,
        event_id=str(event.id),
        time=_parse_time(event.event_time),
        sequencer=None if sequencer is UNSET else sequencer,
    )


def _parse_time(text: str) -> datetime:
    """Parse a time; without a time zone it is in UTC, as all of Azure's times are."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
