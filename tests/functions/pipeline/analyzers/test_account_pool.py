"""The rate limiter and the account pool, with a clock of the test."""

import asyncio
import contextlib
from typing import Any

import pytest
from classifier.analyzers.account_pool import AccountPool
from classifier.domain.errors import AnalyzerConfigurationError, ThrottledError
from classifier.domain.rate_limiter import AdaptiveRateLimiter, Quota
from common.domain.errors import AccessDeniedError, RetryLaterError
from common.domain.metrics import collect_metrics
from hypothesis import given
from hypothesis import strategies as st

TEN = Quota(calls_per_second=10, instances=40)


def test_alone_an_instance_begins_at_the_accounts_own_rate() -> None:
    limiter = AdaptiveRateLimiter(TEN, 0.0)
    waits: list[float] = []
    for _ in range(3):
        waits.append(limiter.wait_seconds(0.0))
        limiter.reserve(0.0)
    assert waits == pytest.approx([0, 0.1, 0.2])


def test_refusals_of_one_moment_are_one_signal() -> None:
    throttled_once, throttled_often = AdaptiveRateLimiter(TEN, 0.0), AdaptiveRateLimiter(TEN, 0.0)
    throttled_once.on_throttled(0.0, 1)
    for _ in range(10):
        throttled_often.on_throttled(0.5, 1)
    assert throttled_often.rate == throttled_once.rate


@given(st.lists(st.sampled_from(["success", "throttled"]), max_size=500))
def test_the_rate_stays_between_the_share_and_the_quota(history: list[str]) -> None:
    limiter = AdaptiveRateLimiter(TEN, 0.0)
    for second, happened in enumerate(history):
        if happened == "success":
            limiter.on_success()
        else:
            limiter.on_throttled(float(second), 1)
        assert 0.2 <= limiter.rate <= 10


def test_when_the_others_have_gone_the_rate_comes_back() -> None:
    limiter = AdaptiveRateLimiter(TEN, 0.0)
    for second in range(20):
        limiter.on_throttled(float(second * 2), 1)
    assert limiter.rate == pytest.approx(0.2)
    for _ in range(400):
        limiter.on_success()
    assert limiter.rate == 10


class Clock:
    """A clock that advances only in `sleep`."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def pool(accounts: int) -> tuple[AccountPool[int], Clock]:
    clock = Clock()
    return AccountPool(range(accounts), TEN, clock=clock, sleep=clock.sleep), clock


def test_calls_are_spread_over_the_accounts() -> None:
    calls, _ = pool(4)
    called_accounts: list[int] = []

    async def send(account: int) -> None:
        called_accounts.append(account)

    async def run() -> None:
        for _ in range(400):
            await calls.call(send)

    asyncio.run(run())
    assert all(80 <= called_accounts.count(account) <= 120 for account in range(4))


def test_calls_of_one_moment_are_spread_evenly_over_what_the_accounts_answer_together() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def send(_account: int) -> None: ...

    calls = AccountPool(range(4), TEN, clock=lambda: 0.0, sleep=sleep)

    async def run() -> None:
        for _ in range(12):
            await calls.call(send)

    asyncio.run(run())
    assert slept == pytest.approx([turn / 40 for turn in range(12)])


def test_a_refused_call_goes_to_another_account_and_is_counted() -> None:
    calls, clock = pool(2)
    called_accounts: list[int] = []

    async def send(account: int) -> str:
        called_accounts.append(account)
        if len(called_accounts) == 1:
            raise ThrottledError("429", retry_after_seconds=10)
        return "answer"

    with collect_metrics() as metrics:
        assert asyncio.run(calls.call(send)) == "answer"
    assert sorted(called_accounts) == [0, 1]
    assert clock.now < 1
    assert (metrics["throttled"], metrics["visionCalls"]) == (1, 2)


def test_a_wait_that_is_too_long_is_left_to_the_queue() -> None:
    calls, _ = pool(1)

    async def send(_account: int) -> Any:
        raise ThrottledError("429", retry_after_seconds=60)

    with pytest.raises(RetryLaterError) as later:
        asyncio.run(calls.call(send))
    assert later.value.retry_after_seconds >= 60
    with pytest.raises(RetryLaterError):
        calls.check_capacity()


DOWN = RetryLaterError("503")


def test_a_call_that_fails_is_repeated_at_other_accounts_and_changes_no_rate() -> None:
    calls, _ = pool(3)
    called_accounts: list[int] = []

    async def send(account: int) -> str:
        called_accounts.append(account)
        if len(called_accounts) < 3:
            raise ConnectionError("reset")
        return "answer"

    assert asyncio.run(calls.call(send)) == "answer"
    assert sorted(called_accounts) == [0, 1, 2]
    assert {account.rate for account in calls._accounts} == {TEN.calls_per_second}


@pytest.mark.parametrize(("error", "calls_made"), [(AccessDeniedError("403"), 2), (DOWN, 3)])
def test_a_refused_identity_is_repeated_only_where_it_was_not_refused(error: Exception, calls_made: int) -> None:
    calls, _ = pool(2)
    called_accounts: list[int] = []

    async def send(account: int) -> Any:
        called_accounts.append(account)
        raise error

    with pytest.raises(type(error)):
        asyncio.run(calls.call(send))
    assert len(called_accounts) == calls_made


def test_accounts_that_fail_in_a_row_are_not_called_but_once_a_period_until_one_answers() -> None:
    calls, clock = pool(8)
    called_accounts = 0
    down = True

    async def send(_account: int) -> str:
        nonlocal called_accounts
        called_accounts += 1
        if down:
            raise DOWN
        return "answer"

    async def ten_minutes() -> None:
        while clock.now < 600:
            with contextlib.suppress(RetryLaterError):
                calls.check_capacity()
                await calls.call(send)
            clock.now += 0.1

    asyncio.run(ten_minutes())
    assert 3 + 4 <= called_accounts <= 3 + 12
    with pytest.raises(RetryLaterError, match="is not called for") as later:
        calls.check_capacity()
    down = False
    clock.now += later.value.retry_after_seconds
    calls.check_capacity()
    assert asyncio.run(calls.call(send)) == "answer"
    calls.check_capacity()


def test_an_image_that_is_paid_for_in_part_waits_for_a_service_that_has_just_failed() -> None:
    calls, clock = pool(1)
    failures = 3

    async def send(_account: int) -> str:
        nonlocal failures
        if failures:
            failures -= 1
            raise DOWN
        return "answer"

    with pytest.raises(RetryLaterError):
        asyncio.run(calls.call(send))
    started = clock.now
    assert asyncio.run(calls.call(send, paid=True)) == "answer"
    assert clock.now - started > 1


def test_a_request_that_was_made_up_wrongly_does_not_stop_the_calls_of_others() -> None:
    calls, _ = pool(1)

    async def send(_account: int) -> Any:
        raise AnalyzerConfigurationError("NotSupportedVisualFeature", "no captions here")

    for _ in range(5):
        with pytest.raises(AnalyzerConfigurationError):
            asyncio.run(calls.call(send))
    calls.check_capacity()
