"""The record of an image: plain values in, the item of the `images` container out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from classifier.events import Message
from classifier.limits import ARCHIVED
from classifier.models import SCHEMA_VERSION, Analysis, Blob, ImageInfo

# Findings that stand in the record under their own names; null when they were not asked for.
_FINDINGS = ("tags", "caption", "denseCaptions", "objects", "people", "read", "smartCrops")
# Findings that are left out of the record when they were not asked for.
_EXTRAS = ("adult", "vector")


def blank(message: Message, attempts: int) -> dict[str, Any]:
    """A record about which nothing is known yet but what it is for."""
    notice = message.notice
    return {
        "id": notice.record_id,
        "schemaVersion": SCHEMA_VERSION,
        "status": None,
        "reason": None,
        "blob": {
            "account": notice.host.partition(".")[0],
            "container": notice.container,
            "name": notice.name,
            **dict.fromkeys(("etag", "contentType", "sizeBytes", "contentSha256", "createdAt")),
        },
        "eventId": notice.event_id,
        "sequencer": notice.sequencer,
        "image": None,
        "labels": [],
        "category": None,
        **dict.fromkeys(_FINDINGS),
        "analyzer": None,
        "copy": None,
        "timings": None,
        "attempts": attempts + message.put_backs + message.interruptions,
        "processedAt": None,
    }


def of_blob(blob: Blob) -> dict[str, Any]:
    """What is known of the blob once it was read."""
    return {
        "etag": blob.etag,
        "contentType": blob.content_type,
        "sizeBytes": blob.size_bytes,
        "contentSha256": blob.sha256,
        "createdAt": blob.created_at.isoformat() if blob.created_at else None,
    }


def of_image(info: ImageInfo) -> dict[str, Any]:
    """What is known of the image once its header was read."""
    return {"width": info.width, "height": info.height, "format": info.format}


def of_analyzer(features: Sequence[str], identity: str) -> dict[str, Any]:
    """The analyzer that is called, without the properties that only its analysis has."""
    return {
        **dict.fromkeys(("name", "apiVersion", "modelVersion")),
        "features": [*features],
        "identity": identity,
        "cached": False,
    }


def of_analysis(
    analysis: Analysis, *, features: Sequence[str], identity: str, min_confidence: float, cached: bool
) -> dict[str, Any]:
    """What was found; tags at or above `min_confidence` are its labels, and the surest of them its category."""
    tags: list[dict[str, Any]] = sorted(
        analysis.findings.get("tags") or [], key=lambda tag: tag["confidence"], reverse=True
    )
    labels = [tag for tag in tags[: 1 if analysis.exclusive else None] if tag["confidence"] >= min_confidence]
    return {
        **{name: analysis.findings[name] for name in (*_FINDINGS, *_EXTRAS) if name in analysis.findings},
        "labels": [tag["name"] for tag in labels],
        "category": {"name": labels[0]["name"], "confidence": labels[0]["confidence"]} if labels else None,
        "analyzer": {
            **of_analyzer(features, identity),
            "name": analysis.analyzer,
            "apiVersion": analysis.api_version,
            "modelVersion": analysis.model_version,
            "cached": cached,
        },
    }


def timings(event: datetime, started: datetime, finished: datetime, analyze_ms: int) -> dict[str, int]:
    """How long the image waited, was analysed, and took in all, in milliseconds."""
    return {
        "queuedMs": max(0, milliseconds(event, started)),
        "analyzeMs": analyze_ms,
        "totalMs": max(0, milliseconds(event, finished)),
    }


def milliseconds(start: datetime, end: datetime) -> int:
    """From one moment to another."""
    return round((end - start).total_seconds() * 1000)


def part(record: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of the record that may be null, then empty."""
    return record[name] or {}


def is_current(record: dict[str, Any], etag: str, identity: str | None) -> bool:
    """Whether a record is about this version of the blob and final; with an `identity`, also made under that one.

    A rejection without an analyzer was made by the limits of the pipeline, and is final under every identity.
    """
    if record["blob"]["etag"] != etag:
        return False
    if identity is None:
        return record["status"] is not None
    made_by = part(record, "analyzer").get("identity")
    archived = part(record, "reason").get("code") == ARCHIVED  # and maybe rehydrated since, under the same ETag
    rejected = record["status"] == "rejected" and not archived and made_by in {None, identity}
    return rejected or (record["status"] == "classified" and made_by == identity)
