"""Circuit breaker: stops the calls to a failing service, and probes it until it works again.

https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker
"""

import random
import time
from collections.abc import Callable

from common.domain import timeouts
from common.domain.errors import AccessDeniedError, ConfigurationError, PipelineError, RetryLaterError

# Consecutive failures that open the breaker; a single one may be an ordinary network fault.
_FAILURE_THRESHOLD = 3


class CircuitBreaker:
    """The circuit breaker of one service in this process.

    Closed: every call is allowed. It opens after three consecutive failures. Open: one call is allowed in each period,
    every failure doubles the period, and a success closes the breaker.
    """

    def __init__(self, service: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._failures = 0
        self._period = timeouts.BREAKER_FIRST_SECONDS
        self._next_call_at = 0.0
        self._is_probing = False
        self._error: PipelineError | None = None

    @property
    def wait_seconds(self) -> float:
        """Seconds until the next call is allowed; 0 if it is allowed now."""
        return 0.0 if self._failures < _FAILURE_THRESHOLD else max(0.0, self._next_call_at - self._clock())

    def check(self) -> None:
        """Check that a call is allowed now. Raises an error of the kind that opened the breaker if it is not."""
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
        """Reserve a call, before it is made: an open breaker allows one call in each period."""
        if self._failures >= _FAILURE_THRESHOLD:
            self._next_call_at = self._clock() + self._period
            self._is_probing = True

    def on_success(self) -> None:
        """Close the breaker after a response of the service."""
        if self._failures:
            self._failures = 0
            self._period = timeouts.BREAKER_FIRST_SECONDS
            self._is_probing = False
            self._error = None

    def on_failure(self, error: PipelineError) -> None:
        """Count a failure of the service, and open the breaker at the threshold."""
        self._failures += 1
        self._error = error
        if self._failures > _FAILURE_THRESHOLD and not self._is_probing:
            return  # the call was made before the breaker opened
        if self._failures > _FAILURE_THRESHOLD:
            self._period = min(timeouts.BREAKER_LONGEST_SECONDS, self._period * 2)
        self._is_probing = False
        retry_after = error.retry_after_seconds if isinstance(error, RetryLaterError) else 0.0
        # Instances that failed together must not retry together.
        jitter = random.uniform(0.75, 1.25)  # noqa: S311 (no secret depends on it)
        self._next_call_at = self._clock() + max(retry_after, self._period * jitter)
