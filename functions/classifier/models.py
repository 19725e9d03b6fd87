"""The values that pass through the pipeline, and the record that it writes."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

SCHEMA_VERSION = 1
_SUBJECT_PREFIX = "/blobServices/default/containers/"


class EventError(ValueError):
    """The message is no event about a blob in our container; the text says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class ImageCreated:
    """Event Grid's BlobCreated, reduced to what is needed.

    `sequencer` orders the events of one blob; compared as text, the greater one is the newer:
    https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage
    """

    account: str
    container: str
    name: str
    etag: str
    sequencer: str
    time: datetime

    @property
    def record_id(self) -> str:
        """The record's id: the same for every upload under this name."""
        digest = hashlib.sha256(f"{self.container}/{self.name}".encode()).digest()
        return base64.b32encode(digest).decode().rstrip("=").lower()

    @staticmethod
    def parse(message: str) -> "ImageCreated":
        """The event in a queue message (Event Grid schema). Raises EventError."""
        try:
            event = json.loads(message)
            kind, subject, data = event["eventType"], event["subject"], event["data"]
            container, separator, name = subject.removeprefix(_SUBJECT_PREFIX).partition("/blobs/")
            if kind != "Microsoft.Storage.BlobCreated":
                raise EventError(f"eventType is {kind!r}, not 'Microsoft.Storage.BlobCreated'")
            if not (subject.startswith(_SUBJECT_PREFIX) and separator and container and name):
                raise EventError(f"subject {subject!r} names no blob")
            return ImageCreated(
                # Only the account's name is taken from the URL, to be compared; the URL itself is never fetched.
                account=(urlsplit(str(data["url"])).hostname or "").partition(".")[0],
                container=container,
                name=name,
                etag=data["eTag"],
                sequencer=data["sequencer"],
                time=datetime.fromisoformat(event["eventTime"]),
            )
        except EventError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EventError(f"the message is no Event Grid event: {type(error).__name__} {error}") from error


@dataclass(frozen=True, kw_only=True)
class Blob:
    """An image as it lay in its container when it was read.

    `content` is None when there is more of it than the analyser accepts; `etag` is without quotes.
    """

    content: bytes | None
    size_bytes: int
    etag: str
    content_type: str
    created_at: datetime | None

    @property
    def sha256(self) -> str | None:
        """The content's hash, in hexadecimal; None when it was not read."""
        return None if self.content is None else hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """What an image's header says. Pixels; `format` as in `limits.FORMATS`."""

    width: int
    height: int
    format: str


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """What an analyser found in one image.

    `findings` holds one entry for each feature asked for, in the record's own form: `tags` [{name, confidence}],
    boxes {x, y, width, height} in pixels, confidences 0 to 1.
    """

    analyzer: str
    api_version: str
    model_version: str
    findings: dict[str, Any]

    def to_item(self, key: str) -> dict[str, Any]:
        """As an item of the `analyses` container."""
        return {
            "id": key,
            "schemaVersion": SCHEMA_VERSION,
            "analyzer": self.analyzer,
            "apiVersion": self.api_version,
            "modelVersion": self.model_version,
            "findings": self.findings,
        }

    @staticmethod
    def from_item(item: dict[str, Any]) -> "Analysis":
        """Out of an item of the `analyses` container."""
        return Analysis(
            analyzer=item["analyzer"],
            api_version=item["apiVersion"],
            model_version=item["modelVersion"],
            findings=item["findings"],
        )
