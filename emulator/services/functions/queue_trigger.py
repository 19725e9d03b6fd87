"""The queue trigger, as in the WebJobs storage extension.

QueueListener.cs and QueueProcessor.cs in Azure/azure-sdk-for-net.
"""

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

from emulator.services.functions.configuration import QueueOptions

_log = logging.getLogger("host.queues")
# The visibility timeout of a message while it is processed, renewed after half of it. The
# visibilityTimeout of host.json is something else: it delays a retry.
LEASE_SECONDS = 600

# Runs the function with a message's body and metadata; returns an error, or None after a success.
Invoke = Callable[[str, dict[str, Any]], Awaitable[str | None]]


class QueueListener:
    """Calls `invoke` with every message of `queue`; moves messages that fail too often to `poison`."""

    def __init__(self, queue: QueueClient, poison: QueueClient, options: QueueOptions, invoke: Invoke) -> None:
        self._queue = queue
        self._poison = poison
        self._options = options
        self._invoke = invoke
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Receives messages until it is cancelled.

        As on Azure, a queue service that is unavailable is polled with the same back-off as an empty queue, and a
        message that cannot be deleted after its processing becomes visible again when its lease ends.
        """
        delay = 0.1
        while True:
            while len(self._tasks) > self._options.new_batch_threshold:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            count = await self._receive()
            if count:
                delay = 0.1
            else:
                await asyncio.sleep(delay)
                delay = min(self._options.max_polling_seconds, delay * random.uniform(1.8, 2.2))  # noqa: S311 (jitter)

    async def drain(self, seconds: float) -> None:
        """Wait for the messages that are being processed, at most `seconds`."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

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
                self._tasks.add(task)
                task.add_done_callback(self._on_end)
        except HttpResponseError as error:
            _log.error("receiving from %s: %s", self._queue.queue_name, error.message)
        return count

    def _on_end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a message becomes visible again when its lease ends: %s", error)

    async def _process(self, message: QueueMessage) -> None:
        attempt = message.dequeue_count or 1
        try:
            body = base64.b64decode(message.content, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            _log.error("message %s is not base64 text: %s", message.id, error)
            await self._move_to_poison_queue(message)
            return
        if attempt > self._options.max_dequeue_count:
            await self._move_to_poison_queue(message)
            return
        renewal = asyncio.create_task(self._renew(message))
        try:
            failure = await self._invoke(body, _metadata(message))
        finally:
            renewal.cancel()
        if failure is None:
            await self._ignore_lost_lease(self._queue.delete_message(message))
        elif attempt >= self._options.max_dequeue_count:
            _log.error("message %s is poison after %d attempts: %s", message.id, attempt, failure)
            await self._move_to_poison_queue(message)
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
            _log.warning("message %s becomes visible again only when its lease ends: %s", message.id, error.message)

    async def _move_to_poison_queue(self, message: QueueMessage) -> None:
        await self._poison.send_message(message.content, time_to_live=-1)
        await self._ignore_lost_lease(self._queue.delete_message(message))

    @staticmethod
    async def _ignore_lost_lease(deletion: Awaitable[None]) -> None:
        """Awaits a deletion, and ignores that the lease was lost: another receiver has the message by then."""
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
