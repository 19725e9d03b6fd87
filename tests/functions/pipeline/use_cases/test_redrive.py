"""Redrive: which messages it sends, and for how long it hides them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from classifier.use_cases.redrive import RedriveReport, redrive

from tests.functions.pipeline.test_triggers import InMemoryImagesQueue, InMemoryPoisonQueue
from tests.support.in_memory_services import (
    NOW,
    message,
)


def redriven_at(inserted: datetime, *, deadline: datetime) -> RedriveReport:
    queue = InMemoryPoisonQueue(message())
    queue.messages[0].inserted_on = inserted
    return asyncio.run(redrive(queue, InMemoryImagesQueue(), deadline=deadline, now=lambda: NOW))


@pytest.mark.parametrize(("seconds", "redriven"), [(-1, 1), (0, 1), (1, 0)])
def test_a_redrive_sends_what_was_there_when_it_began(seconds: int, redriven: int) -> None:
    assert redriven_at(NOW + timedelta(seconds=seconds), deadline=NOW + timedelta(seconds=1)) == RedriveReport(
        redriven=redriven, left=0, finished=True
    )


def test_a_redrive_receives_nothing_after_a_message_that_came_since_its_start() -> None:
    """Whatever it receives is hidden from the next redrive."""
    queue = InMemoryPoisonQueue(message("old.png"), message("new.png"), message("other.png"))
    queue.messages[1].inserted_on = NOW + timedelta(seconds=1)
    images = InMemoryImagesQueue()
    report = asyncio.run(redrive(queue, images, deadline=NOW + timedelta(seconds=1), now=lambda: NOW))
    assert report == RedriveReport(redriven=1, left=0, finished=True)
    assert images.texts == [message("old.png")]


def test_a_redrive_hides_messages_for_ten_minutes() -> None:
    hiding_times: list[int] = []

    class RecordingQueue(InMemoryPoisonQueue):
        async def receive(self, *, hidden_seconds: int) -> AsyncIterator[Any]:
            hiding_times.append(hidden_seconds)
            async for received in super().receive(hidden_seconds=hidden_seconds):
                yield received

    asyncio.run(redrive(RecordingQueue(message()), InMemoryImagesQueue(), deadline=NOW, now=lambda: NOW))
    assert hiding_times == [600]
