"""Shadow: from a message of the shadow's queue to the comparison of its image.

The analysis of the successor goes through the analysis cache, so it is paid for once: when the successor becomes the
analyzer, what was analyzed in the shadow is there already.
"""

import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from common.domain import metrics, timeouts
from common.domain.errors import ConfigurationError, RetryLaterError
from common.domain.models import Tokens
from common.domain.record import RecordStatus

from classifier.domain.comparison import Comparison
from classifier.domain.errors import BlobNotFoundError, EventError, OperationLimitError, UnexpectedResponseError
from classifier.domain.events import BlobEvent, Message, create_poison_message
from classifier.domain.outcomes import Outcome, OutcomeStatus
from classifier.domain.ports import (
    AnalysisCache,
    Analyzer,
    ImageHeaderReader,
    ImageStore,
    RecordRepository,
)
from classifier.domain.queue_ports import Queue
from classifier.domain.retries import Delivery, plan_retry
from classifier.domain.shadow_ports import ComparisonStore
from classifier.use_cases.image_classifier import ImageClassifier
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
        self._fingerprint = analyzer.fingerprint
        # The record that the image would have, if the successor were the analyzer. It states no confidences.
        self._classifier = ImageClassifier(
            images=images,
            read_header=read_header,
            analyzer=analyzer,
            analyses=analyses,
            has_copies=False,
            min_confidence=0.0,
            time_limit=time_limit,
            now=now,
        )
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
            delivery = Delivery(message=message, text=text, attempt=attempt, resume=message.resume)
            try:
                async with self._time_limit(timeouts.PROCESSING_SECONDS):
                    return await self._process(delivery)
            except (UnexpectedResponseError, OperationLimitError) as error:
                return await self._give_up(text, error.code, str(error))
            except _REQUEUED as error:
                return await self._requeue(delivery, error)

    async def _process(self, delivery: Delivery) -> Outcome:
        event = delivery.message.event
        stored = await self._records.get(event.record_id)
        record = stored.value if stored is not None else None
        if record is None or record.status is not RecordStatus.CLASSIFIED:
            return _skip(event, "the image has no classified record")
        if record.fingerprint == self._fingerprint:
            return _skip(event, "the successor has made the record")
        if await self._images.get_etag(event.name) != record.blob.etag:
            return _skip(event, "the blob has not the version of the record")
        with metrics.collect_separately() as measured:
            try:
                classification = await self._classifier.classify(delivery)
            except BlobNotFoundError:
                return _skip(event, "the blob does not exist")
        if delivery.etag != record.blob.etag:
            return _skip(event, "the blob was changed meanwhile")
        tokens = classification.tokens
        if tokens is None and "inputTokens" in measured:
            # A rejection has no analysis, but its call may have been charged.
            tokens = Tokens(input=round(measured["inputTokens"]), output=round(measured["outputTokens"]))
        comparison = Comparison.create(
            record, classification.record, compared_at=self._now().isoformat(), tokens=tokens
        )
        await self._comparisons.add(comparison)
        return Outcome.for_event(event, OutcomeStatus.COMPARED, comparison.reason or comparison.outcome)

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


def _skip(event: BlobEvent, reason: str) -> Outcome:
    return Outcome.for_event(event, OutcomeStatus.SKIPPED, reason)
