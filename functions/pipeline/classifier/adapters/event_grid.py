"""Event Grid: publishes the results as CloudEvents to a custom topic."""

import uuid
from datetime import datetime

import msgspec
from azure.core.exceptions import ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.eventgrid.aio import EventGridPublisherClient
from common.adapters.service_errors import ServiceBoundary
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import ConfigurationError
from common.domain.record import ImageRecord, RecordStatus

_EVENT_TYPES = {
    RecordStatus.CLASSIFIED: "ImageClassified",
    RecordStatus.REJECTED: "ImageRejected",
    RecordStatus.FAILED: "ImageFailed",
}
_NAMESPACE = uuid.UUID("5b0f6c1e-2c0b-5a53-9d39-6f9a1f6d9c11")


class ResultData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The data of a result event: what subscribers can filter on; the record has everything else.

    Attributes:
        record_id: the id of the record.
        status: the status of the record.
        category: the name of the category, or None.
        labels: the labels.
        reason: the code of the reason, or None.
        etag: the version of the blob.
    """

    record_id: str
    status: RecordStatus
    category: str | None
    labels: tuple[str, ...]
    reason: str | None
    etag: str


def create_cloud_event(record: ImageRecord) -> CloudEvent[dict[str, object]]:
    """Create the event of a result.

    The same version of a blob with the same status, by the same analyzer, always has the same event id, so that
    subscribers can discard duplicates.
    """
    blob = record.blob
    data = ResultData(
        record_id=record.id,
        status=record.status,
        category=record.category.name if record.category is not None else None,
        labels=record.labels,
        reason=record.reason.code if record.reason is not None else None,
        etag=blob.etag,
    )
    # Attribute names have lower-case letters and digits only, and values are strings:
    # https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#extension-context-attributes
    extensions = {"recordid": record.id}
    if data.category:
        extensions["category"] = data.category
    if data.labels:
        extensions["labels"] = ",".join(data.labels)
    return CloudEvent(
        id=str(uuid.uuid5(_NAMESPACE, f"{record.id}\n{blob.etag}\n{record.status}\n{record.fingerprint}")),
        source=f"/{blob.account}/{blob.container}",
        type=_EVENT_TYPES[record.status],
        subject=blob.name,
        time=datetime.fromisoformat(record.processed_at),
        datacontenttype="application/json",
        data=msgspec.to_builtins(data),
        extensions=extensions,
    )


class EventGridResultPublisher:
    """`ports.ResultPublisher` for a custom topic."""

    def __init__(self, client: EventGridPublisherClient) -> None:
        self._client = client
        self._boundary = ServiceBoundary("the results topic", CircuitBreaker("the results topic"))

    async def publish(self, record: ImageRecord) -> None:
        """Implements `ports.ResultPublisher.publish`."""
        try:
            with self._boundary:
                # The SDK leaves the type of an event's data open.
                await self._client.send(create_cloud_event(record))  # pyright: ignore[reportUnknownMemberType]
        except ResourceNotFoundError as error:
            raise ConfigurationError("TopicNotFound", "the results topic does not exist") from error
