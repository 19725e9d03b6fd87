"""The circuit breaker: when it opens, for how long, and what it raises."""

import random

import pytest
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import AccessDeniedError, ConfigurationError, PipelineError, RetryLaterError

from tests.support.manual_clock import ManualClock


class Breaker:
    """A circuit breaker, its clock, and the jitter of its period (0.75 to 1.25)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, jitter: float = 1.0) -> None:
        self.clock = ManualClock()
        self.breaker = CircuitBreaker("the service", clock=self.clock)

        def uniform(low: float, high: float) -> float:
            assert (low, high) == (0.75, 1.25)
            return jitter

        monkeypatch.setattr(random, "uniform", uniform)

    def fail(self, error: PipelineError | None = None) -> float:
        """A call that is allowed now, and fails; the seconds until the next one is."""
        self.breaker.check()
        self.breaker.reserve()
        self.breaker.on_failure(error or RetryLaterError("503"))
        return self.breaker.wait_seconds


def test_the_third_failure_in_a_row_stops_the_calls_for_five_seconds_and_each_further_one_for_twice_as_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaker = Breaker(monkeypatch)
    waits: list[float] = []
    for _ in range(9):
        waits.append(breaker.fail())
        breaker.clock.now += waits[-1]
    assert waits == [0, 0, 5, 10, 20, 40, 75, 75, 75]
    breaker.clock.now += 1000
    assert breaker.breaker.wait_seconds == 0


@pytest.mark.parametrize("jitter", [0.75, 1.25])
def test_instances_that_failed_together_come_back_apart(monkeypatch: pytest.MonkeyPatch, jitter: float) -> None:
    breaker = Breaker(monkeypatch, jitter)
    assert [breaker.fail(), breaker.fail(), breaker.fail()] == [0, 0, 5 * jitter]


def test_a_success_closes_the_breaker_and_the_period_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = Breaker(monkeypatch)
    for _ in range(5):
        breaker.clock.now += breaker.fail()
    breaker.breaker.on_success()
    assert [breaker.fail(), breaker.fail(), breaker.fail()] == [0, 0, 5]


def test_a_call_that_was_under_way_when_the_breaker_opened_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = Breaker(monkeypatch)
    for _ in range(3):
        breaker.fail()
    breaker.breaker.on_failure(RetryLaterError("503", retry_after_seconds=60))
    breaker.breaker.on_failure(RetryLaterError("503"))
    assert breaker.breaker.wait_seconds == 5
    breaker.clock.now += 5
    assert breaker.fail() == 10


def test_only_one_call_of_a_period_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = Breaker(monkeypatch)
    for _ in range(3):
        breaker.fail()
    breaker.clock.now += 5
    breaker.breaker.reserve()
    breaker.breaker.on_failure(RetryLaterError("503"))
    breaker.breaker.on_failure(RetryLaterError("503"))
    assert breaker.breaker.wait_seconds == 10


def test_while_a_call_is_tried_no_other_one_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = Breaker(monkeypatch)
    for _ in range(3):
        breaker.fail()
    breaker.clock.now += 5
    breaker.breaker.check()
    breaker.breaker.reserve()
    assert breaker.breaker.wait_seconds == 5
    with pytest.raises(RetryLaterError, match=r"^the service is not called for 5 s: 503$") as raised:
        breaker.breaker.check()
    assert raised.value.retry_after_seconds == 5


@pytest.mark.parametrize(("after", "wait"), [(3, 5), (5, 5), (6, 6), (300, 300)])
def test_the_longer_of_the_period_and_what_the_service_asks_for_counts(
    monkeypatch: pytest.MonkeyPatch, after: float, wait: float
) -> None:
    breaker = Breaker(monkeypatch)
    breaker.fail()
    breaker.fail()
    assert breaker.fail(RetryLaterError("503", retry_after_seconds=after)) == wait


def test_the_error_that_opened_the_breaker_is_raised_with_its_code_and_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaker = Breaker(monkeypatch)
    for _ in range(3):
        breaker.fail(ConfigurationError("UnknownHost", "no such host"))
    with pytest.raises(ConfigurationError, match="the service is not called for 5 s: no such host") as raised:
        breaker.breaker.check()
    assert raised.value.code == "UnknownHost"
    denied = Breaker(monkeypatch)
    for _ in range(3):
        denied.fail(AccessDeniedError("403"))
    with pytest.raises(AccessDeniedError, match="not called for 5 s: 403") as error:
        denied.breaker.check()
    assert error.value.retry_after_seconds == 5
