"""Outcomes: what came of the delivery of a message."""

from enum import StrEnum

from msgspec import Struct

from classifier.domain.events import BlobEvent


class OutcomeStatus(StrEnum):
    """What came of one delivery of a message.

    `classified`, `rejected`, `failed`: the status of the record. `removed`: the blob does not exist, and its record was
    removed. `delayed`: the message was requeued. `misconfigured`: the message was requeued with a long delay, because
    only a deployment can remove the cause. `poison`: the message is no event about the images container.

    In the shadow, `compared`: the findings of the successor were compared with the record. `skipped`: there is nothing
    to compare. `poison`: the message was given up.
    """

    CLASSIFIED = "classified"
    REJECTED = "rejected"
    FAILED = "failed"
    REMOVED = "removed"
    DELAYED = "delayed"
    MISCONFIGURED = "misconfigured"
    POISON = "poison"
    COMPARED = "compared"
    SKIPPED = "skipped"


class Outcome(Struct, frozen=True, kw_only=True):
    """The outcome of one delivery of a message, as it is logged.

    Attributes:
        status: what came of it.
        detail: the category, the code of the reason, or the error.
        record_id: the id of the record, or None for `poison`.
        event_id: the id of the event, or None for `poison`.
    """

    status: OutcomeStatus
    detail: str
    record_id: str | None = None
    event_id: str | None = None

    @staticmethod
    def for_event(event: BlobEvent, status: OutcomeStatus, detail: str) -> "Outcome":
        """Create the outcome of a message about an event."""
        return Outcome(status=status, detail=detail, record_id=event.record_id, event_id=event.event_id)
