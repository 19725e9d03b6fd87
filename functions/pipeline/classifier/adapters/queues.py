"""Storage queues, in the encoding that Event Grid and the Functions host use: base64."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueMessage, TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from classifier.adapters.azure_clients import World
from classifier.adapters.service_errors import ServiceBoundary

# https://learn.microsoft.com/rest/api/storageservices/put-message
_LONGEST_DELAY_SECONDS = 7 * 24 * 3600
_NEVER = -1


def queue(endpoint: str, name: str, world: World) -> QueueClient:
    """A client of one queue.

    It does not decode what it receives: the SDK's decode policy raises for a whole page of messages when one of them
    is not base64, and the others of the page stay hidden until their visibility timeout ends.
    """
    return QueueClient(endpoint, name, message_encode_policy=TextBase64EncodePolicy(), **world.client)


@dataclass(frozen=True, kw_only=True)
class ReceivedMessage:
    """A message that was received and is hidden from other receivers for a while.

    Attributes:
        content: Its text, or None when it is not text in base64.
        inserted_on: When it was put into the queue.
        queue_message: The message as the SDK returned it.
    """

    content: str | None
    inserted_on: datetime
    queue_message: QueueMessage


class StorageQueue:
    """`ports.Queue`, and what is needed to empty one."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client
        # No breaker: requeueing a message is what remains when everything else fails.
        self._boundary = ServiceBoundary("the queue")

    async def send(self, text: str, *, delay_seconds: float = 0) -> None:
        """As `ports.Queue.send`; the message never expires."""
        delay = min(round(delay_seconds), _LONGEST_DELAY_SECONDS)
        with self._boundary:
            await self._client.send_message(text, visibility_timeout=delay, time_to_live=_NEVER)

    async def length(self) -> int:
        """How many messages there are, those included that cannot be seen at the moment; never too few."""
        with self._boundary:
            return (await self._client.get_queue_properties()).approximate_message_count or 0

    async def receive(self, *, hidden_seconds: int) -> AsyncIterator[ReceivedMessage]:
        """All messages that can be seen, each hidden from others for a while."""
        async for message in self._client.receive_messages(messages_per_page=32, visibility_timeout=hidden_seconds):
            if message.inserted_on is None:
                raise ValueError(f"the queue service did not say when message {message.id} was inserted")
            yield ReceivedMessage(
                content=_decode(message.content), inserted_on=message.inserted_on, queue_message=message
            )

    async def delete(self, message: ReceivedMessage) -> None:
        """Removes a received message."""
        try:
            await self._client.delete_message(message.queue_message)
        except ResourceNotFoundError:
            return


def _decode(content: str) -> str | None:
    """The text in a message's base64, or None when it is none."""
    try:
        return base64.b64decode(content, validate=True).decode()
    except ValueError:
        return None
