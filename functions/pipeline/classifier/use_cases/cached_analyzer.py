"""Analyses that are paid for once: stored under the content and the analyzer, and leased while they are made."""

import contextlib
import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from classifier.domain import metrics as measures
from classifier.domain import timeouts
from classifier.domain.errors import ConfigurationError, RetryLaterError
from classifier.domain.models import Analysis, Claim, ImageInfo
from classifier.domain.ports import Analyses, Analyzer

_log = logging.getLogger("classifier")


class CachedAnalyzer:
    """An analyzer behind a cache; of several workers with the same content, one calls the analyzer."""

    def __init__(
        self,
        *,
        analyzer: Analyzer,
        analyses: Analyses,
        time_limit: Callable[[float], AbstractAsyncContextManager[Any]],
    ) -> None:
        self._analyzer = analyzer
        self._analyses = analyses
        self._time_limit = time_limit

    async def analyze(self, sha256: str, content: bytes, info: ImageInfo) -> tuple[Analysis, bool]:
        """The analysis of the content, and whether it was stored before.

        Raises LeasedError when another worker analyzes the same content, and what `ports.Analyzer` raises.
        """
        key = hashlib.sha256(f"{sha256} {self._analyzer.identity}".encode()).hexdigest()
        try:
            self._analyzer.ready()
        except (RetryLaterError, ConfigurationError):
            # Content that was analyzed before needs no call; a lease would cost two writes for nothing.
            cached = await self._analyses.get(key)
            if cached is None:
                raise
            measures.add("cacheHits")
            return cached, True
        begun = await self._analyses.begin(key)
        if not isinstance(begun, Claim):
            measures.add("cacheHits")
            return begun, True
        try:
            analysis = await self._analyzer.analyze(content, info)
        except BaseException:
            # Other messages with the same content need not wait for the lease to end.
            with contextlib.suppress(Exception):
                async with self._time_limit(timeouts.RELEASE_SECONDS):
                    await self._analyses.release(begun)
            raise
        try:
            await self._analyses.finish(begun, analysis)
        except Exception as error:  # noqa: BLE001 (it was paid for, and the record matters more than the cache)
            _log.warning("an analysis was not cached: %s: %s", type(error).__name__, error)
            measures.add("uncached")
        return analysis, False
