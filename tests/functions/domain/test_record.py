"""What stands in a record, field by field, and the limits, times and codes that decide about it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from classifier.domain import events, image_limits, metrics, timeouts
from classifier.domain import record as records
from classifier.domain.errors import (
    AccessDeniedError,
    AnalyzerConfigurationError,
    AuthorizationError,
    BlobNotFoundError,
    ConcurrencyError,
    ConfigurationError,
    EventError,
    ImageRejectedError,
    LeasedError,
    PipelineError,
    RetryLaterError,
    ThrottledError,
    UnexpectedResponseError,
)
from classifier.domain.events import Message
from classifier.domain.models import Analysis, Blob, ImageInfo, RejectionReason
from classifier.domain.retries import Delivery, plan_retry

from tests.support.in_memory_services import NOW, InMemoryServices, handle, message

ID = "6flw3l5gwcmj2dtqvmjeio5kaxoh4ufndd6iwnamps6irpos7xqa"
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


def test_the_formats_are_these_eight() -> None:
    """https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis#input-requirements."""
    assert image_limits.FORMATS == ("JPEG", "PNG", "GIF", "BMP", "WEBP", "ICO", "TIFF", "MPO")


@pytest.mark.parametrize(
    ("width", "height", "sentence"),
    [(49, 60, "The width is 49 pixels"), (60, 16_001, "The height is 16001 pixels"), (7, 8, "The width is 7 pixels")],
)
def test_dimensions_are_rejected_with_both_sides_and_both_limits(width: int, height: int, sentence: str) -> None:
    with pytest.raises(ImageRejectedError) as rejection:
        image_limits.check_image(ImageInfo(width=width, height=height, format="PNG"))
    assert rejection.value.reason() == {
        "code": "BadDimensions",
        "sentence": f"{sentence}; it must be at least 50 and at most 16000.",
        "measured": {"width": width, "height": height},
        "limit": {"atLeast": 50, "atMost": 16_000},
    }


def content_reason(blob: Blob) -> dict[str, Any]:
    with pytest.raises(ImageRejectedError) as rejection:
        image_limits.require_content(blob)
    return rejection.value.reason()


def test_content_is_rejected_with_its_size_and_the_limit() -> None:
    assert content_reason(replace(BLOB, content=b"", size_bytes=9)) == {
        "code": "EmptyFile", "sentence": "The file is empty.", "measured": 0, "limit": 1,
    }  # fmt: skip
    assert content_reason(replace(BLOB, content=None, size_bytes=20_971_521)) == {
        "code": "TooLarge",
        "sentence": "The file has 20971521 bytes; it may have at most 20971520.",
        "measured": 20_971_521,
        "limit": 20_971_520,
    }
    reason = RejectionReason(code="Archived", sentence="why", measured=1, limit=2)
    assert content_reason(replace(BLOB, content=None, rejection=reason)) == {
        "code": "Archived", "sentence": "why", "measured": 1, "limit": 2,
    }  # fmt: skip


def test_content_that_is_missing_for_no_reason_is_a_bug() -> None:
    with pytest.raises(ValueError, match="9 bytes are within the limit and were not read"):
        image_limits.require_content(replace(BLOB, content=None))


@pytest.mark.parametrize(
    ("error", "parents"),
    [
        (EventError("e"), (PipelineError, ValueError)),
        (ImageRejectedError("C", "s"), (PipelineError,)),
        (BlobNotFoundError("b"), (PipelineError,)),
        (ConcurrencyError("i"), (PipelineError,)),
        (UnexpectedResponseError("C", "s"), (PipelineError,)),
        (AuthorizationError(401, "s"), (PipelineError,)),
        (RetryLaterError("s"), (PipelineError,)),
        (ThrottledError("s"), (RetryLaterError,)),
        (LeasedError("s"), (RetryLaterError,)),
        (AccessDeniedError("s"), (RetryLaterError,)),
        (ConfigurationError("C", "s"), (PipelineError,)),
        (AnalyzerConfigurationError("C", "s"), (ConfigurationError,)),
    ],
)
def test_the_errors_form_one_tree(error: Exception, parents: tuple[type[Exception], ...]) -> None:
    assert type(error).__bases__ == parents


