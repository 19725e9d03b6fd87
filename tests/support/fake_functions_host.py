"""A fake Functions host whose workers are advanced call by call, with injected faults."""

import json
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

from classifier.domain.errors import ThrottledError
from classifier.domain.events import Message
from classifier.domain.models import AnalysisLease, LongRunningOperation
from classifier.domain.outcomes import Outcome
from common.domain.errors import RetryLaterError
from common.domain.models import Analysis

from tests.support.in_memory_operations import InMemoryOperations, OperationState
from tests.support.in_memory_services import InMemoryCaption, InMemoryQueue, InMemoryServices

CONTENTS = (b"cat", b"dog", b"fox", b"hen", b"text")
MAX_DEQUEUE = 4
MAX_OPERATIONS = 3
FAULTS = ("crash before", "crash after", "fault", "lost answer", "throttled", "stale")
# The operations of each service.
OPERATIONS = {
    "blobs": {"read", "properties", "etag", "save_copy", "delete_copy"},
    "cosmos": {"get", "put", "delete", "exists", "cached", "get_or_lease", "store_operation", "store", "release"},
    "vision": {"analyze", "start", "poll"},
    "topic": {"publish"},
    "queue": {"send"},
}


class WorkerCrashError(BaseException):
    """The process of the worker ended."""


class _Pause:
    """An await at which a worker stops until it is advanced."""

    def __await__(self) -> Generator[str, str, str]:
        return (yield "paused")


@dataclass(eq=False)
class QueuedMessage:
    """A message in the queue.

    Attributes:
        text: the text of the message.
        visible: when it becomes visible.
        count: its dequeue count.
        unfinished: its deliveries, and those before it was requeued, that ended without an outcome.
    """

    text: str
    visible: Any
    count: int = 0
    unfinished: int = 0


@dataclass(eq=False)
class Worker:
    """A worker that is processing a delivery.

    Attributes:
        sent: the delivered message.
        run: the invocation.
        dead: whether the process ended.
        paid: the call and the content of a result that is charged and not stored yet.
        lease: the ETag of its last lease.
        starts_over: whether earlier operations for the analysis of its last lease were given up.
        copying: whether its record may name a copy.
        stranded: whether it could not write to a queue.
        fault: the fault to inject at its next call.
    """

    sent: QueuedMessage
    run: Coroutine[Any, Any, Outcome]
    dead: bool = False
    paid: tuple[str, bytes] | None = None
    lease: str | None = None
    starts_over: bool = False
    copying: bool = False
    stranded: bool = False
    fault: str = "go"


