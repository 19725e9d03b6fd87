"""Every history that the services allow: workers in any interleaving, crashing wherever they can, blobs changing.

A worker is advanced from one call of a port to the next, so histories that no test of threads would ever meet are
ordinary here. EXAMPLES multiplies how many are tried: `make stateful-test` tries a hundred times as many.
"""

import asyncio
import os
import random
from datetime import timedelta

from classifier.domain.events import parse_poison_message
from classifier.use_cases.reconcile import Reconciler
from common.domain.record_id import record_id
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.support.fake_functions_host import CONTENTS, FAULTS, OPERATIONS, FakeFunctionsHost, QueuedMessage
from tests.support.in_memory_operations import OperationState
from tests.support.in_memory_services import (
    InMemoryCheckpointStore,
    InMemoryDeadLetterStore,
    InMemoryQueue,
    InMemoryRecordRepository,
    message,
)

NAMES = ("a.png", "b.png")
SPOILED_STATES: tuple[OperationState, ...] = ("lost", "stuck", "failed")


class Histories(RuleBasedStateMachine):
    """Uploads, deletions, deliveries, outages and accidents; at the end everything must have come right."""

    long_running = False
    # How often `bustle` does what, and the pauses that it makes.
    weights = (8, 6, 20, 50, 14, 3, 0, 0, 2)
    pauses = (5, 60, 400)

    def __init__(self) -> None:
        super().__init__()
        self.host = FakeFunctionsHost(long_running=self.long_running)
        self.services = self.host.services

    @rule(name=st.sampled_from(NAMES), content=st.sampled_from(CONTENTS), event_choice=st.integers(0, 9))
    def upload(self, name: str, content: bytes, event_choice: int) -> None:
        """A blob appears, or is overwritten; one event in ten gets lost, and one comes twice."""
        self.services.upload(name, content)
        for _ in range({0: 0, 1: 2}.get(event_choice, 1)):
            self.host.enqueue((message(name, at=self.services.now), 0))

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        if self.services.blobs.pop(name, None) is not None:
            self.host.enqueue((message(name, kind="BlobDeleted", at=self.services.now), 0))

    @rule(choice=st.integers(0, 99))
    def deliver(self, choice: int) -> None:
        """Any message, in any order; one that a worker is processing comes a second time, as a message of its own.

        The same message never has two workers: its lease outlives their budget (tests/infra/test_contracts.py).
        """
        check_capacity = [sent for sent in self.host.queue if sent.visible <= self.services.now]
        if check_capacity:
            sent = check_capacity[choice % len(check_capacity)]
            if any(worker.sent is sent for worker in self.host.workers):
                sent = QueuedMessage(sent.text, self.services.now, unfinished=sent.unfinished)
                self.host.queue.append(sent)
            self.host.deliver(sent)

    @rule(choice=st.integers(0, 99), steps=st.integers(1, 12))
    def advance(self, choice: int, steps: int) -> None:
        for _ in range(steps):
            if self.host.workers:
                self.host.advance(self.host.workers[choice % len(self.host.workers)])

    @rule(choice=st.integers(0, 99), fault=st.sampled_from(FAULTS))
    def accident(self, choice: int, fault: str) -> None:
        if self.host.workers:
            worker = self.host.workers[choice % len(self.host.workers)]
            worker.fault = fault
            self.host.advance(worker)

    @rule(service=st.sampled_from(sorted(OPERATIONS)))
    def outage(self, service: str) -> None:
        """A service stops answering, or answers again."""
        self.host.unavailable ^= {service}

    @rule(seconds=st.sampled_from([5, 60, 400]))
    def pass_time(self, seconds: int) -> None:
        """A worker that takes longer than timeouts.PROCESSING_SECONDS is ended, before its lease is."""
        self.services.now += timedelta(seconds=seconds)
        if seconds > 240:
            for worker in [*self.host.workers]:
                worker.fault = "crash before"
                self.host.advance(worker)

    def spoil_operation(self, choice: int, state: OperationState) -> None:
        """Nothing without long-running operations."""

    def break_operations(self, state: OperationState) -> None:
        """Nothing without long-running operations."""

    @rule(seed=st.integers(0, 2**32 - 1), actions=st.integers(30, 120))
    def bustle(self, seed: int, actions: int) -> None:
        """Many of the above, as often as they happen beside each other: races need several at the right moment."""
        dice = random.Random(seed)
        for _ in range(actions):
            match dice.choices(range(9), weights=self.weights)[0]:
                case 0:
                    self.upload(dice.choice(NAMES), dice.choice(CONTENTS), dice.randrange(10))
                case 1:
                    self.delete(dice.choice(NAMES))
                case 2:
                    self.deliver(dice.randrange(100))
                case 3:
                    self.advance(dice.randrange(100), dice.randint(1, 4))
                case 4:
                    self.accident(dice.randrange(100), dice.choice(FAULTS))
                case 5:
                    self.outage(dice.choice(sorted(OPERATIONS)))
                case 6:
                    self.spoil_operation(dice.randrange(100), dice.choice(SPOILED_STATES))
                case 7:
                    self.break_operations(dice.choice(SPOILED_STATES))
                case _:
                    self.pass_time(dice.choice(self.pauses))

    def teardown(self) -> None:
        """No more accidents: every message is handled, what was missed is reconciled, what is poison redriven."""
        self.host.drain()
        for name, blob in self.services.blobs.items():
            record = self.services.records.get(record_id("images", name))
            if record is not None and record["status"] == "failed":
                assert any(name in text for text in self.host.poison), "a failure that cannot be redriven"
            if record is not None:
                # It may be missing, or old, only if its event got lost; never wrong.
                assert record["blob"]["etag"] <= blob.etag
        asyncio.run(self._reconcile())
        # A second time, because a crash may have left operations that end a message which is sent again.
        for _ in range(2):
            poison, self.host.poison = self.host.poison, []
            for text in poison:
                self.host.enqueue((parse_poison_message(text)[1], 0))
            self.host.drain()
        self._check()

    async def _reconcile(self) -> None:
        self.services.now += timedelta(hours=1)
        services = self.services
        reconciler = Reconciler(
            images=services,
            records=InMemoryRecordRepository(services),
            analyzer=services,
            dead_letters=InMemoryDeadLetterStore({}),
            queue=InMemoryQueue(self.host.step, self.host.enqueue, self.host.queue),
            poison_queue=InMemoryQueue(self.host.step, lambda sent: self.host.poison.append(sent[0])),
            checkpoints=InMemoryCheckpointStore(),
            grace=timedelta(minutes=30),
            now=lambda: services.now,
        )
        await reconciler.run(services.now + timedelta(minutes=5))

    def _check(self) -> None:
        services = self.services
        assert self.host.poison == []
        assert set(services.records) == {record_id("images", name) for name in services.blobs}
        for name, blob in services.blobs.items():
            record = services.records[record_id("images", name)]
            assert record["blob"]["etag"] == blob.etag, "not the newest version"
            expected = "rejected" if blob.content == b"text" else "classified"
            assert record["status"] == expected
            assert (record["id"], blob.etag, expected) in services.published_results
            if expected == "classified":
                assert blob.content is not None
                assert record["category"]["name"] == blob.content.decode()
                assert record["caption"]["text"] == blob.content.decode()
                assert services.copies[record["copy"]] == blob.etag
        copy_paths = {record["copy"] for record in services.records.values() if record["copy"]}
        assert len(set(services.copies) - copy_paths) <= self.host.leftover_copies
        for call, counts in (("tags", services.analysis_counts), ("caption", services.caption_counts)):
            for content, number in counts.items():
                assert number <= 1 + self.host.lost_results[call, content], "charged twice"


