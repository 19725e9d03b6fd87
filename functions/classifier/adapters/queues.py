"""Storage queues, in the encoding that Event Grid and the Functions host use: base64."""

from collections.abc import AsyncIterator

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueMessage, TextBase64DecodePolicy, TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from classifier.adapters.service_errors import ServiceBoundary
from classifier.adapters.world import World

# https://learn.microsoft.com/rest/api/storageservices/put-message
_LONGEST_DELAY_SECONDS = 7 * 24 * 3600
_NEVER = -1


def queue(endpoint: str, name: str, world: World) -> QueueClient:
    """A client of one queue."""
    return QueueClient(
        endpoint,
        name,
        message_encode_policy=TextBase64EncodePolicy(),
        message_decode_policy=TextBase64DecodePolicy(),
        **world.client,
    )


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

    async def receive(self, *, hidden_seconds: int) -> AsyncIterator[QueueMessage]:
        """All messages that can be seen, each hidden from others for a while."""
        async for message in self._client.receive_messages(messages_per_page=32, visibility_timeout=hidden_seconds):
            yield message

    async def delete(self, message: QueueMessage) -> None:
        """Removes a received message."""
        try:
            await self._client.delete_message(message)
        except ResourceNotFoundError:
            return
