"""Cached analyzer: stores the result of each call under its content and request, so that it is charged once."""

import contextlib
import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from common.domain import metrics, timeouts
from common.domain.errors import ConfigurationError, RetryLaterError
from common.domain.models import Analysis, ImageInfo

from classifier.domain.models import AnalysisLease
from classifier.domain.ports import AnalysisCache, Analyzer, AnalyzerCall

_log = logging.getLogger("classifier")


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

    async def analyze(self, sha256: str, content: bytes, info: ImageInfo) -> tuple[Analysis, bool]:
        """Return the analysis of the content, and whether all of it was cached.

        Raises LeasedError if another worker is analyzing the same content, and the errors of
        `ports.Analyzer.check_capacity` and `ports.AnalyzerCall.analyze`.
        """
        results: list[Analysis] = []
        paid = False
        for call in self._analyzer.calls:
            key = hashlib.sha256(f"{sha256} {call.fingerprint}".encode()).hexdigest()
            # After a paid call, the next one may wait longer for capacity.
            stored = await self._get_or_lease(key) if not paid else await self._analyses.get_or_lease(key)
            if isinstance(stored, AnalysisLease):
                results.append(await self._call(call, stored, content, info, paid=paid))
                paid = True
            else:
                results.append(stored)
        if not paid:
            metrics.add("cacheHits")
        return Analysis.combine(results), not paid

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
            # Other messages with the same content need not wait until the lease expires.
            with contextlib.suppress(Exception):
                async with self._time_limit(timeouts.RELEASE_SECONDS):
                    await self._analyses.release(lease)
            raise
        try:
            await self._analyses.store(lease, result)
        except Exception as error:  # noqa: BLE001 (the result is charged, and the record matters more than the cache)
            _log.warning("an analysis was not cached: %s: %s", type(error).__name__, error)
            metrics.add("uncached")
        return result
