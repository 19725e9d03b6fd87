"""The governor and the pool in time that the test keeps: alone, refused, shared, and too slow to wait for."""

import asyncio
from typing import Any

import pytest
from classifier.analyzers.pool import Pool, Throttled
from classifier.governor import Governor, Quota
from classifier.measures import measured
from classifier.ports import Later
from hypothesis import given
from hypothesis import strategies as st

TEN = Quota(calls_per_second=10, instances=40)


def test_alone_an_instance_begins_at_the_accounts_own_rate() -> None:
    governor = Governor(TEN, 0.0)
    waits: list[float] = []
    for _ in range(3):
        waits.append(governor.wait(0.0))
        governor.take(0.0)
    assert waits == pytest.approx([0, 0.1, 0.2])


def test_a_refusal_slows_down_and_waits_as_long_as_it_was_told() -> None:
    governor = Governor(TEN, 0.0)
    governor.refused(0.0, 7)
    assert governor.rate < TEN.calls_per_second
    assert governor.wait(0.0) >= 7


def test_refusals_of_one_moment_are_one_signal() -> None:
    once, often = Governor(TEN, 0.0), Governor(TEN, 0.0)
    once.refused(0.0, 1)
    for _ in range(10):
        often.refused(0.5, 1)
    assert often.rate == once.rate


@given(st.lists(st.sampled_from(["answered", "refused"]), max_size=500))
def test_the_rate_stays_between_the_share_and_the_quota(history: list[str]) -> None:
    governor = Governor(TEN, 0.0)
    for second, happened in enumerate(history):
        if happened == "answered":
            governor.answered()
        else:
            governor.refused(float(second), 1)
        assert TEN.share <= governor.rate <= TEN.calls_per_second


def test_when_the_others_have_gone_the_rate_comes_back() -> None:
    governor = Governor(TEN, 0.0)
    for second in range(20):
        governor.refused(float(second * 2), 1)
    assert governor.rate == TEN.share
    for _ in range(400):
        governor.answered()
    assert governor.rate == TEN.calls_per_second


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def pool(accounts: int) -> tuple[Pool[int], Clock]:
    clock = Clock()
    return Pool(range(accounts), TEN, clock=clock, sleep=clock.sleep), clock


def test_calls_are_spread_over_the_accounts() -> None:
    calls, _ = pool(4)
    called: list[int] = []

    async def send(account: int) -> None:
        called.append(account)

    async def run() -> None:
        for _ in range(400):
            await calls.call(send)

    asyncio.run(run())
    assert all(80 <= called.count(account) <= 120 for account in range(4))


def test_calls_of_one_moment_are_spread_evenly_over_what_the_accounts_answer_together() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def send(_account: int) -> None: ...

    calls = Pool(range(4), TEN, clock=lambda: 0.0, sleep=sleep)

    async def run() -> None:
        for _ in range(12):
            await calls.call(send)

    asyncio.run(run())
    assert slept == pytest.approx([turn / 40 for turn in range(12)])


def test_a_refused_call_goes_to_another_account_and_is_counted() -> None:
    calls, clock = pool(2)
    called: list[int] = []

    async def send(account: int) -> str:
        called.append(account)
        if len(called) == 1:
            raise Throttled(10)
        return "answer"

    with measured() as measures:
        assert asyncio.run(calls.call(send)) == "answer"
    assert sorted(called) == [0, 1]
    assert clock.now < 1
    assert (measures["throttled"], measures["visionCalls"]) == (1, 2)


def test_a_wait_that_is_too_long_is_left_to_the_queue() -> None:
    calls, _ = pool(1)

    async def send(_account: int) -> Any:
        raise Throttled(60)

    with pytest.raises(Later) as later:
        asyncio.run(calls.call(send))
    assert later.value.seconds >= 60
    with pytest.raises(Later):
        calls.ready()


def test_a_call_that_fails_otherwise_is_not_repeated_and_says_nothing_of_the_rate() -> None:
    calls, clock = pool(1)

    async def send(_account: int) -> Any:
        raise ConnectionError("down")

    with pytest.raises(ConnectionError):
        asyncio.run(calls.call(send))
    assert clock.now == 0
