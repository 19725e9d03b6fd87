"""Redrive: send the messages of the poison queue to the images queue again."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from common.domain import timeouts

from classifier.domain.events import parse_poison_message
from classifier.domain.queue_ports import PoisonMessage, PoisonQueue, Queue


class RedriveReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did; the body of the function's response.

    Attributes:
        redriven: the number of messages that were sent again.
        left: the number of messages that were left in the queue because they can never be processed: they cannot be
            decoded, or are no event.
        finished: false if the deadline was reached first.
    """

    redriven: int
    left: int = msgspec.field(name="kept")
    finished: bool


async def redrive[Message: PoisonMessage](
    poison_queue: PoisonQueue[Message], images_queue: Queue, *, deadline: datetime, now: Callable[[], datetime]
) -> RedriveReport:
    """Send every poison message to the images queue again.

    It stops at a message that was inserted after its start: some messages fail again at once, and would be redriven
    without end. (Counting the messages first would need the permission to read the queue.) If the function ends between
    sending and deleting a message, the message is sent twice, which does no harm.

    Args:
        poison_queue: the queue to empty.
        images_queue: the queue to send to.
        deadline: when to stop.
        now: returns the current time.

    """
    sent = 0
    left = 0
    started = now()
    async for message in poison_queue.receive(hidden_seconds=timeouts.REDRIVE_HIDDEN_SECONDS):
        if message.inserted_on > started:
            break
        text = _text_to_send(message)
        if text is None:
            left += 1
        else:
            await images_queue.send(text)
            await poison_queue.delete(message)
            sent += 1
        if now() >= deadline:
            return RedriveReport(redriven=sent, left=left, finished=False)
    return RedriveReport(redriven=sent, left=left, finished=True)


def _text_to_send(message: PoisonMessage) -> str | None:
    """Return the text to send again, or None if the message can never be processed."""
    if message.content is None:
        return None
    code, text = parse_poison_message(message.content)
    return None if code == "BadEvent" else text
