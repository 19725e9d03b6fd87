"""Creates the record of an image from the message that is processed and the blob that was read."""

from datetime import datetime

from common.domain.models import SCHEMA_VERSION, ImageInfo, Reason
from common.domain.record import ImageRecord, RecordStatus
from common.domain.record_fields import AnalyzerInfo, BlobProperties, Timings
from msgspec.structs import replace

from classifier.domain.events import BlobEvent, Message
from classifier.domain.models import Blob


def create_record(
    message: Message,
    *,
    attempt: int,
    status: RecordStatus,
    blob: BlobProperties,
    started: datetime,
    finished: datetime,
    analyze_ms: int = 0,
    reason: Reason | None = None,
    image: ImageInfo | None = None,
    analyzer: AnalyzerInfo | None = None,
) -> ImageRecord:
    """Create the record of one version of a blob, without findings.

    Args:
        message: the message that is processed.
        attempt: its dequeue count.
        status: the result.
        blob: the blob, and its version.
        started: when processing started.
        finished: when it was finished.
        analyze_ms: duration of the analysis, in milliseconds.
        reason: why the image is rejected or failed.
        image: what the image's header declares.
        analyzer: the analyzer that has analyzed or rejected the image.
    """
    event = message.event
    return ImageRecord(
        id=event.record_id,
        schema_version=SCHEMA_VERSION,
        stamp=event.stamp,
        status=status,
        reason=reason,
        blob=blob,
        event_id=event.event_id,
        sequencer=event.sequencer,
        image=image,
        labels=(),
        category=None,
        tags=None,
        caption=None,
        dense_captions=None,
        objects=None,
        people=None,
        read=None,
        smart_crops=None,
        analyzer=analyzer,
        copy_path=None,
        timings=Timings.between(event.time, started, finished, analyze_ms),
        attempts=attempt + message.requeue_count + message.interruptions,
        processed_at=finished.isoformat(),
    )


def describe_unread_blob(event: BlobEvent, etag: str) -> BlobProperties:
    """Return the properties of a version of a blob that was not read."""
    return BlobProperties(
        account=event.host.partition(".")[0],
        container=event.container,
        name=event.name,
        etag=etag,
        content_type=None,
        size_bytes=None,
        content_sha256=None,
        created_at=None,
    )


def describe_blob(event: BlobEvent, blob: Blob) -> BlobProperties:
    """Return the properties of a version of a blob that was read."""
    return replace(
        describe_unread_blob(event, blob.etag),
        content_type=blob.content_type,
        size_bytes=blob.size_bytes,
        content_sha256=blob.sha256,
        created_at=blob.created_at.isoformat() if blob.created_at else None,
    )
