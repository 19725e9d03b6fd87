"""A container, an analyser, a database and two queues in memory, behind the pipeline's ports.

Every call is a step: `World.step` is told of it before and after its effect, and may do there what it likes, such as
letting somebody else go first, or raising.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
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
from classifier.domain.models import Analysis, Blob, Claim, ImageInfo
from classifier.domain.ports import Listed
from classifier.domain.timeouts import ANALYSIS_LEASE_SECONDS
from classifier.use_cases.classify import Outcome, Pipeline

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOST = "acct.blob.core.windows.net"


def message(name: str = "cat.png", *, kind: str = "BlobCreated", at: datetime = NOW, **changes: Any) -> str:
    event = {
        "id": "event-1",
        "eventType": f"Microsoft.Storage.{kind}",
        "subject": f"/blobServices/default/containers/images/blobs/{name}",
        "eventTime": (at - timedelta(seconds=2)).isoformat(),
        "data": {"url": f"https://{HOST}/anything", "eTag": "any", "sequencer": "0001"},
    }
    return json.dumps(event | changes)


async def through(_operation: str, effect: Callable[[], Any]) -> Any:
    return effect()


class World:
    """Everything that the pipeline touches. `step(operation, effect)` carries out each of its calls."""

    host, container, identity, features = HOST, "images", "test/1", ("tags",)

    def __init__(self) -> None:
        self.now = NOW
        self.step: Callable[[str, Callable[[], Any]], Awaitable[Any]] = through
        self.blobs: dict[str, Blob] = {}
        self.modified: dict[str, datetime] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.analyses: dict[str, dict[str, Any]] = {}
        self.analyzed: Counter[bytes] = Counter()
        self.failure: Exception | None = None
        self.before: dict[str, dict[str, Any] | None] = {}
        self.lagging = False
        self.queued: list[tuple[str, float]] = []
        self.poisoned: list[dict[str, Any]] = []
        self.announced: list[tuple[str, str, str]] = []
        self.copies: dict[str, str] = {}
        self._tags = 0

    def upload(self, name: str, content: bytes | None, *, size: int | None = None) -> str:
        size = len(content or b"") if size is None else size
        etag = self.tag()
        self.blobs[name] = Blob(
            content=content, size_bytes=size, etag=etag, content_type="image/png", created_at=self.now
        )
        self.modified[name] = self.now
        return etag

    def tag(self) -> str:
        """A new ETag; those of later versions are greater."""
        self._tags += 1
        return f"e{self._tags:04}"

    @property
    def record(self) -> dict[str, Any]:
        (record,) = self.records.values()
        return record

    # images, headers, analyzer

    async def read(self, name: str) -> Blob:
        def effect() -> Blob:
            if name not in self.blobs:
                raise BlobNotFoundError(name)
            return self.blobs[name]

        return await self.step("read", effect)

    async def etag(self, name: str) -> str | None:
        return await self.step("etag", lambda: self.blobs[name].etag if name in self.blobs else None)

    async def pages(self, marker: str | None) -> AsyncIterator[tuple[list[Listed], str | None]]:
        names = sorted(name for name in self.blobs if marker is None or name >= marker)
        for start in range(0, max(len(names), 1), 2):
            listed = [
                Listed(name=name, etag=self.blobs[name].etag, modified=self.modified[name])
                for name in names[start : start + 2]
            ]
            yield listed, names[start + 2] if start + 2 < len(names) else None

    async def headers(self, content: bytes) -> ImageInfo:
        if content == b"text":
            raise ImageRejectedError("NotAnImage", "no image")
        return ImageInfo(width=10 if content == b"tiny" else 640, height=480, format="PNG")

    def ready(self) -> None:
        if isinstance(self.failure, RetryLaterError | ConfigurationError):
            raise self.failure

    async def analyze(self, content: bytes, _info: ImageInfo) -> Analysis:
        def effect() -> Analysis:
            if self.failure:
                raise self.failure
            self.analyzed[content] += 1
            tags = [{"name": content.decode(), "confidence": 0.9}, {"name": "sofa", "confidence": 0.4}]
            return Analysis(analyzer="test", api_version="1", model_version="m", findings={"tags": tags})

        return await self.step("analyze", effect)

    def pipeline(self, **changes: Any) -> Pipeline:
        ports: dict[str, Any] = {
            "images": self, "headers": self.headers, "analyzer": self, "records": Records(self),
            "analyses": Analyses(self), "queue": Queue(self.step_of, self.queued.append), "announcer": self,
            "poison": Queue(self.step_of, lambda sent: self.poisoned.append(json.loads(sent[0]))), "gallery": self,
            "min_confidence": 0.5, "patience": timedelta(hours=1), "last_attempt": 5, "now": lambda: self.now,
        }  # fmt: skip
        return Pipeline(**(ports | changes))

    async def step_of(self, operation: str, effect: Callable[[], Any]) -> Any:
        return await self.step(operation, effect)

    # announcer, gallery

    async def announce(self, record: dict[str, Any]) -> None:
        told = (record["id"], record["blob"]["etag"], record["status"])
        await self.step("announce", lambda: self.announced.append(told))

    async def keep(self, path: str, blob: Blob) -> None:
        await self.step("keep", lambda: self.copies.update({path: blob.etag}))

    async def discard(self, path: str, etag: str) -> None:
        def effect() -> None:
            if self.copies.get(path) == etag:
                del self.copies[path]

        await self.step("discard", effect)


class Records:
    """`ports.Records`; an old version of a blob must never replace a newer one."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def get(self, record_id: str) -> dict[str, Any] | None:
        """With `World.lagging`, from a replica that lags behind by one write."""

        def effect() -> dict[str, Any] | None:
            found = self._world.before if self._world.lagging else self._world.records
            return found.get(record_id)

        return await self._world.step("get", effect)

    async def exists(self, record_id: str) -> bool:
        return await self._world.step("exists", lambda: record_id in self._world.records)

    async def put(self, record: dict[str, Any], replacing: dict[str, Any] | None) -> None:
        def effect() -> None:
            seen = self._world.records.get(record["id"])
            if (seen or {}).get("_etag") != (replacing or {}).get("_etag"):
                raise ConcurrencyError(record["id"])
            assert seen is None or seen["blob"]["etag"] <= record["blob"]["etag"], "old replaces new"
            self._world.before[record["id"]] = seen
            self._world.records[record["id"]] = json.loads(json.dumps(record)) | {"_etag": self._world.tag()}

        await self._world.step("put", effect)

    async def delete(self, record: dict[str, Any]) -> None:
        def effect() -> None:
            seen = self._world.records.get(record["id"])
            if seen is None or seen["_etag"] != record["_etag"]:
                raise ConcurrencyError(record["id"])
            self._world.before[record["id"]] = seen
            del self._world.records[record["id"]]

        await self._world.step("delete", effect)