def test_errors_keep_what_they_are_given() -> None:
    assert ImageRejectedError("C", "why").reason() == {"code": "C", "sentence": "why", "measured": None, "limit": None}
    assert (AuthorizationError(403, "no").status, str(AuthorizationError(403, "no"))) == (403, "no")
    assert (RetryLaterError("later").retry_after_seconds, str(RetryLaterError("later"))) == (0.0, "later")
    for error in (ConfigurationError("C", "why"), UnexpectedResponseError("C", "why")):
        assert (error.code, str(error)) == ("C", "why")


def test_an_events_fields_are_read() -> None:
    parsed = Message.parse(message("a b.png"))
    assert (parsed.requeue_count, parsed.interruptions, parsed.deadline) == (0, 0, None)
    event = parsed.event
    assert (event.host, event.container, event.name) == ("acct.blob.core.windows.net", "images", "a b.png")
    assert (event.event_id, event.sequencer, event.time) == ("event-1", "0001", NOW - timedelta(seconds=2))
    assert Message.parse(message(data={"url": "https://ACCT.Blob/x"})).event.host == "acct.blob"
    assert Message.parse(message(data={"url": "https://a/x"})).event.sequencer is None
    assert Message.parse(message(id=7)).event.event_id == "7"


def test_a_records_id_stays_what_it_is() -> None:
    """Another id would leave every record behind, and classify every image again under a new one."""
    assert events.record_id("images", "cat.png") == ID


