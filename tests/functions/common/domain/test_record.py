"""The record of an image, field by field, when it is current, and its JSON Schema."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from classifier.domain import events
from classifier.domain.events import Message
from classifier.domain.models import Blob
from classifier.domain.records import create_record, describe_blob, describe_unread_blob
from common.domain.findings import (
    AdultContent,
    AdultVerdict,
    BoundingBox,
    Caption,
    DenseCaption,
    DetectedObject,
    DetectedPerson,
    Findings,
    SmartCrop,
    Tag,
    TextLine,
)
from common.domain.models import Analysis, ImageFormat, ImageInfo, Reason
from common.domain.record import ImageRecord, RecordStatus, json_schema
from common.domain.record_fields import AnalyzerInfo, Timings

from tests.conftest import ROOT
from tests.support.in_memory_services import NOW, InMemoryServices, as_json, handle, message

CREATED = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
BLOB = Blob(content=b"cat", size_bytes=9, etag="e1", content_type="image/png", created_at=CREATED)
CAT_SHA256 = "77af778b51abd4a3c51c5ddd97204a9c3ae614ebccb75a606c3b6865aed6744e"
EVENT = Message.parse(message("a/b.png")).event
BOX = BoundingBox(x=1, y=2, width=3, height=4)
BOX_JSON = {"x": 1, "y": 2, "width": 3, "height": 4}


def new_record(
    status: RecordStatus = RecordStatus.CLASSIFIED,
    *,
    text: str | None = None,
    reason: Reason | None = None,
    analyzer: AnalyzerInfo | None = None,
) -> ImageRecord:
    """A record of a version that was not read."""
    return create_record(
        Message.parse(message("a/b.png") if text is None else text),
        attempt=4,
        status=status,
        blob=describe_unread_blob(EVENT, "e1"),
        started=NOW,
        finished=NOW,
        reason=reason,
        analyzer=analyzer,
    )


def test_a_record_about_which_nothing_is_known_has_every_field() -> None:
    text = json.dumps(
        {"event": json.loads(message("a/b.png")), "putBacks": 3, "interruptions": 2, "deadline": NOW.isoformat()}
    )
    assert as_json(new_record(text=text)) == {
        "id": events.record_id("images", "a/b.png"),
        "schemaVersion": 1,
        "stamp": "",
        "status": "classified",
        "reason": None,
        "blob": {
            "account": "acct",
            "container": "images",
            "name": "a/b.png",
            "etag": "e1",
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
        "text": "",
        "analyzer": None,
        "copy": None,
        "timings": {"queuedMs": 2000, "analyzeMs": 0, "totalMs": 2000},
        "attempts": 9,
        "processedAt": "2026-01-02T03:04:05+00:00",
    }


def test_a_failed_record_has_every_field_too(services: InMemoryServices) -> None:
    services.failure = KeyError("x" * 600)
    handle(services, attempt=5)
    assert {key: value for key, value in services.record.items() if value is not None} == {
        "id": events.record_id("images", "cat.png"),
        "schemaVersion": 1,
        "stamp": "",
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
        "text": "",
        "timings": {"queuedMs": 2000, "analyzeMs": 0, "totalMs": 2000},
        "attempts": 5,
        "processedAt": "2026-01-02T03:04:05+00:00",
        "_etag": services.record["_etag"],
    }


def test_what_is_known_of_a_blob_and_of_an_image() -> None:
    assert as_json(describe_blob(EVENT, BLOB)) == {
        "account": "acct",
        "container": "images",
        "name": "a/b.png",
        "etag": "e1",
        "contentType": "image/png",
        "sizeBytes": 9,
        "contentSha256": CAT_SHA256,
        "createdAt": "2026-01-01T12:00:00+00:00",
    }
    unread = describe_blob(EVENT, replace(BLOB, content=None, created_at=None))
    assert (unread.content_sha256, unread.created_at) == (None, None)
    info = ImageInfo(width=3, height=4, format=ImageFormat.GIF)
    assert as_json(info) == {"width": 3, "height": 4, "format": "GIF"}


TAGS = (
    Tag(name="sofa", confidence=0.6),
    Tag(name="cat", confidence=0.9),
    Tag(name="lamp", confidence=0.5),
    Tag(name="door", confidence=0.4999),
)
# Fields that the records of earlier versions lack.
ADDED_LATER = {"stamp", "text"}
ANALYZER = AnalyzerInfo.for_request(("tags", "read"), "test/1")


def with_findings(findings: Findings, *, exclusive: bool = False, min_confidence: float = 0.5) -> ImageRecord:
    analysis = Analysis(analyzer="test", api_version="1", model_version="m", findings=findings, exclusive=exclusive)
    record = new_record(analyzer=ANALYZER.with_analysis(analysis, cached=True))
    return record.with_analysis(analysis, min_confidence=min_confidence)


def test_labels_are_the_tags_from_the_minimum_on_and_the_category_is_the_surest_of_them() -> None:
    record = with_findings(Findings(tags=TAGS))
    assert record.labels == ("cat", "sofa", "lamp")
    assert as_json(record.category) == {"name": "cat", "confidence": 0.9}
    assert record.tags == TAGS


@pytest.mark.parametrize(("min_confidence", "labels"), [(0.5, ("cat",)), (0.9, ("cat",)), (0.95, ())])
def test_of_tags_that_exclude_each_other_only_the_surest_is_a_label(
    min_confidence: float, labels: tuple[str, ...]
) -> None:
    record = with_findings(Findings(tags=TAGS), exclusive=True, min_confidence=min_confidence)
    assert record.labels == labels
    assert as_json(record.category) == ({"name": "cat", "confidence": 0.9} if labels else None)


def test_tags_without_confidence_are_labels_in_the_order_of_the_analyzer() -> None:
    """Analyzers that follow Image Analysis state none."""
    tags = (Tag(name="sofa", confidence=None), Tag(name="cat", confidence=None))
    record = with_findings(Findings(tags=tags), min_confidence=0.9)
    assert record.labels == ("sofa", "cat")
    assert as_json(record.category) == {"name": "sofa", "confidence": None}
    assert msgspec.json.decode(msgspec.json.encode(record), type=ImageRecord) == record


def test_a_tag_with_confidence_precedes_those_without() -> None:
    tags = (Tag(name="sofa", confidence=None), Tag(name="cat", confidence=0.6), Tag(name="dog", confidence=0.7))
    assert with_findings(Findings(tags=tags)).labels == ("dog", "cat", "sofa")


def test_searches_look_into_caption_labels_and_lines_of_text() -> None:
    findings = Findings(
        tags=TAGS,
        caption=Caption(text="a cat on a sofa", confidence=None),
        read=(TextLine(text="EXIT", confidence=0.5, box=BOX), TextLine(text="Notausgang", confidence=None, box=BOX)),
    )
    assert with_findings(findings).text == "a cat on a sofa\ncat, sofa, lamp\nEXIT\nNotausgang"


def test_the_text_is_cut_where_a_page_of_text_would_cost_more_than_the_rest_of_the_record() -> None:
    record = with_findings(Findings(read=(TextLine(text="a" * 10_001, confidence=0.5, box=BOX),)))
    assert record.text == "a" * 10_000


def test_a_record_of_an_earlier_version_is_readable() -> None:
    stored = as_json(with_findings(Findings(tags=TAGS)))
    for field in ADDED_LATER:
        del stored[field]
    record = msgspec.convert(stored, ImageRecord)
    assert (record.stamp, record.text, record.vector2) == ("", "", msgspec.UNSET)


def test_every_finding_and_its_origin_stand_in_the_record() -> None:
    findings = Findings(
        caption=Caption(text="a", confidence=0.1),
        dense_captions=(DenseCaption(text="b", confidence=0.2, box=BOX),),
        objects=(DetectedObject(name="c", confidence=0.3, box=BOX),),
        people=(DetectedPerson(confidence=0.4, box=BOX),),
        read=(TextLine(text="d", confidence=0.5, box=BOX),),
        smart_crops=(SmartCrop(aspect_ratio=1.5, box=BOX),),
        adult=AdultContent(verdict=AdultVerdict.UNKNOWN, reason="e", adult=None, racy=None, gory=None),
        vector=(0.5,),
    )
    expected = as_json(new_record()) | {
        "caption": {"text": "a", "confidence": 0.1},
        "denseCaptions": [{"text": "b", "confidence": 0.2, "box": BOX_JSON}],
        "objects": [{"name": "c", "confidence": 0.3, "box": BOX_JSON}],
        "people": [{"confidence": 0.4, "box": BOX_JSON}],
        "read": [{"text": "d", "confidence": 0.5, "box": BOX_JSON}],
        "smartCrops": [{"aspectRatio": 1.5, "box": BOX_JSON}],
        "adult": {"verdict": "unknown", "reason": "e", "adult": None, "racy": None, "gory": None},
        "vector": [0.5],
        "text": "a\nd",
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
    assert as_json(with_findings(findings)) == expected


def test_an_analyzer_without_an_analysis_has_a_fingerprint_and_no_versions() -> None:
    assert as_json(ANALYZER) == {
        "name": None,
        "apiVersion": None,
        "modelVersion": None,
        "features": ["tags", "read"],
        "identity": "test/1",
        "cached": False,
    }


def test_times_are_in_milliseconds_and_never_negative() -> None:
    event, started, finished = NOW, NOW + timedelta(seconds=1.2344), NOW + timedelta(seconds=3.5)
    assert as_json(Timings.between(event, started, finished, 700)) == {
        "queuedMs": 1234,
        "analyzeMs": 700,
        "totalMs": 3500,
    }
    assert as_json(Timings.between(finished, started, event, 0)) == {"queuedMs": 0, "analyzeMs": 0, "totalMs": 0}


def record_of(status: RecordStatus, *, fingerprint: str | None = "a/1", code: str | None = None) -> ImageRecord:
    return new_record(
        status,
        reason=Reason(code=code, sentence="", measured=None, limit=None) if code else None,
        analyzer=AnalyzerInfo.for_request((), fingerprint) if fingerprint else None,
    )


CLASSIFIED, REJECTED, FAILED = RecordStatus.CLASSIFIED, RecordStatus.REJECTED, RecordStatus.FAILED


@pytest.mark.parametrize(
    ("record", "etag", "fingerprint", "current"),
    [
        (record_of(CLASSIFIED), "e1", None, True),
        (record_of(CLASSIFIED), "e2", None, False),
        (record_of(CLASSIFIED), "e1", "a/1", True),
        (record_of(CLASSIFIED), "e1", "a/2", False),
        (record_of(CLASSIFIED), "e2", "a/1", False),
        (record_of(REJECTED, fingerprint=None, code="TooLarge"), "e1", None, True),
        (record_of(REJECTED, fingerprint=None, code="TooLarge"), "e1", "a/2", True),
        (record_of(REJECTED, code="InvalidImageFormat"), "e1", "a/1", True),
        (record_of(REJECTED, code="InvalidImageFormat"), "e1", "a/2", False),
        (record_of(REJECTED, fingerprint=None, code="Archived"), "e1", None, True),
        (record_of(REJECTED, fingerprint=None, code="Archived"), "e1", "a/2", False),
        (record_of(FAILED, fingerprint=None, code="KeyError"), "e1", None, True),
        (record_of(FAILED, fingerprint=None, code="KeyError"), "e1", "a/1", False),
        (record_of(FAILED), "e1", "a/1", False),
    ],
)
def test_whether_a_record_needs_no_other_look(
    record: ImageRecord, etag: str, fingerprint: str | None, *, current: bool
) -> None:
    assert record.is_current(etag, fingerprint) is current


@pytest.mark.parametrize("status", [None, "pending", 1])
def test_a_record_without_a_result_cannot_be_read(status: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(as_json(new_record()) | {"status": status}, ImageRecord)


def golden_records() -> list[dict[str, Any]]:
    files = sorted((ROOT / "tests/functions/pipeline/golden").glob("*.json"))
    return [record for file in files for record in json.loads(file.read_text())["images"]]


@pytest.mark.parametrize("item", golden_records(), ids=lambda item: item["status"])
def test_a_stored_record_is_read_and_written_without_a_change(item: dict[str, Any]) -> None:
    fields_of_the_service = {"_etag": "1", "_rid": "r", "_self": "s", "_attachments": "a", "_ts": 1}
    assert as_json(msgspec.convert(item | fields_of_the_service, ImageRecord)) == item


def test_the_schema_describes_every_field_of_every_part() -> None:
    schema: Any = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$ref"] == "#/$defs/ImageRecord"
    for name, definition in schema["$defs"].items():
        assert definition["description"], name
        for field, field_schema in definition.get("properties", {}).items():
            described = field_schema.get("description")
            assert described, f"{name}.{field}"
    assert json.loads(json.dumps(schema)) == schema


def test_the_schema_says_which_fields_a_record_always_has() -> None:
    definitions: Any = json_schema()["$defs"]
    record = definitions["ImageRecord"]
    assert set(record["properties"]) - set(record["required"]) == {"adult", "vector", "vector2", *ADDED_LATER}
    assert set(record["required"]) == {*as_json(new_record())} - ADDED_LATER
    for name, definition in definitions.items():
        if "properties" in definition and name != "ImageRecord":
            assert set(definition["required"]) == set(definition["properties"]), name
    assert set(definitions["RecordStatus"]["enum"]) == {"classified", "rejected", "failed"}
    assert definitions["ImageRecord"]["properties"]["processedAt"]["format"] == "date-time"


def matches(value: Any, schema: dict[str, Any], definitions: dict[str, Any]) -> bool:
    """Whether a value matches the keywords of JSON Schema that the record's schema has."""
    if "$ref" in schema:
        return matches(value, definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    if "anyOf" in schema:
        return any(matches(value, option, definitions) for option in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    match schema["type"]:
        case "object":
            properties = schema["properties"]
            return (
                isinstance(value, dict)
                and set(schema["required"]) <= value.keys() <= properties.keys()
                and all(matches(item, properties[name], definitions) for name, item in value.items())
            )
        case "array":
            return isinstance(value, list) and all(matches(item, schema["items"], definitions) for item in value)
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case other:
            raise AssertionError(f"the test does not know the type {other}")


@pytest.mark.parametrize("item", golden_records(), ids=lambda item: item["status"])
def test_a_stored_record_matches_the_schema(item: dict[str, Any]) -> None:
    schema: Any = json_schema()
    assert matches(item, schema, schema["$defs"])
    assert not matches(item | {"attempts": "1"}, schema, schema["$defs"])
    assert not matches(item | {"unknown": 1}, schema, schema["$defs"])
