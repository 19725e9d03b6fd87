"""Stops calls of a service that fails, and finds out with few calls when it works again.

https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker
"""

import random
import time
from collections.abc import Callable

from classifier.domain import timeouts
from classifier.domain.errors import AccessDeniedError, ConfigurationError, PipelineError, RetryLaterError

# So many failures in a row open the breaker; one alone is an ordinary fault of a network.
_THRESHOLD = 3


class CircuitBreaker:
    """The state of one service, as this process knows it.

    Closed: every call is allowed. After three failures in a row it is open: one call is allowed each period, every
    failure doubles the period, and a success closes it.
    """

    def __init__(self, service: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._failures = 0
        self._period = timeouts.BREAKER_FIRST_SECONDS
        self._next = 0.0
        self._trying = False
        self._error: PipelineError | None = None

    @property
    def wait_seconds(self) -> float:
        """Seconds until a call is allowed; 0 when it is."""
        return 0.0 if self._failures < _THRESHOLD else max(0.0, self._next - self._clock())

    def check(self) -> None:
        """Raises an error like the one that opened the breaker, unless a call is allowed now."""
        wait = self.wait_seconds
        if wait <= 0:
            return
        sentence = f"{self._service} is not called for {wait:.0f} s: {self._error}"
        if isinstance(self._error, ConfigurationError):
            raise ConfigurationError(self._error.code, sentence)
        if isinstance(self._error, AccessDeniedError):
            raise AccessDeniedError(sentence, retry_after_seconds=wait)
        raise RetryLaterError(sentence, retry_after_seconds=wait)

    def reserve(self) -> None:
        """To be called before a call: an open breaker allows one call in a period."""
        if self._failures >= _THRESHOLD:
            self._next = self._clock() + self._period
            self._trying = True

    def on_success(self) -> None:
        """The service answered."""
        if self._failures:
            self._failures = 0
            self._period = timeouts.BREAKER_FIRST_SECONDS
            self._trying = False
            self._error = None

    def on_failure(self, error: PipelineError) -> None:
        """The service failed."""
        self._failures += 1
        self._error = error
        if self._failures > _THRESHOLD and not self._trying:
            return  # a call that was under way when the breaker opened
        if self._failures > _THRESHOLD:
            self._period = min(timeouts.BREAKER_LONGEST_SECONDS, self._period * 2)
        self._trying = False
        after = error.retry_after_seconds if isinstance(error, RetryLaterError) else 0.0
        # Instances that failed together must not come back together.
        jitter = random.uniform(0.75, 1.25)  # noqa: S311 (no secret depends on it)
        self._next = self._clock() + max(after, self._period * jitter)
