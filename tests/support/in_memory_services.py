"""In-memory implementations of the pipeline's ports.

Every call of a port is a step with an effect. `InMemoryServices.step` runs each step; a test can replace it to raise
errors, or to change something before or after the effect, as another worker would.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from classifier.domain.errors import (
    BlobNotFoundError,
    ConcurrencyError,
    ConfigurationError,
    ImageRejectedError,
    LeasedError,
    RetryLaterError,
)
from classifier.domain.models import Analysis, AnalysisLease, Blob, BlobInfo, ImageInfo, Outcome, Versioned
from classifier.domain.timeouts import ANALYSIS_LEASE_SECONDS
from classifier.use_cases.classify import Pipeline

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOST = "acct.blob.core.windows.net"
# Two blobs on a page, so that few blobs make several pages.
_PAGE_SIZE = 2


def message(name: str = "cat.png", *, kind: str = "BlobCreated", at: datetime = NOW, **changes: Any) -> str:
    """Return the text of a message with an event of Event Grid about the blob `name`."""
    event = {
        "id": "event-1",
        "eventType": f"Microsoft.Storage.{kind}",
        "subject": f"/blobServices/default/containers/images/blobs/{name}",
        "eventTime": (at - timedelta(seconds=2)).isoformat(),
        "data": {"url": f"https://{HOST}/anything", "eTag": "any", "sequencer": "0001"},
    }
    return json.dumps(event | changes)


async def run_effect(_operation: str, effect: Callable[[], Any]) -> Any:
    """The step without an error."""
    return effect()


class RecordedTimeLimits:
    """Time limits that are recorded in `seconds`, and never reached."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> AbstractAsyncContextManager[None]:
        self.seconds.append(seconds)
        return contextlib.nullcontext()


def failing_at(*operations: str, error: Exception) -> Callable[[str, Callable[[], Any]], Any]:
    """Return a step that raises `error` at these operations."""

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation in operations:
            raise error
        return effect()

    return step