def test_a_requeued_message_is_its_event_with_its_history() -> None:
    back = json.loads(Message.parse(message()).to_requeue_text(NOW, 2))
    assert back == {
        "event": json.loads(message()), "putBacks": 1, "interruptions": 2, "deadline": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    again = Message.parse(json.dumps(back))
    assert (again.requeue_count, again.interruptions, again.deadline) == (1, 2, NOW)
    assert json.loads(again.to_requeue_text(NOW, 4))["putBacks"] == 2
    older = {name: value for name, value in back.items() if name != "interruptions"}
    assert Message.parse(json.dumps(older)).interruptions == 0


def test_a_found_blobs_message_is_an_event_of_its_own_type() -> None:
    text = events.create_blob_found_event("acct.blob.core.windows.net", "images", "a/b.png", "reconcile-e1", NOW)
    assert json.loads(text) == {
        "eventType": "ImagePipeline.BlobFound",
        "id": "reconcile-e1",
        "subject": "/blobServices/default/containers/images/blobs/a/b.png",
        "eventTime": "2026-01-02T03:04:05+00:00",
        "data": {"url": "https://acct.blob.core.windows.net/images"},
    }
    assert Message.parse(text).event.name == "a/b.png"


def test_a_poison_message_fits_into_the_queue_whatever_its_sentence() -> None:
    """Messages have at most 64 KiB: https://learn.microsoft.com/azure/storage/queues/scalability-targets."""
    found = json.loads(events.create_poison_message("text", "BadEvent", "x" * 100_000, NOW))
    assert found == {
        "poison": {"code": "BadEvent", "sentence": "x" * 300, "time": "2026-01-02T03:04:05+00:00"},
        "message": "text",
    }


@pytest.mark.parametrize("text", ['["' + "x" * 5000 + '"]', message(subject="x" * 5000), message("../" + "x" * 5000)])
def test_a_sentence_about_a_bad_message_quotes_no_more_than_its_start(text: str) -> None:
    with pytest.raises(EventError) as raised:
        Message.parse(text)
    assert len(str(raised.value)) < 400


def test_measures_are_added_up_and_set_within_an_invocation_and_nowhere_else() -> None:
    metrics.add("calls")
    metrics.put("queuedMs", 1)
    with metrics.collect_metrics() as values:
        metrics.add("calls")
        metrics.add("calls", 0.12345)
        metrics.put("queuedMs", 5)
        metrics.put("queuedMs", 7)
        with metrics.collect_metrics() as inner:
            metrics.add("calls")
        metrics.add("other", 2)
    metrics.add("calls")
    assert values == {"calls": 1.123, "queuedMs": 7, "other": 2}
    assert inner == {"calls": 1}


@pytest.mark.parametrize(
    ("retries", "seconds"), [(0, 10.0), (1, 13.5), (2, 18.225), (10, 201.07), (14, 667.85), (15, 900.0), (10**9, 900.0)]
)
def test_back_off_begins_at_ten_seconds_and_ends_at_fifteen_minutes(retries: int, seconds: float) -> None:
    assert timeouts.backoff_seconds(retries) == pytest.approx(seconds, rel=1e-4)


def parsed_message(*, requeue_count: int = 0, deadline: datetime | None = None, interruptions: int = 0) -> Message:
    return replace(
        Message.parse(message()), requeue_count=requeue_count, deadline=deadline, interruptions=interruptions
    )


@pytest.mark.parametrize(
    ("error", "requeue_count", "least", "most"),
    [
        (ThrottledError("429", retry_after_seconds=30), 9, 30, 45),
        (LeasedError("leased", retry_after_seconds=120), 0, 120, 180),
        (ThrottledError("429", retry_after_seconds=0.2), 9, 1, 1.5),
        (RetryLaterError("503", retry_after_seconds=4), 0, 10, 15),
        (RetryLaterError("503", retry_after_seconds=40), 0, 40, 60),
        (RetryLaterError("503"), 1, 13.5, 20.25),
        (TimeoutError(), 0, 10, 15),
        (ConfigurationError("NotFound", "no iteration"), 0, 900, 1350),
        (AccessDeniedError("403"), 0, 10, 15),
    ],
)
def test_a_message_is_delivered_again_after_a_time_that_fits_its_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception, requeue_count: int, least: float, most: float
) -> None:
    delays: list[float] = []
    for choose in (min, max):
        monkeypatch.setattr("random.uniform", lambda low, high, choose=choose: choose(low, high))
        retry = plan_retry(
            parsed_message(requeue_count=requeue_count), error, max_retry_age=timedelta(hours=168), now=NOW
        )
        assert retry.deadline == NOW + timedelta(hours=168)
        assert retry.misconfigured is isinstance(error, ConfigurationError)
        delays.append(retry.delay_seconds)
    assert delays == pytest.approx([least, most])


@pytest.mark.parametrize(("minutes", "misconfigured"), [(0, False), (29.9, False), (30, True), (600, True)])
def test_a_refusal_is_a_configuration_error_thirty_minutes_after_the_first(
    minutes: float, *, misconfigured: bool
) -> None:
    max_retry_age = timedelta(hours=168)
    found = parsed_message(deadline=NOW + max_retry_age)
    now = NOW + timedelta(minutes=minutes)
    retry = plan_retry(found, AccessDeniedError("403"), max_retry_age=max_retry_age, now=now)
    assert (retry.misconfigured, retry.deadline) == (misconfigured, NOW + max_retry_age)
    assert (retry.delay_seconds >= 900) is misconfigured


@pytest.mark.parametrize(("interruptions", "attempt", "total"), [(0, 1, 0), (0, 3, 2), (4, 1, 4), (4, 2, 5)])
def test_deliveries_without_an_outcome_are_counted_over_all_messages(
    interruptions: int, attempt: int, total: int
) -> None:
    delivery = Delivery(message=parsed_message(interruptions=interruptions), text="", attempt=attempt)
    assert (delivery.interruptions, delivery.etag) == (total, None)
