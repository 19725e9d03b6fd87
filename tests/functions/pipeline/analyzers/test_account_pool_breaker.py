"""The circuit breaker of an account pool: what closes it, and who waits for it."""

import asyncio

import pytest
from classifier.domain.errors import ImageRejectedError
from common.domain.errors import RetryLaterError

from tests.functions.pipeline.analyzers.test_account_pool_waits import longest, pool, sending

# A fixture that is used by every test of this file.
__all__ = ["longest"]


@pytest.mark.parametrize("remaining", [0.5, 1.0, 2.0])
def test_the_rest_of_a_breakers_period_is_waited_for(remaining: float) -> None:
    """The breaker is open for five seconds and a quarter more at most after the third failure in a row."""
    calls, clock = pool(1)
    send, accounts = sending(*[RetryLaterError("503")] * 3)
    with pytest.raises(RetryLaterError):
        asyncio.run(calls.call(send))
    clock.now += 6.25 - remaining
    start = clock.now
    assert asyncio.run(calls.call(send, paid=True)) == 0
    assert clock.now - start == pytest.approx(remaining)
    assert len(accounts) == 4


def test_a_rejected_image_is_an_answer_of_the_service_and_ends_a_row_of_failures() -> None:
    """Three failures in a row open the breaker: here two, a rejection, and two more."""
    calls, _ = pool(1)
    failure = RetryLaterError("503")
    send, accounts = sending(failure, failure, ImageRejectedError("NotAnImage", "no image"), failure, failure)
    with pytest.raises(ImageRejectedError):
        asyncio.run(calls.call(send))
    assert asyncio.run(calls.call(send)) == 0
    assert len(accounts) == 6
