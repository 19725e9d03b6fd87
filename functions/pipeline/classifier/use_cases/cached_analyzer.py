"""Cached analyzer: stores each analysis under its content and analyzer, so that it is charged once."""

import contextlib
import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from classifier.domain import metrics, timeouts
from classifier.domain.errors import ConfigurationError, RetryLaterError
from classifier.domain.models import Analysis, AnalysisLease, ImageInfo
from classifier.domain.ports import AnalysisCache, Analyzer

_log = logging.getLogger("classifier")


class CachedAnalyzer:
    """An analyzer behind a cache. Of several workers with the same content, only one calls the analyzer."""

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
        """Return the analysis of the content, and whether it was cached.

        Raises LeasedError if another worker is analyzing the same content, and the errors of `ports.Analyzer.analyze`.
        """
        key = hashlib.sha256(f"{sha256} {self._analyzer.fingerprint}".encode()).hexdigest()
        try:
            self._analyzer.check_capacity()
        except (RetryLaterError, ConfigurationError):
            # Content that was analyzed before needs no call; acquiring a lease would cost two writes for nothing.
            cached = await self._analyses.get(key)
            if cached is None:
                raise
            metrics.add("cacheHits")
            return cached, True
        lease = await self._analyses.get_or_lease(key)
        if not isinstance(lease, AnalysisLease):
            metrics.add("cacheHits")
            return lease, True
        try:
            analysis = await self._analyzer.analyze(content, info)
        except BaseException:
            # Other messages with the same content need not wait until the lease expires.
            with contextlib.suppress(Exception):
                async with self._time_limit(timeouts.RELEASE_SECONDS):
                    await self._analyses.release(lease)
            raise
        try:
            await self._analyses.store(lease, analysis)
        except Exception as error:  # noqa: BLE001 (the analysis is charged, and the record matters more than the cache)
            _log.warning("an analysis was not cached: %s: %s", type(error).__name__, error)
            metrics.add("uncached")
        return analysis, False
