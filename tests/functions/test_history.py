"""Every history that the services allow: workers in any interleaving, crashing wherever they can, blobs changing.

A worker is advanced from one call of a port to the next, so histories that no test of threads would ever meet are
ordinary here. EXAMPLES multiplies how many are tried: `make histories` tries a hundred times as many.
"""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from classifier.events import record_id
from classifier.pipeline import Outcome
from classifier.ports import Later
from classifier.reconcile import Reconcile
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.functions.test_reconcile import Letters, Memory
from tests.functions.world import Queue, Records, World, message

NAMES = ("a.png", "b.png")
CONTENTS = (b"cat", b"dog", b"fox", b"hen", b"text")
MAX_DEQUEUE = 4
FATES = ("crash before", "crash after", "fault", "lost answer", "throttled")


class Crashed(BaseException):
    """The worker's process is gone."""


class Faulty(Exception):
    """A service did not answer, or answered with 500."""


class _Pause:
    """An await at which a worker stops until it is advanced."""

    def __await__(self) -> Generator[str, str, str]:
        return (yield "paused")


@dataclass(eq=False)
class Sent:
    """A message in the queue."""

    text: str
    visible: Any
    count: int = 0


@dataclass(eq=False)
class Worker:
    """A delivery under way.

    `paid` is the content it had analysed and not yet stored; `copying` says that its record may name a copy by now.
    """

    sent: Sent
    run: Coroutine[Any, Any, Outcome] | None = None
    dead: bool = False
    paid: bytes | None = None
    copying: bool = False
    fate: str = "go"
    operation: str = ""
    done: list[str] = field(default_factory=list)


