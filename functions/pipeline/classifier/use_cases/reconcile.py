"""Reconcile: enqueue blobs without a final record, whatever happened to their events.

Each round lists the whole container by name, page by page. The watermark is stored after every page, so that a round
continues where the last run ended. Every round lists every blob, and looks up its record until a round has found it.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from common.domain.errors import ConcurrencyError, RetryLaterError
from common.domain.record_id import record_id
from msgspec.structs import replace

from classifier.domain.errors import EventError
from classifier.domain.events import Message, create_blob_found_event, create_poison_message
from classifier.domain.models import BlobInfo
from classifier.domain.ports import Analyzer, ImageStore, RecordRepository
from classifier.domain.queue_ports import MeasuredQueue, Queue
from classifier.domain.reconcile_ports import CheckpointStore, DeadLetterStore
from classifier.domain.retries import MAX_CONFLICTS
from classifier.domain.watermark import Watermark

# A new round starts only if the queue is no longer than this: a blob whose message is waiting is not missed.
_MAX_MESSAGES_TO_START = 1_000
# A run stops enqueueing at this length of the queue.
_MAX_MESSAGES = 100_000
_CONCURRENT_LOOKUPS = 32


@dataclass(kw_only=True)
class Report:
    """What one run did."""

    dead_letters: int = 0
    listed: int = 0
    enqueued: int = 0
    finished: bool = False
    ended_because: str = ""


class Reconciler:
    """Runs rounds over the images container. Blobs younger than `grace` are left to their events, or to a later run."""

    def __init__(
        self,
        *,
        images: ImageStore,
        records: RecordRepository,
        analyzer: Analyzer,
        dead_letters: DeadLetterStore,
        queue: MeasuredQueue,
        poison_queue: Queue,
        checkpoints: CheckpointStore,
        grace: timedelta,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._images = images
        self._records = records
        self._analyzer = analyzer
        self._dead_letters = dead_letters
        self._queue = queue
        self._poison_queue = poison_queue
        self._checkpoints = checkpoints
        self._grace = grace
        self._now = now

    async def run(self, deadline: datetime) -> Report:
        """Requeue the dead letters, then continue the round until it is finished, the queue is full, or `deadline`."""
        report = Report()
        await self._requeue_dead_letters(report, deadline)
        try:
            await self._continue_round(report, deadline)
        except ConcurrencyError:
            # A backfill was requested meanwhile, or another instance runs as well: the next run continues from theirs.
            report.ended_because = "another round has begun"
        return report

    async def _continue_round(self, report: Report, deadline: datetime) -> None:
        checkpoint = await self._checkpoints.load()
        mark = checkpoint.value if checkpoint is not None else Watermark()
        mark = mark.in_region(self._checkpoints.write_region)
        if mark.cutoff is None:
            if await self._queue.length() > _MAX_MESSAGES_TO_START:
                report.ended_because = "a backlog is being worked on"
                return
            mark = replace(mark, cutoff=(self._now() - self._grace).replace(microsecond=0).isoformat())
        async for blobs, marker in self._images.list_pages(mark.marker):
            missed = await self._enqueue_missed(blobs, mark)
            report.listed += len(blobs)
            report.enqueued += len(missed)
            mark = replace(mark.after_page(missed), marker=marker)
            if marker is None:
                break
            checkpoint = await self._checkpoints.store(mark, checkpoint)
            if self._now() >= deadline:
                report.ended_because = "time is up"
                return
            if await self._queue.length() > _MAX_MESSAGES:
                report.ended_because = "the queue is full"
                return
        await self._checkpoints.store(mark.after_round(), checkpoint)
        report.finished = True
        report.ended_because = "the round is finished"

    async def start_backfill(self) -> None:
        """Make the next runs a round over all blobs whose record was not made by the current analyzer.

        Raises:
            RetryLaterError: the checkpoint keeps changing.
        """
        for _ in range(MAX_CONFLICTS):
            with contextlib.suppress(ConcurrencyError):
                checkpoint = await self._checkpoints.load()
                mark = checkpoint.value if checkpoint is not None else Watermark()
                mark = replace(mark, marker=None, cutoff=self._now().isoformat(), backfill=True)
                await self._checkpoints.store(mark, checkpoint)
                return
        raise RetryLaterError("the checkpoint of reconcile keeps changing")

    async def _enqueue_missed(self, blobs: list[BlobInfo], mark: Watermark) -> list[BlobInfo]:
        """Enqueue the blobs of a page that have no final record, and return them.

        The records are looked up in batches; after an error no lookup is left running.
        """
        missed: list[BlobInfo] = []
        fingerprint = self._analyzer.fingerprint if mark.backfill else None

        async def check(blob: BlobInfo) -> None:
            stored = await self._records.get(record_id(self._images.container, blob.name, self._images.stamp))
            record = stored.value if stored is not None else None
            if record is None or not record.is_current(blob.etag, fingerprint):
                await self._queue.send(
                    create_blob_found_event(
                        self._images.host,
                        self._images.container,
                        blob.name,
                        f"reconcile-{blob.etag}",
                        self._now(),
                    )
                )
                missed.append(blob)

        for batch in itertools.batched(filter(mark.includes, blobs), _CONCURRENT_LOOKUPS, strict=False):
            try:
                async with asyncio.TaskGroup() as group:
                    for blob in batch:
                        group.create_task(check(blob))
            except ExceptionGroup as errors:
                raise errors.exceptions[0] from errors
        return missed

    async def _requeue_dead_letters(self, report: Report, deadline: datetime) -> None:
        async for name in self._dead_letters.names():
            if self._now() >= deadline:
                return
            content = await self._dead_letters.read(name)
            for text in _split_events(content):
                try:
                    await self._queue.send(Message.parse(text).event_json)
                except EventError as error:
                    sentence = f"dead letter {name}: {error}"
                    await self._poison_queue.send(create_poison_message(text, "BadEvent", sentence, self._now()))
            await self._dead_letters.delete(name)
            report.dead_letters += 1


def _split_events(content: bytes) -> list[str]:
    """Return each event of a dead letter. Content that is no JSON list is returned whole, to be rejected."""
    if not content:
        return []
    try:
        events = msgspec.json.decode(content, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return [content.decode(errors="replace")]
    return [bytes(event).decode(errors="replace") for event in events]
