"""Lists, searches, similar images, and counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from common.domain.queries import RecordFilter, RecordQueries, SortOrder
from common.domain.query_results import NamedCount, RecordCounts, RecordSummary
from msgspec import UnsetType

from image_api.domain.matching import label_matches, labels_of, meaning_match, search_matches, word_matches
from image_api.domain.ports import ImageBlobs, RecordReader, TextVectorizer
from image_api.domain.problems import InvalidValue, ProblemError, ProblemType
from image_api.domain.search import (
    Count,
    CountQuery,
    Counts,
    ImageItem,
    ImageList,
    ImageMatch,
    ListOrder,
    ListQuery,
    Statistics,
)
from image_api.domain.words import search_words
from image_api.use_cases.images import READ_LIFETIME

# Days of counts if a request does not state them. Each day costs one request unit, and up to 366 can be requested.
_DEFAULT_DAYS = 31


@dataclass(frozen=True, kw_only=True)
class Search:
    """Lists and searches.

    Attributes:
        queries: queries over the records.
        records: the records, by their ids.
        blobs: the container of the images.
        vectorizer: makes embeddings of texts; None if the pipeline stores no embeddings.
        min_similarity: the lowest similarity of a text and an image that fits a search.
        now: returns the current time.
    """

    queries: RecordQueries
    records: RecordReader
    blobs: ImageBlobs
    vectorizer: TextVectorizer | None
    min_similarity: float
    now: Callable[[], datetime]

    async def list_images(self, query: ListQuery) -> ImageList:
        """Return a page of the images that meet the query. Raises ProblemError if the query is not valid."""
        order = query.sort or (ListOrder.NEWEST if query.q is None else ListOrder.RELEVANCE)
        if order is not ListOrder.RELEVANCE:
            return await self._list(query, SortOrder(order.value))
        if query.q is None:
            errors = (InvalidValue(location="query sort", detail="relevance needs q"),)
            raise ProblemError(ProblemType.INVALID_REQUEST, "An order by relevance needs words.", errors=errors)
        return await self._search(query, query.q)

    async def find_similar(self, image_id: str, limit: int) -> ImageList:
        """Return the images that are most similar to an image.

        Raises:
            ProblemError: there is no such image, or it has no embedding.
        """
        stored = await self.records.get(image_id)
        if stored is None or stored.value is None:
            raise ProblemError(ProblemType.NOT_FOUND, f"There is no image {image_id}.")
        vector = stored.value.vector
        if isinstance(vector, UnsetType):
            detail = "The image has no embedding: the feature embeddings was off when it was analyzed."
            raise ProblemError(ProblemType.EMBEDDINGS_OFF, detail)
        page = await self.queries.find_similar(RecordFilter(), vector=vector, exclude_id=image_id, limit=limit)
        items = [
            await self._item(match.record, (meaning_match(match.similarity),) if match.similarity is not None else ())
            for match in page.matches
        ]
        return ImageList(items=tuple(items), cursor=None)

    async def count_labels(self, query: CountQuery) -> Counts:
        """Return how many images have each label."""
        counts = await self._count(query)
        return _counts(counts, counts.labels)

    async def count_categories(self, query: CountQuery) -> Counts:
        """Return how many images have each category."""
        counts = await self._count(query)
        return _counts(counts, counts.categories)

    async def get_statistics(self, query: CountQuery) -> Statistics:
        """Return how many images there are, and how many of each status."""
        counts = await self._count(query)
        return Statistics(
            first_day=counts.first_day,
            last_day=counts.last_day,
            counted_at=counts.counted_at,
            images=counts.images,
            statuses=_named(counts.statuses),
        )

    async def _list(self, query: ListQuery, order: SortOrder) -> ImageList:
        words = () if query.q is None else search_words(query.q)
        if query.q is not None and not words:
            return ImageList(items=(), cursor=None)
        page = await self.queries.list_records(
            _filter(query, words), order=order, page_size=query.limit, cursor=query.cursor
        )
        items = [
            await self._item(record, label_matches(record, query.label) + word_matches(record, words))
            for record in page.records
        ]
        return ImageList(items=tuple(items), cursor=page.cursor)

    async def _search(self, query: ListQuery, text: str) -> ImageList:
        words = search_words(text)
        vector = None if self.vectorizer is None else await self.vectorizer.vectorize(text)
        if not words and vector is None:
            return ImageList(items=(), cursor=None)
        page = await self.queries.search(
            _filter(query, ()), words=words, vector=vector, page_size=query.limit, cursor=query.cursor
        )
        items: list[ImageItem] = []
        for match in page.matches:
            reasons = search_matches(match, words, min_similarity=self.min_similarity)
            if reasons:
                items.append(await self._item(match.record, label_matches(match.record, query.label) + reasons))
        # Results are sorted by relevance: after a page on which nothing fits, nothing does.
        return ImageList(items=tuple(items), cursor=page.cursor if items else None)

    async def _count(self, query: CountQuery) -> RecordCounts:
        last_day: date = query.last_day or self.now().date()
        earliest = max(date.min.toordinal(), last_day.toordinal() - _DEFAULT_DAYS + 1)
        return await self.queries.count(query.first_day or date.fromordinal(earliest), last_day)

    async def _item(self, record: RecordSummary, matches: Sequence[ImageMatch]) -> ImageItem:
        now = self.now()
        return ImageItem(
            id=record.id,
            name=record.name,
            status=record.status,
            reason=record.reason,
            caption=None if record.caption is None else record.caption.text,
            category=record.category,
            labels=labels_of(record),
            image=record.image,
            processed_at=record.processed_at,
            content_url=await self.blobs.create_read_url(
                record.name, record.content_type, now=now, expires_at=now + READ_LIFETIME
            ),
            matches=tuple(matches),
        )


def _filter(query: ListQuery, words: Sequence[str]) -> RecordFilter:
    return RecordFilter(
        labels=query.label,
        min_confidence=query.min_confidence,
        category=query.category,
        status=query.status,
        words=tuple(words),
        start=query.start,
        end=query.end,
    )


def _named(counts: Sequence[NamedCount]) -> tuple[Count, ...]:
    return tuple(Count(name=count.name, count=count.count) for count in counts)


def _counts(counts: RecordCounts, named: Sequence[NamedCount]) -> Counts:
    return Counts(
        first_day=counts.first_day, last_day=counts.last_day, counted_at=counts.counted_at, items=_named(named)
    )
