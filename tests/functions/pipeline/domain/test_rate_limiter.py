"""The rate of an account: how much a 429 decreases it, a success increases it, and how long a call waits."""

import random

import pytest
from classifier.domain.rate_limiter import AdaptiveRateLimiter, Quota

TEN = Quota(calls_per_second=10, instances=40)


@pytest.fixture(autouse=True)
def longest(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Make `random.uniform` return its upper bound, and return the list of its arguments."""
    ranges: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        ranges.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", uniform)
    return ranges


def refused_after(answers: int, *, quota: Quota = TEN) -> AdaptiveRateLimiter:
    limiter = AdaptiveRateLimiter(quota, 0.0)
    for _ in range(answers):
        limiter.on_success()
    limiter.on_throttled(0.0, 7)
    return limiter


@pytest.mark.parametrize(
    ("calls_per_second", "instances", "share"), [(10, 40, 0.2), (10, 1, 8.0), (5, 4, 1.0), (20, 8, 2.0)]
)
def test_the_lowest_rate_is_four_fifths_of_an_equal_share(
    calls_per_second: float, instances: int, share: float
) -> None:
    assert Quota(calls_per_second=calls_per_second, instances=instances).share == pytest.approx(share)


@pytest.mark.parametrize(("answers", "rate"), [(0, 3.0), (1, 3.0), (2, 3.0), (3, 8.0), (50, 8.0)])
def test_a_refusal_costs_a_fifth_and_one_soon_after_another_seven_tenths(answers: int, rate: float) -> None:
    assert refused_after(answers).rate == pytest.approx(rate)


def test_no_refusal_goes_below_the_share() -> None:
    limiter = refused_after(0)
    for second in range(1, 10):
        limiter.on_throttled(float(second), 1)
    assert limiter.rate == pytest.approx(0.2)


@pytest.mark.parametrize(("seconds", "rate"), [(0.0, 8.0), (0.999, 8.0), (1.0, 2.4), (1.5, 2.4)])
def test_a_refusal_within_a_second_of_another_is_the_same_signal(seconds: float, rate: float) -> None:
    """The second one counts as soon after the first: no call was answered in between."""
    limiter = refused_after(5)
    limiter.on_throttled(seconds, 1)
    assert limiter.rate == pytest.approx(rate)


def test_an_answer_adds_two_thousandths_and_more_after_many_answers() -> None:
    limiter = refused_after(0)
    rates: list[float] = []
    for _ in range(120):
        before = limiter.rate
        limiter.on_success()
        rates.append(limiter.rate / before)
    assert rates[0] == pytest.approx(1 + 0.002 * (1 + 1 / 3600), rel=1e-9)
    assert rates[59] == pytest.approx(1.004, rel=1e-9)
    assert rates[119] == pytest.approx(1.010, rel=1e-9)


def test_a_refused_call_waits_as_long_as_the_service_says_and_one_turn_more_at_most(
    longest: list[tuple[float, float]],
) -> None:
    limiter = refused_after(0)
    assert longest == [(0, pytest.approx(1 / 3.0))]
    assert limiter.wait_seconds(0.0) == pytest.approx(7 + 1 / 3.0)
    assert limiter.wait_seconds(7.0) == pytest.approx(1 / 3.0)
    assert limiter.wait_seconds(100.0) == 0.0
    limiter.reserve(100.0)
    assert limiter.wait_seconds(100.0) == pytest.approx(1 / 3.0)


def test_a_shorter_wait_does_not_replace_a_longer_one() -> None:
    limiter = refused_after(0)
    limiter.on_throttled(0.5, 1)
    assert limiter.wait_seconds(0.0) == pytest.approx(7 + 1 / 3.0)
