"""Calls of the account pool: for how long they wait, how often they are repeated, and at which account."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from classifier.analyzers.account_pool import AccountPool
from classifier.domain.errors import ThrottledError
from classifier.domain.rate_limiter import Quota
from common.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError
from common.domain.metrics import collect_metrics

from tests.functions.pipeline.domain.test_rate_limiter import TEN, longest

__all__ = ["longest"]


class Clock:
    """A clock that advances only in `sleep`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def pool(accounts: int, quota: Quota = TEN) -> tuple[AccountPool[int], Clock]:
    clock = Clock()
    return AccountPool(range(accounts), quota, clock=clock, sleep=clock.sleep), clock


def sending(*answers: Exception | None) -> tuple[Callable[[int], Awaitable[int]], list[int]]:
    """A call that raises these errors in turn, and afterwards answers; and the accounts that were called."""
    called_accounts: list[int] = []
    left = [*answers]

    async def send(account: int) -> int:
        called_accounts.append(account)
        error = left.pop(0) if left else None
        if error is not None:
            raise error
        return account

    return send, called_accounts


def test_each_account_keeps_to_its_own_rate() -> None:
    """Two successive calls go to both accounts, whichever is chosen first."""
    calls, _ = pool(2)
    send, called_accounts = sending()

    async def run() -> None:
        for _ in range(20):
            await calls.call(send)

    asyncio.run(run())
    assert [{*called_accounts[at : at + 2]} for at in range(0, 20, 2)] == [{0, 1}] * 10


def test_one_of_several_available_accounts_is_chosen_at_random() -> None:
    """Many instances, each with one image, then use all accounts equally."""
    random.seed(1)
    first: list[int] = []
    for _ in range(40):
        calls, _ = pool(4)
        send, called_accounts = sending()
        asyncio.run(calls.call(send))
        first += called_accounts
    assert all(first.count(account) >= 4 for account in range(4))


def test_after_refusals_the_calls_that_are_answered_bring_the_rate_back() -> None:
    calls, clock = pool(1)
    send, called_accounts = sending(ThrottledError("429", retry_after_seconds=1))

    async def run() -> None:
        for _ in range(301):
            await calls.call(send)

    asyncio.run(run())
    assert len(called_accounts) == 302
    assert clock.slept[3] == pytest.approx(1 / 3.0, rel=0.01)
    assert clock.slept[-1] == pytest.approx(0.1)


def test_one_available_account_is_enough_capacity() -> None:
    calls, clock = pool(2)
    send, called_accounts = sending(ThrottledError("429", retry_after_seconds=600))
    assert asyncio.run(calls.call(send)) == called_accounts[1] != called_accounts[0]
    calls.check_capacity()
    assert clock.now < 1


@pytest.mark.parametrize(
    ("after", "paid", "waits"), [(19.6, False, True), (19.7, False, False), (59.6, True, True), (59.7, True, False)]
)
def test_a_call_waits_twenty_seconds_for_an_account_and_sixty_once_another_call_was_paid_for(
    after: float, *, paid: bool, waits: bool
) -> None:
    calls, clock = pool(1)
    send, called_accounts = sending(ThrottledError("429", retry_after_seconds=after))
    if waits:
        assert asyncio.run(calls.call(send, paid=paid)) == 0
        assert clock.now == pytest.approx(after + 1 / 3.0)
        assert called_accounts == [0, 0]
    else:
        with pytest.raises(ThrottledError, match="every account of the analyzer is throttled") as later:
            asyncio.run(calls.call(send, paid=paid))
        assert later.value.retry_after_seconds == pytest.approx(after + 1 / 3.0)
        assert called_accounts == [0]


@pytest.mark.parametrize(("after", "has_capacity"), [(19.6, True), (19.7, False)])
def test_there_is_capacity_if_an_account_is_available_within_twenty_seconds(
    after: float, *, has_capacity: bool
) -> None:
    calls, _ = pool(1)
    calls._accounts[0].calls.on_throttled(0.0, after)
    if has_capacity:
        calls.check_capacity()
    else:
        with pytest.raises(ThrottledError):
            calls.check_capacity()


def test_a_failed_call_is_repeated_after_one_second_and_after_two_and_no_further() -> None:
    calls, clock = pool(1)
    send, called_accounts = sending(*[RetryLaterError("503")] * 9)
    with pytest.raises(RetryLaterError, match="503"):
        asyncio.run(calls.call(send))
    assert len(called_accounts) == 3
    assert [seconds for seconds in clock.slept if seconds] == [1.0, 2.0]


@pytest.mark.parametrize("error", [AccessDeniedError("403"), ConfigurationError("NotFound", "no such resource")])
@pytest.mark.parametrize("accounts", [1, 2, 3])
def test_a_refusal_is_repeated_once_at_each_account_and_no_more(accounts: int, error: Exception) -> None:
    calls, _ = pool(accounts)
    send, called_accounts = sending(*[error] * 9)
    with pytest.raises(type(error)):
        asyncio.run(calls.call(send))
    assert sorted(called_accounts) == [*range(accounts)]


@pytest.mark.parametrize(("paid", "waits"), [(True, True), (False, False)])
def test_a_call_that_is_paid_for_in_part_waits_until_an_open_breaker_allows_a_call(*, paid: bool, waits: bool) -> None:
    """Five seconds after the third failure in a row, a quarter more at most."""
    calls, clock = pool(1)
    send, called_accounts = sending(*[RetryLaterError("503")] * 3)
    with pytest.raises(RetryLaterError):
        asyncio.run(calls.call(send))
    failed = clock.now
    if waits:
        assert asyncio.run(calls.call(send, paid=paid)) == 0
        assert clock.now - failed == pytest.approx(6.25)
        assert len(called_accounts) == 4
    else:
        with pytest.raises(RetryLaterError, match="is not called for 6 s"):
            asyncio.run(calls.call(send, paid=paid))
        assert len(called_accounts) == 3


@pytest.mark.parametrize(("after", "waits"), [(55, True), (70, False)])
def test_an_open_breaker_is_waited_for_a_minute_at_most(after: float, *, waits: bool) -> None:
    calls, clock = pool(1)
    send, called_accounts = sending(*[RetryLaterError("503", retry_after_seconds=after)] * 3)
    with pytest.raises(RetryLaterError):
        asyncio.run(calls.call(send))
    failed = clock.now
    if waits:
        asyncio.run(calls.call(send, paid=True))
        assert (clock.now - failed, len(called_accounts)) == (pytest.approx(after), 4)
    else:
        with pytest.raises(RetryLaterError, match="is not called for 70 s"):
            asyncio.run(calls.call(send, paid=True))
        assert clock.now - failed < 1
        assert len(called_accounts) == 3


def test_what_a_call_takes_is_measured_whether_it_fails_or_not() -> None:
    calls, clock = pool(1)

    async def send(account: int) -> Any:
        clock.now += 0.25
        if clock.now < 1:
            raise RetryLaterError("503")
        return account

    with collect_metrics() as metrics:
        asyncio.run(calls.call(send))
    assert metrics == {"visionCalls": 2, "visionMs": 500}


def test_an_error_that_is_no_services_own_is_raised_as_it_is() -> None:
    calls, _ = pool(2)
    send, called_accounts = sending(KeyError("a bug"))
    with pytest.raises(KeyError, match="a bug"):
        asyncio.run(calls.call(send))
    assert len(called_accounts) == 1
