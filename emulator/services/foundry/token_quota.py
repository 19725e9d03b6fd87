"""Tokens per minute of a deployment.

The service adds up the tokens of each prompt and the highest number that its answer may have:
https://learn.microsoft.com/azure/foundry/openai/how-to/quota
"""

import math
import time
from collections import deque
from collections.abc import Callable

from emulator.services.foundry.errors import CompletionError

_MINUTE = 60.0
# As it is quoted by users of the API.
_MESSAGE = (
    "Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded {what} rate limit of your"
    " current AIServices S0 pricing tier. Please retry after {seconds} seconds."
)


class TokenQuotas:
    """The calls of the last minute to each deployment. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: dict[str, deque[tuple[float, int]]] = {}

    def reserve(self, deployment_id: str, *, capacity: int, tokens: int) -> None:
        """Count a call. Raises CompletionError (429) if it exceeds the limits.

        Args:
            deployment_id: ARM id of the deployment.
            capacity: Its capacity: a unit is 1,000 tokens and one request per minute.
            tokens: What the service counts for the call.
        """
        now = self._clock()
        calls = self._calls.setdefault(deployment_id.lower(), deque())
        while calls and calls[0][0] <= now - _MINUTE:
            calls.popleft()
        if len(calls) >= capacity:
            raise _throttled("call", calls[0][0] + _MINUTE - now)
        if calls and sum(count for _, count in calls) + tokens > capacity * 1_000:
            raise _throttled("token", calls[0][0] + _MINUTE - now)
        calls.append((now, tokens))


def _throttled(what: str, seconds: float) -> CompletionError:
    wait = max(1, math.ceil(seconds))
    message = _MESSAGE.format(what=what, seconds=wait)
    return CompletionError(429, "429", message, headers={"Retry-After": str(wait)})
