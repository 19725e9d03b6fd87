"""The pipeline: from an event to the image's record. Plain values in, ports out; no SDK here."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from classifier import limits
from classifier.models import SCHEMA_VERSION, Analysis, Blob, EventError, ImageCreated
from classifier.ports import Analyses, Analyzer, Gone, Images, Records, Superseded

# Findings that stand in the record under their own names; null when they were not asked for.
_FINDINGS = ("tags", "caption", "denseCaptions", "objects", "people", "read", "smartCrops")
_FINAL = ("classified", "rejected")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an event: `classified`, `rejected`, `failed`, or, with nothing written, `skipped`."""

    status: str
    record_id: str
    detail: str


class Pipeline:
    """Classifies one image per event, once, however often and in whatever order events arrive."""

    def __init__(
        self,
        *,
        images: Images,
        analyzer: Analyzer,
        records: Records,
        analyses: Analyses,
        features: Sequence[str],
        min_confidence: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._images = images
        self._analyzer = analyzer
        self._records = records
        self._analyses = analyses
        self._features = tuple(features)
        self._min_confidence = min_confidence
        self._now = now

    def classify(self, message: str, *, attempt: int) -> Outcome:
        """Handles one queue message at its `attempt`-th delivery.

        Raises EventError for a message that is not ours, and whatever the ports raise for a passing trouble:
        the message then comes back.
        """
        event = self._ours(message)
        started = self._now()
        seen = self._records.get(event.record_id)
        if not _is_news(event, seen):
            return _skipped(event, "a newer or equal event was handled")
        try:
            blob = self._images.read(event.name, event.etag)
        except Gone:
            return _skipped(event, "the blob is gone")
        except Superseded:
            return _skipped(event, "a newer upload has its own event")
        record = self._blank(event, attempt) | {"blob": self._describe(event, blob)}
        analyze_ms = 0
        try:
            content = _content(blob)
            info = self._images.inspect(content)
            record["image"] = {"width": info.width, "height": info.height, "format": info.format}
            limits.check_image(info)
            before = self._now()
            analysis, cached = self._analyze(blob, content)
            analyze_ms = _milliseconds(before, self._now())
            record |= self._found(analysis, cached=cached) | {"status": "classified"}
        except limits.Rejected as rejection:
            record |= {"status": "rejected", "reason": {"code": rejection.code, "sentence": str(rejection)}}
        return self._store(record, event, seen, started, analyze_ms)

    def give_up(self, message: str, *, attempt: int, error: Exception) -> Outcome:
        """Records that the image could not be classified: called at the last attempt, before the message is poison."""
        event = self._ours(message)
        started = self._now()
        seen = self._records.get(event.record_id)
        if not _is_news(event, seen):
            return _skipped(event, "a newer or equal event was handled")
        sentence = f"{error}".strip().splitlines() or [""]
        record = self._blank(event, attempt) | {
            "status": "failed",
            "reason": {"code": type(error).__name__, "sentence": sentence[0][:500]},
            "blob": self._describe(event, None),
        }
        return self._store(record, event, seen, started, 0)

    def _ours(self, message: str) -> ImageCreated:
        event = ImageCreated.parse(message)
        expected = (self._images.account, self._images.container)
        if (event.account, event.container) != expected:
            raise EventError(f"the event is about {(event.account, event.container)}, not about {expected}")
        return event

    def _analyze(self, blob: Blob, content: bytes) -> tuple[Analysis, bool]:
        key = hashlib.sha256(
            json.dumps([blob.sha256, sorted(self._features), self._analyzer.identity]).encode()
        ).hexdigest()
        known = self._analyses.get(key)
        if known is not None:
            return known, True
        analysis = self._analyzer.analyze(content, self._features)
        self._analyses.put(key, analysis)
        return analysis, False

    def _blank(self, event: ImageCreated, attempt: int) -> dict[str, Any]:
        return {
            "id": event.record_id,
            "schemaVersion": SCHEMA_VERSION,
            "status": None,
            "reason": None,
            "blob": None,
            "sequencer": event.sequencer,
            "image": None,
            "labels": [],
            "category": None,
            **dict.fromkeys(_FINDINGS),
            "analyzer": None,
            "timings": None,
            "attempts": attempt,
            "processedAt": None,
        }

    def _describe(self, event: ImageCreated, blob: Blob | None) -> dict[str, Any]:
        return {
            "account": event.account,
            "container": event.container,
            "name": event.name,
            "etag": blob.etag if blob else event.etag,
            "contentType": blob.content_type if blob else None,
            "sizeBytes": blob.size_bytes if blob else None,
            "contentSha256": blob.sha256 if blob else None,
            "createdAt": blob.created_at.isoformat() if blob and blob.created_at else None,
        }

    def _found(self, analysis: Analysis, *, cached: bool) -> dict[str, Any]:
        tags: list[dict[str, Any]] = sorted(
            analysis.findings.get("tags") or [], key=lambda tag: tag["confidence"], reverse=True
        )
        return {
            **{name: analysis.findings[name] for name in _FINDINGS if name in analysis.findings},
            "labels": [tag["name"] for tag in tags if tag["confidence"] >= self._min_confidence],
            "category": {"name": tags[0]["name"], "confidence": tags[0]["confidence"]} if tags else None,
            "analyzer": {
                "name": analysis.analyzer,
                "apiVersion": analysis.api_version,
                "modelVersion": analysis.model_version,
                "features": [*self._features],
                "cached": cached,
            },
        }

    def _store(
        self,
        record: dict[str, Any],
        event: ImageCreated,
        seen: dict[str, Any] | None,
        started: datetime,
        analyze_ms: int,
    ) -> Outcome:
        """Writes the record unless a newer one has got there first."""
        while True:
            finished = self._now()
            record["timings"] = {
                "queuedMs": max(0, _milliseconds(event.time, started)),
                "analyzeMs": analyze_ms,
                "totalMs": max(0, _milliseconds(event.time, finished)),
            }
            record["processedAt"] = finished.isoformat()
            try:
                self._records.put(record, seen)
            except Superseded:
                seen = self._records.get(event.record_id)
                if _is_news(event, seen):
                    continue
                return _skipped(event, "a newer event was handled meanwhile")
            return Outcome(status=record["status"], record_id=event.record_id, detail=_gist(record))


def _skipped(event: ImageCreated, why: str) -> Outcome:
    return Outcome(status="skipped", record_id=event.record_id, detail=why)


def _gist(record: dict[str, Any]) -> str:
    if record["reason"]:
        return str(record["reason"]["code"])
    return str(record["category"]["name"]) if record["category"] else ""


def _content(blob: Blob) -> bytes:
    limits.check_size(blob.size_bytes)
    if blob.content is None:
        raise ValueError(f"{blob.size_bytes} bytes are within the limit and were not read")
    return blob.content


def _is_news(event: ImageCreated, seen: dict[str, Any] | None) -> bool:
    """Whether the event is newer than the record, or as new as one that was given up."""
    if seen is None or event.sequencer > seen["sequencer"]:
        return True
    return event.sequencer == seen["sequencer"] and seen["status"] not in _FINAL


def _milliseconds(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds() * 1000)