class FakeFunctionsHost:
    """A queue, and workers that process its messages with the in-memory services.

    Attributes:
        lost_results: results that were charged and lost because of a fault, by call and content.
        starts: operations that were started since the call and content were last begun anew.
        unstored_starts: operations that no lease has, because of a fault, by call and content.
        leftover_copies: the largest number of copies that faults may have left behind.
        poison: the texts of the poison queue.
        unavailable: services that answer no call. From an unavailable queue the host receives nothing either.
    """

    def __init__(self, *, long_running: bool = False) -> None:
        self.services = InMemoryServices()
        self.services.calls = (self.services, InMemoryCaption(self.services))
        self.operations = InMemoryOperations(self.services) if long_running else None
        self.services.step = self.step
        self.queue: list[QueuedMessage] = []
        self.workers: list[Worker] = []
        self.current: Worker | None = None
        self.lost_results: Counter[tuple[str, bytes]] = Counter()
        self.starts: Counter[tuple[str, bytes]] = Counter()
        self.unstored_starts: Counter[tuple[str, bytes]] = Counter()
        self.leftover_copies = 0
        self.unavailable: set[str] = set()
        self._paid_under: set[str | None] = set()
        self.poison: list[str] = []
        self._pipeline = self.services.pipeline(
            queue=InMemoryQueue(self.step, self.enqueue),
            poison_queue=InMemoryQueue(self.step, self._to_poison),
            max_retry_age=timedelta(days=1000),
            last_attempt=MAX_DEQUEUE - 1,
        )

    def enqueue(self, sent: tuple[str, float]) -> None:
        unfinished = self.current.sent.unfinished if self.current else 0
        self.queue.append(QueuedMessage(sent[0], self.services.now + timedelta(seconds=sent[1]), unfinished=unfinished))

    def _to_poison(self, sent: tuple[str, float]) -> None:
        """Receive a poison message of the pipeline; all messages and images of this test are valid."""
        assert self.current is not None
        if json.loads(sent[0])["poison"]["code"] == "OperationLimit":
            assert self.operations is not None
            assert max(self.lost_results.values()) >= MAX_OPERATIONS, "given up too early"
        else:
            assert self.current.sent.unfinished >= MAX_DEQUEUE - 1, "a good message is poison"
        self.poison.append(sent[0])

    async def step(self, operation: str, effect: Callable[[], Any]) -> Any:
        """Run a call of the current worker, with the fault that is to be injected."""
        worker = self.current
        if worker is None:
            return effect()
        if worker.dead:
            raise WorkerCrashError
        await _Pause()
        fault, worker.fault = worker.fault, "go"
        if fault == "crash before":
            self._die(worker)
        if fault == "fault" or any(operation in OPERATIONS[service] for service in self.unavailable):
            self._lose(worker)
            self._fail(worker, operation)
        if fault == "throttled" and operation in {"analyze", "start", "poll"}:
            raise ThrottledError("throttled", retry_after_seconds=10)
        self.services.replica_lags = fault == "stale"
        if operation == "release":
            effect = self._count_lost_results(effect)
        try:
            result = effect()
        finally:
            self.services.replica_lags = False
        if operation == "get_or_lease" and isinstance(result, AnalysisLease) and result.operation is None:
            worker.lease = result.etag
            worker.starts_over = result.started_operations == MAX_OPERATIONS
        worker.copying |= operation in {"put", "save_copy"}
        if operation in {"analyze", "start"}:
            assert worker.lease not in self._paid_under, "paid for twice under one lease"
            self._paid_under.add(worker.lease)
            worker.paid = self._charged_call(result)
        if operation == "start":
            self._count_start(worker)
        is_stored = operation in {"store", "store_operation"}
        if fault == "crash after":
            self._die(worker, unless=is_stored)
        if fault == "lost answer":
            self._lose(worker, unless=is_stored)
            self._fail(worker, operation)
        if is_stored:
            worker.paid = None
        return result

    def _count_lost_results(self, effect: Callable[[], Any]) -> Callable[[], Any]:
        """Return the effect of a release, which counts a good operation that is given up with one of another call."""

        def count() -> None:
            items = self.services.analyses
            operations = {key: item["operation"].id for key, item in items.items() if "operation" in item}
            effect()
            for key, operation_id in operations.items():
                if "operation" in items.get(key, {}):
                    continue
                assert self.operations is not None
                started = self.operations.operations[operation_id]
                if started.state == "good":
                    assert items[key]["started"] == MAX_OPERATIONS, "a good operation was given up"
                    self.lost_results[started.call, started.content] += 1

        return count

    def _count_start(self, worker: Worker) -> None:
        """Count an operation that was started. Only a message that has not waited for earlier ones may start over."""
        assert self.operations is not None
        assert worker.paid is not None
        if self.operations.new_state != "good":
            self.lost_results[worker.paid] += 1
        if worker.starts_over:
            message = Message.parse(worker.sent.text)
            blob = self.services.blobs.get(message.event.name)
            assert message.resume is None or blob is None or message.resume.etag != blob.etag, "no end of operations"
            self.starts[worker.paid] = 0
        self.starts[worker.paid] += 1
        assert self.starts[worker.paid] <= MAX_OPERATIONS + self.unstored_starts[worker.paid], "too many operations"

    def _charged_call(self, result: Any) -> tuple[str, bytes]:
        """Return which call has made a result or started an operation, and the content that it is about."""
        if isinstance(result, tuple):
            assert self.operations is not None
            operation: LongRunningOperation = result[0]
            started = self.operations.operations[operation.id]
            return started.call, started.content
        assert isinstance(result, Analysis)
        if result.findings.caption:
            return "caption", result.findings.caption.text.encode()
        assert result.findings.tags
        return "tags", result.findings.tags[0].name.encode()

    def spoil_operation(self, choice: int, state: OperationState) -> None:
        """Spoil one of the operations that a lease has: it is lost, stuck for ever, or fails."""
        assert self.operations is not None
        operations = self.operations.operations
        leases = [item["operation"].id for item in self.services.analyses.values() if "operation" in item]
        candidates = [id_ for id_ in leases if id_ in operations and operations[id_].state == "good"]
        if candidates:
            operation_id = candidates[choice % len(candidates)]
            started = operations[operation_id]
            self.lost_results[started.call, started.content] += 1
            started.state = state

    @staticmethod
    def _fail(worker: Worker, operation: str) -> NoReturn:
        worker.stranded = operation == "send"
        raise RetryLaterError(operation)

    def _die(self, worker: Worker, *, unless: bool = False) -> None:
        self._lose(worker, unless=unless)
        worker.dead = True
        worker.sent.unfinished += 1
        raise WorkerCrashError

    def _lose(self, worker: Worker, *, unless: bool = False) -> None:
        """Count what a fault loses: a result that was charged, a copy that is not saved or checked yet."""
        if worker.paid is not None and not unless:
            self.lost_results[worker.paid] += 1
            self.unstored_starts[worker.paid] += 1
        worker.paid = None
        self.leftover_copies += worker.copying

    def advance(self, worker: Worker) -> None:
        self.current = worker
        try:
            worker.run.send(None)
        except StopIteration:
            self._end(worker, delete=True)
        except WorkerCrashError:
            self._end(worker, delete=False)
        except Exception:  # noqa: BLE001 (whatever it is, the host sees a failure)
            assert worker.stranded, "a transient error is the host's to repeat only when a queue did not answer"
            self._end(worker, delete=self._is_poison(worker.sent))
        finally:
            self.current = None

    def _is_poison(self, sent: QueuedMessage) -> bool:
        """Return whether the host moves a message to the poison queue after an invocation that raised an error.

        Not while the queues are unavailable: the message becomes visible again when its lease expires.
        """
        sent.unfinished += 1
        if sent.count < MAX_DEQUEUE or "queue" in self.unavailable:
            return False
        assert sent.unfinished >= MAX_DEQUEUE, "a good message is poison"
        self.poison.append(sent.text)
        return True

    def _end(self, worker: Worker, *, delete: bool) -> None:
        self.workers.remove(worker)
        if delete and worker.sent in self.queue:
            self.queue.remove(worker.sent)

    def deliver(self, sent: QueuedMessage) -> None:
        if "queue" in self.unavailable:
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
        """Continue without faults until no worker is running and the queue is empty."""
        self.unavailable.clear()
        if self.operations is not None:
            self.operations.new_state = "good"
        assert self.work(100_000), "the queue never empties"

    def work(self, steps: int) -> bool:
        """Deliver the messages in their order, one after the other; return whether the queue is empty at the end."""
        for _ in range(steps):
            if self.workers:
                self.advance(self.workers[0])
            elif self.queue:
                self.services.now = max(self.services.now, self.queue[0].visible)
                self.deliver(self.queue[0])
            else:
                return True
        return False
