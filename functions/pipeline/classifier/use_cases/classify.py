"""Classify: from a message of the images queue to the record of its image."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

from common.domain import metrics, timeouts
from common.domain.errors import ConfigurationError, RetryLaterError
from common.domain.models import Reason
from common.domain.record import ImageRecord, RecordStatus

from classifier.domain.errors import BlobNotFoundError, EventError, OperationLimitError, UnexpectedResponseError
from classifier.domain.events import Message, create_poison_message
from classifier.domain.outcomes import Outcome, OutcomeStatus
from classifier.domain.ports import (
    AnalysisCache,
    Analyzer,
    ImageCopyStore,
    ImageHeaderReader,
    ImageStore,
    RecordRepository,
    ResultPublisher,
)
from classifier.domain.queue_ports import Queue
from classifier.domain.records import create_record, describe_unread_blob
from classifier.domain.retries import MAX_CONFLICTS, Delivery, plan_retry
from classifier.use_cases.image_classifier import ImageClassifier
from classifier.use_cases.record_writer import RecordWriter
from classifier.use_cases.requeue import requeue
from classifier.use_cases.shadow_sampler import ShadowSampler

# Errors that end a delivery without an outcome; the message is requeued.
_REQUEUED = (RetryLaterError, ConfigurationError, TimeoutError)


class Pipeline:
    """Classifies the image of each message, at most once per version, whatever the order and number of messages."""

    def __init__(
        self,
        *,
        images: ImageStore,
        read_header: ImageHeaderReader,
        analyzer: Analyzer,
        records: RecordRepository,
        analyses: AnalysisCache,
        queue: Queue,
        poison_queue: Queue,
        result_publisher: ResultPublisher | None,
        image_copies: ImageCopyStore | None,
        shadow_sampler: ShadowSampler | None = None,
        min_confidence: float,
        max_retry_age: timedelta,
        last_attempt: int,
        time_limit: Callable[[float], AbstractAsyncContextManager[object]] = contextlib.nullcontext,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._images = images
        self._classifier = ImageClassifier(
            images=images,
            read_header=read_header,
            analyzer=analyzer,
            analyses=analyses,
            has_copies=image_copies is not None,
            min_confidence=min_confidence,
            time_limit=time_limit,
            now=now,
        )
        self._queue = queue
        self._poison_queue = poison_queue
        self._result_publisher = result_publisher
        self._image_copies = image_copies
        self._shadow_sampler = shadow_sampler
        self._record_writer = RecordWriter(images=images, records=records, image_copies=image_copies)
        self._max_retry_age = max_retry_age
        self._last_attempt = last_attempt
        self._time_limit = time_limit
        self._now = now

    async def handle(self, text: str, *, attempt: int) -> Outcome:
        """Handle one delivery of a message, within timeouts.INVOCATION_SECONDS.

        Transient errors and configuration errors requeue the message. An error that the adapters do not know, or that
        prevents requeueing, is raised, and the host delivers the message again. After `last_attempt` deliveries that
        raised an error or ended the worker, a failure is recorded and the image is not processed again.

        Args:
            text: the text of the message.
            attempt: the dequeue count of the message, from 1.
        """
        async with self._time_limit(timeouts.INVOCATION_SECONDS):
            try:
                message = self._parse(text)
            except EventError as error:
                await self._poison_queue.send(create_poison_message(text, "BadEvent", str(error), self._now()))
                return Outcome(status=OutcomeStatus.POISON, detail=str(error))
            delivery = Delivery(message=message, text=text, attempt=attempt, resume=message.resume)
            try:
                return await self._process(delivery)
            except _REQUEUED as error:
                return await self._requeue(delivery, error)

    async def _process(self, delivery: Delivery) -> Outcome:
        if delivery.interruptions >= self._last_attempt:
            sentence = f"{delivery.interruptions} deliveries ended without an outcome"
            return await self._record_failure(delivery, "Interrupted", sentence)
        try:
            async with self._time_limit(timeouts.PROCESSING_SECONDS):
                return await self._process_current_version(delivery)
        except _REQUEUED:
            raise
        except (UnexpectedResponseError, OperationLimitError) as error:
            return await self._record_failure(delivery, error.code, str(error))
        except Exception as error:
            if delivery.interruptions + 1 < self._last_attempt:
                raise
            sentence = (str(error).strip().splitlines() or [""])[0]
            return await self._record_failure(delivery, type(error).__name__, sentence)

    def _parse(self, text: str) -> Message:
        """Parse a message. Raises EventError if it is no event about a blob of the images container."""
        message = Message.parse(text)
        container = (message.event.host, message.event.container)
        expected = (self._images.host, self._images.container)
        if container != expected:
            raise EventError(f"the event is about {container}, not about {expected}")
        return message.with_stamp(self._images.stamp)

    async def _process_current_version(self, delivery: Delivery) -> Outcome:
        """Write the record of the current version of the blob; repeat if the blob changes meanwhile.

        Raises:
            RetryLaterError: the blob keeps changing.
        """
        message = delivery.message
        event = message.event
        for _ in range(MAX_CONFLICTS):
            try:
                classification = await self._classifier.classify(delivery)
            except BlobNotFoundError:
                if await self._record_writer.remove(event):
                    return Outcome.for_event(event, OutcomeStatus.REMOVED, "the blob does not exist")
                continue
            blob = classification.blob
            metrics.put("queuedMs", classification.record.timings.queued_ms)
            record = await self._record_writer.write(classification.record, event.name)
            if record is None:
                continue  # the blob has a newer version
            copy_path = record.copy_path
            if self._image_copies is not None and copy_path is not None:
                await self._image_copies.save(copy_path, blob)
            if await self._images.get_etag(event.name) == blob.etag:
                outcome = await self._publish(message, record)
                if self._shadow_sampler is not None:
                    await self._shadow_sampler.send(message, record)
                return outcome
            if self._image_copies is not None and copy_path is not None:
                await self._image_copies.delete(copy_path, blob.etag)
        raise RetryLaterError(f"the blob was changed {MAX_CONFLICTS} times in a row while it was processed")

    async def _requeue(self, delivery: Delivery, error: Exception) -> Outcome:
        """Requeue the message after an error that is neither a failure of the image nor an attempt, or to go on later.

        Past the deadline a failure is recorded instead, if that is possible.
        """
        retry = plan_retry(delivery.message, error, max_retry_age=self._max_retry_age, now=self._now())
        sentence = str(error) or type(error).__name__
        if isinstance(error, ConfigurationError):
            # An alert looks for the codes of models that are retired (infra/monitoring/queries.py).
            sentence = f"{error.code}: {sentence}"
        if retry.expired:
            with contextlib.suppress(*_REQUEUED):
                expired = f"{sentence}, until the deadline {retry.deadline.isoformat()}"
                return await self._record_failure(delivery, "DeadlineExceeded", expired)
        return await requeue(delivery, retry, sentence, queue=self._queue, time_limit=self._time_limit)

    async def _record_failure(self, delivery: Delivery, code: str, sentence: str) -> Outcome:
        """Record that the image could not be classified, and send the message to the poison queue.

        Past the retry deadline the message is not sent to the poison queue.

        Raises:
            RetryLaterError: the blob has a newer version, which was not processed yet.
        """
        async with self._time_limit(timeouts.FAILURE_RECORDING_SECONDS):
            message = delivery.message
            event = message.event
            started = self._now()
            etag = await self._images.get_etag(event.name)
            if etag is None and await self._record_writer.remove(event):
                return Outcome.for_event(event, OutcomeStatus.REMOVED, "the blob does not exist")
            if etag is None or delivery.etag not in {None, etag}:
                raise RetryLaterError("the blob has a newer version, which was not processed yet")
            record = create_record(
                message,
                attempt=delivery.attempt,
                status=RecordStatus.FAILED,
                blob=describe_unread_blob(event, etag),
                started=started,
                finished=self._now(),
                reason=Reason(code=code, sentence=sentence[:500], measured=None, limit=None),
            )
            metrics.put("queuedMs", record.timings.queued_ms)
            stored = await self._record_writer.write(record, event.name)
            if stored is None:
                raise RetryLaterError("the blob has a newer version, which was not processed yet")
            # After the record: a worker that ends in between repeats both. A classified image is no reason for a poison
            # message, unless the copy that its record names may be missing: a redrive creates it.
            incomplete = stored.status is RecordStatus.FAILED or stored.copy_path is not None
            if code != "DeadlineExceeded" and incomplete:
                await self._poison_queue.send(create_poison_message(delivery.text, code, sentence, started))
            return await self._publish(message, stored)

    async def _publish(self, message: Message, record: ImageRecord) -> Outcome:
        """Publish the result, as the last step. Duplicates publish it again, in case a worker ended before this."""
        if self._result_publisher is not None:
            await self._result_publisher.publish(record)
        return Outcome.for_event(message.event, OutcomeStatus(record.status), record.detail)
