"""Redriving: what lies in the poison queue goes back into the images queue."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Protocol

from classifier.domain import timeouts
from classifier.domain.events import redriven
from classifier.domain.ports import Queue


class Poisonous(Protocol):
    """A message of the poison queue."""

    @property
    def content(self) -> str | None:
        """Its text, or None when it has none because it cannot be decoded."""
        ...

    @property
    def inserted_on(self) -> datetime:
        """When it was put into the queue."""
        ...


class PoisonQueue[Message: Poisonous](Protocol):
    """The poison queue."""

    def receive(self, *, hidden_seconds: int) -> AsyncIterator[Message]:
        """All messages that can be seen, each hidden from others for a while."""
        ...

    async def delete(self, message: Message) -> None:
        """Removes a received message."""
        ...


async def redrive[Message: Poisonous](
    poison: PoisonQueue[Message], images: Queue, *, until: datetime, now: Callable[[], datetime]
) -> dict[str, int | bool]:
    """Sends every message again, and counts: those `redriven`, and those `kept` because they can never be handled.

    Kept are messages that cannot be decoded and those that are no event. It ends at a message that was inserted after
    the start: some fail again at once, and would come back without end. (Counting them first would take the right to
    read the queue.) `finished` is false when time ran out first. A crash in between sends a message twice, which does
    no harm.
    """
    sent = kept = 0
    started = now()
    async for message in poison.receive(hidden_seconds=timeouts.REDRIVE_HIDDEN_SECONDS):
        if message.inserted_on > started:
            break
        text = _event(message)
        if text is None:
            kept += 1
        else:
            await images.send(text)
            await poison.delete(message)
            sent += 1
        if now() >= until:
            return {"redriven": sent, "kept": kept, "finished": False}
    return {"redriven": sent, "kept": kept, "finished": True}


def _event(message: Poisonous) -> str | None:
    """The text to send again, or None when the message can never be handled."""
    if message.content is None:
        return None
    code, text = redriven(message.content)
    return None if code == "BadEvent" else text
