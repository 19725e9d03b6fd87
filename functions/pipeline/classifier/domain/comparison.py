"""Comparison: what a successor in the shadow found in an image, beside what its record says.

An item of the Cosmos DB container `comparisons`; `make agreement` reads them (client/agreement/comparisons.py).
"""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
from common.domain.findings import Caption, TextLine
from common.domain.models import ImageFormat, Tokens
from common.domain.record import ImageRecord, RecordStatus
from msgspec import Meta, Struct
from msgspec.structs import replace

from classifier.domain.agreement import caption_agreement, label_agreement, same_name, text_error_rate

COMPARISON_SCHEMA_VERSION = 1
# The text of a page; more would cost storage, and the time of the event loop.
_MAX_TEXT_CHARACTERS = 4_000


class SuccessorOutcome(StrEnum):
    """What the successor made of an image that has a classified record.

    `classified`: it has findings. `empty`: it has found nothing. `rejected`: it cannot analyze the image.
    """

    CLASSIFIED = "classified"
    EMPTY = "empty"
    REJECTED = "rejected"


class ComparedAnalyzer(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of both analyzers, and what it found."""

    fingerprint: Annotated[str, Meta(description="Identifies the service, the API version and the request.")]
    model_version: Annotated[str | None, Meta(description="Versions of its models; null if it has rejected the image.")]
    labels: Annotated[tuple[str, ...], Meta(description="Names of the labels.")] = ()
    category: Annotated[str | None, Meta(description="Category, or null.")] = None
    caption: Annotated[str | None, Meta(description="Caption; null if not requested.")] = None
    text: Annotated[str | None, Meta(description="Lines of text, cut at 4,000 characters; null if not requested.")] = (
        None
    )

    @staticmethod
    def from_record(record: ImageRecord) -> "ComparedAnalyzer":
        """Create it from the record that an analyzer has made."""
        return ComparedAnalyzer(
            fingerprint=record.fingerprint or "",
            model_version=record.analyzer.model_version if record.analyzer is not None else None,
            labels=record.labels,
            category=record.category.name if record.category is not None else None,
            caption=_caption(record.caption),
            text=_text(record.read),
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.labels or self.category or self.caption or self.text)


class Comparison(Struct, frozen=True, kw_only=True, rename="camel"):
    """The findings of two analyzers for one content, and how far they agree."""

    id: Annotated[str, Meta(description="Of content and both fingerprints: a content is compared once.")]
    schema_version: Annotated[int, Meta(description="Version of this schema.")] = COMPARISON_SCHEMA_VERSION
    compared_at: Annotated[
        str, Meta(description="When the comparison was made.", extra_json_schema={"format": "date-time"})
    ]
    record_id: Annotated[str, Meta(description="Id of the record.")]
    blob_name: Annotated[str, Meta(description="Name of the blob.")]
    content_sha256: Annotated[str, Meta(description="SHA-256 of the content.")]
    format: Annotated[ImageFormat | None, Meta(description="Format of the image.")]
    main: Annotated[ComparedAnalyzer, Meta(description="The analyzer that has made the record.")]
    successor: Annotated[ComparedAnalyzer, Meta(description="The analyzer in the shadow.")]
    outcome: Annotated[SuccessorOutcome, Meta(description="What the successor made of the image.")]
    reason: Annotated[str | None, Meta(description="Code of its rejection, or null.")] = None
    label_agreement: Annotated[
        float | None,
        Meta(description="Labels of both as a share of those of either; null if not both have tags."),
    ] = None
    same_category: Annotated[
        bool | None,
        Meta(description="Whether both have the same category, or none; null if the successor rejects the image."),
    ] = None
    caption_agreement: Annotated[
        float | None, Meta(description="F1 score of the words of both captions; null if not both have one.")
    ] = None
    text_error_rate: Annotated[
        float | None,
        Meta(description="Edits from one text to the other for each character, at most 1; null if not both have one."),
    ] = None
    latency_ms: Annotated[
        int | None,
        Meta(
            description="How long the successor's analysis took, with the waits of a long-running operation, in"
            " milliseconds; null if it was stored before, or there is none."
        ),
    ] = None
    input_tokens: Annotated[int | None, Meta(description="Tokens of the successor's prompts; null if unknown.")] = None
    output_tokens: Annotated[int | None, Meta(description="Tokens of its answers; null if unknown.")] = None

    @staticmethod
    def create(
        record: ImageRecord, successor_record: ImageRecord, *, compared_at: str, tokens: Tokens | None
    ) -> "Comparison":
        """Compare a record with the one that a successor would have made for the same version of the blob.

        Args:
            record: the record, with the findings of its analyzer.
            successor_record: the record by the successor, classified or rejected.
            compared_at: the current time.
            tokens: the tokens of the successor's calls; None if unknown.
        """
        main = ComparedAnalyzer.from_record(record)
        successor = ComparedAnalyzer.from_record(successor_record)
        sha256 = record.blob.content_sha256 or ""
        key = f"{sha256} {main.fingerprint} {successor.fingerprint}"
        is_accepted = successor_record.status is RecordStatus.CLASSIFIED
        outcome = SuccessorOutcome.REJECTED
        if is_accepted:
            outcome = SuccessorOutcome.EMPTY if successor.is_empty else SuccessorOutcome.CLASSIFIED
        is_cached = successor_record.analyzer is not None and successor_record.analyzer.cached
        have_labels = record.tags is not None and successor_record.tags is not None
        comparison = Comparison(
            id=hashlib.sha256(key.encode()).hexdigest(),
            compared_at=compared_at,
            record_id=record.id,
            blob_name=record.blob.name,
            content_sha256=sha256,
            format=record.image.format if record.image is not None else None,
            main=main,
            successor=successor,
            outcome=outcome,
            reason=successor_record.reason.code if successor_record.reason is not None else None,
            label_agreement=label_agreement(main.labels, successor.labels) if have_labels else None,
            same_category=same_name(main.category, successor.category) if is_accepted else None,
            latency_ms=successor_record.timings.analyze_ms if is_accepted and not is_cached else None,
            input_tokens=tokens.input if tokens is not None else None,
            output_tokens=tokens.output if tokens is not None else None,
        )
        if main.caption is not None and successor.caption is not None:
            comparison = replace(comparison, caption_agreement=caption_agreement(main.caption, successor.caption))
        if main.text is not None and successor.text is not None:
            comparison = replace(comparison, text_error_rate=text_error_rate(main.text, successor.text))
        return comparison


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of a stored comparison; the schemas of its parts are in `$defs`."""
    (schema,), definitions = msgspec.json.schema_components([Comparison])
    return {**schema, "$defs": definitions}


def _caption(caption: Caption | None) -> str | None:
    return None if caption is None else caption.text


def _text(lines: Sequence[TextLine] | None) -> str | None:
    return None if lines is None else "\n".join(line.text for line in lines)[:_MAX_TEXT_CHARACTERS]
