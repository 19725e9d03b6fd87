"""Storage queues, in the encoding that Event Grid and the Functions host use: base64."""

import base64
from collections.abc import AsyncIterator
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline import PipelineResponse
from azure.storage.queue import QueueMessage, TextBase64DecodePolicy, TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from classifier.adapters.world import World

# https://learn.microsoft.com/rest/api/storageservices/put-message
_LONGEST_DELAY_SECONDS = 7 * 24 * 3600
_NEVER = -1


class _DecodePolicy(TextBase64DecodePolicy):
    """Leaves a text that is no base64 as it is.

    The SDK's policy raises, and with one such message the whole page is lost; of some texts it decodes what is left
    without the characters that base64 does not have.
    """

    def decode(self, content: str, response: PipelineResponse[Any, Any]) -> str:
        """As `TextBase64DecodePolicy.decode`."""
        try:
            return base64.b64decode(content, validate=True).decode()
        except ValueError:
            return content


def queue(endpoint: str, name: str, world: World) -> QueueClient:
    """A client of one queue."""
    return QueueClient(
        endpoint,
        name,
        message_encode_policy=TextBase64EncodePolicy(),
        message_decode_policy=_DecodePolicy(),
        **world.client,
    )


class StorageQueue:
    """`ports.Queue`, and what is needed to empty one."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client

    async def send(self, text: str, *, delay_seconds: float = 0) -> None:
        """As `ports.Queue.send`; the message never expires."""
        delay = min(round(delay_seconds), _LONGEST_DELAY_SECONDS)
        await self._client.send_message(text, visibility_timeout=delay, time_to_live=_NEVER)

    async def length(self) -> int:
        """How many messages there are, those included that cannot be seen at the moment; never too few."""
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
