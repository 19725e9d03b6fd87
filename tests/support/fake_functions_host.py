"""The Functions host in slow motion: its workers are advanced call by call, and meet with accidents on the way."""

from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

from classifier.domain.errors import RetryLaterError, ThrottledError
from classifier.domain.models import Claim
from classifier.use_cases.classify import Outcome

from tests.support.in_memory_services import Queue, World

CONTENTS = (b"cat", b"dog", b"fox", b"hen", b"text")
MAX_DEQUEUE = 4
FATES = ("crash before", "crash after", "fault", "lost answer", "throttled", "stale")
# Which service answers each call.
SERVICES = {
    "blobs": {"read", "etag", "keep", "discard"},
    "cosmos": {"get", "put", "delete", "exists", "cached", "begin", "finish", "release"},
    "vision": {"analyze"},
    "topic": {"announce"},
    "queue": {"send"},
}


class Crashed(BaseException):
    """The worker's process is gone."""


class _Pause:
    """An await at which a worker stops until it is advanced."""

    def __await__(self) -> Generator[str, str, str]:
        return (yield "paused")


@dataclass(eq=False)
class Sent:
    """A message in the queue.

    `unfinished` counts its deliveries, and those of the messages before it, that ended without an outcome.
    """

    text: str
    visible: Any
    count: int = 0
    unfinished: int = 0


@dataclass(eq=False)
class Worker:
    """A delivery under way.

    `paid` is the content it had analysed and not yet stored, `lease` the last that it got; `copying` says that its
    record may name a copy by now, `stranded` that it could not write to a queue.
    """

    sent: Sent
    run: Coroutine[Any, Any, Outcome]
    dead: bool = False
    paid: bytes | None = None
    lease: str | None = None
    copying: bool = False
    stranded: bool = False
    fate: str = "go"


class Host:
    """A queue, and workers that handle its messages in a world.

    `excused` counts, by content, analyses that were paid for and lost; `strays` the copies that accidents may have
    left behind. `poison` is the poison queue. `down` are the services that have an outage: they answer no call, and
    from a queue that is down the host receives nothing either.
    """

    def __init__(self) -> None:
        self.world = World()
        self.world.step = self.step
        self.queue: list[Sent] = []
        self.workers: list[Worker] = []
        self.current: Worker | None = None
        self.excused: Counter[bytes] = Counter()
        self.strays = 0
        self.down: set[str] = set()
        self._paid_under: set[str | None] = set()
        self.poison: list[str] = []
        self._pipeline = self.world.pipeline(
            queue=Queue(self.step, self.enqueue), poison=Queue(self.step, self._to_poison),
            patience=timedelta(days=1000), last_attempt=MAX_DEQUEUE - 1,
        )  # fmt: skip

    def enqueue(self, sent: tuple[str, float]) -> None:
        unfinished = self.current.sent.unfinished if self.current else 0
        self.queue.append(Sent(sent[0], self.world.now + timedelta(seconds=sent[1]), unfinished=unfinished))

    def _to_poison(self, sent: tuple[str, float]) -> None:
        """Called by the pipeline; nothing is wrong with any message or image here."""
        assert self.current is not None
        assert self.current.sent.unfinished >= MAX_DEQUEUE - 1, "a good message is poison"
        self.poison.append(sent[0])

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
        if fate == "fault" or any(operation in SERVICES[service] for service in self.down):
            self._lose(worker)
            self._fail(worker, operation)
        if fate == "throttled" and operation == "analyze":
            raise ThrottledError("throttled", retry_after_seconds=10)
        self.world.lagging = fate == "stale"
        try:
            result = effect()
        finally:
            self.world.lagging = False
        if operation == "begin" and isinstance(result, Claim):
            worker.lease = result.etag
        worker.copying |= operation in {"put", "keep"}
        if operation == "analyze":
            assert worker.lease not in self._paid_under, "paid for twice under one lease"
            self._paid_under.add(worker.lease)
            worker.paid = next(c for c in CONTENTS if c.decode() == result.findings["tags"][0]["name"])
        if fate == "crash after":
            self._die(worker, unless=operation == "finish")
        if fate == "lost answer":
            self._lose(worker, unless=operation == "finish")
            self._fail(worker, operation)
        if operation == "finish":
            worker.paid = None
        return result

    @staticmethod
    def _fail(worker: Worker, operation: str) -> NoReturn:
        worker.stranded = operation == "send"
        raise RetryLaterError(operation)

    def _die(self, worker: Worker, *, unless: bool = False) -> None:
        self._lose(worker, unless=unless)
        worker.dead = True
        worker.sent.unfinished += 1
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
            assert worker.stranded, "a transient error is the host's to repeat only when a queue did not answer"
            self._end(worker, delete=self._is_poison(worker.sent))
        finally:
            self.current = None

    def _is_poison(self, sent: Sent) -> bool:
        """What the host does with a message whose run has failed, which could not requeue it.

        The host makes no poison while the queues do not answer: the message comes back when its lease ends.
        """
        sent.unfinished += 1
        if sent.count < MAX_DEQUEUE or "queue" in self.down:
            return False
        assert sent.unfinished >= MAX_DEQUEUE, "a good message is poison"
        self.poison.append(sent.text)
        return True

    def _end(self, worker: Worker, *, delete: bool) -> None:
        self.workers.remove(worker)
        if delete and worker.sent in self.queue:
            self.queue.remove(worker.sent)

    def deliver(self, sent: Sent) -> None:
        if "queue" in self.down:
            return
        sent.count += 1
        if sent.count > MAX_DEQUEUE:
            assert sent.unfinished >= MAX_DEQUEUE, "a good message is poison"
            self.poison.append(sent.text)
            self.queue.remove(sent)
            return
        worker = Worker(sent, self._pipeline.handle(sent.text, attempt=sent.count))
        self.workers.append(worker)
        self.advance(worker)

    def drain(self) -> None:
        """Goes on until nobody is at work and nothing waits."""
        self.down.clear()
        for _ in range(100_000):
            if self.workers:
                self.advance(self.workers[0])
            elif self.queue:
                self.world.now = max(self.world.now, self.queue[0].visible)
                self.deliver(self.queue[0])
            else:
                return
        raise AssertionError("the queue never empties")
