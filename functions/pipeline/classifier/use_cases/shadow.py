"""Shadow: from a message of the shadow's queue to the comparison of its image.

The analysis of the successor goes through the analysis cache, so it is paid for once: when the successor becomes the
analyzer, what was analyzed in the shadow is there already.
"""

import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import cast

from common.domain import metrics, timeouts
from common.domain.errors import ConfigurationError, RetryLaterError
from common.domain.models import ImageInfo
from common.domain.record import ImageRecord, RecordStatus
from common.domain.record_fields import AnalyzerInfo, milliseconds
from msgspec.structs import replace

from classifier.domain import image_checks
from classifier.domain.comparison import ComparedAnalyzer, Comparison
from classifier.domain.errors import BlobNotFoundError, EventError, ImageRejectedError, UnexpectedResponseError
from classifier.domain.events import Message, create_poison_message
from classifier.domain.models import Blob
from classifier.domain.outcomes import Outcome, OutcomeStatus
from classifier.domain.ports import (
    AnalysisCache,
    Analyzer,
    ComparisonStore,
    ImageHeaderReader,
    ImageStore,
    RecordRepository,
)
from classifier.domain.queue_ports import Queue
from classifier.domain.retries import Delivery, plan_retry
from classifier.use_cases.cached_analyzer import CachedAnalyzer
from classifier.use_cases.requeue import requeue

# Errors that end a delivery without an outcome; the message is requeued.
_REQUEUED = (RetryLaterError, ConfigurationError, TimeoutError)


class Shadow:
    """Analyzes sampled images with a successor, and stores how far it agrees with their records."""

    def __init__(
        self,
        *,
        images: ImageStore,
        read_header: ImageHeaderReader,
        analyzer: Analyzer,
        records: RecordRepository,
        analyses: AnalysisCache,
        comparisons: ComparisonStore,
        queue: Queue,
        poison_queue: Queue,
        time_limit: Callable[[float], AbstractAsyncContextManager[object]] = contextlib.nullcontext,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._images = images
        self._read_header = read_header
        self._analyzer = analyzer
        self._cached_analyzer = CachedAnalyzer(analyzer=analyzer, analyses=analyses, time_limit=time_limit)
        self._records = records
        self._comparisons = comparisons
        self._queue = queue
        self._poison_queue = poison_queue
        self._time_limit = time_limit
        self._now = now

    async def handle(self, text: str, *, attempt: int) -> Outcome:
        """Handle one delivery of a message, within timeouts.INVOCATION_SECONDS.

        Transient errors and configuration errors requeue the message, until timeouts.SHADOW_RETRY_AGE after the first.
        Errors that the adapters do not know are raised: the host delivers the message again, and moves it to the poison
        queue in the end.

        Args:
            text: the text of the message.
            attempt: the dequeue count of the message, from 1.
        """
        async with self._time_limit(timeouts.INVOCATION_SECONDS):
            try:
                message = Message.parse(text).with_stamp(self._images.stamp)
            except EventError as error:
                return await self._give_up(text, "BadEvent", str(error))
            delivery = Delivery(message=message, text=text, attempt=attempt)
            try:
                async with self._time_limit(timeouts.PROCESSING_SECONDS):
                    return await self._process(message)
            except UnexpectedResponseError as error:
                return await self._give_up(text, error.code, str(error))
            except _REQUEUED as error:
                return await self._requeue(delivery, error)

    async def _process(self, message: Message) -> Outcome:
        event = message.event
        stored = await self._records.get(event.record_id)
        record = stored.value if stored is not None else None
        if record is None or record.status is not RecordStatus.CLASSIFIED:
            return Outcome.for_event(event, OutcomeStatus.SKIPPED, "the image has no classified record")
        if record.fingerprint == self._analyzer.fingerprint:
            return Outcome.for_event(event, OutcomeStatus.SKIPPED, "the successor has made the record")
        try:
            blob = await self._images.read(event.name)
        except BlobNotFoundError:
            return Outcome.for_event(event, OutcomeStatus.SKIPPED, "the blob does not exist")
        if blob.etag != record.blob.etag:
            return Outcome.for_event(event, OutcomeStatus.SKIPPED, "the blob has another version than the record")
        comparison = await self._compare(record, blob)
        await self._comparisons.add(comparison)
        return Outcome.for_event(event, OutcomeStatus.COMPARED, comparison.reason or comparison.outcome)

    async def _compare(self, record: ImageRecord, blob: Blob) -> Comparison:
        """Analyze one version of a blob, and compare the findings with its record."""
        content = image_checks.require_content(blob)
        image = await self._read_header(content)
        sha256 = cast("str", blob.sha256)  # not None, as there is content
        started = self._now()
        with metrics.collect_metrics() as measured:
            successor, cached, rejection = await self._analyze(record, sha256, content, image)
        for name, amount in measured.items():
            metrics.add(name, amount)
        return Comparison.create(
            record,
            content_sha256=sha256,
            image_format=image.format,
            successor=successor,
            features=self._analyzer.features,
            rejection=rejection,
            compared_at=self._now().isoformat(),
            latency_ms=None if cached else milliseconds(started, self._now()),
            input_tokens=_whole(measured.get("inputTokens")),
            output_tokens=_whole(measured.get("outputTokens")),
        )

    async def _analyze(
        self, record: ImageRecord, sha256: str, content: bytes, image: ImageInfo
    ) -> tuple[ComparedAnalyzer, bool, str | None]:
        """Return what the successor found, whether it was stored before, and the code of its rejection or None."""
        info = AnalyzerInfo.for_request(self._analyzer.features, self._analyzer.fingerprint)
        try:
            image_checks.check_image(image, self._analyzer.limits)
            analysis, cached = await self._cached_analyzer.analyze(sha256, content, image)
        except ImageRejectedError as rejected:
            return ComparedAnalyzer(fingerprint=self._analyzer.fingerprint, model_version=None), False, rejected.code
        # As the record would be, if the successor were the analyzer. It states no confidences.
        record = replace(record, analyzer=info.with_analysis(analysis, cached=cached))
        return ComparedAnalyzer.from_record(record.with_analysis(analysis, min_confidence=0.0)), cached, None

    async def _requeue(self, delivery: Delivery, error: Exception) -> Outcome:
        retry = plan_retry(delivery.message, error, max_retry_age=timeouts.SHADOW_RETRY_AGE, now=self._now())
        sentence = str(error) or type(error).__name__
        if retry.expired:
            expired = f"{sentence}, until the deadline {retry.deadline.isoformat()}"
            return await self._give_up(delivery.text, "DeadlineExceeded", expired)
        return await requeue(delivery, retry, sentence, queue=self._queue, time_limit=self._time_limit)

    async def _give_up(self, text: str, code: str, sentence: str) -> Outcome:
        """Send a message to the poison queue of the shadow; the record of its image stays as it is."""
        await self._poison_queue.send(create_poison_message(text, code, sentence, self._now()))
        return Outcome(status=OutcomeStatus.POISON, detail=f"{code}: {sentence}")


def _whole(amount: float | None) -> int | None:
    return None if amount is None else round(amount)
