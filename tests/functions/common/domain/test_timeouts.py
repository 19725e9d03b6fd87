"""Every duration that must agree with another one, in the code, in host.json, and in what Azure's host does."""

import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from classifier import triggers
from common.domain import timeouts

HOST: dict[str, Any] = json.loads((Path(__file__).parents[4] / "functions/pipeline/host.json").read_text())
QUEUES: dict[str, Any] = HOST["extensions"]["queues"]


def seconds(text: str) -> float:
    hours, minutes, rest = map(int, text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=rest).total_seconds()


def test_an_invocation_ends_by_itself_before_the_host_ends_its_worker() -> None:
    durations = (
        timeouts.PROCESSING_SECONDS,
        timeouts.RELEASE_SECONDS,
        timeouts.FAILURE_RECORDING_SECONDS,
        timeouts.REQUEUE_SECONDS,
    )
    assert sum(durations) < timeouts.INVOCATION_SECONDS
    assert seconds(HOST["functionTimeout"]) >= timeouts.INVOCATION_SECONDS + 30
    # The lease may not be renewable (docs/decisions/0014).
    assert seconds(HOST["functionTimeout"]) < timeouts.MESSAGE_LEASE_SECONDS


def test_a_lease_on_an_analysis_outlives_its_owner_at_work() -> None:
    assert timeouts.PROCESSING_SECONDS < timeouts.ANALYSIS_LEASE_SECONDS < timeouts.MESSAGE_LEASE_SECONDS


def test_waits_in_place_fit_into_processing() -> None:
    """Three calls for an image at most, each with the longest wait, three tries and a timeout."""
    waits = timeouts.ACCOUNT_WAIT_SECONDS + 2 * timeouts.PAID_ACCOUNT_WAIT_SECONDS
    assert sum(timeouts.ANALYSIS_POLL_SECONDS) + waits + timeouts.READ_SECONDS < timeouts.PROCESSING_SECONDS
    assert timeouts.CONNECTION_SECONDS < timeouts.READ_SECONDS < timeouts.RELEASE_SECONDS * 3


def test_a_worker_that_is_ended_each_time_is_delivered_once_more_so_that_there_is_a_record() -> None:
    assert QUEUES["maxDequeueCount"] == triggers.LAST_ATTEMPT + 1


def test_runs_of_the_other_functions_end_in_time() -> None:
    assert seconds(HOST["functionTimeout"]) >= timeouts.RECONCILE_SECONDS + 60
    assert timeouts.HTTP_FUNCTION_SECONDS < 230
    assert timeouts.HTTP_FUNCTION_SECONDS < timeouts.REDRIVE_HIDDEN_SECONDS


def test_requests_for_a_result_become_rarer_by_half_and_hold_no_instance() -> None:
    age = 0.0
    pauses: list[float] = []
    while age < timeouts.OPERATION_SECONDS:
        pauses.append(timeouts.operation_poll_seconds(age))
        age += pauses[-1]
    assert pauses[:5] == [6.0, 9.0, 13.5, 20.25, 30.0]
    assert {*pauses[4:]} == {30.0}
    assert timeouts.OPERATION_POLL_WAIT_SECONDS < timeouts.OPERATION_POLL_FIRST_SECONDS
    assert timeouts.ANALYSIS_LEASE_SECONDS < timeouts.OPERATION_SECONDS < timeouts.DEFAULT_RETRY_AGE.total_seconds()


def test_back_off_grows_to_its_limit_and_stays_there() -> None:
    waits = [timeouts.backoff_seconds(retries) for retries in range(2000)]
    assert waits[0] == timeouts.BACKOFF_FIRST_SECONDS
    assert all(earlier <= later for earlier, later in pairwise(waits))
    assert waits[-1] == timeouts.BACKOFF_LONGEST_SECONDS
    assert timeouts.CONFIGURATION_RETRY_SECONDS >= timeouts.BACKOFF_LONGEST_SECONDS
    assert seconds(QUEUES["visibilityTimeout"]) >= timeouts.BACKOFF_FIRST_SECONDS


@pytest.mark.parametrize("grace", [timeouts.EVENT_GRACE, timeouts.SCHEDULE_GRACE])
def test_a_grace_is_longer_than_clocks_are_apart(grace: timedelta) -> None:
    assert grace >= timedelta(minutes=1)


def test_durations_that_others_rely_on() -> None:
    """By the service or the document that each is named after in `timeouts`."""
    assert timeouts.MESSAGE_LEASE_SECONDS == 600
    assert timeouts.ANALYSIS_LEASE_SECONDS == 300
    assert timedelta(minutes=30) == timeouts.EVENT_GRACE
    assert timedelta(minutes=2) == timeouts.SCHEDULE_GRACE
    assert (timeouts.RECONCILE_SECONDS, timeouts.HTTP_FUNCTION_SECONDS) == (420, 200)


@pytest.mark.parametrize(
    ("retries", "seconds"), [(0, 10.0), (1, 13.5), (2, 18.225), (10, 201.07), (14, 667.85), (15, 900.0), (10**9, 900.0)]
)
def test_back_off_begins_at_ten_seconds_and_ends_at_fifteen_minutes(retries: int, seconds: float) -> None:
    assert timeouts.backoff_seconds(retries) == pytest.approx(seconds, rel=1e-4)