class InMemoryServices:
    """The state of all services. It is itself `ImageStore`, `Analyzer` and `ResultPublisher`.

    Attributes:
        step: runs each call of a port: `step(operation, effect)`.
        failure: what every analysis raises, or None.
        previous_records: each record before its last write.
        replica_lags: whether `RecordRepository.get` returns `previous_records`.
        analysis_counts: the number of analyses by content.
        published_results: id, ETag and status of each published record.
        copies: the ETag of each image copy, by path.
    """

    host = HOST
    container = "images"
    fingerprint = "test/1"
    features = ("tags",)

    def __init__(self) -> None:
        self.now = NOW
        self.step: Callable[[str, Callable[[], Any]], Awaitable[Any]] = run_effect
        self.blobs: dict[str, Blob] = {}
        self.last_modified: dict[str, datetime] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.previous_records: dict[str, dict[str, Any] | None] = {}
        self.replica_lags = False
        self.analyses: dict[str, dict[str, Any]] = {}
        self.analysis_counts: Counter[bytes] = Counter()
        self.failure: Exception | None = None
        self.queued_messages: list[tuple[str, float]] = []
        self.poison_messages: list[dict[str, Any]] = []
        self.published_results: list[tuple[str, str, str]] = []
        self.copies: dict[str, str] = {}
        self._etags = 0

    def upload(self, name: str, content: bytes | None, *, size: int | None = None) -> str:
        """Store a blob and return its ETag."""
        size = len(content or b"") if size is None else size
        etag = self.new_etag()
        self.blobs[name] = Blob(
            content=content, size_bytes=size, etag=etag, content_type="image/png", created_at=self.now
        )
        self.last_modified[name] = self.now
        return etag

    def new_etag(self) -> str:
        """Return a new ETag; those of later versions are greater."""
        self._etags += 1
        return f"e{self._etags:04}"

    @property
    def record(self) -> dict[str, Any]:
        """The only record."""
        (record,) = self.records.values()
        return record

    async def run_step(self, operation: str, effect: Callable[[], Any]) -> Any:
        """Run `step` as it is at the time of the call."""
        return await self.step(operation, effect)

    def add_poison_message(self, sent: tuple[str, float]) -> None:
        text, _ = sent
        self.poison_messages.append(json.loads(text))

    def pipeline(self, **changes: Any) -> Pipeline:
        """Create a pipeline with these services; `changes` replace arguments of `Pipeline`."""
        arguments: dict[str, Any] = {
            "images": self,
            "read_header": self.read_header,
            "analyzer": self,
            "records": InMemoryRecordRepository(self),
            "analyses": InMemoryAnalysisCache(self),
            "queue": InMemoryQueue(self.run_step, self.queued_messages.append),
            "poison_queue": InMemoryQueue(self.run_step, self.add_poison_message),
            "result_publisher": self,
            "image_copies": InMemoryImageCopyStore(self),
            "min_confidence": 0.5,
            "max_retry_age": timedelta(hours=1),
            "last_attempt": 5,
            "now": lambda: self.now,
        }
        return Pipeline(**(arguments | changes))

    async def read(self, name: str) -> Blob:
        def effect() -> Blob:
            if name not in self.blobs:
                raise BlobNotFoundError(name)
            return self.blobs[name]

        return await self.step("read", effect)

    async def get_etag(self, name: str) -> str | None:
        return await self.step("etag", lambda: self.blobs[name].etag if name in self.blobs else None)

    async def list_pages(self, marker: str | None) -> AsyncIterator[tuple[list[BlobInfo], str | None]]:
        names = sorted(name for name in self.blobs if marker is None or name >= marker)
        for start in range(0, max(len(names), 1), _PAGE_SIZE):
            page = [
                BlobInfo(name=name, etag=self.blobs[name].etag, last_modified=self.last_modified[name])
                for name in names[start : start + _PAGE_SIZE]
            ]
            next_start = start + _PAGE_SIZE
            yield page, names[next_start] if next_start < len(names) else None

    async def read_header(self, content: bytes) -> ImageInfo:
        if content == b"text":
            raise ImageRejectedError("NotAnImage", "no image")
        return ImageInfo(width=10 if content == b"tiny" else 640, height=480, format="PNG")

    def check_capacity(self) -> None:
        if isinstance(self.failure, RetryLaterError | ConfigurationError):
            raise self.failure

    async def analyze(self, content: bytes, info: ImageInfo) -> Analysis:
        def effect() -> Analysis:
            if self.failure:
                raise self.failure
            self.analysis_counts[content] += 1
            tags = [{"name": content.decode(), "confidence": 0.9}, {"name": "sofa", "confidence": 0.4}]
            return Analysis(analyzer="test", api_version="1", model_version="m", findings={"tags": tags})

        return await self.step("analyze", effect)

    async def publish(self, record: dict[str, Any]) -> None:
        result = (record["id"], record["blob"]["etag"], record["status"])
        await self.step("publish", lambda: self.published_results.append(result))


class InMemoryImageCopyStore:
    """`ports.ImageCopyStore`."""

    def __init__(self, services: InMemoryServices) -> None:
        self._services = services

    async def save(self, path: str, blob: Blob) -> None:
        assert isinstance(path, str)
        await self._services.step("save_copy", lambda: self._services.copies.update({path: blob.etag}))

    async def delete(self, path: str, etag: str) -> None:
        assert isinstance(path, str)

        def effect() -> None:
            if self._services.copies.get(path) == etag:
                del self._services.copies[path]

        await self._services.step("delete_copy", effect)


class InMemoryRecordRepository:
    """`ports.RecordRepository`. Fails the test if an old version of a blob replaces a newer one."""

    def __init__(self, services: InMemoryServices) -> None:
        self._services = services

    async def get(self, record_id: str) -> dict[str, Any] | None:
        """With `InMemoryServices.replica_lags`, from a replica that lags behind by one write."""

        def effect() -> dict[str, Any] | None:
            services = self._services
            replica = services.previous_records if services.replica_lags else services.records
            return replica.get(record_id)

        return await self._services.step("get", effect)

    async def exists(self, record_id: str) -> bool:
        return await self._services.step("exists", lambda: record_id in self._services.records)

    async def put(self, record: dict[str, Any], previous: dict[str, Any] | None) -> None:
        def effect() -> None:
            existing = self._services.records.get(record["id"])
            if (existing or {}).get("_etag") != (previous or {}).get("_etag"):
                raise ConcurrencyError(record["id"])
            assert existing is None or existing["blob"]["etag"] <= record["blob"]["etag"], "old replaces new"
            self._services.previous_records[record["id"]] = existing
            stored = json.loads(json.dumps(record)) | {"_etag": self._services.new_etag()}
            self._services.records[record["id"]] = stored

        await self._services.step("put", effect)

    async def delete(self, record: dict[str, Any]) -> None:
        def effect() -> None:
            existing = self._services.records.get(record["id"])
            if existing is None or existing["_etag"] != record["_etag"]:
                raise ConcurrencyError(record["id"])
            self._services.previous_records[record["id"]] = existing
            del self._services.records[record["id"]]

        await self._services.step("delete", effect)


