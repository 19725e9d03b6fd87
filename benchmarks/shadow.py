"""A successor in the shadow, in virtual time, with the function code: what it changes for the images, and what is paid.

Images arrive one after another, and each message is processed by an instance that is free. Delays depend on image and
operation alone, so that the same image takes the same time in each run. The runs: without a shadow; with a successor
that fails at every call; with one that works; then the cut-over to it with a backfill, and the rollback.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from classifier.domain.events import create_blob_found_event
from classifier.domain.outcomes import Outcome
from common.domain.errors import RetryLaterError
from rich.console import Console
from rich.table import Table

from benchmarks.outages import VirtualTime
from benchmarks.percentiles import median, percentile_99
from tests.support.in_memory_services import HOST, NOW, InMemoryServices, message
from tests.support.in_memory_shadow import InMemoryShadow

_ARRIVAL_SECONDS = 0.25
_CALL_SECONDS = (0.5, 1.0)
_OTHER_SECONDS = (0.005, 0.05)
# What differs in a record that was made again for the same version of a blob: when and why it was made, and that its
# analysis was stored before.
TIME_FIELDS = ("attempts", "eventId", "processedAt", "sequencer", "timings")
_image: ContextVar[str] = ContextVar("image", default="")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run.

    Attributes:
        run: what it is.
        classified: images with a classified record.
        poison: messages in the poison queue of the images.
        median_ms: from event to record.
        p99_ms: the same, the slowest hundredth.
        sampled: images that were sent to the shadow.
        compared: comparisons.
        shadow_poison: messages in the poison queue of the shadow.
        paid_analyzer: calls of the first analyzer that were answered.
        paid_successor: calls of the successor that were answered.
        failed_successor: calls of the successor that failed.
    """

    run: str
    classified: int
    poison: int
    median_ms: float
    p99_ms: float
    sampled: int
    compared: int
    shadow_poison: int
    paid_analyzer: int
    paid_successor: int
    failed_successor: int


class Simulation:
    """The services of a stack, and its messages in virtual time.

    Attributes:
        services: the services of the images.
        shadow: the services of the shadow.
        outcomes: number of deliveries by outcome.
        latencies: milliseconds from event to record, by image.
        sampled: names of the images that were sent to the shadow.
    """

    def __init__(self, *, images: int, percent: float, seed: int) -> None:
        self.services = InMemoryServices()
        self.shadow = InMemoryShadow(self.services, percent=percent)
        self.outcomes: Counter[str] = Counter()
        self.latencies: dict[str, int] = {}
        self.sampled: set[str] = set()
        self._seed = seed
        self._names = [f"{number:05}.png" for number in range(images)]
        for name in self._names:
            self.services.upload(name, f"{seed} {name}".encode())

    async def _step(self, operation: str, effect: Callable[[], Any]) -> Any:
        """A call of a service, which takes the same time in each run."""
        generator = random.Random(f"{self._seed} {_image.get()} {operation}")  # noqa: S311 (a simulation)
        await asyncio.sleep(generator.uniform(*(_CALL_SECONDS if operation == "analyze" else _OTHER_SECONDS)))
        return effect()

    def process(self, *, analyzer: Any = None, sampling: bool = False, backfill: bool = False) -> None:
        """Process every image once, and the messages of the shadow until none is left.

        Args:
            analyzer: the configured analyzer; None for the first one.
            sampling: whether there is a shadow.
            backfill: whether the messages are those of a backfill.
        """
        self.services.step = self.shadow.successor.step = self._step
        with asyncio.Runner(loop_factory=VirtualTime) as runner:
            runner.run(self._process(analyzer or self.services, sampling=sampling, backfill=backfill))

    async def _process(self, analyzer: Any, *, sampling: bool, backfill: bool) -> None:
        loop = asyncio.get_running_loop()
        start = NOW - timedelta(seconds=loop.time())

        def now() -> Any:
            # The services' own clock, which ends the leases.
            self.services.now = start + timedelta(seconds=loop.time())
            return self.services.now

        pipeline = self.services.pipeline(
            analyzer=analyzer,
            now=now,
            time_limit=asyncio.timeout,
            shadow_sampler=self.shadow.sampler if sampling else None,
        )

        async def receive(number: int, name: str) -> None:
            _image.set(name)
            await asyncio.sleep(number * _ARRIVAL_SECONDS)
            text = message(name, at=now())
            if backfill:
                text = create_blob_found_event(HOST, "images", name, f"backfill-{number}", now())
            outcome = await pipeline.handle(text, attempt=1)
            self.outcomes[outcome.status] += 1
            self.latencies[name] = json.loads(self.services.record_items[str(outcome.record_id)])["timings"]["totalMs"]

        await asyncio.gather(*(receive(number, name) for number, name in enumerate(self._names)))
        self.sampled |= {json.loads(text)["subject"].rpartition("/")[2] for text, _ in self.shadow.queued}
        await self._drain_shadow(self.shadow.use_case(now=now, time_limit=asyncio.timeout).handle)

    async def _drain_shadow(self, handle: Callable[..., Coroutine[Any, Any, Outcome]]) -> None:
        """Process the messages of the shadow by instances of its own, and those that are put back after their delay."""

        async def receive(text: str, delay: float) -> None:
            await asyncio.sleep(delay)
            await handle(text, attempt=1)

        while self.shadow.queued:
            messages = [*self.shadow.queued]
            self.shadow.queued[:] = []
            await asyncio.gather(*(receive(text, delay) for text, delay in messages))

    def row(self, run: str) -> Row:
        """What has become of the images so far."""
        latencies = [float(value) for value in self.latencies.values()]
        return Row(
            run=run,
            classified=sum(record["status"] == "classified" for record in self.services.records.values()),
            poison=len(self.services.poison_messages),
            median_ms=median(latencies),
            p99_ms=percentile_99(latencies),
            sampled=len(self.sampled),
            compared=len(self.shadow.comparisons.items),
            shadow_poison=len(self.shadow.poison),
            paid_analyzer=self.services.analysis_counts.total(),
            paid_successor=self.shadow.successor.paid,
            failed_successor=self.shadow.successor.calls_made - self.shadow.successor.paid,
        )


