"""The trigger: one call of the pipeline, and the last attempt recorded before the message is poison."""

from typing import Any

import azure.functions as func
import pytest
from classifier import triggers
from classifier.pipeline import Outcome


class Recorded:
    """A pipeline that always fails."""

    def __init__(self) -> None:
        self.given_up: list[tuple[str, int]] = []

    def classify(self, text: str, *, attempt: int) -> Outcome:
        raise ConnectionError("down")

    def give_up(self, text: str, *, attempt: int, error: Exception) -> Outcome:
        self.given_up.append((text, attempt))
        return Outcome(status="failed", record_id="1", detail=str(error))


class Message(func.QueueMessage):
    """A message as the worker hands it over."""

    def __init__(self, attempt: int) -> None:
        super().__init__(body=b"event")
        self._attempt = attempt

    @property
    def dequeue_count(self) -> int:
        return self._attempt


@pytest.mark.parametrize(("attempt", "recorded"), [(1, []), (4, []), (5, [("event", 5)])])
def test_only_the_last_attempt_is_recorded_as_failed(
    monkeypatch: pytest.MonkeyPatch, attempt: int, recorded: list[Any]
) -> None:
    pipeline = Recorded()
    monkeypatch.setattr(triggers, "_pipeline", lambda: pipeline)
    with pytest.raises(ConnectionError):
        triggers.classify(Message(attempt))
    assert pipeline.given_up == recorded
