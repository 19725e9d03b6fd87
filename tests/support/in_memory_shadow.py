"""In-memory doubles for the shadow: a successor, the store of comparisons, and the use case with both."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from classifier.domain.comparison import Comparison
from classifier.domain.ports import AnalyzerCall, LongRunningCall
from classifier.use_cases.shadow import Shadow
from classifier.use_cases.shadow_sampler import ShadowSampler
from common.domain import metrics
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.findings import Caption, Findings, Tag, TextLine
from common.domain.image_limits import IMAGE_ANALYSIS_LIMITS
from common.domain.models import Analysis, ImageInfo, Tokens

from tests.support.in_memory_services import (
    InMemoryAnalysisCache,
    InMemoryQueue,
    InMemoryRecordRepository,
    InMemoryServices,
    RecordedTimeLimits,
    run_effect,
)


class InMemorySuccessor:
    """`ports.Analyzer` and its only call: a model that sees the content, and states no confidences.

    Attributes:
        step: runs each call, as `InMemoryServices.step` does.
        failure: what every call raises, or None.
        calls_made: the number of its calls, failed ones too.
        paid: the number of those that were answered.
    """

    fingerprint = "successor/1"
    features = ("tags", "caption", "read")
    limits = IMAGE_ANALYSIS_LIMITS

    def __init__(self) -> None:
        self.step: Callable[[str, Callable[[], Any]], Awaitable[Any]] = run_effect
        self.failure: Exception | None = None
        self.calls_made = 0
        self.paid = 0
        self.calls: tuple[AnalyzerCall | LongRunningCall, ...] = (self,)
        self.findings = Findings(
            tags=(Tag(name="cat", confidence=None),),
            caption=Caption(text="A cat", confidence=None),
            read=(TextLine(text="STOP", confidence=None, box=None),),
        )

    def check_capacity(self) -> None:
        """Always: each failure is one of a call."""

    async def analyze(self, content: bytes, info: ImageInfo, *, paid: bool) -> Analysis:
        def effect() -> Analysis:
            self.calls_made += 1
            if self.failure is not None:
                raise self.failure
            self.paid += 1
            metrics.add("inputTokens", 1_000)
            metrics.add("outputTokens", 100)
            return Analysis(
                analyzer="successor",
                api_version="1",
                model_version="m2",
                findings=self.findings,
                tokens=Tokens(input=1_000, output=100),
            )

        return await self.step("analyze", effect)


class InMemoryComparisonStore:
    """`shadow_ports.ComparisonStore`; `items` are the comparisons by id."""

    def __init__(self) -> None:
        self.items: dict[str, Comparison] = {}

    async def add(self, comparison: Comparison) -> None:
        self.items.setdefault(comparison.id, comparison)


class InMemoryShadow:
    """The shadow of in-memory services: its successor, queues and comparisons."""

    def __init__(self, services: InMemoryServices, *, percent: float = 100) -> None:
        self.successor = InMemorySuccessor()
        self.comparisons = InMemoryComparisonStore()
        self.queued: list[tuple[str, float]] = []
        self.poison: list[tuple[str, float]] = []
        self.time_limits = RecordedTimeLimits()
        self.queue_failure: Exception | None = None
        self.clock: Callable[[], float] = time.monotonic
        self._services = services
        self._percent = percent

    def _put(self, sent: tuple[str, float]) -> None:
        if self.queue_failure is not None:
            raise self.queue_failure
        self.queued.append(sent)

    @property
    def sampler(self) -> ShadowSampler:
        """A sampler, with a circuit breaker of its own."""
        return ShadowSampler(
            queue=InMemoryQueue(self._services.run_step, self._put),
            percent=self._percent,
            breaker=CircuitBreaker("the queue of the shadow", clock=self.clock),
            time_limit=self.time_limits,
        )

    def use_case(self, **changes: Any) -> Shadow:
        """Create the use case; `changes` replace its arguments."""
        services = self._services
        arguments: dict[str, Any] = {
            "images": services,
            "read_header": services.read_header,
            "analyzer": self.successor,
            "records": InMemoryRecordRepository(services),
            "analyses": InMemoryAnalysisCache(services),
            "comparisons": self.comparisons,
            "queue": InMemoryQueue(run_effect, self._put),
            "poison_queue": InMemoryQueue(run_effect, self.poison.append),
            "now": lambda: services.now,
        }
        return Shadow(**(arguments | changes))
