"""Data types of the pipeline."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class RejectionReason:
    """Why an image can never be analyzed, as the record has it.

    Attributes:
        code: stable identifier of the reason.
        sentence: explanation for people.
        measured: the measured value that exceeds a limit, or None.
        limit: the limit, or None.
    """

    code: str
    sentence: str
    measured: Any = None
    limit: Any = None


@dataclass(frozen=True, kw_only=True)
class Blob:
    """One version of an image blob.

    Attributes:
        content: the content after its Content-Encoding was decoded. None if it is larger than the analyzer accepts, or
            if it can never be read; `rejection` then says why.
        size_bytes: the size of the blob as stored.
        etag: without quotes.
        content_type: the blob's Content-Type.
        created_at: when the blob was created.
        rejection: why the content can never be read, or None.
    """

    content: bytes | None
    size_bytes: int
    etag: str
    content_type: str
    created_at: datetime | None
    rejection: RejectionReason | None = None

    @property
    def sha256(self) -> str | None:
        """The hash of the content, in hexadecimal; None if there is no content."""
        return None if self.content is None else hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, kw_only=True)
class BlobInfo:
    """A blob in a listing; `etag` is without quotes."""

    name: str
    etag: str
    last_modified: datetime


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """What the header of an image declares: dimensions in pixels, `format` is one of `image_limits.FORMATS`."""

    width: int
    height: int
    format: str


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The result of an analyzer for one image.

    Attributes:
        analyzer: name of the analyzer.
        api_version: version of its API.
        model_version: versions of its models.
        findings: one entry for each requested feature, as the record has it: `tags` [{name, confidence}], boxes
            {x, y, width, height} in pixels, confidences from 0 to 1, `adult` {verdict, reason, adult, racy, gory},
            `vector` [numbers].
        exclusive: whether the tags exclude each other, so that only the one with the highest confidence can be a label.
    """

    analyzer: str
    api_version: str
    model_version: str
    findings: dict[str, Any]
    exclusive: bool = False

    def to_item(self, key: str) -> dict[str, Any]:
        """Return the item of the container `analyses`, under the id `key`."""
        return {
            "id": key,
            "schemaVersion": SCHEMA_VERSION,
            "analyzer": self.analyzer,
            "apiVersion": self.api_version,
            "modelVersion": self.model_version,
            "findings": self.findings,
            "exclusive": self.exclusive,
        }

    @staticmethod
    def from_item(item: dict[str, Any]) -> "Analysis":
        """Create an analysis from an item of the container `analyses`."""
        return Analysis(
            analyzer=item["analyzer"],
            api_version=item["apiVersion"],
            model_version=item["modelVersion"],
            findings=item["findings"],
            exclusive=item["exclusive"],
        )


@dataclass(frozen=True, kw_only=True)
class AnalysisLease:
    """The exclusive right to make the analysis `key`, until it is stored or released, or the lease expires.

    `etag` is the version of the lease's item in Cosmos DB.
    """

    key: str
    etag: str


@dataclass(frozen=True)
class Versioned:
    """A stored value and the ETag of the version that was read or written."""

    value: dict[str, Any]
    etag: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one delivery of a message.

    Attributes:
        status: the status of the record (`classified`, `rejected`, `failed`), or `removed` (the blob does not exist,
            and its record was removed), `delayed` (the message was requeued), `misconfigured` (the message was requeued
            with a long delay, because only a deployment can remove the cause), or `poison` (the message is no event
            about the images container).
        detail: the category, the code of the reason, or the error.
        record_id: the id of the record, or None for `poison`.
        event_id: the id of the event, or None for `poison`.
    """

    status: str
    detail: str
    record_id: str | None = None
    event_id: str | None = None
