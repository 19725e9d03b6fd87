"""Long-running operations of an analyzer: started by one worker, and finished by any."""

import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from common.domain import metrics, timeouts
from common.domain.errors import ConcurrencyError, ConfigurationError, RetryLaterError
from common.domain.models import Analysis, ImageInfo

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
from classifier.domain.ports import AnalysisCache, LongRunningCall
from classifier.domain.retries import MAX_OPERATIONS

_log = logging.getLogger("classifier")


async def release_lease(
    analyses: AnalysisCache,
    lease: AnalysisLease,
    time_limit: Callable[[float], AbstractAsyncContextManager[object]],
) -> None:
    """Release a lease after an error: other messages with the same content need not wait until it expires."""
    with contextlib.suppress(Exception):
        async with time_limit(timeouts.RELEASE_SECONDS):
            await analyses.release(lease)


async def store_analysis(analyses: AnalysisCache, lease: AnalysisLease, analysis: Analysis) -> None:
    """Store an analysis under its lease, if that is possible."""
    try:
        await analyses.store(lease, analysis)
    except Exception as error:  # noqa: BLE001 (the result is charged, and the record matters more than the cache)
        _log.warning("an analysis was not cached: %s: %s", type(error).__name__, error)
        metrics.add("uncached")


class OperationRunner:
    """Starts the long-running operation of a call under a lease, and requests its result. Never waits for it.

    After MAX_OPERATIONS operations without a result, the messages that have waited for them fail, and start no other.
    A message that arrives later starts from the beginning: an operator has sent it again, or the image is another one.
    """

    def __init__(
        self, *, analyses: AnalysisCache, time_limit: Callable[[float], AbstractAsyncContextManager[object]]
    ) -> None:
        self._analyses = analyses
        self._time_limit = time_limit

    async def start(
        self,
        call: LongRunningCall,
        lease: AnalysisLease,
        content: bytes,
        info: ImageInfo,
        *,
        paid: bool,
        has_waited: bool,
    ) -> float:
        """Start an operation, and store it in the lease.

        Args:
            call: the call to make.
            lease: the lease on its analysis.
            content: the image.
            info: what its header declares.
            paid: whether another call for the same image was charged just now.
            has_waited: whether the message has waited for operations for this image before.

        Returns:
            The seconds after which the result is to be requested.

        Raises:
            LeasedError: the lease was lost meanwhile.
            OperationLimitError: the last operation that is allowed had no result, as another worker has found out.
        """
        begins_anew = lease.started_operations >= MAX_OPERATIONS
        if begins_anew and has_waited:
            await release_lease(self._analyses, lease, self._time_limit)
            raise _limit_error("another message has the reason of the last one")
        try:
            operation, retry_after = await call.start(content, info, paid=paid)
            counted_lease = replace(lease, started_operations=0) if begins_anew else lease
            await self._analyses.store_operation(counted_lease, operation)
        except ConcurrencyError as error:
            # Another worker has taken over the lease, or an answer of Cosmos DB was lost and the operation is stored.
            raise LeasedError("the lease on the analysis has changed", retry_after_seconds=1.0) from error
        except BaseException:
            await release_lease(self._analyses, lease, self._time_limit)
            raise
        return _pause_seconds(retry_after, age=0.0)

    async def get_result(self, call: LongRunningCall, lease: AnalysisLease) -> Analysis:
        """Return the result of the operation of a lease, and store it.

        An operation that will have no result gives its lease back. An error of the request alone does not.

        Raises:
            OperationRunningError: it is not finished; the error says when to request the result again.
            OperationLostError: it will have no result, or has run for too long.
            OperationLimitError: the same, and it was the last one that is allowed.
        """
        if lease.operation is None:
            raise ValueError(f"the lease {lease.key} has no operation")
        try:
            result = await _request_result(call, lease.operation, age=lease.operation_age_seconds)
        except (ImageRejectedError, UnexpectedResponseError):
            # The answer to this image; the next operation with the same content is the first one again.
            await release_lease(self._analyses, replace(lease, started_operations=0), self._time_limit)
            raise
        except (OperationThrottledError, AnalyzerConfigurationError):
            # The model was not called, and the service is not broken: the image waits, as it does for other services.
            uncounted = max(0, lease.started_operations - 1)
            await release_lease(self._analyses, replace(lease, started_operations=uncounted), self._time_limit)
            raise
        except Exception as error:
            if not _has_ended(error):
                raise
            await release_lease(self._analyses, lease, self._time_limit)
            if lease.started_operations < MAX_OPERATIONS:
                raise
            raise _limit_error(str(error)) from error
        await store_analysis(self._analyses, lease, result)
        return result


async def _request_result(call: LongRunningCall, operation: LongRunningOperation, *, age: float) -> Analysis:
    """Return the result of an operation. Raises OperationLostError if it has run for too long; `age` is in seconds."""
    try:
        return await call.get_result(operation)
    except OperationRunningError as error:
        if age >= timeouts.OPERATION_SECONDS:
            raise OperationLostError(f"the operation {operation.id} has not ended in time") from error
        pause = _pause_seconds(error.retry_after_seconds, age=age)
        raise OperationRunningError(str(error), retry_after_seconds=pause) from error


def _has_ended(error: Exception) -> bool:
    """Return whether an operation has ended without a result, and not just a request for its result failed."""
    if isinstance(error, OperationLostError):
        return True
    return not isinstance(error, RetryLaterError | ConfigurationError | TimeoutError)


def _limit_error(last: str) -> OperationLimitError:
    return OperationLimitError(f"{MAX_OPERATIONS} operations for the image had no result; {last}")


def _pause_seconds(retry_after: float, *, age: float) -> float:
    return max(retry_after, timeouts.operation_poll_seconds(age))
