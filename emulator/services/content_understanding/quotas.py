"""Images and operations per minute of an account.

https://learn.microsoft.com/azure/ai-services/content-understanding/service-limits#resource-limits
"""

import math
import time
from collections import deque
from collections.abc import Callable

from emulator.services.content_understanding.errors import ContentUnderstandingError

_MINUTE = 60.0
_LIMITS = {"images": 1_000, "operations": 3_000}


class RequestQuotas:
    """What each account did in the last minute. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[tuple[str, str], deque[float]] = {}

    def count_operation(self, account_id: str) -> None:
        """Count a request of any kind. Raises ContentUnderstandingError (429) beyond the limit."""
        self._count(account_id, "operations")

    def count_image(self, account_id: str) -> None:
        """Count an image that is analyzed. Raises ContentUnderstandingError (429) beyond the limit."""
        self._count(account_id, "images")

    def _count(self, account_id: str, unit: str) -> None:
        now = self._clock()
        times = self._times.setdefault((account_id.lower(), unit), deque())
        while times and times[0] <= now - _MINUTE:
            times.popleft()
        if len(times) >= _LIMITS[unit]:
            wait = max(1, math.ceil(times[0] + _MINUTE - now))
            message = f"The account has reached its limit of {_LIMITS[unit]} {unit} in a minute."
            raise ContentUnderstandingError(429, "429", message, headers={"Retry-After": str(wait)})
        times.append(now)
