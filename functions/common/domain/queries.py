"""Queries over the records: filters, their limits, and the port that answers them.

The limits bound what one query can cost, whoever sends it (docs/decisions/0043).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from common.domain.errors import InvalidQueryError
from common.domain.query_results import MatchPage, RecordCounts, RecordPage
from common.domain.record import RecordStatus

# Records of one page.
MAX_PAGE_SIZE = 100
# Labels of one filter, and words of one search; each is a lookup of its own in the index.
MAX_LABELS = MAX_WORDS = 10
# Characters of a label, category or word.
MAX_TEXT_LENGTH = 200
# The best matches of a ranked search that can be paged through. Cosmos DB ranks up to this many in each partition.
MAX_RANKED = 200
# Days of one request for counts.
MAX_DAYS = 366
# The length of every embedding: https://learn.microsoft.com/azure/ai-services/computer-vision/concept-image-retrieval
VECTOR_DIMENSIONS = 1024


class SortOrder(StrEnum):
    """The order of a list, by the time of the records."""

    NEWEST = "newest"
    OLDEST = "oldest"


class RecordFilter(Struct, frozen=True, kw_only=True):
    """Which records match: those that meet every condition.

    Attributes:
        labels: each of them is a label of the image.
        min_confidence: the tags of these labels have at least this confidence, from 0 to 1. A tag without confidence
            does not match. Needs labels.
        category: name of the category.
        status: status of the record.
        words: each of them is in the record's text.
        start: the record was made at this time or later.
        end: the record was made before this time.
    """

    labels: tuple[str, ...] = ()
    min_confidence: float | None = None
    category: str | None = None
    status: RecordStatus | None = None
    words: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None

    def check(self) -> None:
        """Check the limits. Raises InvalidQueryError with the name, the value and what is allowed."""
        _check_texts("labels", self.labels, MAX_LABELS)
        _check_texts("words", self.words, MAX_WORDS)
        if self.category is not None:
            _check_texts("category", (self.category,), 1)
        if self.min_confidence is not None:
            if not 0 <= self.min_confidence <= 1:
                raise InvalidQueryError(f"min_confidence is {self.min_confidence}, not a number from 0 to 1")
            if not self.labels:
                raise InvalidQueryError("min_confidence needs labels: it is the confidence of their tags")
        _check_time("start", self.start)
        _check_time("end", self.end)
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise InvalidQueryError(f"start ({self.start.isoformat()}) is not before end ({self.end.isoformat()})")


class RecordQueries(Protocol):
    """Lists and searches over the records.

    Every method may raise InvalidQueryError (the caller's mistake), QueryTooExpensiveError (the limit of request units
    was reached before the first result), RetryLaterError and ConfigurationError.
    """

    async def list_records(
        self, record_filter: RecordFilter, *, order: SortOrder, page_size: int, cursor: str | None
    ) -> RecordPage:
        """Return a page of the matching records by time. A record that is added meanwhile shifts no page.

        Args:
            record_filter: which records.
            order: newest or oldest first.
            page_size: records of the page, up to MAX_PAGE_SIZE.
            cursor: of the page before; None for the first page. It is bound to `record_filter` and `order`.
        """
        ...

    async def search(
        self,
        record_filter: RecordFilter,
        *,
        words: Sequence[str],
        vector: Sequence[float] | None,
        page_size: int,
        cursor: str | None,
    ) -> MatchPage:
        """Return a page of the best matches, up to MAX_RANKED over all pages.

        Args:
            record_filter: which records are ranked.
            words: the words to rank by; a record need not have all of them. At least one, unless there is a vector.
            vector: the embedding to rank by; None without embeddings. With words and vector, both ranks are fused.
            page_size: matches of the page, up to MAX_PAGE_SIZE.
            cursor: of the page before; None for the first page. It is bound to the other arguments but `page_size`.
        """
        ...

    async def find_similar(
        self, record_filter: RecordFilter, *, vector: Sequence[float], exclude_id: str | None, limit: int
    ) -> MatchPage:
        """Return the records with the most similar embeddings.

        Args:
            record_filter: which records are compared.
            vector: the embedding, as `ImageRecord.vector`.
            exclude_id: a record that is not returned: the one that the embedding is from.
            limit: number of matches, up to MAX_PAGE_SIZE.
        """
        ...

    async def count(self, first_day: date, last_day: date) -> RecordCounts:
        """Return the counts of the days from `first_day` to `last_day`, both included, of up to MAX_DAYS days."""
        ...


def _check_time(name: str, time: datetime | None) -> None:
    """Check a time. Raises InvalidQueryError if it has no time zone, or no equivalent in UTC."""
    if time is None:
        return
    if time.tzinfo is None:
        raise InvalidQueryError(f"{name} is {time.isoformat()}, without a time zone")
    try:
        time.astimezone(UTC)
    except OverflowError as error:
        raise InvalidQueryError(f"{name} is {time.isoformat()}, which is not in the years 1 to 9999 of UTC") from error


def check_page_size(name: str, value: int) -> None:
    """Check a number of results. Raises InvalidQueryError."""
    if not 1 <= value <= MAX_PAGE_SIZE:
        raise InvalidQueryError(f"{name} is {value}, not from 1 to {MAX_PAGE_SIZE}")


def check_words(words: Sequence[str]) -> None:
    """Check the words of a search. Raises InvalidQueryError."""
    _check_texts("words", words, MAX_WORDS)


def check_vector(vector: Sequence[float]) -> None:
    """Check an embedding. Raises InvalidQueryError."""
    if len(vector) != VECTOR_DIMENSIONS:
        raise InvalidQueryError(f"the vector has {len(vector)} numbers, not {VECTOR_DIMENSIONS}")


def _check_texts(name: str, texts: Sequence[str], limit: int) -> None:
    if len(texts) > limit:
        raise InvalidQueryError(f"{len(texts)} {name}; {limit} are allowed")
    for text in texts:
        if not text.strip() or len(text) > MAX_TEXT_LENGTH:
            raise InvalidQueryError(
                f"{name}: {text[:MAX_TEXT_LENGTH]!r} is not a text of 1 to {MAX_TEXT_LENGTH} characters"
            )
