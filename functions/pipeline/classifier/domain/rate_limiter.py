"""How fast one Vision account is called: as fast as it answers, and no faster.

An account answers some ten calls a second, whoever asks, and refuses the rest with 429. Each instance of the app has a
governor of its own for each account and knows nothing of the others; they come to share the account because all of
them follow the same rule, TCP's: more with time, less with every refusal (additive increase, multiplicative decrease:
https://doi.org/10.1016/0169-7552(89)90019-6). The rate never falls far below an equal share among all instances that
there can be, nor rises above what one account answers in all.
"""

import random
from dataclasses import dataclass

# What the rate loses with a refusal, and with one that comes before so many calls were answered since the last.
_DECREASE, _SHARP_DECREASE, _SOON = 0.2, 0.7, 3
# What it gains with a call answered; the more calls were answered since the last refusal, the more, for then the
# others have gone. With these figures about one call in forty is refused when all accounts are busy (`make simulate`).
_INCREASE, _BOLDER_AFTER = 0.002, 60
# Refusals that come so soon after another say the same thing once more.
_ONE_SIGNAL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Quota:
    """What one account answers in all, in calls a second, and how many instances may have to share it."""

    calls_per_second: float
    instances: int

    @property
    def share(self) -> float:
        """A little less than an equal share, so that all of them together ask for less than there is."""
        return 0.8 * self.calls_per_second / self.instances


class Governor:
    """The rate of one account; every method takes the present time in seconds, of a clock that never goes back."""

    def __init__(self, quota: Quota, now: float) -> None:
        self._quota = quota
        # As if alone, until the account says otherwise: most of the time few images come, and none should wait.
        self._rate = quota.calls_per_second
        self._next = now
        self._answered = 0
        self._signalled = float("-inf")

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self._rate

    def wait(self, now: float) -> float:
        """Seconds until the next call may be made."""
        return max(0.0, self._next - now)

    def take(self, now: float) -> None:
        """Takes the next turn."""
        self._next = max(self._next, now) + 1 / self._rate

    def answered(self) -> None:
        """A call was answered."""
        self._answered += 1
        self._rate *= 1 + _INCREASE * (1 + (self._answered / _BOLDER_AFTER) ** 2)
        self._rate = min(self._rate, self._quota.calls_per_second)

    def refused(self, now: float, retry_after: float) -> None:
        """A call was refused, and no other is worth making for `retry_after` seconds."""
        if now - self._signalled >= _ONE_SIGNAL_SECONDS:
            lost = _SHARP_DECREASE if self._answered < _SOON else _DECREASE
            self._rate = max(self._quota.share, self._rate * (1 - lost))
            self._signalled = now
        self._answered = 0
        self._next = max(self._next, now + retry_after + self._jitter())

    def _jitter(self) -> float:
        """What was refused together must not come back together."""
        return random.uniform(0, 1 / self._rate)  # noqa: S311 (no secret depends on it)
