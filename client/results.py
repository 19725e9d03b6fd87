"""Results of uploads: the record of each image, as a table or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from client.image_store import ImageRecord, Upload

# Lines of recognized text that a table row shows.
_SHOWN_LINES = 3


@dataclass(frozen=True, kw_only=True)
class ClassificationResult:
    """The record of an uploaded file, or None and the error that kept it from getting one.

    Attributes:
        upload: The file.
        blob_name: Name that the image has got; the one that was requested if it was not uploaded.
        seconds: How long it took.
        record: The record, or None.
        error: The error, or None.
    """

    upload: Upload
    blob_name: str
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
            result.blob_name,
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
        "blob": result.blob_name,
        "status": result.status,
        "seconds": round(result.seconds, 3),
        "error": result.error,
        "record": result.record,
    }
    return json.dumps(content, ensure_ascii=False)
