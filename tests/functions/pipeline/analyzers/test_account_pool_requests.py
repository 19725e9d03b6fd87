"""The account pool of a service that limits charged calls, and requests of any kind."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from classifier.analyzers.account_pool import AccountPool
from classifier.domain.errors import ThrottledError
from classifier.domain.rate_limiter import Quota
from common.domain.errors import ConfigurationError, RetryLaterError
from common.domain.metrics import collect_metrics

from tests.functions.pipeline.analyzers.test_account_pool_waits import Clock, sending

CALLS = Quota(calls_per_second=10, instances=1)
REQUESTS = Quota(calls_per_second=20, instances=1)


def pool(accounts: int) -> tuple[AccountPool[int], Clock]:
    clock = Clock()
    return (
        AccountPool(range(accounts), CALLS, request_quota=REQUESTS, clock=clock, sleep=clock.sleep),
        clock,
    )


def run_all(*makers: Callable[[], Awaitable[object]]) -> None:
    async def run() -> None:
        for make in makers:
            await make()

    asyncio.run(run())


def test_requests_that_are_not_charged_wait_for_the_limit_of_all_requests_alone() -> None:
    accounts, clock = pool(1)
    send, _ = sending()
    run_all(*[lambda: accounts.request(0, send)] * 21)
    assert clock.now == pytest.approx(1.0)


def test_without_a_limit_of_all_requests_none_waits() -> None:
    clock = Clock()
    accounts = AccountPool(range(1), CALLS, clock=clock, sleep=clock.sleep)
    send, _ = sending()
    run_all(*[lambda: accounts.request(0, send)] * 30)
    assert set(clock.slept) == {0.0}


def test_a_call_waits_for_both_limits() -> None:
    accounts, clock = pool(1)
    send, _ = sending()
    run_all(*[lambda: accounts.call(send)] * 11)
    assert clock.now == pytest.approx(1.0), "ten calls a second"
    waited = clock.now
    run_all(*[lambda: accounts.request(0, send)] * 100)
    clock.slept.clear()
    run_all(lambda: accounts.call(send))
    assert clock.slept == [pytest.approx(0.05)], "twenty requests a second"
    assert clock.now > waited


def test_a_request_goes_to_its_account() -> None:
    accounts, _ = pool(4)
    send, called_accounts = sending()
    run_all(*[lambda: accounts.request(2, send)] * 5)
    assert called_accounts == [2] * 5


def test_a_request_does_not_wait_long() -> None:
    accounts, _ = pool(2)
    throttled, _ = sending(ThrottledError("429", retry_after_seconds=60))
    with pytest.raises(ThrottledError):
        run_all(lambda: accounts.request(0, throttled))
    send, called_accounts = sending()
    with pytest.raises(ThrottledError) as error:
        run_all(lambda: accounts.request(0, send))
    assert error.value.retry_after_seconds == pytest.approx(60, abs=0.1)
    run_all(lambda: accounts.request(1, send))
    assert called_accounts == [1]


def test_a_throttled_request_also_delays_the_calls_of_its_account() -> None:
    """A call is a request too."""
    accounts, _ = pool(2)
    throttled, _ = sending(ThrottledError("429", retry_after_seconds=60))
    with pytest.raises(ThrottledError):
        run_all(lambda: accounts.request(0, throttled))
    send, called_accounts = sending()
    run_all(*[lambda: accounts.call(send)] * 5)
    assert called_accounts == [1] * 5


def test_a_throttled_call_delays_the_requests_of_its_account() -> None:
    """The answer does not say which of the limits was reached."""
    accounts, _ = pool(1)
    throttled, _ = sending(ThrottledError("429", retry_after_seconds=30))
    with pytest.raises(ThrottledError):
        run_all(lambda: accounts.call(throttled))
    send, called_accounts = sending()
    with pytest.raises(ThrottledError):
        run_all(lambda: accounts.request(0, send))
    assert called_accounts == []


def test_calls_are_spread_over_the_lower_of_both_rates() -> None:
    clock = Clock()
    slow = Quota(calls_per_second=5, instances=1)
    accounts = AccountPool(range(2), CALLS, request_quota=slow, clock=clock, sleep=clock.sleep)
    send, _ = sending()
    run_all(*[lambda: accounts.call(send)] * 3)
    assert clock.slept == [0, pytest.approx(0.1), pytest.approx(0.1)]


def test_each_successful_call_raises_both_rates() -> None:
    accounts, clock = pool(1)
    throttled, _ = sending(ThrottledError("429", retry_after_seconds=1))
    run_all(lambda: accounts.call(throttled))
    (account,) = accounts._accounts
    assert account.requests is not None
    lower_rates = account.calls.rate, account.requests.rate
    clock.now += 10
    send, _ = sending()
    run_all(lambda: accounts.call(send))
    assert account.calls.rate > lower_rates[0]
    assert account.requests.rate > lower_rates[1]


@pytest.mark.parametrize("error", [RetryLaterError("503"), ConfigurationError("UnknownHost", "no such host")])
def test_a_failed_request_is_not_repeated_and_opens_the_breaker(error: Exception) -> None:
    accounts, _ = pool(1)
    send, called_accounts = sending(*[error] * 3)
    for _ in range(4):
        with pytest.raises(type(error)):
            run_all(lambda: accounts.request(0, send))
    assert called_accounts == [0] * 3
    with pytest.raises(type(error)):
        accounts.check_capacity()


def test_requests_are_counted_apart_from_calls() -> None:
    accounts, _ = pool(1)
    send, _ = sending()
    with collect_metrics() as metrics:
        run_all(lambda: accounts.call(send), lambda: accounts.request(0, send), lambda: accounts.request(0, send))
    assert (metrics["visionCalls"], metrics["polls"]) == (1, 2)
    assert {"visionMs", "pollMs"} <= metrics.keys()


def test_a_call_that_is_refused_after_it_was_accepted_delays_the_next_ones_of_its_account() -> None:
    accounts, clock = pool(2)
    with collect_metrics() as metrics:
        accounts.on_throttled(1)
    assert metrics["throttled"] == 1
    send, called_accounts = sending()
    run_all(*[lambda: accounts.call(send)] * 6)
    assert (called_accounts, clock.now) == ([0] * 6, pytest.approx(0.5))
    run_all(lambda: accounts.request(1, send))
    assert clock.now == pytest.approx(0.5), "requests are not affected"
