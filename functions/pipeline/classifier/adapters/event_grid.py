"""Event Grid: publishes the results as CloudEvents to a custom topic."""

import uuid
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.eventgrid.aio import EventGridPublisherClient

from classifier.adapters.service_errors import ServiceBoundary
from classifier.domain.circuit_breaker import CircuitBreaker
from classifier.domain.errors import ConfigurationError
from classifier.domain.record import part

_EVENT_TYPES = {"classified": "ImageClassified", "rejected": "ImageRejected", "failed": "ImageFailed"}
_NAMESPACE = uuid.UUID("5b0f6c1e-2c0b-5a53-9d39-6f9a1f6d9c11")


def create_cloud_event(record: dict[str, Any]) -> CloudEvent[dict[str, Any]]:
    """Create the event of a result, with the fields that subscribers can filter on; the record has all others.

    The same version of a blob with the same status, by the same analyzer, always has the same event id, so that
    subscribers can discard duplicates.
    """
    blob = part(record, "blob")
    analyzer = part(record, "analyzer")
    category = part(record, "category").get("name")
    result = [record["id"], blob["etag"], record["status"], analyzer.get("identity")]
    return CloudEvent(
        id=str(uuid.uuid5(_NAMESPACE, "\n".join(map(str, result)))),
        source=f"/{blob['account']}/{blob['container']}",
        type=_EVENT_TYPES[record["status"]],
        subject=blob["name"],
        time=datetime.fromisoformat(record["processedAt"]),
        datacontenttype="application/json",
        data={
            "recordId": record["id"],
            "status": record["status"],
            "category": category,
            "labels": record["labels"],
            "reason": part(record, "reason").get("code"),
            "etag": blob["etag"],
        },
        # Attribute names have lower-case letters and digits only, and values are strings:
        # https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#extension-context-attributes
        extensions={
            "recordid": record["id"],
            **({"category": category} if category else {}),
            **({"labels": ",".join(record["labels"])} if record["labels"] else {}),
        },
    )


class EventGridResultPublisher:
    """`ports.ResultPublisher` for a custom topic."""

    def __init__(self, client: EventGridPublisherClient) -> None:
        self._client = client
        self._boundary = ServiceBoundary("the results topic", CircuitBreaker("the results topic"))

    async def publish(self, record: dict[str, Any]) -> None:
        """Implements `ports.ResultPublisher.publish`."""
        try:
            with self._boundary:
                # The SDK leaves the type of an event's data open.
                await self._client.send(create_cloud_event(record))  # pyright: ignore[reportUnknownMemberType]
        except ResourceNotFoundError as error:
            raise ConfigurationError("TopicNotFound", "the results topic does not exist") from error
