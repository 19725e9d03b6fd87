"""The pipeline's time limits, metrics, outcomes and the texts of its failures."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from classifier.domain.errors import (
    ThrottledError,
    UnexpectedResponseError,
)
from classifier.domain.events import Message
from classifier.domain.outcomes import Outcome, OutcomeStatus
from common.domain.metrics import collect_metrics

from tests.support.in_memory_services import (
    NOW,
    InMemoryServices,
    RecordedTimeLimits,
    failing_at,
    handle,
    message,
)


@pytest.mark.parametrize(
    ("failure", "attempt", "seconds"),
    [
        (None, 1, [500, 240]),
        (ThrottledError("429", retry_after_seconds=1), 1, [500, 240, 150]),
        (UnexpectedResponseError("C", "no tags"), 1, [500, 240, 15, 60]),
        (None, 6, [500, 60]),
    ],
)
def test_each_part_of_an_invocation_has_its_own_time_limit(
    services: InMemoryServices, failure: Exception | None, attempt: int, seconds: list[float]
) -> None:
    """Processing 240, giving a lease back 15, recording a failure 60, requeueing 150, all of it 500 seconds."""
    services.failure = failure
    limits = RecordedTimeLimits()
    handle(services, attempt=attempt, time_limit=limits)
    assert limits.seconds == seconds


def test_an_outcome_says_what_happened_to_which_image(services: InMemoryServices) -> None:
    record_id = Message.parse(message()).event.record_id
    assert handle(services) == Outcome(
        status=OutcomeStatus.CLASSIFIED, detail="cat", record_id=record_id, event_id="event-1"
    )
    services.upload("cat.png", b"text")
    assert handle(services) == Outcome(
        status=OutcomeStatus.REJECTED, detail="NotAnImage", record_id=record_id, event_id="event-1"
    )
    del services.blobs["cat.png"]
    removed_outcome = Outcome(
        status=OutcomeStatus.REMOVED, detail="the blob does not exist", record_id=record_id, event_id="event-1"
    )
    assert handle(services) == removed_outcome
    assert handle(services, attempt=6) == removed_outcome
    assert handle(services, "[]") == Outcome(
        status=OutcomeStatus.POISON, detail="the message is no JSON object but '[]'"
    )


def test_without_a_category_there_is_no_detail(services: InMemoryServices) -> None:
    assert handle(services, min_confidence=0.95).detail == ""
    assert handle(services, min_confidence=0.9).detail == ""


def test_a_requeued_message_says_why_and_for_how_long(
    services: InMemoryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _high: low)
    services.failure = ThrottledError("the accounts are throttled", retry_after_seconds=30)
    with collect_metrics() as metrics:
        outcome = handle(services)
    assert (outcome.status, outcome.detail) == ("delayed", "the accounts are throttled; back in 30 s")
    assert metrics == {"putBacks": 1}
    ((text, delay),) = services.queued_messages
    assert delay == 30
    assert json.loads(text)["deadline"] == "2026-01-02T04:04:05+00:00"


def test_a_timeout_has_a_sentence_too(services: InMemoryServices) -> None:
    services.step = failing_at("read", error=TimeoutError())
    assert handle(services).detail.startswith("TimeoutError; back in ")


def test_past_the_deadline_the_last_error_stands_in_the_record(services: InMemoryServices) -> None:
    services.failure = ThrottledError("the accounts are throttled", retry_after_seconds=30)
    text = json.dumps({"event": json.loads(message()), "putBacks": 3, "deadline": NOW.isoformat()})
    assert handle(services, text).status == "failed"
    assert services.record["reason"] == {
        "code": "DeadlineExceeded",
        "sentence": "the accounts are throttled, until the deadline 2026-01-02T03:04:05+00:00",
        "measured": None,
        "limit": None,
    }


@pytest.mark.parametrize(("seconds_left", "status"), [(30, "delayed"), (29, "failed")])
def test_a_delivery_at_the_deadline_itself_is_still_made(
    services: InMemoryServices, monkeypatch: pytest.MonkeyPatch, seconds_left: int, status: str
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _high: low)
    services.failure = ThrottledError("429", retry_after_seconds=30)
    deadline = (NOW + timedelta(seconds=seconds_left)).isoformat()
    text = json.dumps({"event": json.loads(message()), "putBacks": 3, "deadline": deadline})
    assert handle(services, text).status == status


@pytest.mark.parametrize(("interruptions", "attempt", "status"), [(4, 1, "classified"), (4, 2, "failed")])
def test_after_five_deliveries_without_an_outcome_an_image_is_not_touched(
    services: InMemoryServices, interruptions: int, attempt: int, status: str
) -> None:
    text = json.dumps(
        {
            "event": json.loads(message()),
            "putBacks": 1,
            "interruptions": interruptions,
            "deadline": (NOW + timedelta(hours=1)).isoformat(),
        }
    )
    assert handle(services, text, attempt=attempt).status == status
    if status == "failed":
        assert services.record["reason"]["sentence"] == "5 deliveries ended without an outcome"


def test_an_unknown_error_has_its_first_line_as_sentence(services: InMemoryServices) -> None:
    services.step = failing_at("analyze", error=ValueError("\n first\nsecond"))
    handle(services, attempt=5)
    assert services.record["reason"] == {"code": "ValueError", "sentence": "first", "measured": None, "limit": None}
    services.record_items.clear()
    services.step = failing_at("analyze", error=ValueError())
    handle(services, attempt=5)
    assert services.record["reason"]["sentence"] == ""


def test_another_hosts_or_containers_event_is_named(services: InMemoryServices) -> None:
    outcome = handle(services, message(data={"url": "https://other.blob.core.windows.net/x"}))
    assert outcome.detail == (
        "the event is about ('other.blob.core.windows.net', 'images'), not about"
        " ('acct.blob.core.windows.net', 'images')"
    )


def test_what_an_image_took_is_measured(services: InMemoryServices) -> None:
    async def slow(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "analyze":
            services.now += timedelta(seconds=1.5)
        return effect()

    services.step = slow
    with collect_metrics() as metrics:
        handle(services)
        assert metrics == {"queuedMs": 2000}
        assert services.record["timings"] == {"queuedMs": 2000, "analyzeMs": 1500, "totalMs": 3500}
        assert services.record["processedAt"] == "2026-01-02T03:04:06.500000+00:00"
        handle(services)
    assert metrics == {"queuedMs": 3500, "cacheHits": 1}


@pytest.mark.parametrize("content", [b"text", b"tiny", b""])
def test_what_is_rejected_took_no_analysis(services: InMemoryServices, content: bytes) -> None:
    services.upload("cat.png", content)
    handle(services)
    assert services.record["timings"] == {"queuedMs": 2000, "analyzeMs": 0, "totalMs": 2000}
    assert services.record["copy"] is None


def test_a_record_is_looked_at_again_while_its_blob_changes_with_and_without_a_copy(services: InMemoryServices) -> None:
    """Of a version without a category there is no copy to discard."""
    contents = [b"dog", b"text", b"fox"]

    async def step(operation: str, effect: Callable[[], Any]) -> Any:
        if operation == "put" and contents:
            services.upload("cat.png", contents.pop(0))
        return effect()

    services.step = step
    assert handle(services).detail == "fox"
    assert (services.record["copy"], services.copies) == (
        "fox/cat.png",
        {"fox/cat.png": services.blobs["cat.png"].etag},
    )


def test_without_copies_a_record_names_none(services: InMemoryServices) -> None:
    handle(services, image_copies=None)
    assert (services.record["copy"], services.copies) == (None, {})


def test_without_subscribers_nothing_is_published(services: InMemoryServices) -> None:
    assert handle(services, result_publisher=None).status == "classified"
    assert services.published_results == []
