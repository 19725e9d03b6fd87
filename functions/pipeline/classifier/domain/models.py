"""The values that pass through the pipeline."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class RejectionReason:
    """Why an image can never be analysed, as it stands in the record.

    `code` is stable, `sentence` is for people; `measured` and `limit` say by how much it fails, where that can be said.
    """

    code: str
    sentence: str
    measured: Any = None
    limit: Any = None


@dataclass(frozen=True, kw_only=True)
class Blob:
    """An image as it lay in its container when it was read.

    `content` is what the blob's Content-Encoding encodes; None when there is more of it than the analyser accepts, or
    when it could not be read for good, which `rejection` then explains. `size_bytes` is what the container stores;
    `etag` is without quotes.
    """

    content: bytes | None
    size_bytes: int
    etag: str
    content_type: str
    created_at: datetime | None
    rejection: RejectionReason | None = None

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
    boxes {x, y, width, height} in pixels, confidences 0 to 1, `adult` {verdict, reason, adult, racy, gory}, `vector`
    [numbers]. `exclusive` tags rule each other out: only the surest can be a label.
    """

    analyzer: str
    api_version: str
    model_version: str
    findings: dict[str, Any]
    exclusive: bool = False

    def to_item(self, key: str) -> dict[str, Any]:
        """As an item of the `analyses` container."""
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
        """Out of an item of the `analyses` container."""
        return Analysis(
            analyzer=item["analyzer"],
            api_version=item["apiVersion"],
            model_version=item["modelVersion"],
            findings=item["findings"],
            exclusive=item["exclusive"],
        )


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to make one analysis: nobody else makes it until this is finished, released or has run out."""

    key: str
    etag: str
