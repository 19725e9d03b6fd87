"""The pipeline: from a message to the image's record. Plain values in, ports out; no SDK here."""

import contextlib
import hashlib
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from classifier import events, limits, measures, records
from classifier.events import EventError, Message
from classifier.models import Analysis, Blob, Claim, ImageInfo
from classifier.ports import (
    Analyses,
    Analyzer,
    Announcer,
    Gallery,
    Gone,
    Headers,
    Images,
    Later,
    Queue,
    Records,
    Refused,
)
from classifier.register import Register


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a message.

    `status` is the record's (`classified`, `rejected`, `failed`), or `removed` (the blob is gone, and so is its
    record), `delayed` (the message went back into the queue), or `poison` (the message is none of ours).
    """

    status: str
    detail: str
    record_id: str | None = None
    event_id: str | None = None


class Pipeline:
    """Classifies one image per message, once, however often and in whatever order messages arrive."""

    def __init__(
        self,
        *,
        images: Images,
        headers: Headers,
        analyzer: Analyzer,
        records: Records,
        analyses: Analyses,
        queue: Queue,
        poison: Queue,
        announcer: Announcer | None,
        gallery: Gallery | None,
        min_confidence: float,
        patience: timedelta,
        last_attempt: int,
        budget: Callable[[], AbstractAsyncContextManager[Any]] = contextlib.nullcontext,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._images = images
        self._headers = headers
        self._analyzer = analyzer
        self._analyses = analyses
        self._queue = queue
        self._poison = poison
        self._announcer = announcer
        self._gallery = gallery
        self._register = Register(images=images, records=records, gallery=gallery)
        self._min_confidence = min_confidence
        self._patience = patience
        self._last_attempt = last_attempt
        self._budget = budget
        self._now = now

    async def handle(self, text: str, *, attempt: int) -> Outcome:
        """Handles one queue message at its `attempt`-th delivery.

        Raises whatever the ports raise for a passing trouble, TimeoutError when the budget for one message is spent:
        the message then comes back, until its last attempt. Whoever brings it once more after that tells that the
        last one came to no end: the image is not touched again.
        """
        try:
            message = self._ours(text)
        except EventError as error:
            await self._poison.send(events.poison(text, "BadEvent", str(error), self._now()))
            return Outcome(status="poison", detail=str(error))
        if attempt > self._last_attempt:
            sentence = f"{self._last_attempt} attempts were made, and the last one came to no end"
            return await self._give_up(message, text, attempt, "Interrupted", sentence)
        try:
            async with self._budget():
                return await self._look(message, attempt)
        except Later as later:
            return await self._put_back(message, attempt, later)
        except Refused as refusal:
            return await self._give_up(message, text, attempt, refusal.code, str(refusal))
        except Exception as error:
            if attempt < self._last_attempt:
                raise
            sentence = (str(error).strip().splitlines() or [""])[0]
            return await self._give_up(message, text, attempt, type(error).__name__, sentence)

    def _ours(self, text: str) -> Message:
        message = Message.parse(text)
        found = (message.notice.host, message.notice.container)
        expected = (self._images.host, self._images.container)
        if found != expected:
            raise EventError(f"the event is about {found}, not about {expected}")
        return message

    async def _look(self, message: Message, attempt: int) -> Outcome:
        """Settles the record by the blob as it is, until the blob has not changed meanwhile."""
        notice = message.notice
        self._analyzer.ready()  # before 20 MB are fetched for nothing
        while True:
            started = self._now()
            try:
                blob = await self._images.read(notice.name)
            except Gone:
                if await self._register.remove(notice):
                    return self._outcome(message, "removed", "the blob is gone")
                continue
            record = await self._classify(message, blob, attempt, started)
            record = await self._register.write(record, notice.name)
            if record is None:
                continue  # there is a newer version
            copy = record["copy"] if self._gallery is not None else None
            if self._gallery is not None and copy is not None:
                await self._gallery.keep(copy, blob)
            if await self._images.etag(notice.name) == blob.etag:
                return await self._announce(message, record)
            if self._gallery is not None and copy is not None:
                await self._gallery.discard(copy, blob.etag)

    async def _classify(self, message: Message, blob: Blob, attempt: int, started: datetime) -> dict[str, Any]:
        """The record of one version of the blob."""
        record = records.blank(message, attempt)
        record["blob"] |= records.of_blob(blob)
        analyze_ms = 0
        try:
            content = limits.content_of(blob)
            info = await self._headers(content)
            record["image"] = records.of_image(info)
            limits.check_image(info)
            before = self._now()
            analysis, cached = await self._analyze(record["blob"]["contentSha256"], content, info)
            analyze_ms = records.milliseconds(before, self._now())
            record |= records.of_analysis(
                analysis,
                features=self._analyzer.features,
                identity=self._analyzer.identity,
                min_confidence=self._min_confidence,
                cached=cached,
            ) | {"status": "classified"}
            if self._gallery is not None and record["category"] is not None:
                record["copy"] = f"{record['category']['name']}/{message.notice.name}"
        except limits.Rejected as rejection:
            record |= {"status": "rejected", "reason": rejection.reason()}
        return self._timed(record, message, started, analyze_ms)

    async def _analyze(self, sha256: str, content: bytes, info: ImageInfo) -> tuple[Analysis, bool]:
        key = hashlib.sha256(f"{sha256} {self._analyzer.identity}".encode()).hexdigest()
        begun = await self._analyses.begin(key)
        if not isinstance(begun, Claim):
            measures.add("cacheHits")
            return begun, True
        try:
            analysis = await self._analyzer.analyze(content, info)
        except BaseException:
            # Whoever is next need not wait for the claim to run out.
            with contextlib.suppress(Exception):
                await self._analyses.release(begun)
            raise
        await self._analyses.finish(begun, analysis)
        return analysis, False

    async def _put_back(self, message: Message, attempt: int, later: Later) -> Outcome:
        """Back into the queue: nothing is wrong with the image, so this counts neither as failure nor as attempt."""
        now = self._now()
        deadline = message.deadline or now + self._patience
        # Spread, so that what was refused together does not come back together.
        delay = max(1.0, later.seconds) * random.uniform(1, 1.5)  # noqa: S311 (no secret depends on it)
        if now + timedelta(seconds=delay) > deadline:
            sentence = f"{later}, until the deadline {deadline.isoformat()}"
            return await self._give_up(message, None, attempt, "DeadlineExceeded", sentence)
        await self._queue.send(message.put_back(deadline), delay_seconds=delay)
        measures.add("putBacks")
        return self._outcome(message, "delayed", f"{later}; back in {delay:.0f} s")

    async def _give_up(self, message: Message, text: str | None, attempt: int, code: str, sentence: str) -> Outcome:
        """Records that the image could not be classified; its message, if it is given, goes to the poison queue."""
        notice, started = message.notice, self._now()
        while (etag := await self._images.etag(notice.name)) is None:
            if await self._register.remove(notice):
                return self._outcome(message, "removed", "the blob is gone")
        record = records.blank(message, attempt)
        record["status"] = "failed"
        record["reason"] = {"code": code, "sentence": sentence[:500], "measured": None, "limit": None}
        record["blob"]["etag"] = etag
        written = await self._register.write(self._timed(record, message, started, 0), notice.name)
        if written is None:
            # The new version's own event is under way; this message has said all that it had to say.
            return self._outcome(message, "failed", f"{code}, for a version that is no longer the newest")
        # After the record: whoever crashes in between does both again. What was classified is no poison, unless the
        # copy that its record names may be missing: a redrive makes it.
        if text is not None and (written["status"] == "failed" or written["copy"] is not None):
            await self._poison.send(events.poison(text, code, sentence, started))
        return await self._announce(message, written)

    async def _announce(self, message: Message, record: dict[str, Any]) -> Outcome:
        """The last step, done again with every duplicate: a crash before it must not keep anybody waiting."""
        if self._announcer is not None:
            await self._announcer.announce(record)
        if record["reason"]:
            detail = str(record["reason"]["code"])
        else:
            detail = str(record["category"]["name"]) if record["category"] else ""
        return self._outcome(message, record["status"], detail)

    def _timed(self, record: dict[str, Any], message: Message, started: datetime, analyze_ms: int) -> dict[str, Any]:
        finished = self._now()
        record["timings"] = records.timings(message.notice.time, started, finished, analyze_ms)
        record["processedAt"] = finished.isoformat()
        measures.add("queuedMs", record["timings"]["queuedMs"])
        return record

    def _outcome(self, message: Message, status: str, detail: str) -> Outcome:
        notice = message.notice
        return Outcome(status=status, detail=detail, record_id=notice.record_id, event_id=notice.event_id)
