"""Long-running operations of an analyzer: started by one worker, and finished by any."""

import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from common.domain import metrics, timeouts
from common.domain.errors import ConcurrencyError, ConfigurationError, RetryLaterError
from common.domain.models import Analysis, ImageInfo

from classifier.domain.errors import (
    AnalyzerConfigurationError,
    LeasedError,
    OperationLostError,
    OperationRunningError,
)
from classifier.domain.models import AnalysisLease
from classifier.domain.ports import AnalysisCache, LongRunningCall

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
    """Starts the long-running operation of a call under a lease, and requests its result. Never waits for it."""

    def __init__(
        self, *, analyses: AnalysisCache, time_limit: Callable[[float], AbstractAsyncContextManager[object]]
    ) -> None:
        self._analyses = analyses
        self._time_limit = time_limit

    async def start(
        self, call: LongRunningCall, lease: AnalysisLease, content: bytes, info: ImageInfo, *, paid: bool
    ) -> float:
        """Start an operation, and store it in the lease.

        Returns:
            The seconds after which the result is to be requested.

        Raises:
            LeasedError: the lease was lost meanwhile.
        """
        try:
            operation, retry_after = await call.start(content, info, paid=paid)
            await self._analyses.store_operation(lease, operation)
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
        """
        if lease.operation is None:
            raise ValueError(f"the lease {lease.key} has no operation")
        try:
            result = await call.get_result(lease.operation)
        except OperationRunningError as error:
            if lease.operation_age_seconds < timeouts.OPERATION_SECONDS:
                pause = _pause_seconds(error.retry_after_seconds, age=lease.operation_age_seconds)
                raise OperationRunningError(str(error), retry_after_seconds=pause) from error
            await release_lease(self._analyses, lease, self._time_limit)
            raise OperationLostError(f"the operation {lease.operation.id} has not ended in time") from error
        except Exception as error:
            if _is_final(error):
                await release_lease(self._analyses, lease, self._time_limit)
            raise
        await store_analysis(self._analyses, lease, result)
        return result


def _is_final(error: Exception) -> bool:
    """Return whether an operation has ended, and not just a request for its result failed."""
    if isinstance(error, OperationLostError | AnalyzerConfigurationError):
        return True
    return not isinstance(error, RetryLaterError | ConfigurationError | TimeoutError)


def _pause_seconds(retry_after: float, *, age: float) -> float:
    return max(retry_after, timeouts.operation_poll_seconds(age))
