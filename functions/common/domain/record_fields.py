"""Parts of the record of an image."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

import msgspec
from msgspec import Meta, Struct

from common.domain.findings import Confidence
from common.domain.models import Analysis


class BlobProperties(Struct, frozen=True, kw_only=True, rename="camel"):
    """The blob, and the version of it that the record is about. A `failed` record has only its ETag."""

    account: Annotated[str, Meta(description="Name of the storage account.")]
    container: Annotated[str, Meta(description="Name of the container.")]
    name: Annotated[str, Meta(description="Name of the blob.")]
    etag: Annotated[str, Meta(description="ETag of the version, without quotes.")]
    content_type: Annotated[str | None, Meta(description="Content-Type of the blob.")]
    size_bytes: Annotated[int | None, Meta(description="Size of the blob as stored, in bytes.")]
    content_sha256: Annotated[
        str | None,
        Meta(description="SHA-256 of the content after its Content-Encoding was decoded; null if it was not read."),
    ]
    created_at: Annotated[
        str | None,
        Meta(description="When the blob was created.", extra_json_schema={"format": "date-time"}),
    ]


class Category(Struct, frozen=True, kw_only=True):
    """The surest label, or the category that the analyzer has chosen among the configured ones."""

    name: Annotated[str, Meta(description="Name of the category.")]
    confidence: Confidence


class AnalyzerInfo(Struct, frozen=True, kw_only=True, rename="camel"):
    """The analyzer that has analyzed or rejected the image."""

    name: Annotated[str | None, Meta(description="Name of the analyzer; null if it has rejected the image.")]
    api_version: Annotated[str | None, Meta(description="Version of its API; null if it has rejected the image.")]
    model_version: Annotated[str | None, Meta(description="Versions of its models; null if it has rejected the image.")]
    features: Annotated[tuple[str, ...], Meta(description="The features that were requested.")]
    fingerprint: Annotated[str, Meta(description="Identifies the service, the API version and the request.")] = (
        msgspec.field(name="identity")
    )
    cached: Annotated[bool, Meta(description="Whether the analysis was made earlier, for the same content.")]

    @classmethod
    def for_request(cls, features: Sequence[str], fingerprint: str) -> Self:
        """Create the fields of an analyzer that has returned no analysis."""
        return cls(
            name=None,
            api_version=None,
            model_version=None,
            features=tuple(features),
            fingerprint=fingerprint,
            cached=False,
        )

    def with_analysis(self, analysis: Analysis, *, cached: bool) -> Self:
        """Return the fields of an analyzer that has returned an analysis."""
        return msgspec.structs.replace(
            self,
            name=analysis.analyzer,
            api_version=analysis.api_version,
            model_version=analysis.model_version,
            cached=cached,
        )


class Timings(Struct, frozen=True, kw_only=True, rename="camel"):
    """How long the image took, in milliseconds."""

    queued_ms: Annotated[int, Meta(description="From the event to the start of processing, in milliseconds.")]
    analyze_ms: Annotated[int, Meta(description="Duration of the analysis, in milliseconds.")]
    total_ms: Annotated[int, Meta(description="From the event to the record, in milliseconds.")]

    @classmethod
    def between(cls, event_time: datetime, started: datetime, finished: datetime, analyze_ms: int) -> Self:
        """Create the timings of an image. Clocks differ, so an event may seem to be later than its processing."""
        return cls(
            queued_ms=max(0, milliseconds(event_time, started)),
            analyze_ms=analyze_ms,
            total_ms=max(0, milliseconds(event_time, finished)),
        )


def milliseconds(start: datetime, end: datetime) -> int:
    """Return the milliseconds from `start` to `end`."""
    return round((end - start).total_seconds() * 1000)