class Analyses:
    """`ports.Analyses`, with claims that run out."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def get(self, key: str) -> Analysis | None:
        return await self._world.step("cached", lambda: self._world.analyses.get(key, {}).get("analysis"))

    async def begin(self, key: str) -> Analysis | Claim:
        def effect() -> Analysis | Claim:
            world = self._world
            item = world.analyses.get(key)
            if item is not None and "analysis" in item:
                return item["analysis"]
            if item is not None and item["until"] > world.now:
                left = (item["until"] - world.now).total_seconds()
                raise LeasedError("the same content is being analyzed", retry_after_seconds=left)
            claim = Claim(key=key, etag=world.tag())
            world.analyses[key] = {"etag": claim.etag, "until": world.now + timedelta(seconds=ANALYSIS_LEASE_SECONDS)}
            return claim

        return await self._world.step("begin", effect)

    async def finish(self, claim: Claim, analysis: Analysis) -> None:
        def effect() -> None:
            if self._world.analyses.get(claim.key, {}).get("etag") == claim.etag:
                self._world.analyses[claim.key] = {"etag": self._world.tag(), "analysis": analysis}

        await self._world.step("finish", effect)

    async def release(self, claim: Claim) -> None:
        def effect() -> None:
            if self._world.analyses.get(claim.key, {}).get("etag") == claim.etag:
                del self._world.analyses[claim.key]

        await self._world.step("release", effect)


class Queue:
    """`ports.Queue`, and `reconcile.Counted`."""

    def __init__(
        self,
        step: Callable[[str, Callable[[], Any]], Awaitable[Any]],
        put: Callable[[tuple[str, float]], Any],
        sent: Sequence[Any] = (),
    ) -> None:
        self._step = step
        self._put = put
        self._sent = sent

    async def send(self, text: str, *, delay_seconds: float = 0) -> None:
        await self._step("send", lambda: self._put((text, delay_seconds)))

    async def length(self) -> int:
        return len(self._sent)


def handle(world: World, text: str | None = None, *, attempt: int = 1, **changes: Any) -> Outcome:
    return asyncio.run(world.pipeline(**changes).handle(message() if text is None else text, attempt=attempt))
