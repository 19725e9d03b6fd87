"""The start of a long-running operation, and what becomes of its lease."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import pytest
from classifier.domain.errors import (
    AnalyzerConfigurationError,
    ImageRejectedError,
    LeasedError,
    OperationLimitError,
    OperationLostError,
    OperationRunningError,
    OperationThrottledError,
    UnexpectedResponseError,
)
from classifier.domain.models import AnalysisLease, LongRunningOperation
from classifier.use_cases.operations import OperationRunner
from common.domain import timeouts
from common.domain.errors import AccessDeniedError, ConcurrencyError, ConfigurationError, RetryLaterError
from common.domain.models import ImageFormat, ImageInfo

LEASE = AnalysisLease(key="k", etag="e")
OPERATION = LongRunningOperation(account="a", id="op")
INFO = ImageInfo(width=9, height=9, format=ImageFormat.PNG)


class Call:
    """A call whose start and result end with `failure`, if there is one; the start names a pause otherwise."""

    def __init__(self, failure: Exception | None = None, *, retry_after: float = 0.0) -> None:
        self.fingerprint = "test/1"
        self.starts = 0
        self._failure = failure
        self._retry_after = retry_after

    async def start(self, content: bytes, info: ImageInfo, *, paid: bool) -> tuple[LongRunningOperation, float]:
        if self._failure is not None:
            raise self._failure
        self.starts += 1
        return OPERATION, self._retry_after

    async def get_result(self, operation: LongRunningOperation) -> Any:
        assert operation == OPERATION
        assert self._failure is not None
        raise self._failure


class Leases:
    """Notes what is done with leases; `failure` is that of storing the operation."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.stored: list[LongRunningOperation] = []
        self.started_counts: list[int] = []
        self.released: list[AnalysisLease] = []

    async def store_operation(self, lease: AnalysisLease, operation: LongRunningOperation) -> None:
        assert (lease.key, lease.etag) == (LEASE.key, LEASE.etag)
        if self.failure is not None:
            raise self.failure
        self.stored.append(operation)
        self.started_counts.append(lease.started_operations)

    async def release(self, lease: AnalysisLease) -> None:
        self.released.append(lease)


def start(leases: Leases, call: Call, *, lease: AnalysisLease = LEASE, has_waited: bool = False) -> float:
    runner = OperationRunner(analyses=leases, time_limit=contextlib.nullcontext)  # type: ignore[arg-type]
    return asyncio.run(runner.start(call, lease, b"cat", INFO, paid=False, has_waited=has_waited))


def request_result(leases: Leases, call: Call, lease: AnalysisLease) -> None:
    runner = OperationRunner(analyses=leases, time_limit=contextlib.nullcontext)  # type: ignore[arg-type]
    asyncio.run(runner.get_result(call, lease))


def test_the_first_pause_is_that_of_a_new_operation_or_of_the_service() -> None:
    leases = Leases()
    assert start(leases, Call()) == timeouts.OPERATION_POLL_FIRST_SECONDS
    assert start(leases, Call(retry_after=11.0)) == 11.0
    assert leases.stored == [OPERATION] * 2
    assert leases.released == []


def test_a_lease_that_was_lost_is_waited_for_and_not_released() -> None:
    leases = Leases(ConcurrencyError("another version"))
    with pytest.raises(LeasedError) as error:
        start(leases, Call())
    assert error.value.retry_after_seconds == 1.0
    assert leases.released == []


@pytest.mark.parametrize(("of_store", "of_start"), [(RetryLaterError("down"), None), (None, RetryLaterError("down"))])
def test_an_operation_that_was_not_started_gives_its_lease_back(
    of_store: Exception | None, of_start: Exception | None
) -> None:
    leases = Leases(of_store)
    with pytest.raises(RetryLaterError, match="down"):
        start(leases, Call(of_start))
    assert leases.released == [LEASE]


def test_a_lease_without_an_operation_has_no_result() -> None:
    leases = Leases()
    with pytest.raises(ValueError, match="the lease k has no operation"):
        request_result(leases, Call(), LEASE)
    assert leases.released == []


