"""Limits on the rate of each caller's requests, in one process: another instance of the app counts for itself."""

import time
from collections import OrderedDict
from collections.abc import Callable

# Callers that are remembered; the one that was seen longest ago is forgotten first, and starts with a full bucket.
_MAX_CALLERS = 10_000


class RateLimits:
    """A token bucket for each caller.

    Args:
        per_second: requests a second, over time.
        burst: requests that may come at once.
        clock: returns seconds that only increase.
    """

    def __init__(self, *, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def reserve(self, caller: str) -> float:
        """Count a request, and return 0; if the caller's bucket is empty, return the seconds until the next one."""
        now = self._clock()
        tokens, updated_at = self._buckets.pop(caller, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + (now - updated_at) * self._per_second)
        wait = 0.0
        if tokens >= 1:
            tokens -= 1
        else:
            wait = (1 - tokens) / self._per_second
        self._buckets[caller] = (tokens, now)
        if len(self._buckets) > _MAX_CALLERS:
            self._buckets.popitem(last=False)
        return wait
