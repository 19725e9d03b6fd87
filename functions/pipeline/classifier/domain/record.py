"""The record of an image: the item of the Cosmos DB container `images`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from classifier.domain.events import Message
from classifier.domain.image_limits import ARCHIVED
from classifier.domain.models import SCHEMA_VERSION, Analysis, Blob, ImageInfo

# Findings that every record has, under their own names; null if they were not requested.
_FINDINGS = ("tags", "caption", "denseCaptions", "objects", "people", "read", "smartCrops")
# Findings that a record has only if they were requested.
_OPTIONAL_FINDINGS = ("adult", "vector")


def blank(message: Message, attempts: int) -> dict[str, Any]:
    """Return an empty record for the blob that the message is about."""
    event = message.event
    return {
        "id": event.record_id,
        "schemaVersion": SCHEMA_VERSION,
        "status": None,
        "reason": None,
        "blob": {
            "account": event.host.partition(".")[0],
            "container": event.container,
            "name": event.name,
            **dict.fromkeys(("etag", "contentType", "sizeBytes", "contentSha256", "createdAt")),
        },
        "eventId": event.event_id,
        "sequencer": event.sequencer,
        "image": None,
        "labels": [],
        "category": None,
        **dict.fromkeys(_FINDINGS),
        "analyzer": None,
        "copy": None,
        "timings": None,
        "attempts": attempts + message.requeue_count + message.interruptions,
        "processedAt": None,
    }


def of_blob(blob: Blob) -> dict[str, Any]:
    """Return the fields of a blob that was read."""
    return {
        "etag": blob.etag,
        "contentType": blob.content_type,
        "sizeBytes": blob.size_bytes,
        "contentSha256": blob.sha256,
        "createdAt": blob.created_at.isoformat() if blob.created_at else None,
    }


def of_image(info: ImageInfo) -> dict[str, Any]:
    """Return the fields of an image whose header was read."""
    return {"width": info.width, "height": info.height, "format": info.format}


def of_analyzer(features: Sequence[str], fingerprint: str) -> dict[str, Any]:
    """Return the fields of the analyzer that was called, null where only an analysis has a value."""
    return {
        **dict.fromkeys(("name", "apiVersion", "modelVersion")),
        "features": [*features],
        "identity": fingerprint,
        "cached": False,
    }


def of_analysis(
    analysis: Analysis, *, features: Sequence[str], fingerprint: str, min_confidence: float, cached: bool
) -> dict[str, Any]:
    """Return the fields of an analysis.

    Tags with at least `min_confidence` are the labels; the one with the highest confidence is the category.
    """
    tags: list[dict[str, Any]] = sorted(
        analysis.findings.get("tags") or [], key=lambda tag: tag["confidence"], reverse=True
    )
    labels = [tag for tag in tags[: 1 if analysis.exclusive else None] if tag["confidence"] >= min_confidence]
    return {
        **{name: analysis.findings[name] for name in (*_FINDINGS, *_OPTIONAL_FINDINGS) if name in analysis.findings},
        "labels": [tag["name"] for tag in labels],
        "category": {"name": labels[0]["name"], "confidence": labels[0]["confidence"]} if labels else None,
        "analyzer": {
            **of_analyzer(features, fingerprint),
            "name": analysis.analyzer,
            "apiVersion": analysis.api_version,
            "modelVersion": analysis.model_version,
            "cached": cached,
        },
    }


def timings(event_time: datetime, started: datetime, finished: datetime, analyze_ms: int) -> dict[str, int]:
    """Return how long the image waited, how long its analysis took, and the sum of all, in milliseconds."""
    return {
        "queuedMs": max(0, milliseconds(event_time, started)),
        "analyzeMs": analyze_ms,
        "totalMs": max(0, milliseconds(event_time, finished)),
    }


def milliseconds(start: datetime, end: datetime) -> int:
    """Return the milliseconds from `start` to `end`."""
    return round((end - start).total_seconds() * 1000)


def part(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a part of the record, or an empty one if it is null."""
    return record[name] or {}


def is_current(record: dict[str, Any], etag: str, fingerprint: str | None) -> bool:
    """Return whether a record is final and about this version of the blob.

    A rejection without an analyzer was made by the limits of the pipeline, and is final under every fingerprint.

    Args:
        record: the record.
        etag: the current version of the blob.
        fingerprint: if not None, the analysis must also have been made by the analyzer with this fingerprint.
    """
    if record["blob"]["etag"] != etag:
        return False
    if fingerprint is None:
        return record["status"] is not None
    made_by = part(record, "analyzer").get("identity")
    archived = part(record, "reason").get("code") == ARCHIVED  # it may have been rehydrated since, which keeps the ETag
    rejected = record["status"] == "rejected" and not archived and made_by in {None, fingerprint}
    return rejected or (record["status"] == "classified" and made_by == fingerprint)