@dataclass(frozen=True, kw_only=True)
class Report:
    """The runs, and what has to hold between them.

    Attributes:
        rows: the runs; their figures add up from the working shadow on.
        unchanged: whether outcomes, times and poison of the images are the same with a shadow that fails completely.
        same_sample: whether the failing and the working shadow got the same images.
        cut_over_paid: calls that the cut-over has paid for images that were in the shadow.
        rollback_paid: calls that the rollback has paid.
        rollback_restored: whether the rollback has restored every record, but for what states when it was made.
    """

    rows: tuple[Row, ...]
    unchanged: bool
    same_sample: bool
    cut_over_paid: int
    rollback_paid: int
    rollback_restored: bool

    @property
    def good(self) -> bool:
        """Whether the goals are met."""
        is_free = self.cut_over_paid == self.rollback_paid == 0
        return self.unchanged and self.same_sample and is_free and self.rollback_restored


def simulate(*, images: int, percent: float, seed: int) -> Report:
    """Run the images without a shadow, with a failing and with a working one, through cut-over and rollback."""
    usual = Simulation(images=images, percent=percent, seed=seed)
    usual.process()
    failing = Simulation(images=images, percent=percent, seed=seed)
    failing.shadow.successor.failure = RetryLaterError("the successor is down")
    failing.process(sampling=True)
    working = Simulation(images=images, percent=percent, seed=seed)
    working.process(sampling=True)
    rows = [usual.row("no shadow"), failing.row("successor fails"), working.row("successor works")]
    records = _comparable(working.services.records)
    shadowed_paid = working.shadow.successor.paid
    working.process(analyzer=working.shadow.successor, backfill=True)
    rows.append(working.row("cut-over, backfill"))
    cut_over_paid = working.shadow.successor.paid - shadowed_paid - (images - len(working.sampled))
    paid = working.services.analysis_counts.total() + working.shadow.successor.paid
    working.process(backfill=True)
    rows.append(working.row("rollback, backfill"))
    return Report(
        rows=tuple(rows),
        unchanged=(usual.outcomes, usual.latencies, usual.services.poison_messages)
        == (failing.outcomes, failing.latencies, failing.services.poison_messages),
        same_sample=failing.sampled == working.sampled,
        cut_over_paid=cut_over_paid,
        rollback_paid=working.services.analysis_counts.total() + working.shadow.successor.paid - paid,
        rollback_restored=_comparable(working.services.records) == records,
    )


def _comparable(records: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The records without what states when and why they were made."""
    comparable: dict[str, dict[str, Any]] = {}
    for record_id, record in records.items():
        fields = {name: value for name, value in record.items() if name not in (*TIME_FIELDS, "_etag")}
        fields["analyzer"] = {name: value for name, value in fields["analyzer"].items() if name != "cached"}
        comparable[record_id] = fields
    return comparable


def main() -> int:
    """Print a row for each run, and what holds between them; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--percent", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    report = simulate(images=arguments.images, percent=arguments.percent, seed=arguments.seed)
    if arguments.format == "json":
        print(json.dumps(asdict(report)))
        return 0 if report.good else 1
    table = Table(title=f"{arguments.images} images, {arguments.percent:g} % in the shadow")
    for name in asdict(report.rows[0]):
        table.add_column(name.replace("_", " "), justify="right")
    for row in report.rows:
        table.add_row(*(value if isinstance(value, str) else f"{value:,}" for value in asdict(row).values()))
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    print(f"outcomes, times and poison of the images are the same with a successor that fails: {report.unchanged}")
    print(f"both shadows got the same images: {report.same_sample}")
    print(f"calls paid by the cut-over for images of the shadow: {report.cut_over_paid}; goal: 0")
    print(f"calls paid by the rollback: {report.rollback_paid}; goal: 0")
    print(f"records restored by the rollback: {report.rollback_restored}")
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