LOST = (
    OperationLostError("gone"),
    KeyError("gone"),
    OperationRunningError("gone"),
)


@pytest.mark.parametrize("error", LOST)
@pytest.mark.parametrize("number", [1, 2])
def test_an_operation_without_a_result_gives_its_lease_back_with_the_count(error: Exception, number: int) -> None:
    leases = Leases()
    lease = replace(LEASE, operation=OPERATION, operation_age_seconds=1800, started_operations=number)
    expected = OperationLostError if isinstance(error, OperationRunningError) else type(error)
    with pytest.raises(expected):
        request_result(leases, Call(error), lease)
    assert leases.released == [lease]


@pytest.mark.parametrize(
    "error", [OperationThrottledError("429"), AnalyzerConfigurationError("ModelRetired", "the model is retired")]
)
@pytest.mark.parametrize(("number", "count"), [(0, 0), (1, 0), (3, 2)])
def test_an_operation_whose_model_was_not_called_does_not_count(error: Exception, number: int, count: int) -> None:
    leases = Leases()
    with pytest.raises(type(error)):
        request_result(leases, Call(error), replace(LEASE, operation=OPERATION, started_operations=number))
    assert [lease.started_operations for lease in leases.released] == [count]


@pytest.mark.parametrize("error", LOST)
def test_the_third_operation_without_a_result_is_the_last(error: Exception) -> None:
    leases = Leases()
    lease = replace(LEASE, operation=OPERATION, operation_age_seconds=1800, started_operations=3)
    with pytest.raises(OperationLimitError) as raised:
        request_result(leases, Call(error), lease)
    last = "the operation op has not ended in time" if isinstance(error, OperationRunningError) else str(error)
    assert str(raised.value) == f"3 operations for the image had no result; {last}"
    assert leases.released == [lease]


@pytest.mark.parametrize(
    "error", [AccessDeniedError("401"), ConfigurationError("C", "s"), TimeoutError("slow"), RetryLaterError("503")]
)
def test_an_error_of_the_request_keeps_the_last_operation(error: Exception) -> None:
    leases = Leases()
    with pytest.raises(type(error)):
        request_result(leases, Call(error), replace(LEASE, operation=OPERATION, started_operations=3))
    assert leases.released == []


@pytest.mark.parametrize("error", [ImageRejectedError("ContentFiltered", "s"), UnexpectedResponseError("C", "s")])
def test_after_an_answer_the_count_begins_anew(error: Exception) -> None:
    leases = Leases()
    with pytest.raises(type(error)):
        request_result(leases, Call(error), replace(LEASE, operation=OPERATION, started_operations=3))
    assert [lease.started_operations for lease in leases.released] == [0]


@pytest.mark.parametrize(("number", "count"), [(0, 0), (2, 2), (3, 0)])
def test_a_message_that_has_not_waited_starts_an_operation_whatever_was_tried_before(number: int, count: int) -> None:
    leases, call = Leases(), Call()
    start(leases, call, lease=replace(LEASE, started_operations=number))
    assert (call.starts, leases.started_counts) == (1, [count])


@pytest.mark.parametrize("number", [2, 3])
def test_an_operation_that_cannot_be_started_leaves_the_count_as_it_is(number: int) -> None:
    leases, lease = Leases(), replace(LEASE, started_operations=number)
    with pytest.raises(RetryLaterError):
        start(leases, Call(RetryLaterError("429")), lease=lease)
    assert leases.released == [lease]


@pytest.mark.parametrize(("number", "starts"), [(0, 1), (2, 1), (3, 0)])
def test_a_message_that_has_waited_starts_no_fourth_operation(number: int, starts: int) -> None:
    leases, call = Leases(), Call()
    lease = replace(LEASE, started_operations=number)
    with contextlib.suppress(OperationLimitError) if number == 3 else contextlib.nullcontext():
        start(leases, call, lease=lease, has_waited=True)
    assert (call.starts, leases.released) == (starts, [lease] if number == 3 else [])
