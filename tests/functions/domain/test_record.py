"""The record of an image, field by field, and when it is current."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from classifier.domain import events
from classifier.domain import record as records
from classifier.domain.events import Message
from classifier.domain.models import Analysis, Blob, ImageInfo

from tests.support.in_memory_services import NOW, InMemoryServices, handle, message

CREATED = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


BLOB = Blob(content=b"cat", size_bytes=9, etag="e1", content_type="image/png", created_at=CREATED)


CAT_SHA256 = "77af778b51abd4a3c51c5ddd97204a9c3ae614ebccb75a606c3b6865aed6744e"


def test_a_record_about_which_nothing_is_known_has_every_field() -> None:
    text = json.dumps(
        {"event": json.loads(message("a/b.png")), "putBacks": 3, "interruptions": 2, "deadline": NOW.isoformat()}
    )
    record = records.blank(Message.parse(text), 4)
    assert record == {
        "id": events.record_id("images", "a/b.png"),
        "schemaVersion": 1,
        "status": None,
        "reason": None,
        "blob": {
            "account": "acct",
            "container": "images",
            "name": "a/b.png",
            "etag": None,
            "contentType": None,
            "sizeBytes": None,
            "contentSha256": None,
            "createdAt": None,
        },
        "eventId": "event-1",
        "sequencer": "0001",
        "image": None,
        "labels": [],
        "category": None,
        "tags": None,
        "caption": None,
        "denseCaptions": None,
        "objects": None,
        "people": None,
        "read": None,
        "smartCrops": None,
        "analyzer": None,
        "copy": None,
        "timings": None,
        "attempts": 9,
        "processedAt": None,
    }


def test_a_failed_record_has_every_field_too(services: InMemoryServices) -> None:
    services.failure = KeyError("x" * 600)
    handle(services, attempt=5)
    assert {key: value for key, value in services.record.items() if value is not None} == {
        "id": events.record_id("images", "cat.png"),
        "schemaVersion": 1,
        "status": "failed",
        "reason": {"code": "KeyError", "sentence": "'" + "x" * 499, "measured": None, "limit": None},
        "blob": {
            "account": "acct",
            "container": "images",
            "name": "cat.png",
            "etag": "e0001",
            "contentType": None,
            "sizeBytes": None,
            "contentSha256": None,
            "createdAt": None,
        },
        "eventId": "event-1",
        "sequencer": "0001",
        "labels": [],
        "timings": {"queuedMs": 2000, "analyzeMs": 0, "totalMs": 2000},
        "attempts": 5,
        "processedAt": "2026-01-02T03:04:05+00:00",
        "_etag": services.record["_etag"],
    }


def test_what_is_known_of_a_blob_and_of_an_image() -> None:
    assert records.of_blob(BLOB) == {
        "etag": "e1",
        "contentType": "image/png",
        "sizeBytes": 9,
        "contentSha256": CAT_SHA256,
        "createdAt": "2026-01-01T12:00:00+00:00",
    }
    unread = records.of_blob(replace(BLOB, content=None, created_at=None))
    assert (unread["contentSha256"], unread["createdAt"]) == (None, None)
    assert records.of_image(ImageInfo(width=3, height=4, format="GIF")) == {"width": 3, "height": 4, "format": "GIF"}


TAGS = [
    {"name": "sofa", "confidence": 0.6},
    {"name": "cat", "confidence": 0.9},
    {"name": "lamp", "confidence": 0.5},
    {"name": "door", "confidence": 0.4999},
]


def of_analysis(findings: dict[str, Any], *, exclusive: bool = False, min_confidence: float = 0.5) -> dict[str, Any]:
    analysis = Analysis(analyzer="test", api_version="1", model_version="m", findings=findings, exclusive=exclusive)
    return records.of_analysis(
        analysis, features=("tags", "read"), fingerprint="test/1", min_confidence=min_confidence, cached=True
    )


def test_labels_are_the_tags_from_the_minimum_on_and_the_category_is_the_surest_of_them() -> None:
    found = of_analysis({"tags": TAGS})
    assert found["labels"] == ["cat", "sofa", "lamp"]
    assert found["category"] == {"name": "cat", "confidence": 0.9}
    assert found["tags"] == TAGS


@pytest.mark.parametrize(("min_confidence", "labels"), [(0.5, ["cat"]), (0.9, ["cat"]), (0.95, [])])
def test_of_tags_that_exclude_each_other_only_the_surest_is_a_label(min_confidence: float, labels: list[str]) -> None:
    found = of_analysis({"tags": TAGS}, exclusive=True, min_confidence=min_confidence)
    assert found["labels"] == labels
    assert found["category"] == ({"name": "cat", "confidence": 0.9} if labels else None)


def test_every_finding_and_its_origin_stand_in_the_record() -> None:
    findings = {
        "caption": {"text": "a"}, "denseCaptions": [1], "objects": [2], "people": [3], "read": [4], "smartCrops": [5],
        "adult": {"verdict": "clear"}, "vector": [0.5],
    }  # fmt: skip
    assert of_analysis(findings) == findings | {
        "labels": [],
        "category": None,
        "analyzer": {
            "name": "test",
            "apiVersion": "1",
            "modelVersion": "m",
            "features": ["tags", "read"],
            "identity": "test/1",
            "cached": True,
        },
    }


def test_times_are_in_milliseconds_and_never_negative() -> None:
    event, started, finished = NOW, NOW + timedelta(seconds=1.2344), NOW + timedelta(seconds=3.5)
    assert records.timings(event, started, finished, 700) == {"queuedMs": 1234, "analyzeMs": 700, "totalMs": 3500}
    assert records.timings(finished, started, event, 0) == {"queuedMs": 0, "analyzeMs": 0, "totalMs": 0}


def record(status: str | None, *, fingerprint: str | None = "a/1", code: str | None = None) -> dict[str, Any]:
    return {
        "status": status,
        "blob": {"etag": "e1"},
        "analyzer": {"identity": fingerprint} if fingerprint else None,
        "reason": {"code": code} if code else None,
    }


@pytest.mark.parametrize(
    ("found", "etag", "fingerprint", "current"),
    [
        (record("classified"), "e1", None, True),
        (record("classified"), "e2", None, False),
        (record("classified"), "e1", "a/1", True),
        (record("classified"), "e1", "a/2", False),
        (record("classified"), "e2", "a/1", False),
        (record("rejected", fingerprint=None, code="TooLarge"), "e1", None, True),
        (record("rejected", fingerprint=None, code="TooLarge"), "e1", "a/2", True),
        (record("rejected", fingerprint=None, code="Archived"), "e1", None, True),
        (record("rejected", fingerprint=None, code="Archived"), "e1", "a/2", False),
        (record("failed", fingerprint=None, code="KeyError"), "e1", None, True),
        (record("failed", fingerprint=None, code="KeyError"), "e1", "a/1", False),
        (record("failed"), "e1", "a/1", False),
        (record(None, fingerprint=None), "e1", None, False),
    ],
)
def test_whether_a_record_needs_no_other_look(
    found: dict[str, Any], etag: str, fingerprint: str | None, *, current: bool
) -> None:
    assert records.is_current(found, etag, fingerprint) is current