class InMemoryAnalysisCache:
    """`ports.AnalysisCache`, with leases that expire."""

    def __init__(self, services: InMemoryServices) -> None:
        self._services = services

    async def get(self, key: str) -> Analysis | None:
        return await self._services.step("cached", lambda: self._services.analyses.get(key, {}).get("analysis"))

    async def get_or_lease(self, key: str) -> Analysis | AnalysisLease:
        def effect() -> Analysis | AnalysisLease:
            services = self._services
            item = services.analyses.get(key)
            if item is not None and "analysis" in item:
                return item["analysis"]
            if item is not None and item["expires_at"] > services.now:
                remaining = (item["expires_at"] - services.now).total_seconds()
                raise LeasedError("the same content is being analyzed", retry_after_seconds=remaining)
            lease = AnalysisLease(key=key, etag=services.new_etag())
            expires_at = services.now + timedelta(seconds=ANALYSIS_LEASE_SECONDS)
            services.analyses[key] = {"etag": lease.etag, "expires_at": expires_at}
            return lease

        return await self._services.step("get_or_lease", effect)

    async def store(self, lease: AnalysisLease, analysis: Analysis) -> None:
        def effect() -> None:
            if self._services.analyses.get(lease.key, {}).get("etag") == lease.etag:
                self._services.analyses[lease.key] = {"etag": self._services.new_etag(), "analysis": analysis}

        await self._services.step("store", effect)

    async def release(self, lease: AnalysisLease) -> None:
        def effect() -> None:
            if self._services.analyses.get(lease.key, {}).get("etag") == lease.etag:
                del self._services.analyses[lease.key]

        await self._services.step("release", effect)


class InMemoryQueue:
    """`ports.MeasuredQueue`. `put` receives each sent message and its delay; `waiting` gives the length."""

    def __init__(
        self,
        step: Callable[[str, Callable[[], Any]], Awaitable[Any]],
        put: Callable[[tuple[str, float]], Any],
        waiting: Sequence[Any] = (),
    ) -> None:
        self._step = step
        self._put = put
        self._waiting = waiting

    async def send(self, text: str, *, delay_seconds: float = 0) -> None:
        await self._step("send", lambda: self._put((text, delay_seconds)))

    async def length(self) -> int:
        return len(self._waiting)


class InMemoryCheckpointStore:
    """`ports.CheckpointStore`."""

    def __init__(self) -> None:
        self.checkpoint: Versioned | None = None

    @property
    def value(self) -> dict[str, Any]:
        assert self.checkpoint is not None
        return self.checkpoint.value

    async def load(self) -> Versioned | None:
        return self.checkpoint

    async def store(self, value: dict[str, Any], previous: Versioned | None) -> Versioned:
        if self.checkpoint is not previous:
            raise ConcurrencyError("watermark")
        self.checkpoint = Versioned(json.loads(json.dumps(value)), "")
        return self.checkpoint


class InMemoryDeadLetterStore:
    """`ports.DeadLetterStore`; `contents` are the dead letters by name."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = contents

    async def names(self) -> AsyncIterator[str]:
        for name in [*self.contents]:
            yield name

    async def read(self, name: str) -> bytes:
        return self.contents.get(name, b"")

    async def delete(self, name: str) -> None:
        self.contents.pop(name, None)


def handle(services: InMemoryServices, text: str | None = None, *, attempt: int = 1, **changes: Any) -> Outcome:
    """Handle one message with a pipeline of its own."""
    pipeline = services.pipeline(**changes)
    return asyncio.run(pipeline.handle(message() if text is None else text, attempt=attempt))
