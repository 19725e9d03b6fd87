"""The queue trigger, by the rules of the WebJobs storage extension (QueueListener.cs, QueueProcessor.cs)."""

import asyncio
import base64
import binascii
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.services.functions.configuration import QueueOptions

_log = logging.getLogger("host.queues")
# The lease on a message while it is worked on; renewed at half-time. host.json's visibilityTimeout is another thing.
LEASE_SECONDS = 600

# Runs the function: (body, metadata) to an error, or None when all went well.
Invoke = Callable[[str, dict[str, Any]], Awaitable[str | None]]


class QueueListener:
    """Hands every message of `queue` to `invoke`; what fails too often goes to `poison`."""

    def __init__(self, queue: QueueClient, poison: QueueClient, options: QueueOptions, invoke: Invoke) -> None:
        self._queue = queue
        self._poison = poison
        self._options = options
        self._invoke = invoke
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listens for ever.

        As on Azure, a queue service with an outage is asked again with the same back-off as an empty queue, and a
        message that was being worked on, which cannot be deleted then, comes back when its lease ends.
        """
        delay = 0.1
        while True:
            while len(self._running) > self._options.new_batch_threshold:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            received = await self._receive()
            if received:
                delay = 0.1
            else:
                await asyncio.sleep(delay)
                delay = min(self._options.max_polling_seconds, delay * random.uniform(1.8, 2.2))  # noqa: S311 (jitter)

    async def drain(self, seconds: float) -> None:
        """Waits until nothing is being worked on, at most `seconds`."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    async def _receive(self) -> int:
        count = 0
        size = self._options.batch_size
        try:
            pages = self._queue.receive_messages(
                messages_per_page=size, max_messages=size, visibility_timeout=LEASE_SECONDS
            )
            async for message in pages:
                count += 1
                task = asyncio.create_task(self._process(message))
                self._running.add(task)
                task.add_done_callback(self._ended)
        except HttpResponseError as error:
            _log.error("receiving from %s: %s", self._queue.queue_name, error.message)
        return count

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a message comes back when its lease ends: %s", error)

    async def _process(self, message: QueueMessage) -> None:
        attempt = message.dequeue_count or 1
        try:
            body = base64.b64decode(message.content, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            _log.error("message %s is not base64 text: %s", message.id, error)
            await self._bury(message)
            return
        if attempt > self._options.max_dequeue_count:
            await self._bury(message)
            return
        renewing = asyncio.create_task(self._renew(message))
        try:
            failure = await self._invoke(body, _metadata(message))
        finally:
            renewing.cancel()
        if failure is None:
            await self._ignoring_loss(self._queue.delete_message(message))
        elif attempt >= self._options.max_dequeue_count:
            _log.error("message %s is poison after %d attempts: %s", message.id, attempt, failure)
            await self._bury(message)
        else:
            _log.warning("message %s failed at attempt %d: %s", message.id, attempt, failure)
            await self._release(message)

    async def _renew(self, message: QueueMessage) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 2)
            try:
                renewed = await self._queue.update_message(message, visibility_timeout=LEASE_SECONDS)
                message.pop_receipt = renewed.pop_receipt
            except HttpResponseError as error:
                _log.warning("the lease of message %s was not renewed: %s", message.id, error.message)

    async def _release(self, message: QueueMessage) -> None:
        seconds = int(self._options.retry_visibility_seconds)
        try:
            await self._queue.update_message(message, visibility_timeout=seconds)
        except HttpResponseError as error:
            _log.warning("message %s comes back only when its lease ends: %s", message.id, error.message)

    async def _bury(self, message: QueueMessage) -> None:
        await self._poison.send_message(message.content, time_to_live=-1)
        await self._ignoring_loss(self._queue.delete_message(message))

    @staticmethod
    async def _ignoring_loss(deletion: Awaitable[None]) -> None:
        """A message whose lease was lost belongs to somebody else by now."""
        try:
            await deletion
        except ResourceNotFoundError:
            return


def _metadata(message: QueueMessage) -> dict[str, Any]:
    times = {
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return {
        "Id": message.id,
        "DequeueCount": message.dequeue_count,
        "PopReceipt": message.pop_receipt,
        **{name: value.isoformat() for name, value in times.items() if value is not None},
    }
