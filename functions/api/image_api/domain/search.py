"""Lists and searches: what callers ask for, and the results with the reasons for which they match."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from common.domain.models import ImageInfo, Reason
from common.domain.queries import MAX_LABELS, MAX_PAGE_SIZE, MAX_TEXT_LENGTH
from common.domain.record import RecordStatus
from common.domain.record_fields import Category
from msgspec import Meta, Struct, field

_Instant = {"format": "date-time"}
_SEARCH = "Words to search for, in labels, captions, texts in the images and, with embeddings, by meaning."
_SORT = "Order; `relevance` with `q`, `newest` without. By time, `q` finds the images that have all of its words."
_CURSOR = "Where the page begins: `cursor` of the page before, with the same parameters."

type _Name = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_LENGTH)]


class ListOrder(StrEnum):
    """The order of a list."""

    NEWEST = "newest"
    OLDEST = "oldest"
    RELEVANCE = "relevance"


# Metadata of a parameter that may be absent belongs to its type without None, where msgspec checks it.
class ListQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """The parameters of a list of images: an image has to meet them all."""

    label: Annotated[
        tuple[_Name, ...],
        Meta(description="Labels that the images have, all of them, separated by commas.", max_length=MAX_LABELS),
    ] = ()
    min_confidence: (
        Annotated[float, Meta(description="Lowest confidence of these labels; needs `label`.", ge=0, le=1)] | None
    ) = None
    category: Annotated[_Name, Meta(description="Category: the label with the highest confidence.")] | None = None
    status: Annotated[RecordStatus, Meta(description="Result of the pipeline.")] | None = None
    start: (
        Annotated[datetime, Meta(description="Images whose record was made at this time or later.", tz=True)] | None
    ) = field(default=None, name="since")
    end: Annotated[datetime, Meta(description="Images whose record was made before this time.", tz=True)] | None = (
        field(default=None, name="until")
    )
    q: Annotated[str, Meta(description=_SEARCH, min_length=1, max_length=300)] | None = None
    sort: Annotated[ListOrder, Meta(description=_SORT)] | None = None
    limit: Annotated[int, Meta(description="Images of a page.", ge=1, le=MAX_PAGE_SIZE)] = 25
    cursor: Annotated[str, Meta(description=_CURSOR, min_length=1, max_length=4096)] | None = None


class MatchKind(StrEnum):
    """Why an image is among the results."""

    LABEL = "label"
    CAPTION = "caption"
    TEXT = "text"
    MEANING = "meaning"


class ImageMatch(Struct, frozen=True, kw_only=True):
    """A reason for which an image is among the results."""

    kind: Annotated[MatchKind, Meta(description="Where the match is; `meaning` is the similarity of embeddings.")]
    text: Annotated[str | None, Meta(description="The label, the caption, or the words in the image; else null.")]
    score: Annotated[
        float | None, Meta(description="Confidence of the label or caption, or similarity of the meaning; or null.")
    ]


class ImageLabel(Struct, frozen=True, kw_only=True):
    """A label of an image."""

    name: Annotated[str, Meta(description="Name of the label.")]
    confidence: Annotated[float | None, Meta(description="Its confidence, from 0 to 1; null if there is none.")]


class ImageItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """An image in a list."""

    id: Annotated[str, Meta(description="Id of the record.")]
    name: Annotated[str, Meta(description="Name of the image.")]
    status: Annotated[RecordStatus, Meta(description="Result of the pipeline.")]
    reason: Annotated[Reason | None, Meta(description="Why the image is `rejected` or `failed`; else null.")]
    caption: Annotated[str | None, Meta(description="Caption; null if there is none.")]
    category: Annotated[Category | None, Meta(description="The surest label; null without labels.")]
    labels: Annotated[tuple[ImageLabel, ...], Meta(description="Labels, surest first.")]
    image: Annotated[ImageInfo | None, Meta(description="What the image's header declares; null if it was not read.")]
    processed_at: Annotated[str, Meta(description="When the record was made.", extra_json_schema=_Instant)]
    content_url: Annotated[str, Meta(description="URL of the file, with its signature, for 15 minutes.")]
    matches: Annotated[tuple[ImageMatch, ...], Meta(description="Why the image is among the results of a search.")]


class ImageList(Struct, frozen=True, kw_only=True):
    """A page of images."""

    items: Annotated[tuple[ImageItem, ...], Meta(description="The images; empty if nothing fits.")]
    cursor: Annotated[str | None, Meta(description="Where the next page begins; null after the last page.")]


class CountQuery(Struct, frozen=True, kw_only=True):
    """The days of a request for counts, in UTC and both included; the last 31 days if they are not stated."""

    first_day: Annotated[date, Meta(description="First day.")] | None = field(default=None, name="since")
    last_day: Annotated[date, Meta(description="Last day.")] | None = field(default=None, name="until")


class Count(Struct, frozen=True, kw_only=True):
    """How many images have a name as label, category or status."""

    name: Annotated[str, Meta(description="The label, category or status.")]
    count: Annotated[int, Meta(description="Number of images.")]


class Counts(Struct, frozen=True, kw_only=True, rename="camel"):
    """Counts by name, most first."""

    first_day: Annotated[date, Meta(description="First day, in UTC.")] = field(name="since")
    last_day: Annotated[date, Meta(description="Last day, in UTC.")] = field(name="until")
    counted_at: Annotated[
        datetime | None, Meta(description="When the images were counted; later changes are not in the counts yet.")
    ]
    items: Annotated[tuple[Count, ...], Meta(description="The counts.")]


class Statistics(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many images there are."""

    first_day: Annotated[date, Meta(description="First day, in UTC.")] = field(name="since")
    last_day: Annotated[date, Meta(description="Last day, in UTC.")] = field(name="until")
    counted_at: Annotated[
        datetime | None, Meta(description="When the images were counted; later changes are not in the counts yet.")
    ]
    images: Annotated[int, Meta(description="Number of images.")]
    statuses: Annotated[tuple[Count, ...], Meta(description="Number by status.")]
