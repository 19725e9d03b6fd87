"""Cached analyzer: stores the result of each call under its content and request, so that it is charged once."""

import contextlib
import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from common.domain import metrics
from common.domain.errors import ConfigurationError, RetryLaterError
from common.domain.models import Analysis, ImageInfo

from classifier.domain.errors import OperationLimitError, OperationRunningError
from classifier.domain.models import AnalysisLease
from classifier.domain.ports import AnalysisCache, Analyzer, AnalyzerCall, LongRunningCall
from classifier.domain.retries import MAX_OPERATIONS
from classifier.use_cases.operations import OperationRunner, release_lease, store_analysis


class CachedAnalyzer:
    """An analyzer behind a cache. Of several workers with the same content, only one makes each call.

    Each call has an entry of its own: what one call has charged is kept when a later call of the same image fails, and
    when a feature is added that needs another call.
    """

    def __init__(
        self,
        *,
        analyzer: Analyzer,
        analyses: AnalysisCache,
        time_limit: Callable[[float], AbstractAsyncContextManager[object]],
    ) -> None:
        self._analyzer = analyzer
        self._analyses = analyses
        self._time_limit = time_limit
        self._operations = OperationRunner(analyses=analyses, time_limit=time_limit)

    async def analyze(
        self, sha256: str, content: bytes, info: ImageInfo, *, has_waited: bool = False
    ) -> tuple[Analysis, bool]:
        """Return the analysis of the content, and whether all of it was cached.

        Args:
            sha256: the hash of the content, in hexadecimal.
            content: the image.
            info: what its header declares.
            has_waited: whether the message has waited for operations for this image before.

        Raises:
            OperationRunningError: every operation that was missing has been started.
            LeasedError: another worker is analyzing the same content.
            PipelineError: that of `ports.Analyzer.check_capacity`, `ports.AnalyzerCall.analyze` or `OperationRunner`.
        """
        results: list[Analysis] = []
        pauses: list[float] = []
        paid = False
        cached = True
        for call in self._analyzer.calls:
            key = _cache_key(sha256, call)
            # After a paid call, the next one may wait longer for capacity.
            stored = await self._get_or_lease(key) if not paid else await self._analyses.get_or_lease(key)
            if isinstance(stored, Analysis):
                results.append(stored)
                continue
            cached = False
            if not isinstance(call, LongRunningCall):
                results.append(await self._call(call, stored, content, info, paid=paid))
                paid = True
            elif stored.operation is None:
                pauses.append(
                    await self._operations.start(call, stored, content, info, paid=paid, has_waited=has_waited)
                )
                paid = True
            else:
                await self._collect(sha256, call, stored, results, pauses)
        return _combine(results, pauses, cached=cached)

    async def resume(self, sha256: str) -> tuple[Analysis, bool] | None:
        """Return the same as `analyze`, without the content; None if an operation has to be started for it first."""
        results: list[Analysis] = []
        pauses: list[float] = []
        cached = True
        for call in self._analyzer.calls:
            stored = await self._analyses.get(_cache_key(sha256, call))
            if isinstance(stored, Analysis):
                results.append(stored)
                continue
            if stored is None or not isinstance(call, LongRunningCall):
                return None
            cached = False
            await self._collect(sha256, call, stored, results, pauses)
        return _combine(results, pauses, cached=cached)

    async def _collect(
        self,
        sha256: str,
        call: LongRunningCall,
        lease: AnalysisLease,
        results: list[Analysis],
        pauses: list[float],
    ) -> None:
        """Add the result of an operation to `results`, or to `pauses` when to request it again."""
        try:
            results.append(await self._operations.get_result(call, lease))
        except OperationRunningError as error:
            # Not the error itself: in a list of a frame of its own traceback, it would keep the content in memory.
            pauses.append(error.retry_after_seconds)
        except OperationLimitError:
            await self._give_up(sha256)
            raise

    async def _give_up(self, sha256: str) -> None:
        """Give up the other operations for an image as well: an operator who sends it again starts all anew.

        Else the next message would find them, and could fail because of them at once.
        """
        with contextlib.suppress(RetryLaterError, ConfigurationError):
            for call in self._analyzer.calls:
                stored = await self._analyses.get(_cache_key(sha256, call))
                if isinstance(stored, AnalysisLease):
                    await self._analyses.release(replace(stored, started_operations=MAX_OPERATIONS))

    async def _get_or_lease(self, key: str) -> Analysis | AnalysisLease:
        """Return what is stored under `key`, or a lease if the analyzer has capacity."""
        try:
            self._analyzer.check_capacity()
        except (RetryLaterError, ConfigurationError):
            # Content that was analyzed before needs no call; acquiring a lease would cost two writes for nothing.
            stored = await self._analyses.get(key)
            if stored is None:
                raise
            return stored
        return await self._analyses.get_or_lease(key)

    async def _call(
        self, call: AnalyzerCall, lease: AnalysisLease, content: bytes, info: ImageInfo, *, paid: bool
    ) -> Analysis:
        """Make a call under a lease, and store its result."""
        try:
            result = await call.analyze(content, info, paid=paid)
        except BaseException:
            await release_lease(self._analyses, lease, self._time_limit)
            raise
        await store_analysis(self._analyses, lease, result)
        return result


def _cache_key(sha256: str, call: AnalyzerCall | LongRunningCall) -> str:
    return hashlib.sha256(f"{sha256} {call.fingerprint}".encode()).hexdigest()


def _combine(results: list[Analysis], pauses: list[float], *, cached: bool) -> tuple[Analysis, bool]:
    """Return the analysis that all results make; raise OperationRunningError if one is missing."""
    if pauses:
        raise OperationRunningError("the analyzer has not finished", retry_after_seconds=max(pauses))
    if cached:
        metrics.add("cacheHits")
    return Analysis.combine(results), cached
