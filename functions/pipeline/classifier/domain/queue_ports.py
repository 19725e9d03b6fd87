"""Ports of the queues; the other interfaces that the use cases need are in `ports`.

Every method may raise RetryLaterError and ConfigurationError (`errors`).
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol


class Queue(Protocol):
    """A queue to write to."""

    async def send(self, text: str, *, delay_seconds: float = 0) -> None:
        """Send a message that becomes visible after a delay."""
        ...


class MeasuredQueue(Queue, Protocol):
    """A queue whose length is known."""

    async def length(self) -> int:
        """Return the approximate number of messages; never too low."""
        ...


class PoisonMessage(Protocol):
    """A message of the poison queue."""

    @property
    def content(self) -> str | None:
        """The text, or None if the message cannot be decoded."""
        ...

    @property
    def inserted_on(self) -> datetime:
        """When the message was inserted into the queue."""
        ...


class PoisonQueue[Message: PoisonMessage](Protocol):
    """The poison queue."""

    def receive(self, *, hidden_seconds: int) -> AsyncIterator[Message]:
        """Receive all visible messages. Each is hidden from other receivers for `hidden_seconds`."""
        ...

    async def delete(self, message: Message) -> None:
        """Delete a received message."""
        ...
