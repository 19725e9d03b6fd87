"""Shadow sampler: sends a sample of the classified images to the queue of the shadow."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from common.domain import metrics, timeouts
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import PipelineError, RetryLaterError
from common.domain.record import ImageRecord, RecordStatus

from classifier.domain.agreement import is_sampled
from classifier.domain.events import Message
from classifier.domain.queue_ports import Queue

_log = logging.getLogger("classifier")


class ShadowSampler:
    """Sends messages of sampled images once more, to the queue of the shadow. An error there costs a comparison only.

    Args:
        queue: the queue of the shadow.
        percent: the share of the images, by the hash of their content.
        breaker: stops the calls after consecutive failures, so that an outage delays three images and not every one.
        time_limit: limits the time of a block, in seconds.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        percent: float,
        breaker: CircuitBreaker,
        time_limit: Callable[[float], AbstractAsyncContextManager[object]],
    ) -> None:
        self._queue = queue
        self._percent = percent
        self._breaker = breaker
        self._time_limit = time_limit

    async def send(self, message: Message, record: ImageRecord) -> None:
        """Send the message of a record whose image belongs to the sample. Raises no error."""
        sha256 = record.blob.content_sha256
        if record.status is not RecordStatus.CLASSIFIED or sha256 is None or not is_sampled(sha256, self._percent):
            return
        try:
            self._breaker.check()
        except PipelineError:
            metrics.add("shadowUnsent")
            return
        self._breaker.reserve()
        try:
            async with self._time_limit(timeouts.SHADOW_SEND_SECONDS):
                await self._queue.send(message.event_json)
        except Exception as error:  # noqa: BLE001 (the image is classified, whatever is wrong with the queue)
            self._breaker.on_failure(RetryLaterError(f"the queue of the shadow: {error}"))
            _log.warning("an image was not sent to the shadow: %s: %s", type(error).__name__, error)
            metrics.add("shadowUnsent")
        else:
            self._breaker.on_success()
            metrics.add("shadowSent")
