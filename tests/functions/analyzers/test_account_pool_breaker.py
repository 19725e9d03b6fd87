"""A call that is paid for in part waits for an open circuit breaker, however short the wait is."""

import asyncio

import pytest
from classifier.domain.errors import RetryLaterError

from tests.functions.analyzers.test_account_pool_waits import longest, pool, sending

# A fixture that is used by every test of this file.
__all__ = ["longest"]


@pytest.mark.parametrize("remaining", [0.5, 1.0, 2.0])
def test_the_rest_of_a_breakers_period_is_waited_for(remaining: float) -> None:
    """The breaker is open for five seconds and a quarter more at most after the third failure in a row."""
    calls, clock = pool(1)
    send, called = sending(*[RetryLaterError("503")] * 3)
    with pytest.raises(RetryLaterError):
        asyncio.run(calls.call(send))
    clock.now += 6.25 - remaining
    called_at = clock.now
    assert asyncio.run(calls.call(send, paid=True)) == 0
    assert clock.now - called_at == pytest.approx(remaining)
    assert len(called) == 4
