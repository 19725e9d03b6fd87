"""Reconciling: blobs without a final record are enqueued, whatever became of their events.

Rounds go through the whole container by name, page by page. A watermark is kept after every page, so that a round goes
on where the last run ended. A blob is listed in every round, and looked up until a round has found its record.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast

from classifier.domain import events
from classifier.domain.errors import ConcurrencyError, EventError
from classifier.domain.events import Message, record_id
from classifier.domain.ports import Analyzer, Images, Listed, Queue, Records
from classifier.domain.record import is_current
from classifier.domain.watermark import Watermark

# A new round begins when no more messages than this are waiting: a blob whose message waits is not missed.
_IDLE_MESSAGES = 1_000
# A run puts no more into the queue when there are as many.
_FULL_MESSAGES = 100_000
_AT_ONCE = 32


@dataclass(kw_only=True)
class Report:
    """What a run did."""

    dead_letters: int = 0
    listed: int = 0
    enqueued: int = 0
    finished: bool = False
    ended_because: str = ""


@dataclass(frozen=True)
class Kept:
    """A value that is kept between runs, in the version that has this ETag."""

    value: dict[str, Any]
    etag: str


class Memory(Protocol):
    """Where the watermark is kept between runs."""

    async def load(self) -> Kept | None:
        """What was kept, or None."""
        ...

    async def store(self, value: dict[str, Any], replacing: Kept | None) -> Kept:
        """Keeps `value` in the place of exactly `replacing` (None: there is none yet). Raises ConcurrencyError."""
        ...


class Letters(Protocol):
    """The dead letters: what Event Grid could not deliver, each a JSON list of events."""

    def names(self) -> AsyncIterator[str]:
        """The names of all."""
        ...

    async def read(self, name: str) -> bytes:
        """One's content; empty when it is gone."""
        ...

    async def delete(self, name: str) -> None:
        """Removes one that was dealt with."""
        ...


class Counted(Queue, Protocol):
    """A queue that tells how full it is."""

    async def length(self) -> int:
        """How many messages there are; never too few."""
        ...


class Reconcile:
    """One run after another; blobs younger than `grace` are left to their events, or to the next run."""

    def __init__(
        self,
        *,
        images: Images,
        records: Records,
        analyzer: Analyzer,
        letters: Letters,
        queue: Counted,
        poison: Queue,
        memory: Memory,
        grace: timedelta,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._images = images
        self._records = records
        self._analyzer = analyzer
        self._letters = letters
        self._queue = queue
        self._poison = poison
        self._memory = memory
        self._grace = grace
        self._now = now

    async def run(self, until: datetime) -> Report:
        """Dead letters first, then pages of the round until it is finished, the queue is full, or time is up."""
        report = Report()
        await self._resend(report, until)
        try:
            await self._round(report, until)
        except ConcurrencyError:
            # By a backfill that was asked for meanwhile, or another instance: the next run goes on with theirs.
            report.ended_because = "another round has begun"
        return report

    async def _round(self, report: Report, until: datetime) -> None:
        kept = await self._memory.load()
        mark = Watermark.load(kept.value if kept else {})
        if mark.cutoff is None:
            if await self._queue.length() > _IDLE_MESSAGES:
                report.ended_because = "a backlog is being worked on"
                return
            mark = replace(mark, cutoff=(self._now() - self._grace).replace(microsecond=0).isoformat())
        async for listed, marker in self._images.pages(mark.marker):
            missed = await self._enqueue_missed(listed, mark)
            report.listed += len(listed)
            report.enqueued += len(missed)
            mark = replace(mark.note(missed), marker=marker)
            if marker is None:
                break
            kept = await self._memory.store(asdict(mark), kept)
            if self._now() >= until:
                report.ended_because = "time is up"
                return
            if await self._queue.length() > _FULL_MESSAGES:
                report.ended_because = "the queue is full"
                return
        await self._memory.store(asdict(mark.finish()), kept)
        report.finished, report.ended_because = True, "the round is finished"

    async def backfill(self) -> None:
        """Makes the coming runs a round over all blobs whose record was not made by the present analyser."""
        while True:
            with contextlib.suppress(ConcurrencyError):
                kept = await self._memory.load()
                mark = Watermark.load(kept.value if kept else {})
                mark = replace(mark, marker=None, cutoff=self._now().isoformat(), backfill=True)
                await self._memory.store(asdict(mark), kept)
                return

    async def _enqueue_missed(self, listed: list[Listed], mark: Watermark) -> list[Listed]:
        """Those of the page that had no final record; some at a time, and none is left under way by an error."""
        missed: list[Listed] = []

        async def check(blob: Listed) -> None:
            found = await self._records.get(record_id(self._images.container, blob.name))
            identity = self._analyzer.identity if mark.backfill else None
            if found is None or not is_current(found, blob.etag, identity):
                event_id = f"reconcile-{blob.etag}"
                text = events.found(self._images.host, self._images.container, blob.name, event_id, self._now())
                await self._queue.send(text)
                missed.append(blob)

        for batch in itertools.batched(filter(mark.looks_up, listed), _AT_ONCE, strict=False):
            try:
                async with asyncio.TaskGroup() as group:
                    for blob in batch:
                        group.create_task(check(blob))
            except ExceptionGroup as errors:
                raise errors.exceptions[0] from errors
        return missed

    async def _resend(self, report: Report, until: datetime) -> None:
        async for name in self._letters.names():
            if self._now() >= until:
                return
            content = await self._letters.read(name)
            for text in _events_of(content):
                try:
                    event = Message.parse(text).event
                    await self._queue.send(json.dumps(event))
                except EventError as error:
                    await self._poison.send(
                        events.poison(text, "BadEvent", f"dead letter {name}: {error}", self._now())
                    )
            await self._letters.delete(name)
            report.dead_letters += 1


def _events_of(content: bytes) -> list[str]:
    """Each event of a dead letter; what is no list is handed on as it is, to be refused by name."""
    if not content:
        return []
    try:
        value: object = json.loads(content)
    except ValueError:
        return [content.decode(errors="replace")]
    return [json.dumps(item) for item in (cast("list[object]", value) if isinstance(value, list) else [value])]
