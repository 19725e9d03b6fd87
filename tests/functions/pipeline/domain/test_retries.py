"""When a message is delivered again after an error."""

from datetime import datetime, timedelta

import pytest
from classifier.domain.errors import LeasedError, OperationLostError, OperationRunningError, ThrottledError
from classifier.domain.events import Message
from classifier.domain.retries import Delivery, plan_retry
from common.domain.errors import AccessDeniedError, ConfigurationError, RetryLaterError
from msgspec.structs import replace

from tests.support.in_memory_services import NOW, message


def parsed_message(*, requeue_count: int = 0, deadline: datetime | None = None, interruptions: int = 0) -> Message:
    return replace(
        Message.parse(message()), requeue_count=requeue_count, deadline=deadline, interruptions=interruptions
    )


@pytest.mark.parametrize(
    ("error", "requeue_count", "least", "most"),
    [
        (ThrottledError("429", retry_after_seconds=30), 9, 30, 45),
        (LeasedError("leased", retry_after_seconds=120), 0, 120, 180),
        (ThrottledError("429", retry_after_seconds=0.2), 9, 1, 1.5),
        (RetryLaterError("503", retry_after_seconds=4), 0, 10, 15),
        (RetryLaterError("503", retry_after_seconds=40), 0, 40, 60),
        (RetryLaterError("503"), 1, 13.5, 20.25),
        (TimeoutError(), 0, 10, 15),
        (ConfigurationError("NotFound", "no iteration"), 0, 900, 1350),
        (AccessDeniedError("403"), 0, 10, 15),
    ],
)
def test_a_message_is_delivered_again_after_a_time_that_fits_its_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception, requeue_count: int, least: float, most: float
) -> None:
    delays: list[float] = []
    for choose in (min, max):
        monkeypatch.setattr("random.uniform", lambda low, high, choose=choose: choose(low, high))
        retry = plan_retry(
            parsed_message(requeue_count=requeue_count), error, max_retry_age=timedelta(hours=168), now=NOW
        )
        assert retry.deadline == NOW + timedelta(hours=168)
        assert retry.misconfigured is isinstance(error, ConfigurationError)
        delays.append(retry.delay_seconds)
    assert delays == pytest.approx([least, most])


@pytest.mark.parametrize(
    ("error", "is_attempt"),
    [
        (OperationRunningError("running", retry_after_seconds=12), False),
        (OperationLostError("gone"), True),
        (ThrottledError("429", retry_after_seconds=30), True),
    ],
)
def test_only_a_request_for_a_result_is_no_attempt(error: Exception, *, is_attempt: bool) -> None:
    retry = plan_retry(parsed_message(), error, max_retry_age=timedelta(hours=168), now=NOW)
    assert (retry.is_attempt, retry.deadline, retry.misconfigured) == (is_attempt, NOW + timedelta(hours=168), False)
    if not is_attempt:
        assert 12 <= retry.delay_seconds <= 18


@pytest.mark.parametrize(("minutes", "misconfigured"), [(0, False), (29.9, False), (30, True), (600, True)])
def test_a_refusal_is_a_configuration_error_thirty_minutes_after_the_first(
    minutes: float, *, misconfigured: bool
) -> None:
    max_retry_age = timedelta(hours=168)
    parsed = parsed_message(deadline=NOW + max_retry_age)
    now = NOW + timedelta(minutes=minutes)
    retry = plan_retry(parsed, AccessDeniedError("403"), max_retry_age=max_retry_age, now=now)
    assert (retry.misconfigured, retry.deadline) == (misconfigured, NOW + max_retry_age)
    assert (retry.delay_seconds >= 900) is misconfigured


@pytest.mark.parametrize(("interruptions", "attempt", "total"), [(0, 1, 0), (0, 3, 2), (4, 1, 4), (4, 2, 5)])
def test_deliveries_without_an_outcome_are_counted_over_all_messages(
    interruptions: int, attempt: int, total: int
) -> None:
    delivery = Delivery(message=parsed_message(interruptions=interruptions), text="", attempt=attempt)
    assert (delivery.interruptions, delivery.etag) == (total, None)


@pytest.mark.parametrize("year", [1, 9999])
def test_a_deadline_of_any_year_is_a_deadline(year: int) -> None:
    """The envelope of a message is text that whoever may write to the queue can make up."""
    deadline = NOW.replace(year=year)
    retry = plan_retry(
        parsed_message(deadline=deadline), RetryLaterError("503"), max_retry_age=timedelta(hours=168), now=NOW
    )
    assert retry.deadline == deadline
