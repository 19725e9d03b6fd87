"""Ten minutes without one service, at prod's rate, in virtual time, under the pipeline, pool and breakers that ship.

Images come all the time, as many a second as prod's average. For ten minutes every call of one service is answered
with 503, after 50 ms. All instances of the app are there, which is the worst case: each finds out by itself.
"""

import asyncio
import heapq
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from classifier.analyzers.account_pool import AccountPool
from classifier.domain.errors import BlobNotFoundError, ThrottledError
from classifier.domain.models import AnalysisLease, Blob
from classifier.domain.rate_limiter import Quota
from classifier.use_cases.classify import Pipeline
from common.adapters.service_errors import ServiceBoundary
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import RetryLaterError
from common.domain.findings import Findings
from common.domain.image_limits import IMAGE_ANALYSIS_LIMITS
from common.domain.models import Analysis, ImageFormat, ImageInfo, Versioned
from common.domain.record import ImageRecord, StoredRecord

SERVICES = ("vision", "cosmos", "topic")
_BEFORE_SECONDS = 60.0
_OUTAGE_SECONDS = 600.0
_FAILURE_SECONDS = 0.05
_CALL_SECONDS = (0.5, 1.0)
_READ_SECONDS = 0.08
_WRITE_SECONDS = 0.01
_POLL_SECONDS = 2.0
_HOST = "images.blob.core.windows.net"
_CONTAINER = "images"
# The goals.
CALLS_PERCENT = 5.0
TIME_RATIO = 1.3


async def _header(content: bytes) -> ImageInfo:
    del content
    return ImageInfo(width=640, height=480, format=ImageFormat.PNG)


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """What a stack has; the default is prod's (infra/config/sizing.py, stacks/Pulumi.prod.yaml)."""

    images_per_second: float = 19.2901
    accounts: int = 8
    calls_per_second: float = 10
    instances: int = 40
    at_once: int = 2

    def divided_by(self, divisor: int) -> "Sizing":
        """A smaller stack with the same load: rate, accounts and instances are divided by a divisor of both counts."""
        return replace(
            self,
            images_per_second=self.images_per_second / divisor,
            accounts=self.accounts // divisor,
            instances=self.instances // divisor,
        )


@dataclass(frozen=True, kw_only=True)
class Outage:
    """What an outage of `service` did; `ratio` is the time until its backlog was gone, of the shortest possible."""

    service: str
    images: int
    calls_percent: float
    ideal_seconds: float
    backlog_seconds: float
    ratio: float
    deliveries: int
    poison: int
    failed: int

    @property
    def good(self) -> bool:
        """Whether the goals are met."""
        not_classified = self.poison + self.failed
        return not_classified == 0 and self.calls_percent <= CALLS_PERCENT and self.ratio <= TIME_RATIO


