"""Adaptive rate limiter for the calls to one Vision account.

An account answers about ten calls a second in all, and rejects the others with 429. Each instance of the app has a
rate limiter of its own for each account and knows nothing of the other instances. They share the account because all
follow TCP's rule: additive increase, multiplicative decrease (https://doi.org/10.1016/0169-7552(89)90019-6). The rate
never falls far below an equal share among the largest number of instances, and never rises above the account's quota.
"""

import random
from dataclasses import dataclass

# Relative decrease of the rate after a 429, and after a 429 that comes before `_SHARP_DECREASE_BELOW_CALLS` calls
# succeeded since the previous one.
_DECREASE = 0.2
_SHARP_DECREASE = 0.7
_SHARP_DECREASE_BELOW_CALLS = 3
# Relative increase of the rate after a successful call. It grows with the number of calls that succeeded since the last
# 429, because other instances have then stopped. With these values about one call in forty is rejected when all
# accounts are at capacity (`make simulate`).
_INCREASE = 0.002
_FASTER_INCREASE_AFTER_CALLS = 60
# Further 429s within this time are treated as the same signal.
_SIGNAL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Quota:
    """Calls a second that one account answers in all, and the largest number of instances that share it."""

    calls_per_second: float
    instances: int

    @property
    def share(self) -> float:
        """Calls a second: 80 % of an equal share, so that all instances together stay below the quota."""
        return 0.8 * self.calls_per_second / self.instances


class AdaptiveRateLimiter:
    """The rate of the calls to one account. `now` is the current time in seconds, from a monotonic clock."""

    def __init__(self, quota: Quota, now: float) -> None:
        self._quota = quota
        # The full quota until the account rejects a call: most of the time few images arrive, and none should wait.
        self._rate = quota.calls_per_second
        self._next_call_at = now
        self._successes = 0
        self._throttled_at = float("-inf")

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self._rate

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until the next call is allowed."""
        return max(0.0, self._next_call_at - now)

    def reserve(self, now: float) -> None:
        """Reserve the next call."""
        self._next_call_at = max(self._next_call_at, now) + 1 / self._rate

    def on_success(self) -> None:
        """Increase the rate after a successful call."""
        self._successes += 1
        self._rate *= 1 + _INCREASE * (1 + (self._successes / _FASTER_INCREASE_AFTER_CALLS) ** 2)
        self._rate = min(self._rate, self._quota.calls_per_second)

    def on_throttled(self, now: float, retry_after_seconds: float) -> None:
        """Decrease the rate after a 429, and allow no call for `retry_after_seconds`."""
        if now - self._throttled_at >= _SIGNAL_SECONDS:
            decrease = _SHARP_DECREASE if self._successes < _SHARP_DECREASE_BELOW_CALLS else _DECREASE
            self._rate = max(self._quota.share, self._rate * (1 - decrease))
            self._throttled_at = now
        self._successes = 0
        self._next_call_at = max(self._next_call_at, now + retry_after_seconds + self._jitter())

    def _jitter(self) -> float:
        """Seconds; instances that were throttled together must not retry together."""
        return random.uniform(0, 1 / self._rate)  # noqa: S311 (no secret depends on it)
