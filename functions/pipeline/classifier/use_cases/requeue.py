"""Requeue: sends a message back to the images queue after an error that only time or a deployment can remove."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

from common.domain import metrics, timeouts
from common.domain.errors import ConfigurationError

from classifier.domain.events import Message
from classifier.domain.outcomes import Outcome, OutcomeStatus
from classifier.domain.queue_ports import Queue
from classifier.domain.retries import Delivery, Retry, plan_retry


async def requeue(
    delivery: Delivery,
    retry: Retry,
    sentence: str,
    *,
    queue: Queue,
    time_limit: Callable[[float], AbstractAsyncContextManager[object]],
) -> Outcome:
    """Send the message of a delivery again, within timeouts.REQUEUE_SECONDS.

    Args:
        delivery: the delivery that ended with an error, or while a long-running operation is not finished.
        retry: when the message is to be delivered again.
        sentence: the error, for people.
        queue: the images queue.
        time_limit: limits the time of a block, in seconds.
    """
    message = delivery.message
    text = message.to_requeue_text(
        retry.deadline, delivery.interruptions, is_attempt=retry.is_attempt, resume=delivery.resume
    )
    async with time_limit(timeouts.REQUEUE_SECONDS):
        await queue.send(text, delay_seconds=retry.delay_seconds)
    if retry.is_attempt:
        metrics.add("putBacks")
    status = OutcomeStatus.MISCONFIGURED if retry.misconfigured else OutcomeStatus.DELAYED
    return Outcome.for_event(message.event, status, f"{sentence}; back in {retry.delay_seconds:.0f} s")


async def requeue_without_settings(
    text: str,
    error: Exception,
    *,
    attempt: int,
    queue: Queue,
    now: datetime,
    time_limit: Callable[[float], AbstractAsyncContextManager[object]],
    max_retry_age: timedelta,
) -> Outcome:
    """Requeue a message that cannot be processed because the app settings are wrong.

    Raising the error instead would let the host move every message to the poison queue within minutes, although the
    next deployment can repair the settings.

    Args:
        text: the text of the message.
        error: what is wrong with the settings.
        attempt: the dequeue count of the message, from 1.
        queue: the queue of the message.
        now: the current time.
        time_limit: limits the time of a block, in seconds.
        max_retry_age: how long after its first error the message is retried.

    Raises:
        EventError: the message is no event.
        Exception: `error`, after the retry deadline.
    """
    message = Message.parse(text)
    delivery = Delivery(message=message, text=text, attempt=attempt, resume=message.resume)
    cause = ConfigurationError("WrongSettings", f"the app settings are wrong: {error}")
    retry = plan_retry(delivery.message, cause, max_retry_age=max_retry_age, now=now)
    if retry.expired:
        raise error
    return await requeue(delivery, retry, str(cause), queue=queue, time_limit=time_limit)
