"""Results of uploads: the record of each image, as a table or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

from rich.table import Table

# Lines of recognized text that a table row shows.
_SHOWN_LINES = 3


class _Blob(TypedDict):
    etag: str


class _Category(TypedDict):
    name: str
    confidence: float | None


class _Caption(TypedDict):
    text: str


class _Reason(TypedDict):
    sentence: str


class _Line(TypedDict):
    text: str


class ImageRecord(TypedDict):
    """The parts of a record that are read here; docs/record.md has all of them."""

    status: str
    blob: _Blob
    category: NotRequired[_Category | None]
    caption: NotRequired[_Caption | None]
    reason: NotRequired[_Reason | None]
    read: NotRequired[list[_Line] | None]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file and the name of the blob that it becomes."""

    path: Path
    blob_name: str


@dataclass(frozen=True, kw_only=True)
class ClassificationResult:
    """The record of an uploaded file, or None and the error that kept it from getting one."""

    upload: Upload
    seconds: float
    record: ImageRecord | None
    error: str | None

    @property
    def status(self) -> str:
        """The record's status, or `unfinished`."""
        if self.record is None:
            return "unfinished"
        return self.record["status"]


def create_table(results: Sequence[ClassificationResult]) -> Table:
    """Return a table with one row for each file."""
    table = Table(title=None)
    for column in ("file", "status", "category", "caption", "text found"):
        table.add_column(column, overflow="fold")
    table.add_column("time", justify="right", no_wrap=True)
    for result in results:
        table.add_row(
            result.upload.blob_name,
            result.status,
            _category_text(result.record),
            _caption_text(result),
            _recognized_text(result.record),
            f"{result.seconds:.1f} s",
        )
    return table


def _category_text(record: ImageRecord | None) -> str:
    category = record.get("category") if record is not None else None
    if category is None:
        return ""
    confidence = category["confidence"]
    if confidence is None:
        return category["name"]
    return f"{category['name']} {confidence:.0%}"


def _caption_text(result: ClassificationResult) -> str:
    """Return the caption, or the reason why the image has none."""
    if result.record is None:
        return result.error or ""
    reason = result.record.get("reason")
    if reason is not None:
        return reason["sentence"]
    caption = result.record.get("caption")
    if caption is None:
        return ""
    return caption["text"]


def _recognized_text(record: ImageRecord | None) -> str:
    lines = record.get("read") if record is not None else None
    return " / ".join(line["text"] for line in (lines or [])[:_SHOWN_LINES])


def to_json(result: ClassificationResult) -> str:
    """Return a result as one line of JSON, with the whole record."""
    content = {
        "file": str(result.upload.path),
        "blob": result.upload.blob_name,
        "status": result.status,
        "seconds": round(result.seconds, 3),
        "error": result.error,
        "record": result.record,
    }
    return json.dumps(content, ensure_ascii=False)
