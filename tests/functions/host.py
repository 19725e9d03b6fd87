"""The Functions host in slow motion: its workers are advanced call by call, and meet with accidents on the way."""

from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from classifier.pipeline import Outcome
from classifier.ports import Later

from tests.functions.world import Queue, World

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
    run: Coroutine[Any, Any, Outcome]
    dead: bool = False
    paid: bytes | None = None
    copying: bool = False
    fate: str = "go"


class Host:
    """A queue, and workers that handle its messages in a world.

    `excused` counts, by content, analyses that were paid for and lost; `strays` the copies that accidents may have
    left behind. `poison` is the poison queue.
    """

    def __init__(self) -> None:
        self.world = World()
        self.world.step = self.step
        self.queue: list[Sent] = []
        self.workers: list[Worker] = []
        self.current: Worker | None = None
        self.excused: Counter[bytes] = Counter()
        self.strays = 0
        self.poison: list[str] = []
        self._pipeline = self.world.pipeline(
            queue=Queue(self.step, self.enqueue), poison=Queue(self.step, lambda sent: self.poison.append(sent[0])),
            patience=timedelta(days=1000), last_attempt=MAX_DEQUEUE - 1,
        )  # fmt: skip

    def enqueue(self, sent: tuple[str, float]) -> None:
        self.queue.append(Sent(sent[0], self.world.now + timedelta(seconds=sent[1])))

    async def step(self, operation: str, effect: Callable[[], Any]) -> Any:
        """A port's call by the worker that is being advanced: with its effect, without it, or with no answer."""
        worker = self.current
        if worker is None:
            return effect()
        if worker.dead:
            raise Crashed
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

    def advance(self, worker: Worker) -> None:
        self.current = worker
        try:
            worker.run.send(None)
        except StopIteration:
            self._end(worker, delete=True)
        except Crashed:
            self._end(worker, delete=False)
        except Exception:  # noqa: BLE001 (whatever it is, the host sees a failure)
            last = worker.sent.count >= MAX_DEQUEUE
            if last:
                self.poison.append(worker.sent.text)
            self._end(worker, delete=last)
        finally:
            self.current = None

    def _end(self, worker: Worker, *, delete: bool) -> None:
        self.workers.remove(worker)
        if delete and worker.sent in self.queue:
            self.queue.remove(worker.sent)

    def deliver(self, sent: Sent) -> None:
        sent.count += 1
        if sent.count > MAX_DEQUEUE:
            self.poison.append(sent.text)
            self.queue.remove(sent)
            return
        worker = Worker(sent, self._pipeline.handle(sent.text, attempt=sent.count))
        self.workers.append(worker)
        self.advance(worker)

    def drain(self) -> None:
        """Goes on until nobody is at work and nothing waits."""
        for _ in range(100_000):
            if self.workers:
                self.advance(self.workers[0])
            elif self.queue:
                self.world.now = max(self.world.now, self.queue[0].visible)
                self.deliver(self.queue[0])
            else:
                return
        raise AssertionError("the queue never empties")
