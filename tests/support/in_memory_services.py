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
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from classifier.domain.errors import BlobNotFoundError, ImageRejectedError, LeasedError
from classifier.domain.models import AnalysisLease, Blob, BlobInfo, LongRunningOperation
from classifier.domain.outcomes import Outcome
from classifier.domain.ports import AnalyzerCall, LongRunningCall
from classifier.domain.watermark import Watermark
from classifier.use_cases.classify import Pipeline
from common.adapters.cosmos import StoredItem
from common.domain.errors import ConcurrencyError, ConfigurationError, RetryLaterError
from common.domain.findings import Caption, Findings, Tag
from common.domain.image_limits import IMAGE_ANALYSIS_LIMITS
from common.domain.models import Analysis, ImageFormat, ImageInfo, Versioned
from common.domain.record import ImageRecord, StoredRecord
from common.domain.timeouts import ANALYSIS_LEASE_SECONDS, OPERATION_SECONDS

from benchmarks.outages import VirtualTime

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


def as_json(value: Any) -> Any:
    """Return the JSON of a struct, as it is stored."""
    return json.loads(msgspec.json.encode(value))


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
        record_items: the items of the container `images` by id, as JSON with their `_etag`.
        previous_items: each item before its last write, or None.
        replica_lags: whether `RecordRepository.get` reads `previous_items`.
        analysis_counts: the number of analyses by content.
        caption_counts: the number of captions by content, which `InMemoryCaption` makes.
        calls: the calls of an analysis; one, unless a test adds another.
        published_results: id, ETag and status of each published record.
        copies: the ETag of each image copy, by path.
    """

    host = HOST
    container = "images"
    stamp = ""
    fingerprint = "test/1"
    features = ("tags",)
    limits = IMAGE_ANALYSIS_LIMITS

    def __init__(self) -> None:
        self.now = NOW
        self.step: Callable[[str, Callable[[], Any]], Awaitable[Any]] = run_effect
        self.blobs: dict[str, Blob] = {}
        self.last_modified: dict[str, datetime] = {}
        self.record_items: dict[str, str] = {}
        self.previous_items: dict[str, str | None] = {}
        self.replica_lags = False
        self.analyses: dict[str, dict[str, Any]] = {}
        self.analysis_counts: Counter[bytes] = Counter()
        self.caption_counts: Counter[bytes] = Counter()
        self.calls: tuple[AnalyzerCall | LongRunningCall, ...] = (self,)
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
    def records(self) -> dict[str, dict[str, Any]]:
        """The stored records by id, as other programs read them."""
        return {record_id: json.loads(item) for record_id, item in self.record_items.items()}

    @property
    def record(self) -> dict[str, Any]:
        """The only stored record, as other programs read it."""
        (record,) = self.records.values()
        return record

    def change_record(self, **changes: Any) -> None:
        """Change fields of the only stored record, as another program would."""
        record = self.record | changes | {"_etag": self.new_etag()}
        self.record_items[record["id"]] = json.dumps(record)

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

    async def read_properties(self, name: str) -> Blob | None:
        return await self.step(
            "properties", lambda: replace(self.blobs[name], content=None) if name in self.blobs else None
        )

    async def get_etag(self, name: str) -> str | None:
        return await self.step("etag", lambda: self.blobs[name].etag if name in self.blobs else None)

    async def delete(self, name: str) -> None:
        await self.step("delete_image", lambda: self.blobs.pop(name, None))

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
        return ImageInfo(width=10 if content == b"tiny" else 640, height=480, format=ImageFormat.PNG)

    def check_capacity(self) -> None:
        if isinstance(self.failure, RetryLaterError | ConfigurationError):
            raise self.failure

    async def analyze(self, content: bytes, info: ImageInfo, *, paid: bool) -> Analysis:
        def effect() -> Analysis:
            if self.failure:
                raise self.failure
            self.analysis_counts[content] += 1
            tags = (Tag(name=content.decode(), confidence=0.9), Tag(name="sofa", confidence=0.4))
            return Analysis(analyzer="test", api_version="1", model_version="m", findings=Findings(tags=tags))

        return await self.step("analyze", effect)

    async def publish(self, record: ImageRecord) -> None:
        result = (record.id, record.blob.etag, record.status.value)
        await self.step("publish", lambda: self.published_results.append(result))


class InMemoryCaption:
    """`ports.AnalyzerCall`: a second call of the analyzer, after the tags."""

    fingerprint = "test/1 caption"

    def __init__(self, services: InMemoryServices) -> None:
        self._services = services

    async def analyze(self, content: bytes, info: ImageInfo, *, paid: bool) -> Analysis:
        def effect() -> Analysis:
            self._services.caption_counts[content] += 1
            caption = Caption(text=content.decode(), confidence=0.9)
            return Analysis(analyzer="test", api_version="1", model_version="c", findings=Findings(caption=caption))

        return await self._services.step("analyze", effect)


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

    async def get(self, record_id: str) -> StoredRecord | None:
        """With `InMemoryServices.replica_lags`, from a replica that lags behind by one write."""

        def effect() -> StoredRecord | None:
            services = self._services
            replica = services.previous_items if services.replica_lags else services.record_items
            item = replica.get(record_id)
            if item is None:
                return None
            fields = json.loads(item)
            return Versioned(StoredItem(fields=fields, etag=fields["_etag"]).decode(ImageRecord), fields["_etag"])

        return await self._services.step("get", effect)

    async def exists(self, record_id: str) -> bool:
        return await self._services.step("exists", lambda: record_id in self._services.record_items)

    async def put(self, record: ImageRecord, previous: StoredRecord | None) -> None:
        def effect() -> None:
            existing = self._check(record.id, previous)
            item = msgspec.to_builtins(record) | {"_etag": self._services.new_etag()}
            existing_etag = (existing or {}).get("blob", {}).get("etag", "")
            assert existing_etag <= item["blob"]["etag"], "old replaces new"
            self._services.record_items[record.id] = json.dumps(item)

        await self._services.step("put", effect)

    async def delete(self, record_id: str, previous: StoredRecord) -> None:
        def effect() -> None:
            self._check(record_id, previous)
            del self._services.record_items[record_id]

        await self._services.step("delete", effect)

    def _check(self, record_id: str, previous: StoredRecord | None) -> dict[str, Any] | None:
        """Return the stored item, which is about to be replaced. Raises ConcurrencyError if it is not `previous`."""
        item = self._services.record_items.get(record_id)
        existing = None if item is None else json.loads(item)
        etag = None if existing is None else existing["_etag"]
        if etag != (None if previous is None else previous.etag):
            raise ConcurrencyError(record_id)
        self._services.previous_items[record_id] = item
        return existing


class InMemoryAnalysisCache:
    """`ports.AnalysisCache`, with leases that expire. The analyses are stored as JSON."""

    def __init__(self, services: InMemoryServices) -> None:
        self._services = services

    def _get(self, key: str) -> Analysis | None:
        item = self._services.analyses.get(key, {})
        return msgspec.json.decode(item["analysis"], type=Analysis) if "analysis" in item else None

    def _get_operation(self, key: str) -> AnalysisLease | None:
        item = self._services.analyses.get(key, {})
        if "operation" not in item:
            return None
        return AnalysisLease(
            key=key,
            etag=item["etag"],
            operation=item["operation"],
            operation_age_seconds=(self._services.now - item["started_at"]).total_seconds(),
            started_operations=item["started"],
        )

    async def get(self, key: str) -> Analysis | AnalysisLease | None:
        return await self._services.step("cached", lambda: self._get(key) or self._get_operation(key))

    async def get_or_lease(self, key: str) -> Analysis | AnalysisLease:
        def effect() -> Analysis | AnalysisLease:
            services = self._services
            stored = self._get(key) or self._get_operation(key)
            if stored is not None:
                return stored
            item = services.analyses.get(key)
            started = 0 if item is None else item.get("started", 0)
            if item is not None and item["expires_at"] > services.now:
                remaining = (item["expires_at"] - services.now).total_seconds()
                raise LeasedError("the same content is being analyzed", retry_after_seconds=remaining)
            lease = AnalysisLease(key=key, etag=services.new_etag(), started_operations=started)
            expires_at = services.now + timedelta(seconds=ANALYSIS_LEASE_SECONDS)
            services.analyses[key] = {"etag": lease.etag, "expires_at": expires_at, "started": started}
            return lease

        return await self._services.step("get_or_lease", effect)

    async def store_operation(self, lease: AnalysisLease, operation: LongRunningOperation) -> None:
        def effect() -> None:
            services = self._services
            if services.analyses.get(lease.key, {}).get("etag") != lease.etag:
                raise ConcurrencyError(lease.key)
            services.analyses[lease.key] = {
                "etag": services.new_etag(),
                "expires_at": services.now + timedelta(seconds=OPERATION_SECONDS),
                "operation": operation,
                "started_at": services.now,
                "started": lease.started_operations + 1,
            }

        await self._services.step("store_operation", effect)

    async def store(self, lease: AnalysisLease, analysis: Analysis) -> None:
        def effect() -> None:
            if self._services.analyses.get(lease.key, {}).get("etag") == lease.etag:
                item = {"etag": self._services.new_etag(), "analysis": msgspec.json.encode(analysis)}
                self._services.analyses[lease.key] = item

        await self._services.step("store", effect)

    async def release(self, lease: AnalysisLease) -> None:
        def effect() -> None:
            services = self._services
            if services.analyses.get(lease.key, {}).get("etag") != lease.etag:
                return
            if lease.started_operations == 0:
                del services.analyses[lease.key]
                return
            started = lease.started_operations
            services.analyses[lease.key] = {"etag": services.new_etag(), "expires_at": services.now, "started": started}

        await self._services.step("release", effect)


class InMemoryQueue:
    """`queue_ports.MeasuredQueue`. `put` receives each sent message and its delay; `waiting` gives the length."""

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
        size = len(text.encode())
        # The service answers 413 RequestBodyTooLarge: https://learn.microsoft.com/rest/api/storageservices/put-message
        assert size <= 48 * 1024, f"a queue refuses a message of {size} bytes"
        await self._step("send", lambda: self._put((text, delay_seconds)))

    async def length(self) -> int:
        return len(self._waiting)


class InMemoryCheckpointStore:
    """`reconcile_ports.CheckpointStore`; `text` is the checkpoint as JSON, or None."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text
        self.write_region = "northeurope"
        self._etag = 0

    @property
    def value(self) -> dict[str, Any]:
        assert self.text is not None
        return json.loads(self.text)

    @property
    def checkpoint(self) -> Versioned[Watermark] | None:
        if self.text is None:
            return None
        return Versioned(msgspec.json.decode(self.text, type=Watermark), str(self._etag))

    async def load(self) -> Versioned[Watermark] | None:
        return self.checkpoint

    async def store(self, value: Watermark, previous: Versioned[Watermark] | None) -> Versioned[Watermark]:
        if self.checkpoint != previous:
            raise ConcurrencyError("watermark")
        self._etag += 1
        self.text = msgspec.json.encode(value).decode()
        return Versioned(value, str(self._etag))


class InMemoryDeadLetterStore:
    """`reconcile_ports.DeadLetterStore`; `contents` are the dead letters by name."""

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
    """Handle one message with a pipeline of its own, in virtual time: time limits are exceeded at once."""
    pipeline = services.pipeline(**changes)
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(pipeline.handle(message() if text is None else text, attempt=attempt))
