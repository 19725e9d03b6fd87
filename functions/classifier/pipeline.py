"""The pipeline: from a message to the image's record. Plain values in, ports out; no SDK here."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from classifier import events, limits, measures, records, timeouts
from classifier.cached_analyzer import CachedAnalyzer
from classifier.errors import (
    BlobNotFoundError,
    ConfigurationError,
    EventError,
    ImageRejectedError,
    RetryLaterError,
    UnexpectedResponseError,
)
from classifier.events import Message
from classifier.models import Blob
from classifier.ports import Analyses, Analyzer, Announcer, Gallery, Headers, Images, Queue, Records
from classifier.register import Register
from classifier.retries import Delivery, plan_retry

# What ends an attempt without an outcome; the message is requeued.
_REQUEUED = (RetryLaterError, ConfigurationError, TimeoutError)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a message.

    `status` is the record's (`classified`, `rejected`, `failed`), or `removed` (the blob is gone, and so is its
    record), `delayed` (the message went back into the queue), `misconfigured` (as well, for long, because of what only
    a deployment can change), or `poison` (the message is none of ours).
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
        time_limit: Callable[[float], AbstractAsyncContextManager[Any]] = contextlib.nullcontext,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._images = images
        self._headers = headers
        self._analyzer = analyzer
        self._cached = CachedAnalyzer(analyzer=analyzer, analyses=analyses, time_limit=time_limit)
        self._queue = queue
        self._poison = poison
        self._announcer = announcer
        self._gallery = gallery
        self._register = Register(images=images, records=records, gallery=gallery)
        self._min_confidence = min_confidence
        self._patience = patience
        self._last_attempt = last_attempt
        self._time_limit = time_limit
        self._now = now

    async def handle(self, text: str, *, attempt: int) -> Outcome:
        """Handles one queue message at its `attempt`-th delivery, within timeouts.INVOCATION_SECONDS.

        Transient errors and configuration errors requeue the message. What is raised is the host's to repeat: an error
        that the adapters do not know, and whatever keeps the message from being requeued. After `last_attempt` such
        deliveries, or deliveries that ended the worker, the image is not touched again.
        """
        async with self._time_limit(timeouts.INVOCATION_SECONDS):
            try:
                message = self._ours(text)
            except EventError as error:
                await self._poison.send(events.poison(text, "BadEvent", str(error), self._now()))
                return Outcome(status="poison", detail=str(error))
            delivery = Delivery(message=message, text=text, attempt=attempt)
            try:
                return await self._attempt(delivery)
            except _REQUEUED as error:
                return await self._put_back(delivery, error)

    async def _attempt(self, delivery: Delivery) -> Outcome:
        if delivery.interruptions >= self._last_attempt:
            sentence = f"{delivery.interruptions} deliveries ended without an outcome"
            return await self._give_up(delivery, "Interrupted", sentence)
        try:
            async with self._time_limit(timeouts.PROCESSING_SECONDS):
                return await self._look(delivery)
        except _REQUEUED:
            raise
        except UnexpectedResponseError as error:
            return await self._give_up(delivery, error.code, str(error))
        except Exception as error:
            if delivery.interruptions + 1 < self._last_attempt:
                raise
            sentence = (str(error).strip().splitlines() or [""])[0]
            return await self._give_up(delivery, type(error).__name__, sentence)

    def _ours(self, text: str) -> Message:
        message = Message.parse(text)
        found = (message.notice.host, message.notice.container)
        expected = (self._images.host, self._images.container)
        if found != expected:
            raise EventError(f"the event is about {found}, not about {expected}")
        return message

    async def _look(self, delivery: Delivery) -> Outcome:
        """Settles the record by the blob as it is, until the blob has not changed meanwhile."""
        message = delivery.message
        notice = message.notice
        while True:
            started = self._now()
            try:
                blob = await self._images.read(notice.name)
            except BlobNotFoundError:
                if await self._register.remove(notice):
                    return self._outcome(message, "removed", "the blob is gone")
                continue
            delivery.etag = blob.etag
            record = await self._classify(message, blob, delivery.attempt, started)
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
        rejected_by: dict[str, Any] | None = None  # the limits of the pipeline, which are the same for every analyzer
        try:
            content = limits.content_of(blob)
            info = await self._headers(content)
            record["image"] = records.of_image(info)
            limits.check_image(info)
            rejected_by = records.of_analyzer(self._analyzer.features, self._analyzer.identity)
            before = self._now()
            analysis, cached = await self._cached.analyze(record["blob"]["contentSha256"], content, info)
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
        except ImageRejectedError as rejection:
            record |= {"status": "rejected", "reason": rejection.reason(), "analyzer": rejected_by}
        return self._timed(record, message, started, analyze_ms)

    async def _put_back(self, delivery: Delivery, error: Exception) -> Outcome:
        """Back into the queue: nothing is wrong with the image, so this counts neither as failure nor as attempt."""
        message, now = delivery.message, self._now()
        retry = plan_retry(message, error, patience=self._patience, now=now)
        sentence = str(error) or type(error).__name__
        if now + timedelta(seconds=retry.delay_seconds) > retry.deadline:
            with contextlib.suppress(*_REQUEUED):  # then not even that is possible now
                late = f"{sentence}, until the deadline {retry.deadline.isoformat()}"
                return await self._give_up(delivery, "DeadlineExceeded", late)
        text = message.put_back(retry.deadline, delivery.interruptions)
        async with self._time_limit(timeouts.REQUEUE_SECONDS):
            await self._queue.send(text, delay_seconds=retry.delay_seconds)
        measures.add("putBacks")
        status = "misconfigured" if retry.misconfigured else "delayed"
        return self._outcome(message, status, f"{sentence}; back in {retry.delay_seconds:.0f} s")

    async def _give_up(self, delivery: Delivery, code: str, sentence: str) -> Outcome:
        """Records that the image could not be classified; unless only time ran out, its message becomes poison.

        Raises RetryLaterError when the blob has a version that was not tried.
        """
        async with self._time_limit(timeouts.FAILURE_RECORDING_SECONDS):
            message, notice, started = delivery.message, delivery.message.notice, self._now()
            while (etag := await self._images.etag(notice.name)) is None:
                if await self._register.remove(notice):
                    return self._outcome(message, "removed", "the blob is gone")
            if delivery.etag not in {None, etag}:
                raise RetryLaterError("the blob has a newer version, which was not tried yet")
            record = records.blank(message, delivery.attempt)
            record["status"] = "failed"
            record["reason"] = {"code": code, "sentence": sentence[:500], "measured": None, "limit": None}
            record["blob"]["etag"] = etag
            written = await self._register.write(self._timed(record, message, started, 0), notice.name)
            if written is None:
                raise RetryLaterError("the blob has a newer version, which was not tried yet")
            # After the record: a worker that ends in between does both again. What was classified is no poison,
            # unless the copy that its record names may be missing: a redrive makes it.
            incomplete = written["status"] == "failed" or written["copy"] is not None
            if code != "DeadlineExceeded" and incomplete:
                await self._poison.send(events.poison(delivery.text, code, sentence, started))
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
        measures.put("queuedMs", record["timings"]["queuedMs"])
        return record

    def _outcome(self, message: Message, status: str, detail: str) -> Outcome:
        notice = message.notice
        return Outcome(status=status, detail=detail, record_id=notice.record_id, event_id=notice.event_id)
