"""The record of an image: the item of the Cosmos DB container `images`."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from common.domain.findings import (
    AdultContent,
    Caption,
    DenseCaption,
    DetectedObject,
    DetectedPerson,
    SmartCrop,
    Tag,
    TextLine,
)
from common.domain.image_limits import ARCHIVED
from common.domain.models import Analysis, ImageInfo, Reason, Versioned
from common.domain.record_fields import AnalyzerInfo, BlobProperties, Category, Timings

_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class RecordStatus(StrEnum):
    """The result of the pipeline for one version of a blob.

    `classified`: it was analyzed. `rejected`: it can never be analyzed. `failed`: it could not be analyzed.
    """

    CLASSIFIED = "classified"
    REJECTED = "rejected"
    FAILED = "failed"


# A field that is added later needs a default, because older records lack it.
class ImageRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """The record of an image: the result for the newest version of one blob."""

    id: Annotated[str, Meta(description="Base32 of the SHA-256 of `<container>/<name>`; also the partition key.")]
    schema_version: Annotated[int, Meta(description="Version of this schema.")]
    status: Annotated[RecordStatus, Meta(description="Result of the pipeline.")]
    reason: Annotated[Reason | None, Meta(description="Why the image is `rejected` or `failed`; else null.")]
    blob: Annotated[BlobProperties, Meta(description="The blob, and the version of it that the record is about.")]
    event_id: Annotated[str, Meta(description="Id of the event that led to the record.")]
    sequencer: Annotated[str | None, Meta(description="Order of the blob's events, as Event Grid has it.")]
    image: Annotated[ImageInfo | None, Meta(description="What the image's header declares; null if it was not read.")]
    labels: Annotated[
        tuple[str, ...],
        Meta(description="Names of the tags with at least the configured confidence, surest first."),
    ]
    category: Annotated[Category | None, Meta(description="The surest label; null without labels.")]
    tags: Annotated[tuple[Tag, ...] | None, Meta(description="Tags; null if not requested.")]
    caption: Annotated[Caption | None, Meta(description="Caption; null if not requested.")]
    dense_captions: Annotated[
        tuple[DenseCaption, ...] | None, Meta(description="Captions of regions; null if not requested.")
    ]
    objects: Annotated[tuple[DetectedObject, ...] | None, Meta(description="Objects; null if not requested.")]
    people: Annotated[tuple[DetectedPerson, ...] | None, Meta(description="People; null if not requested.")]
    read: Annotated[tuple[TextLine, ...] | None, Meta(description="Lines of text; null if not requested.")]
    smart_crops: Annotated[
        tuple[SmartCrop, ...] | None, Meta(description="Regions to crop the image to; null if not requested.")
    ]
    adult: Annotated[AdultContent, Meta(description="Adult content; absent if not requested.")] | UnsetType = UNSET
    vector: Annotated[tuple[float, ...], Meta(description="Embedding; absent if not requested.")] | UnsetType = UNSET
    analyzer: Annotated[
        AnalyzerInfo | None, Meta(description="The analyzer that has analyzed or rejected the image; else null.")
    ]
    copy_path: Annotated[
        str | None, Meta(description="Path of the copy in the container of classified images; null without a copy.")
    ] = msgspec.field(name="copy")
    timings: Annotated[Timings, Meta(description="How long the image took.")]
    attempts: Annotated[int, Meta(description="Deliveries of the event's messages, from 1.")]
    processed_at: Annotated[
        str, Meta(description="When the record was made.", extra_json_schema={"format": "date-time"})
    ]

    def __post_init__(self) -> None:
        """Check what the types do not say. Raises ValueError if `processed_at` is no time."""
        datetime.fromisoformat(self.processed_at)

    def with_analysis(self, analysis: Analysis, *, min_confidence: float) -> Self:
        """Return the record with the findings of an analysis.

        Tags with at least `min_confidence` are the labels; the one with the highest confidence is the category.
        """
        findings = analysis.findings
        tags = sorted(findings.tags or (), key=lambda tag: tag.confidence, reverse=True)
        if analysis.exclusive:
            tags = tags[:1]
        labels = [tag for tag in tags if tag.confidence >= min_confidence]
        return msgspec.structs.replace(
            self,
            labels=tuple(tag.name for tag in labels),
            category=Category(name=labels[0].name, confidence=labels[0].confidence) if labels else None,
            tags=_none_if_unset(findings.tags),
            caption=_none_if_unset(findings.caption),
            dense_captions=_none_if_unset(findings.dense_captions),
            objects=_none_if_unset(findings.objects),
            people=_none_if_unset(findings.people),
            read=_none_if_unset(findings.read),
            smart_crops=_none_if_unset(findings.smart_crops),
            adult=findings.adult,
            vector=findings.vector,
        )

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the analyzer that has analyzed or rejected the image, or None."""
        return self.analyzer.fingerprint if self.analyzer is not None else None

    @property
    def detail(self) -> str:
        """The code of the reason, or the name of the category, or an empty string."""
        if self.reason is not None:
            return self.reason.code
        return self.category.name if self.category is not None else ""

    def is_current(self, etag: str, fingerprint: str | None) -> bool:
        """Return whether the record is about this version of the blob, and final.

        A rejection without an analyzer was made by the limits of the pipeline, and is final under every fingerprint.

        Args:
            etag: the current version of the blob.
            fingerprint: if not None, the analysis must also have been made by the analyzer with this fingerprint.
        """
        if self.blob.etag != etag:
            return False
        if fingerprint is None:
            return True
        if self.status is RecordStatus.CLASSIFIED:
            return self.fingerprint == fingerprint
        if self.status is RecordStatus.FAILED:
            return False
        # An archived blob may have been rehydrated since, which keeps the ETag.
        is_archived = self.reason is not None and self.reason.code == ARCHIVED
        return not is_archived and self.fingerprint in {None, fingerprint}


# A record as it was read. Its value is None if the stored item does not match the schema.
type StoredRecord = Versioned[ImageRecord | None]


def json_schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) of a stored record; the schemas of its parts are in `$defs`."""
    (schema,), definitions = msgspec.json.schema_components([ImageRecord])
    return {"$schema": _SCHEMA_DIALECT, **schema, "$defs": definitions}


def _none_if_unset[Finding](finding: Finding | UnsetType) -> Finding | None:
    return None if isinstance(finding, UnsetType) else finding
