"""The record of an image: the item of the Cosmos DB container `images`."""

from collections.abc import Sequence
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
    Findings,
    SmartCrop,
    Tag,
    TextLine,
)
from common.domain.image_limits import ARCHIVED
from common.domain.models import Analysis, ImageInfo, Reason, Versioned
from common.domain.record_fields import AnalyzerInfo, BlobProperties, Category, Timings

# Every different word is a term of the full-text index, and a page of text has about 3,000 characters.
_MAX_TEXT_CHARACTERS = 10_000
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

    id: Annotated[
        str,
        Meta(description="Base32 of the SHA-256 of `<container>/<name>`, after its stamp; also the partition key."),
    ]
    schema_version: Annotated[int, Meta(description="Version of this schema.")]
    stamp: Annotated[
        str, Meta(description="The stamp that the blob's storage account belongs to; empty for the first account.")
    ] = ""
    status: Annotated[RecordStatus, Meta(description="Result of the pipeline.")]
    reason: Annotated[Reason | None, Meta(description="Why the image is `rejected` or `failed`; else null.")]
    blob: Annotated[BlobProperties, Meta(description="The blob, and the version of it that the record is about.")]
    event_id: Annotated[str, Meta(description="Id of the event that led to the record.")]
    sequencer: Annotated[str | None, Meta(description="Order of the blob's events, as Event Grid has it.")]
    image: Annotated[ImageInfo | None, Meta(description="What the image's header declares; null if it was not read.")]
    labels: Annotated[
        tuple[str, ...],
        Meta(description="Names of the tags with at least the configured confidence, or none; surest first."),
    ]
    category: Annotated[
        Category | None,
        Meta(description="The surest label, or the chosen one of the configured categories; null without either."),
    ]
    tags: Annotated[tuple[Tag, ...] | None, Meta(description="Tags; null if not requested.")]
    caption: Annotated[Caption | None, Meta(description="Caption; null if not requested, or if there is none.")]
    dense_captions: Annotated[
        tuple[DenseCaption, ...] | None, Meta(description="Captions of regions; null if not requested.")
    ]
    objects: Annotated[tuple[DetectedObject, ...] | None, Meta(description="Objects; null if not requested.")]
    people: Annotated[tuple[DetectedPerson, ...] | None, Meta(description="People; null if not requested.")]
    read: Annotated[tuple[TextLine, ...] | None, Meta(description="Lines of text; null if not requested.")]
    smart_crops: Annotated[
        tuple[SmartCrop, ...] | None, Meta(description="Regions to crop the image to; null if not requested.")
    ]
    text: Annotated[
        str, Meta(description="Caption, labels and lines of text, which searches look into; cut at 10,000 characters.")
    ] = ""
    adult: Annotated[AdultContent, Meta(description="Adult content; absent if not requested.")] | UnsetType = UNSET
    vector: Annotated[tuple[float, ...], Meta(description="Embedding; absent if not requested.")] | UnsetType = UNSET
    vector2: (
        Annotated[tuple[float, ...], Meta(description="Embedding of a second model; absent without one.")] | UnsetType
    ) = UNSET
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

        Tags with at least `min_confidence` are the labels, and so are tags without confidence, in the analyzer's order;
        the first label is the category, unless the analyzer has chosen one.
        """
        findings = analysis.findings
        tags = sorted(findings.tags or (), key=_rank)
        if analysis.exclusive:
            tags = tags[:1]
        labels = [tag for tag in tags if tag.confidence is None or tag.confidence >= min_confidence]
        return msgspec.structs.replace(
            self,
            labels=tuple(tag.name for tag in labels),
            category=_category(findings, labels),
            tags=_none_if_unset(findings.tags),
            caption=_none_if_unset(findings.caption),
            dense_captions=_none_if_unset(findings.dense_captions),
            objects=_none_if_unset(findings.objects),
            people=_none_if_unset(findings.people),
            read=_none_if_unset(findings.read),
            smart_crops=_none_if_unset(findings.smart_crops),
            text=_searchable_text(findings, [tag.name for tag in labels]),
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


def _rank(tag: Tag) -> float:
    """Return the sort key of a tag: surest first, then those without confidence."""
    return 1.0 if tag.confidence is None else -tag.confidence


def _category(findings: Findings, labels: Sequence[Tag]) -> Category | None:
    if not isinstance(findings.category, UnsetType):
        return Category(name=findings.category, confidence=None)
    return Category(name=labels[0].name, confidence=labels[0].confidence) if labels else None


def _searchable_text(findings: Findings, labels: Sequence[str]) -> str:
    """Return what searches look into: full-text indexes cover single properties, and none in lists.

    https://learn.microsoft.com/azure/cosmos-db/gen-ai/full-text-search
    """
    lines: list[str] = []
    if not isinstance(findings.caption, UnsetType):
        lines.append(findings.caption.text)
    if labels:
        lines.append(", ".join(labels))
    if not isinstance(findings.read, UnsetType):
        lines += [line.text for line in findings.read]
    return "\n".join(lines)[:_MAX_TEXT_CHARACTERS]
