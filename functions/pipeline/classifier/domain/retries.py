"""When a message that met with an error is delivered again."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from classifier.domain import timeouts
from classifier.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError
from classifier.domain.events import Message


@dataclass(kw_only=True)
class Delivery:
    """One delivery of a message; `etag` is the version of the blob that it has read."""

    message: Message
    text: str
    attempt: int
    etag: str | None = None

    @property
    def interruptions(self) -> int:
        """How many deliveries before this one ended without an outcome."""
        return self.message.interruptions + self.attempt - 1


@dataclass(frozen=True, kw_only=True)
class Retry:
    """A delivery to come, in `delay_seconds`; `misconfigured` when only a deployment can make it succeed."""

    delay_seconds: float
    deadline: datetime
    misconfigured: bool


def plan_retry(message: Message, error: Exception, *, patience: timedelta, now: datetime) -> Retry:
    """The next delivery of a message that met with `error`; the first retry sets the deadline of all.

    The deadline also says when that was: a 401 or 403 is taken for a role assignment that is not in force yet until
    the message has met with errors for timeouts.ACCESS_PROPAGATION.
    """
    deadline = message.deadline or now + patience
    waited = now - (deadline - patience)
    lasting = isinstance(error, AccessDeniedError) and waited >= timeouts.ACCESS_PROPAGATION
    misconfigured = lasting or isinstance(error, ConfigurationError)
    if misconfigured:
        seconds = timeouts.CONFIGURATION_RETRY_SECONDS
    elif isinstance(error, RetryLaterError) and error.exact:
        seconds = error.retry_after_seconds
    else:
        after = error.retry_after_seconds if isinstance(error, RetryLaterError) else 0.0
        seconds = max(after, timeouts.backoff_seconds(message.put_backs))
    # Spread, so that what was refused together does not come back together.
    spread = random.uniform(1, timeouts.BACKOFF_JITTER)  # noqa: S311 (no secret depends on it)
    return Retry(delay_seconds=max(1.0, seconds) * spread, deadline=deadline, misconfigured=misconfigured)
