"""Storage queues. Messages are encoded in base64, as Event Grid and the Functions host do."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueMessage, TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient
from common.adapters.azure_clients import AzureClients
from common.adapters.service_errors import ServiceBoundary

# https://learn.microsoft.com/rest/api/storageservices/put-message
_MAX_DELAY_SECONDS = 7 * 24 * 3600
_NO_EXPIRATION = -1


def create_queue_client(endpoint: str, name: str, azure: AzureClients) -> QueueClient:
    """Create a client of one queue.

    It does not decode the messages that it receives: the SDK's decode policy raises for a whole page of messages if one
    of them is not base64, and the others of the page stay hidden until their visibility timeout ends.
    """
    return QueueClient(endpoint, name, message_encode_policy=TextBase64EncodePolicy(), **azure.client_options)


@dataclass(frozen=True, kw_only=True)
class ReceivedMessage:
    """A received message, which is hidden from other receivers for a time.

    Attributes:
        content: the text, or None if the message is no text in base64.
        inserted_on: when the message was inserted into the queue.
        queue_message: the message as the SDK returned it.
    """

    content: str | None
    inserted_on: datetime
    queue_message: QueueMessage


class StorageQueue:
    """`queue_ports.MeasuredQueue` and `queue_ports.PoisonQueue` for one queue."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client
        # No circuit breaker: requeueing a message must stay possible when everything else fails.
        self._boundary = ServiceBoundary("the queue")

    async def send(self, text: str, *, delay_seconds: float = 0) -> None:
        """Implements `queue_ports.Queue.send`; the message never expires."""
        delay = min(round(delay_seconds), _MAX_DELAY_SECONDS)
        with self._boundary:
            await self._client.send_message(text, visibility_timeout=delay, time_to_live=_NO_EXPIRATION)

    async def length(self) -> int:
        """Implements `queue_ports.MeasuredQueue.length`; hidden messages are counted too."""
        with self._boundary:
            return (await self._client.get_queue_properties()).approximate_message_count or 0

    async def receive(self, *, hidden_seconds: int) -> AsyncIterator[ReceivedMessage]:
        """Implements `queue_ports.PoisonQueue.receive`."""
        async for message in self._client.receive_messages(messages_per_page=32, visibility_timeout=hidden_seconds):
            if message.inserted_on is None:
                raise ValueError(f"the queue service did not say when message {message.id} was inserted")
            yield ReceivedMessage(
                content=_decode(message.content), inserted_on=message.inserted_on, queue_message=message
            )

    async def delete(self, message: ReceivedMessage) -> None:
        """Implements `queue_ports.PoisonQueue.delete`. Does nothing if the message does not exist any more."""
        try:
            await self._client.delete_message(message.queue_message)
        except ResourceNotFoundError:
            return


def _decode(content: str) -> str | None:
    """Return the text of a message in base64, or None if it is no such text."""
    try:
        return base64.b64decode(content, validate=True).decode()
    except ValueError:
        return None
