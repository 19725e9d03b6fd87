"""The queries of the benchmark, over the records of `query_records`."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from common.domain.queries import RecordFilter, RecordQueries, SortOrder
from common.domain.query_results import MatchPage, RecordPage
from common.domain.record import RecordStatus

from benchmarks.query_records import NOW

# The list whose time must not grow with the records.
CHECKED_QUERY = "by label"
_PAGE_SIZE = 20

type Query = Callable[[RecordQueries], Awaitable[RecordPage | MatchPage]]


def _list(**fields: Any) -> Query:
    record_filter = RecordFilter(**fields)
    return lambda queries: queries.list_records(
        record_filter, order=SortOrder.NEWEST, page_size=_PAGE_SIZE, cursor=None
    )


def _search(*words: str) -> Query:
    return lambda queries: queries.search(RecordFilter(), words=words, vector=None, page_size=_PAGE_SIZE, cursor=None)


# Labels by rank: the first is on every fifth image, the hundredth on one of some hundred.
QUERIES: dict[str, Query] = {
    "newest": _list(),
    CHECKED_QUERY: _list(labels=("label1",)),
    "by a rare label": _list(labels=("label100",)),
    "by two labels": _list(labels=("label1", "label2")),
    "by label, 80 % confidence": _list(labels=("label1",), min_confidence=0.8),
    "by category": _list(category="label1"),
    "by status": _list(status=RecordStatus.FAILED),
    "of a day": _list(start=NOW - timedelta(days=2), end=NOW - timedelta(days=1)),
    "with a word": _list(words=("label100",)),
    "best for two words": _search("label100", "label200"),
}
