"""The start of a long-running operation, and what becomes of its lease."""

import asyncio
import contextlib
from typing import Any

import pytest
from classifier.domain.errors import LeasedError
from classifier.domain.models import AnalysisLease, LongRunningOperation
from classifier.use_cases.operations import OperationRunner
from common.domain import timeouts
from common.domain.errors import ConcurrencyError, RetryLaterError
from common.domain.models import ImageFormat, ImageInfo

LEASE = AnalysisLease(key="k", etag="e")
INFO = ImageInfo(width=9, height=9, format=ImageFormat.PNG)


class Call:
    """A call whose start ends with `failure`, if there is one, and names a pause otherwise."""

    def __init__(self, failure: Exception | None = None, *, retry_after: float = 0.0) -> None:
        self.fingerprint = "test/1"
        self._failure = failure
        self._retry_after = retry_after

    async def start(self, content: bytes, info: ImageInfo, *, paid: bool) -> tuple[LongRunningOperation, float]:
        if self._failure is not None:
            raise self._failure
        return LongRunningOperation(account="a", id="op"), self._retry_after

    async def get_result(self, operation: LongRunningOperation) -> Any:
        raise AssertionError(f"nobody asks for {operation}")


class Leases:
    """Notes what is done with the lease; `failure` is that of storing the operation."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.stored: list[LongRunningOperation] = []
        self.released: list[AnalysisLease] = []

    async def store_operation(self, lease: AnalysisLease, operation: LongRunningOperation) -> None:
        assert lease == LEASE
        if self.failure is not None:
            raise self.failure
        self.stored.append(operation)

    async def release(self, lease: AnalysisLease) -> None:
        self.released.append(lease)


def start(leases: Leases, call: Call) -> float:
    runner = OperationRunner(analyses=leases, time_limit=contextlib.nullcontext)  # type: ignore[arg-type]
    return asyncio.run(runner.start(call, LEASE, b"cat", INFO, paid=False))


def test_the_first_pause_is_that_of_a_new_operation_or_of_the_service() -> None:
    leases = Leases()
    assert start(leases, Call()) == timeouts.OPERATION_POLL_FIRST_SECONDS
    assert start(leases, Call(retry_after=11.0)) == 11.0
    assert leases.stored == [LongRunningOperation(account="a", id="op")] * 2
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
    runner = OperationRunner(analyses=Leases(), time_limit=contextlib.nullcontext)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the lease k has no operation"):
        asyncio.run(runner.get_result(Call(), LEASE))