class LongRunningHistories(Histories):
    """The same with an analyzer whose results are made by long-running operations.

    Each death of a worker, and each operation that the service loses, costs at most one more charged call. After three
    operations without a result, only a message that comes later starts others.
    """

    long_running = True
    # Messages wait for some seconds between two requests for a result.
    weights = (8, 6, 25, 50, 14, 3, 2, 2, 20)
    pauses = (5, 10, 10, 10, 10, 10, 60, 400)

    @rule(choice=st.integers(0, 99), state=st.sampled_from(SPOILED_STATES))
    def spoil_operation(self, choice: int, state: OperationState) -> None:
        """An operation gets lost, is stuck for ever, or fails; a result that was stored is not needed any more."""
        self.host.spoil_operation(choice, state)

    @rule(state=st.sampled_from(SPOILED_STATES))
    def break_operations(self, state: OperationState) -> None:
        """The service makes operations that have no result, or good ones again."""
        assert self.host.operations is not None
        is_broken = self.host.operations.new_state != "good"
        self.host.operations.new_state = "good" if is_broken else state
        self.host.work(100)


_SETTINGS = settings(
    max_examples=300 * int(os.environ.get("EXAMPLES", "1")),
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestHistories = Histories.TestCase
TestHistories.settings = _SETTINGS
TestLongRunningHistories = LongRunningHistories.TestCase
TestLongRunningHistories.settings = _SETTINGS
