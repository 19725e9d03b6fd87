"""The queue trigger's rules: what is deleted, what comes back, what is poison."""

import asyncio
import base64
import contextlib
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.queue import QueueMessage

from emulator.services.functions.configuration import QueueOptions
from emulator.services.functions.queue_trigger import QueueListener


def queued(text: str, *, attempt: int = 1) -> QueueMessage:
    message = QueueMessage(content=text)
    message.id, message.dequeue_count, message.pop_receipt = "m", attempt, "r"
    return message


def event(text: str = "event", *, attempt: int = 1) -> QueueMessage:
    return queued(base64.b64encode(text.encode()).decode(), attempt=attempt)


class Queue:
    """A queue that gives each of its messages once, and remembers what is done with them."""

    queue_name = "images"

    def __init__(self, *messages: QueueMessage, delete_error: Exception | None = None) -> None:
        self.waiting = list(messages)
        self.operations: list[tuple[str, Any]] = []
        self.changed = asyncio.Event()
        self.delete_error = delete_error
        self.update_error: Exception | None = None
        self.send_error: Exception | None = None
        self.receive_errors: list[Exception] = []

    async def receive_messages(self, *, max_messages: int, **_named: Any) -> Any:
        if self.receive_errors:
            raise self.receive_errors.pop()
        for _ in range(min(max_messages, len(self.waiting))):
            yield self.waiting.pop(0)

    def note(self, what: str, value: Any) -> None:
        self.operations.append((what, value))
        self.changed.set()

    async def delete_message(self, message: QueueMessage) -> None:
        self.note("deleted", message.id)
        if self.delete_error:
            raise self.delete_error

    async def update_message(self, _message: QueueMessage, *, visibility_timeout: int) -> Any:
        self.note("released", visibility_timeout)
        if self.update_error:
            raise self.update_error

    async def send_message(self, content: str, **_named: Any) -> None:
        self.note("sent", content)
        if self.send_error:
            raise self.send_error


def run(queue: Queue, poison: Queue, answer: str | None, awaited_queue: Queue, *, at_most: float = 2) -> list[str]:
    """Listens until something was done with `until`; gives the texts that the function saw."""
    bodies: list[str] = []

    async def invoke(body: str, _metadata: dict[str, Any]) -> str | None:
        bodies.append(body)
        return answer

    async def listen() -> None:
        options = QueueOptions(batch_size=4, new_batch_threshold=2, max_dequeue_count=5, retry_visibility_seconds=10)
        listener = QueueListener(queue, poison, options, invoke)  # type: ignore[arg-type]
        task = asyncio.create_task(listener.run())
        async with asyncio.timeout(at_most):
            await awaited_queue.changed.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await listener.drain(1)

    asyncio.run(listen())
    return bodies


def test_a_message_that_was_handled_is_deleted() -> None:
    queue, poison = Queue(event("é")), Queue()
    assert run(queue, poison, None, queue) == ["é"]
    assert (queue.operations, poison.operations) == ([("deleted", "m")], [])


def test_a_message_that_failed_comes_back_after_a_while() -> None:
    queue, poison = Queue(event(attempt=4)), Queue()
    assert run(queue, poison, "error", queue) == ["event"]
    assert (queue.operations, poison.operations) == ([("released", 10)], [])


@pytest.mark.parametrize(("attempt", "tried"), [(5, ["event"]), (6, [])])
def test_a_message_that_failed_too_often_is_poison(attempt: int, tried: list[str]) -> None:
    message = event(attempt=attempt)
    queue, poison = Queue(message), Queue()
    assert run(queue, poison, "error", poison) == tried
    assert poison.operations == [("sent", message.content)]
    assert queue.operations == [("deleted", "m")]


def test_a_message_that_is_not_base64_is_poison_at_once() -> None:
    queue, poison = Queue(queued("not base64!")), Queue()
    assert run(queue, poison, None, poison) == []
    assert poison.operations == [("sent", "not base64!")]


def test_a_poison_queue_that_refuses_leaves_the_message_where_it_is(caplog: pytest.LogCaptureFixture) -> None:
    queue, poison = Queue(event(attempt=5)), Queue()
    poison.send_error = HttpResponseError("AuthorizationPermissionMismatch")
    assert run(queue, poison, "error", poison) == ["event"]
    assert queue.operations == []
    assert "AuthorizationPermissionMismatch" in caplog.text


def test_a_lost_lease_is_no_error() -> None:
    queue = Queue(event(), delete_error=ResourceNotFoundError())
    assert run(queue, Queue(), None, queue) == ["event"]


def test_a_release_that_is_refused_leaves_the_message_to_its_lease() -> None:
    queue = Queue(event())
    queue.update_error = HttpResponseError("AuthorizationPermissionMismatch")
    assert run(queue, Queue(), "error", queue) == ["event"]
    assert queue.operations == [("released", 10)]


def test_a_queue_service_with_an_outage_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    queue = Queue(event())
    queue.receive_errors = [HttpResponseError("ServerBusy") for _ in range(2)]
    assert run(queue, Queue(), None, queue) == ["event"]
    assert queue.operations == [("deleted", "m")]
    assert caplog.text.count("receiving from images: ServerBusy") == 2


def test_a_message_that_was_handled_during_an_outage_is_left_to_its_lease(caplog: pytest.LogCaptureFixture) -> None:
    queue = Queue(event(), delete_error=HttpResponseError("ServerBusy"))
    assert run(queue, Queue(), None, queue) == ["event"]
    assert "a message becomes visible again when its lease ends: ServerBusy" in caplog.text