class VirtualTime(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time: where others would sleep, its clock is put forward."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector.select = self._skip  # type: ignore[attr-defined]

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._now

    def _skip(self, timeout: float | None) -> list[object]:
        self._now += timeout or 0
        return []


class Account:
    """A Vision account: a token bucket."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._tokens = rate
        self._last = 0.0

    def answers(self, now: float) -> bool:
        """Whether a call at this moment is answered."""
        self._tokens = min(self._rate, self._tokens + (now - self._last) * self._rate)
        self._last = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Services:
    """What all instances share: the services, and the queue."""

    def __init__(self, service: str) -> None:
        self._service = service
        self.calls: Counter[str] = Counter()
        self.analyses: dict[str, Analysis | None] = {}
        self.records: dict[str, StoredRecord] = {}
        self.published: dict[str, float] = {}
        self.statuses: Counter[str] = Counter()
        self.poison = 0
        self._waiting: list[tuple[float, int, str, int]] = []
        self._numbers = itertools.count()

    def enqueue(self, text: str, visible: float, attempt: int = 1) -> None:
        """A message that can be received from `visible` on."""
        heapq.heappush(self._waiting, (visible, next(self._numbers), text, attempt))

    def receive(self, now: float) -> tuple[str, int] | None:
        """A message that can be received, and its dequeue count."""
        if not self._waiting or self._waiting[0][0] > now:
            return None
        _, _, text, attempt = heapq.heappop(self._waiting)
        return text, attempt

    async def call(self, service: str, seconds: float) -> None:
        """Take as long as a call does. Raises RetryLaterError during the outage."""
        now = asyncio.get_running_loop().time()
        down = service == self._service and _BEFORE_SECONDS <= now < _BEFORE_SECONDS + _OUTAGE_SECONDS
        if _BEFORE_SECONDS <= now < _BEFORE_SECONDS + _OUTAGE_SECONDS:
            self.calls[service] += 1
        await asyncio.sleep(_FAILURE_SECONDS if down else seconds)
        if down:
            raise RetryLaterError(f"{service} answers 503")


class Ports:
    """Every port of one instance's pipeline, behind breakers as the adapters have them."""

    host = _HOST
    container = _CONTAINER
    stamp = ""
    fingerprint = "simulated/1"
    features = ("tags",)
    limits = IMAGE_ANALYSIS_LIMITS

    def __init__(self, services: Services, pool: AccountPool[Account]) -> None:
        self._services = services
        self._pool = pool
        clock = asyncio.get_running_loop().time
        self._cosmos = ServiceBoundary("cosmos", CircuitBreaker("cosmos", clock=clock))
        self._topic = ServiceBoundary("topic", CircuitBreaker("topic", clock=clock))

    async def read(self, name: str) -> Blob:
        """Implements `ports.ImageStore.read`."""
        await asyncio.sleep(_READ_SECONDS)
        if not name:
            raise BlobNotFoundError(name)
        content = name.encode()
        return Blob(content=content, size_bytes=len(content), etag=name, content_type="image/png", created_at=None)

    async def get_etag(self, name: str) -> str | None:
        """Implements `ports.ImageStore.get_etag`."""
        await asyncio.sleep(_WRITE_SECONDS)
        return name

    @property
    def calls(self) -> tuple["Ports"]:
        """Implements `ports.Analyzer.calls`."""
        return (self,)

    def check_capacity(self) -> None:
        """Implements `ports.Analyzer.check_capacity`."""
        self._pool.check_capacity()

    async def analyze(self, content: bytes, info: ImageInfo, *, paid: bool) -> Analysis:
        """Implements `ports.AnalyzerCall.analyze`."""

        async def send(account: Account) -> None:
            if not account.answers(asyncio.get_running_loop().time()):
                await asyncio.sleep(_FAILURE_SECONDS)
                raise ThrottledError("429", retry_after_seconds=1)
            await self._services.call("vision", random.uniform(*_CALL_SECONDS))  # noqa: S311 (a simulation)

        await self._pool.call(send, paid=paid)
        return Analysis(analyzer="simulated", api_version="1", model_version="1", findings=Findings(tags=()))

    async def get(self, key: str) -> Any:
        """Implements `ports.RecordRepository.get` and `ports.AnalysisCache.get`."""
        with self._cosmos:
            await self._services.call("cosmos", _WRITE_SECONDS)
        return self._services.records.get(key) or self._services.analyses.get(key)

    async def exists(self, record_id: str) -> bool:
        """Implements `ports.RecordRepository.exists`."""
        return await self.get(record_id) is not None

    async def put(self, record: ImageRecord, _previous: StoredRecord | None) -> None:
        """Implements `ports.RecordRepository.put`."""
        with self._cosmos:
            await self._services.call("cosmos", _WRITE_SECONDS)
        self._services.records[record.id] = Versioned(record, "1")

    async def delete(self, record_id: str, _previous: StoredRecord) -> None:
        """Implements `ports.RecordRepository.delete`."""
        with self._cosmos:
            await self._services.call("cosmos", _WRITE_SECONDS)
        del self._services.records[record_id]

    async def get_or_lease(self, key: str) -> Analysis | AnalysisLease:
        """Implements `ports.AnalysisCache.get_or_lease`; no two images are the same."""
        with self._cosmos:
            await self._services.call("cosmos", _WRITE_SECONDS)
        return self._services.analyses.get(key) or AnalysisLease(key=key, etag="1")

    async def store(self, lease: AnalysisLease, analysis: Analysis) -> None:
        """Implements `ports.AnalysisCache.store`."""
        with self._cosmos:
            await self._services.call("cosmos", _WRITE_SECONDS)
        self._services.analyses[lease.key] = analysis

    async def release(self, _lease: AnalysisLease) -> None:
        """Implements `ports.AnalysisCache.release`."""
        with self._cosmos:
            await self._services.call("cosmos", _WRITE_SECONDS)

    async def publish(self, record: ImageRecord) -> None:
        """Implements `ports.ResultPublisher.publish`."""
        with self._topic:
            await self._services.call("topic", _WRITE_SECONDS)
        self._services.published[record.blob.name] = asyncio.get_running_loop().time()


class Queue:
    """`queue_ports.Queue`: the images queue, or the poison queue."""

    def __init__(self, send: Callable[[str, float], None]) -> None:
        self._send = send

    async def send(self, text: str, *, delay_seconds: float = 0) -> None:
        """Implements `queue_ports.Queue.send`."""
        await asyncio.sleep(_WRITE_SECONDS)
        self._send(text, delay_seconds)


def create_event(name: str, time: datetime) -> str:
    """Return the message about an uploaded image."""
    return json.dumps(
        {
            "id": name,
            "eventType": "Microsoft.Storage.BlobCreated",
            "subject": f"/blobServices/default/containers/{_CONTAINER}/blobs/{name}",
            "eventTime": time.isoformat(),
            "data": {"url": f"https://{_HOST}/{_CONTAINER}/{name}"},
        }
    )


class Application:
    """All instances of the app, before the services; `create_ports` makes those of one instance."""

    def __init__(self, services: Services, sizing: Sizing, create_ports: Callable[[], Ports]) -> None:
        loop = asyncio.get_running_loop()
        epoch = datetime(2026, 1, 1, tzinfo=UTC)
        self._services = services
        self._at_once = sizing.at_once
        self._loop = loop
        self.deliveries = 0
        self.now: Callable[[], datetime] = lambda: epoch + timedelta(seconds=loop.time())
        self._pipelines = [self._pipeline(create_ports()) for _ in range(sizing.instances)]

    def _pipeline(self, ports: Any) -> Pipeline:
        services = self._services

        def poison(_text: str, _delay: float) -> None:
            services.poison += 1

        return Pipeline(
            images=ports,
            read_header=_header,
            analyzer=ports,
            records=ports,
            analyses=ports,
            queue=Queue(lambda text, delay: services.enqueue(text, self._loop.time() + delay)),
            poison_queue=Queue(poison),
            result_publisher=ports,
            image_copies=None,
            min_confidence=0.5,
            max_retry_age=timedelta(hours=168),
            last_attempt=5,
            time_limit=asyncio.timeout,
            now=self.now,
        )

    async def work(self, ended: Callable[[], bool]) -> None:
        """Handle messages, so many at a time in every instance, until `ended`."""
        slots = [pipeline for pipeline in self._pipelines for _ in range(self._at_once)]
        await asyncio.gather(*(self._slot(pipeline, ended) for pipeline in slots))

    async def _slot(self, pipeline: Pipeline, ended: Callable[[], bool]) -> None:
        delay = 0.1
        while not ended():
            received = self._services.receive(self._loop.time())
            if received is None:
                await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 (a simulation)
                delay = min(_POLL_SECONDS, delay * 2)
                continue
            delay = 0.1
            text, attempt = received
            self.deliveries += 1
            try:
                outcome = await pipeline.handle(text, attempt=attempt)
            except Exception:  # noqa: BLE001 (as the host: whatever it is)
                if attempt >= 6:
                    self._services.poison += 1
                else:
                    self._services.enqueue(text, self._loop.time() + 30, attempt + 1)
            else:
                self._services.statuses[outcome.status] += 1


async def simulate_outage(service: str, sizing: Sizing) -> Outage:
    """An outage of `service`, and the time after it until its backlog is gone; to be run in virtual time."""
    services = Services(service)
    loop = asyncio.get_running_loop()
    accounts = [Account(sizing.calls_per_second) for _ in range(sizing.accounts)]
    quota = Quota(calls_per_second=sizing.calls_per_second, instances=sizing.instances)
    app = Application(services, sizing, lambda: Ports(services, AccountPool(accounts, quota, clock=loop.time)))
    images_per_second = sizing.images_per_second
    end = _BEFORE_SECONDS + _OUTAGE_SECONDS
    # Images go on coming while the backlog is worked off.
    count = round(images_per_second * (end + _OUTAGE_SECONDS))
    backlog = {f"{number}" for number in range(count) if number / images_per_second < end}

    async def upload() -> None:
        for number in range(count):
            services.enqueue(create_event(f"{number}", app.now()), loop.time())
            await asyncio.sleep(1 / images_per_second)

    def ended() -> bool:
        return len(services.published) == count

    await asyncio.gather(upload(), app.work(ended))
    backlog_seconds = max(services.published[name] for name in backlog) - _BEFORE_SECONDS
    # With all accounts busy from the first second after the outage.
    ideal = _OUTAGE_SECONDS * (1 + images_per_second / (sizing.accounts * sizing.calls_per_second - images_per_second))
    normal = images_per_second * _OUTAGE_SECONDS * (3 if service == "cosmos" else 1)
    return Outage(
        service=service,
        images=count,
        calls_percent=round(100 * services.calls[service] / normal, 1),
        ideal_seconds=round(ideal),
        backlog_seconds=round(backlog_seconds),
        ratio=round(backlog_seconds / ideal, 2),
        deliveries=app.deliveries,
        poison=services.poison,
        failed=services.statuses["failed"],
    )
