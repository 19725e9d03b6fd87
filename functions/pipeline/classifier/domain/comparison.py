"""Comparison: what a successor in the shadow found in an image, beside what its record says.

An item of the Cosmos DB container `comparisons`; `make agreement` reads them (client/agreement/comparisons.py).
"""

import hashlib
from collections.abc import Sequence
from enum import StrEnum

from common.domain.findings import Caption, TextLine
from common.domain.models import ImageFormat
from common.domain.record import ImageRecord
from msgspec import Struct

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
    """One of both analyzers, and what it found.

    Attributes:
        fingerprint: identifies the service, the API version and the request.
        model_version: versions of its models; None if it has rejected the image.
        labels: names of the labels.
        category: the category, or None.
        caption: the caption; None if it was not requested.
        text: the lines of text, cut at 4,000 characters; None if it was not requested.
    """

    fingerprint: str
    model_version: str | None
    labels: tuple[str, ...] = ()
    category: str | None = None
    caption: str | None = None
    text: str | None = None

    @staticmethod
    def from_record(record: ImageRecord) -> "ComparedAnalyzer":
        """Create it from a record with the findings of an analyzer."""
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
    """The findings of two analyzers for one content, and how far they agree.

    Attributes:
        id: of content and both fingerprints, so that a content is compared once.
        schema_version: version of this schema.
        compared_at: when the comparison was made.
        record_id: id of the record.
        blob_name: name of the blob.
        content_sha256: hash of the content.
        format: format of the image.
        main: the analyzer that has made the record.
        successor: the analyzer in the shadow.
        outcome: what the successor made of the image.
        reason: code of its rejection, or None.
        label_agreement: labels that both have, as a share of those that either has; None if not both were requested.
        same_category: whether both have the same category, or none; None if the successor rejects the image.
        caption_agreement: F1 of the words of both captions; None if not both were requested.
        text_error_rate: edits from one text to the other for each character, at most 1; None as above.
        latency_ms: duration of the successor's calls; None if its analysis was stored before.
        input_tokens, output_tokens: tokens of the successor's calls; None if there were none.
    """

    id: str
    schema_version: int = COMPARISON_SCHEMA_VERSION
    compared_at: str
    record_id: str
    blob_name: str
    content_sha256: str
    format: ImageFormat
    main: ComparedAnalyzer
    successor: ComparedAnalyzer
    outcome: SuccessorOutcome
    reason: str | None = None
    label_agreement: float | None = None
    same_category: bool | None = None
    caption_agreement: float | None = None
    text_error_rate: float | None = None
    latency_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

    @staticmethod
    def create(
        record: ImageRecord,
        *,
        content_sha256: str,
        image_format: ImageFormat,
        successor: ComparedAnalyzer,
        features: Sequence[str],
        rejection: str | None,
        compared_at: str,
        latency_ms: int | None,
        input_tokens: int | None,
        output_tokens: int | None,
    ) -> "Comparison":
        """Compare what a successor found with a record.

        Args:
            record: the record, with the findings of its analyzer.
            content_sha256: hash of the content.
            image_format: format of the image.
            successor: what the successor found.
            features: what the successor was asked for.
            rejection: code of the successor's rejection, or None.
            compared_at: the current time.
            latency_ms: duration of the successor's calls, or None.
            input_tokens: tokens of its prompts, or None.
            output_tokens: tokens of its answers, or None.
        """
        main = ComparedAnalyzer.from_record(record)
        accepted = rejection is None
        key = f"{content_sha256} {main.fingerprint} {successor.fingerprint}"
        outcome = SuccessorOutcome.REJECTED
        if accepted:
            outcome = SuccessorOutcome.EMPTY if successor.is_empty else SuccessorOutcome.CLASSIFIED
        has_labels = accepted and "tags" in features and record.tags is not None
        return Comparison(
            id=hashlib.sha256(key.encode()).hexdigest(),
            compared_at=compared_at,
            record_id=record.id,
            blob_name=record.blob.name,
            content_sha256=content_sha256,
            format=image_format,
            main=main,
            successor=successor,
            outcome=outcome,
            reason=rejection,
            label_agreement=label_agreement(main.labels, successor.labels) if has_labels else None,
            same_category=same_name(main.category, successor.category) if accepted else None,
            caption_agreement=None
            if main.caption is None or successor.caption is None
            else caption_agreement(main.caption, successor.caption),
            text_error_rate=None
            if main.text is None or successor.text is None
            else text_error_rate(main.text, successor.text),
            latency_ms=latency_ms,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
        )


def _caption(caption: Caption | None) -> str | None:
    return None if caption is None else caption.text


def _text(lines: Sequence[TextLine] | None) -> str | None:
    return None if lines is None else "\n".join(line.text for line in lines)[:_MAX_TEXT_CHARACTERS]
