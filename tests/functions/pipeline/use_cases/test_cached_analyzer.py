"""The cached analyzer step by step: keys, hits, leases, and an analysis that cannot be stored."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from classifier.domain.errors import UnexpectedResponseError
from classifier.use_cases.cached_analyzer import CachedAnalyzer
from common.domain.errors import ConfigurationError, RetryLaterError
from common.domain.metrics import collect_metrics
from common.domain.models import Analysis, ImageFormat, ImageInfo

from tests.support.in_memory_services import (
    InMemoryAnalysisCache,
    InMemoryCaption,
    InMemoryServices,
    RecordedTimeLimits,
    failing_at,
)

CAT = b"cat"
CAT_SHA256 = "77af778b51abd4a3c51c5ddd97204a9c3ae614ebccb75a606c3b6865aed6744e"
INFO = ImageInfo(width=640, height=480, format=ImageFormat.PNG)
DOWN = RetryLaterError("503")


def cached_analyzer(services: InMemoryServices, limits: RecordedTimeLimits | None = None) -> CachedAnalyzer:
    return CachedAnalyzer(
        analyzer=services, analyses=InMemoryAnalysisCache(services), time_limit=limits or RecordedTimeLimits()
    )


def test_an_analysis_is_stored_under_its_content_and_analyzer(services: InMemoryServices) -> None:
    """With another key every image would be charged again."""
    analysis, cached = asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    assert analysis.findings.tags
    assert (analysis.findings.tags[0].name, cached) == ("cat", False)
    assert [*services.analyses] == ["3ee8437e5aabd57e8278f5973ee61b44076b391d799da2f460837ae977fc9601"]
    with collect_metrics() as metrics:
        assert asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO)) == (analysis, True)
    assert metrics == {"cacheHits": 1}


@pytest.mark.parametrize("failure", [DOWN, ConfigurationError("C", "s")])
def test_a_cached_analysis_needs_no_capacity(services: InMemoryServices, failure: Exception) -> None:
    analysis, _ = asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    services.failure = failure
    with collect_metrics() as metrics:
        assert asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO)) == (analysis, True)
    assert metrics == {"cacheHits": 1}
    with pytest.raises(type(failure)):
        asyncio.run(cached_analyzer(services).analyze("0" * 64, CAT, INFO))


@pytest.mark.parametrize("release_fails", [False, True])
@pytest.mark.parametrize("error", [UnexpectedResponseError("C", "no tags"), asyncio.CancelledError()])
def test_an_analysis_that_fails_gives_its_lease_back(
    services: InMemoryServices, error: BaseException, *, release_fails: bool
) -> None:
    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "analyze":
            raise error
        if operation == "release" and release_fails:
            raise DOWN
        return effect()

    services.step = step
    limits = RecordedTimeLimits()
    with pytest.raises(type(error)):
        asyncio.run(cached_analyzer(services, limits).analyze(CAT_SHA256, CAT, INFO))
    assert limits.seconds == [15]
    assert bool(services.analyses) is release_fails


def test_an_analysis_that_cannot_be_stored_is_used(
    services: InMemoryServices, caplog: pytest.LogCaptureFixture
) -> None:
    services.step = failing_at("store", error=RetryLaterError("Cosmos DB: 503"))
    with collect_metrics() as metrics:
        analysis, cached = asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    assert (analysis.analyzer, cached, metrics) == ("test", False, {"uncached": 1})
    assert caplog.record_tuples == [
        ("classifier", logging.WARNING, "an analysis was not cached: RetryLaterError: Cosmos DB: 503")
    ]


@pytest.mark.parametrize("error", [DOWN, UnexpectedResponseError("C", "no caption"), asyncio.CancelledError()])
def test_what_a_call_has_charged_is_kept_when_the_next_call_fails(
    services: InMemoryServices, error: BaseException
) -> None:
    services.calls = (services, InMemoryCaption(services))
    analyses = 0

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        nonlocal analyses
        analyses += operation == "analyze"
        if operation == "analyze" and analyses == 2:
            raise error
        return effect()

    services.step = step
    with pytest.raises(type(error)):
        asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    with collect_metrics() as metrics:
        analysis, cached = asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    assert analysis.findings.tags
    assert analysis.findings.caption
    assert (analysis.findings.caption.text, analysis.model_version, cached) == ("cat", "m, c", False)
    assert (services.analysis_counts[CAT], services.caption_counts[CAT], metrics) == (1, 1, {})


def test_a_call_that_is_added_is_the_only_one_that_is_made(services: InMemoryServices) -> None:
    asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    services.calls = (services, InMemoryCaption(services))
    _, cached = asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    assert (services.analysis_counts[CAT], services.caption_counts[CAT], cached) == (1, 1, False)
    with collect_metrics() as metrics:
        _, cached = asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    assert (cached, metrics) == (True, {"cacheHits": 1})


def test_after_a_paid_call_the_next_one_is_made_without_spare_capacity(services: InMemoryServices) -> None:
    """It waits longer for capacity, instead of in the queue, where the image would have to be read again."""
    waits: list[bool] = []
    caption = InMemoryCaption(services)

    class WaitingCall:
        fingerprint = caption.fingerprint

        async def analyze(self, content: bytes, info: ImageInfo, *, paid: bool) -> Analysis:
            waits.append(paid)
            return await caption.analyze(content, info, paid=paid)

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        result = effect()
        if operation == "analyze" and not waits:
            services.check_capacity = no_capacity  # type: ignore[method-assign]
        return result

    def no_capacity() -> None:
        raise DOWN

    services.calls = (services, WaitingCall())
    services.step = step
    analysis, _ = asyncio.run(cached_analyzer(services).analyze(CAT_SHA256, CAT, INFO))
    assert analysis.findings.caption
    assert waits == [True]
