"""When a message is delivered again after an error."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.domain import timeouts
from common.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError

from classifier.domain.errors import OperationRunningError
from classifier.domain.events import Message
from classifier.domain.resume import Resume

# How often one delivery reads, checks and writes again after others have changed the same item or blob. After that the
# message is requeued: endless conflicts would keep an instance busy until its time limit.
MAX_CONFLICTS = 5
# How many long-running operations are started for one image and call. Each may be charged, although it has no result:
# a service whose operations never end, or always fail, must not be paid until the retry deadline.
MAX_OPERATIONS = 3


@dataclass(kw_only=True)
class Delivery:
    """One delivery of a message.

    Attributes:
        message: the parsed message.
        text: the message as it was received.
        attempt: the dequeue count.
        etag: the version of the blob that was read; None before.
        resume: what the message is requeued with while a long-running operation analyzes the image.
    """

    message: Message
    text: str
    attempt: int
    etag: str | None = None
    resume: Resume | None = None

    @property
    def interruptions(self) -> int:
        """The number of earlier deliveries that ended without an outcome."""
        return self.message.interruptions + self.attempt - 1


@dataclass(frozen=True, kw_only=True)
class Retry:
    """The next delivery of a message.

    Attributes:
        delay_seconds: the time until then.
        deadline: until when the message is retried.
        misconfigured: whether only a deployment can make it succeed.
        expired: whether it would be after the deadline.
        is_attempt: whether the delivery was an attempt; a request for the result of an operation is none.
    """

    delay_seconds: float
    deadline: datetime
    misconfigured: bool
    expired: bool
    is_attempt: bool


def plan_retry(message: Message, error: Exception, *, max_retry_age: timedelta, now: datetime) -> Retry:
    """Return when a message is delivered again after an error.

    The first error sets the deadline of all retries, so the deadline also says when the first error occurred. Until
    timeouts.ACCESS_PROPAGATION after that, a 401 or 403 is attributed to a role assignment that is still propagating.

    Args:
        message: the message.
        error: the error that ended its delivery.
        max_retry_age: how long after its first error a message is retried.
        now: the current time.
    """
    deadline = message.deadline or now + max_retry_age
    retry_age = max_retry_age - (deadline - now)
    lasting = isinstance(error, AccessDeniedError) and retry_age >= timeouts.ACCESS_PROPAGATION
    misconfigured = lasting or isinstance(error, ConfigurationError)
    if misconfigured:
        seconds = timeouts.CONFIGURATION_RETRY_SECONDS
    elif isinstance(error, RetryLaterError) and error.exact:
        seconds = error.retry_after_seconds
    else:
        after = error.retry_after_seconds if isinstance(error, RetryLaterError) else 0.0
        seconds = max(after, timeouts.backoff_seconds(message.requeue_count))
    # Messages that were requeued together must not be delivered together.
    jitter = random.uniform(1, timeouts.BACKOFF_JITTER)  # noqa: S311 (no secret depends on it)
    delay_seconds = max(1.0, seconds) * jitter
    return Retry(
        delay_seconds=delay_seconds,
        deadline=deadline,
        misconfigured=misconfigured,
        expired=now + timedelta(seconds=delay_seconds) > deadline,
        is_attempt=not isinstance(error, OperationRunningError),
    )
