"""Results of the queries over the records."""

from datetime import date, datetime

from msgspec import Struct

from common.domain.findings import Caption, Tag
from common.domain.models import ImageInfo, Reason
from common.domain.record import RecordStatus
from common.domain.record_fields import Category


class RecordSummary(Struct, frozen=True, kw_only=True, rename="camel"):
    """What lists and searches return of a record; the record itself is read by its id.

    Attributes:
        id: id of the record.
        stamp: the stamp whose storage account holds the blob; empty for the first.
        status: result of the pipeline.
        reason: why the image is rejected or failed; else None.
        container: container of the blob.
        name: name of the blob.
        etag: version of the blob that the record is about.
        content_type: Content-Type of the blob.
        image: size and format.
        labels: labels, surest first.
        category: the surest label.
        tags: all tags with their confidence.
        caption: the caption.
        text: caption, labels and lines of text, which searches look into.
        processed_at: when the record was made.
    """

    id: str
    stamp: str = ""
    status: RecordStatus
    reason: Reason | None = None
    container: str
    name: str
    etag: str
    content_type: str | None = None
    image: ImageInfo | None = None
    labels: tuple[str, ...] = ()
    category: Category | None = None
    tags: tuple[Tag, ...] | None = None
    caption: Caption | None = None
    text: str = ""
    processed_at: str


class RecordPage(Struct, frozen=True, kw_only=True):
    """A page of a list.

    Attributes:
        records: the records, in the order of the list. Fewer than requested if the limit of request units was reached.
        cursor: where the next page begins; None after the last page.
        request_units: what the page cost.
    """

    records: tuple[RecordSummary, ...]
    cursor: str | None
    request_units: float


class Match(Struct, frozen=True, kw_only=True):
    """A record that a ranked search found.

    Attributes:
        record: the record.
        similarity: cosine similarity of its embedding to the searched one, from -1 to 1; None without embeddings. It is
            a measure by itself, so a caller can cut off by it; the rank of a match is not.
    """

    record: RecordSummary
    similarity: float | None


class MatchPage(Struct, frozen=True, kw_only=True):
    """A page of a ranked search, best first. Attributes as those of `RecordPage`."""

    matches: tuple[Match, ...]
    cursor: str | None
    request_units: float


class NamedCount(Struct, frozen=True, kw_only=True):
    """How many records have a label, a category or a status."""

    name: str
    count: int


class RecordCounts(Struct, frozen=True, kw_only=True):
    """Counts of the records that were made in a range of days (UTC).

    Attributes:
        first_day: first day.
        last_day: last day.
        counted_at: time of the oldest count; None if no day was counted. Later changes are not in the counts yet.
        images: number of records.
        statuses: records by status.
        categories: records by category, most first.
        labels: records by label, most first.
        request_units: what the query cost.
    """

    first_day: date
    last_day: date
    counted_at: datetime | None
    images: int
    statuses: tuple[NamedCount, ...]
    categories: tuple[NamedCount, ...]
    labels: tuple[NamedCount, ...]
    request_units: float