class Histories(RuleBasedStateMachine):
    """Uploads, deletions, deliveries and accidents; at the end everything must have come right."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.step = self._step
        self.queue: list[Sent] = []
        self.workers: list[Worker] = []
        self.current: Worker | None = None
        self.excused: Counter[bytes] = Counter()
        self.strays = 0
        self.poison: list[str] = []
        self.pipeline = self.world.pipeline(
            queue=Queue(self._step, self._enqueue), poison=Queue(self._step, lambda sent: self.poison.append(sent[0])),
            patience=timedelta(days=1000), last_attempt=MAX_DEQUEUE - 1,
        )  # fmt: skip

    def _enqueue(self, sent: tuple[str, float]) -> None:
        self.queue.append(Sent(sent[0], self.world.now + timedelta(seconds=sent[1])))

    async def _step(self, operation: str, effect: Callable[[], Any]) -> Any:
        """A port's call by the worker that is being advanced: with its effect, without it, or with no answer."""
        worker = self.current
        if worker is None:
            return effect()
        if worker.dead:
            raise Crashed
        worker.operation = operation
        await _Pause()
        fate, worker.fate = worker.fate, "go"
        if fate == "crash before":
            self._die(worker)
        if fate == "fault":
            self._lose(worker)
            raise Faulty(operation)
        if fate == "throttled" and operation == "analyze":
            raise Later(10, "throttled")
        result = effect()
        worker.copying |= operation in {"put", "keep"}
        if operation == "analyze":
            worker.paid = next(c for c in CONTENTS if c.decode() == result.findings["tags"][0]["name"])
        if fate == "crash after":
            self._die(worker, unless=operation == "finish")
        if fate == "lost answer":
            self._lose(worker, unless=operation == "finish")
            raise Faulty(operation)
        if operation == "finish":
            worker.paid = None
        return result

    def _die(self, worker: Worker, *, unless: bool = False) -> None:
        self._lose(worker, unless=unless)
        worker.dead = True
        raise Crashed

    def _lose(self, worker: Worker, *, unless: bool = False) -> None:
        """What a worker had in hand is lost: an analysis that was paid for, a copy yet to be made or checked."""
        if worker.paid is not None and not unless:
            self.excused[worker.paid] += 1
        worker.paid = None
        self.strays += worker.copying

    def _advance(self, worker: Worker) -> None:
        self.current = worker
        assert worker.run is not None
        try:
            worker.run.send(None)
        except StopIteration as ended:
            worker.done.append(ended.value.status)
            self._end(worker, delete=True)
        except Crashed:
            self._end(worker, delete=False)
        except Exception:  # noqa: BLE001 (whatever it is, the host sees a failure)
            if worker.sent.count >= MAX_DEQUEUE:
                self.poison.append(worker.sent.text)
                self._end(worker, delete=True)
            else:
                self._end(worker, delete=False)
        finally:
            self.current = None

    def _end(self, worker: Worker, *, delete: bool) -> None:
        self.workers.remove(worker)
        if delete and worker.sent in self.queue:
            self.queue.remove(worker.sent)

    def _deliver(self, sent: Sent) -> None:
        sent.count += 1
        if sent.count > MAX_DEQUEUE:
            self.poison.append(sent.text)
            self.queue.remove(sent)
            return
        worker = Worker(sent)
        worker.run = self.pipeline.handle(sent.text, attempt=sent.count)
        self.workers.append(worker)
        self._advance(worker)

    @rule(name=st.sampled_from(NAMES), content=st.sampled_from(CONTENTS), told=st.integers(0, 9))
    def upload(self, name: str, content: bytes, told: int) -> None:
        """A blob appears, or is overwritten; one event in ten gets lost, and one comes twice."""
        self.world.upload(name, content)
        for _ in range({0: 0, 1: 2}.get(told, 1)):
            self._enqueue((message(name, at=self.world.now), 0))

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        if self.world.blobs.pop(name, None) is not None:
            self._enqueue((message(name, kind="BlobDeleted", at=self.world.now), 0))

    @rule(choice=st.integers(0, 99))
    def deliver(self, choice: int) -> None:
        """Any message, in any order; one that somebody is working on comes a second time, as a message of its own.

        The same message never has two workers: its lease outlives their budget (tests/infra/test_contracts.py).
        """
        ready = [sent for sent in self.queue if sent.visible <= self.world.now]
        if ready:
            sent = ready[choice % len(ready)]
            if any(worker.sent is sent for worker in self.workers):
                sent = Sent(sent.text, self.world.now)
                self.queue.append(sent)
            self._deliver(sent)

    @rule(choice=st.integers(0, 99), steps=st.integers(1, 12))
    def advance(self, choice: int, steps: int) -> None:
        for _ in range(steps):
            if self.workers:
                self._advance(self.workers[choice % len(self.workers)])

    @rule(choice=st.integers(0, 99), fate=st.sampled_from(FATES))
    def accident(self, choice: int, fate: str) -> None:
        if self.workers:
            worker = self.workers[choice % len(self.workers)]
            worker.fate = fate
            self._advance(worker)

    @rule(seconds=st.sampled_from([5, 60, 400]))
    def pass_time(self, seconds: int) -> None:
        """Whoever takes longer than the budget allows is ended (wiring.BUDGET_SECONDS), before claims run out."""
        self.world.now += timedelta(seconds=seconds)
        if seconds > 240:
            for worker in [*self.workers]:
                worker.fate = "crash before"
                self._advance(worker)

    @rule(seed=st.integers(0, 2**32 - 1), actions=st.integers(30, 120))
    def bustle(self, seed: int, actions: int) -> None:
        """Many of the above, as often as they happen beside each other: races need several at the right moment."""
        dice = random.Random(seed)
        for _ in range(actions):
            match dice.choices(range(6), weights=(8, 6, 20, 50, 14, 2))[0]:
                case 0:
                    self.upload(dice.choice(NAMES), dice.choice(CONTENTS), dice.randrange(10))
                case 1:
                    self.delete(dice.choice(NAMES))
                case 2:
                    self.deliver(dice.randrange(100))
                case 3:
                    self.advance(dice.randrange(100), dice.randint(1, 4))
                case 4:
                    self.accident(dice.randrange(100), dice.choice(FATES))
                case _:
                    self.pass_time(dice.choice([5, 60, 400]))

    def teardown(self) -> None:
        """No more accidents: every message is handled, what was missed is reconciled, what is poison redriven."""
        self._drain()
        for name, blob in self.world.blobs.items():
            record = self.world.records.get(record_id("images", name))
            if record is not None and record["status"] == "failed":
                assert any(name in text for text in self.poison), "a failure that nobody can redrive"
            if record is not None:
                # It may be missing, or old, only if its event got lost; never wrong.
                assert record["blob"]["etag"] <= blob.etag
        asyncio.run(self._reconcile())
        poison, self.poison = self.poison, []
        for text in poison:
            parsed = json.loads(text)
            self._enqueue((parsed["message"] if "poison" in parsed else text, 0))
        self._drain()
        self._check()

    def _drain(self) -> None:
        for _ in range(100_000):
            if self.workers:
                self._advance(self.workers[0])
            elif self.queue:
                self.world.now = max(self.world.now, self.queue[0].visible)
                self._deliver(self.queue[0])
            else:
                return
        raise AssertionError("the queue never empties")

    async def _reconcile(self) -> None:
        self.world.now += timedelta(hours=1)
        world = self.world
        reconcile = Reconcile(
            images=world, records=Records(world), analyzer=world, letters=Letters({}),
            queue=Queue(self._step, self._enqueue, self.queue), poison=Queue(self._step, self.poison.append),
            memory=Memory(), grace=timedelta(minutes=30), now=lambda: world.now,
        )  # fmt: skip
        await reconcile.run(world.now + timedelta(minutes=5))

    def _check(self) -> None:
        world = self.world
        assert self.poison == []
        assert set(world.records) == {record_id("images", name) for name in world.blobs}
        for name, blob in world.blobs.items():
            record = world.records[record_id("images", name)]
            assert record["blob"]["etag"] == blob.etag, "not the newest version"
            expected = "rejected" if blob.content == b"text" else "classified"
            assert record["status"] == expected
            assert (record["id"], blob.etag, expected) in world.announced
            if expected == "classified":
                assert blob.content is not None
                assert record["category"]["name"] == blob.content.decode()
                assert world.copies[record["copy"]] == blob.etag
        kept = {record["copy"] for record in world.records.values() if record["copy"]}
        assert len(set(world.copies) - kept) <= self.strays
        for content, calls in world.analyzed.items():
            assert calls <= 1 + self.excused[content], "paid for twice"


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=300 * int(os.environ.get("EXAMPLES", "1")),
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
