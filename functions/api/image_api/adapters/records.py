"""Cosmos DB: the queries of `common.adapters.record_queries`, with the right that is missing when it denies access."""

from collections.abc import Sequence
from datetime import date

from common.domain.cursors import CursorKeys
from common.domain.queries import RecordFilter, RecordQueries, SortOrder
from common.domain.query_results import MatchPage, RecordCounts, RecordPage
from common.domain.record import StoredRecord

from image_api.adapters.rights import CREATE_KEY, QUERY_RECORDS, READ_RECORDS, RightRequired
from image_api.domain.ports import RecordReader

_SERVICE = "Cosmos DB"


class CheckedRecordReader:
    """`ports.RecordReader`, which names a missing right."""

    def __init__(self, reader: RecordReader) -> None:
        self._reader = reader

    async def get(self, record_id: str) -> StoredRecord | None:
        """Implements `ports.RecordReader.get`."""
        with RightRequired(_SERVICE, READ_RECORDS):
            return await self._reader.get(record_id)


class CheckedCursorKeys:
    """`common.domain.cursors.CursorKeys`, which names a missing right."""

    def __init__(self, keys: CursorKeys) -> None:
        self._keys = keys

    async def get_key(self, day: date) -> bytes:
        """Implements `CursorKeys.get_key`."""
        with RightRequired("Blob Storage", CREATE_KEY):
            return await self._keys.get_key(day)


class CheckedRecordQueries:
    """`common.domain.queries.RecordQueries`, which names a missing right."""

    def __init__(self, queries: RecordQueries) -> None:
        self._queries = queries

    async def list_records(
        self, record_filter: RecordFilter, *, order: SortOrder, page_size: int, cursor: str | None
    ) -> RecordPage:
        """Implements `RecordQueries.list_records`."""
        with RightRequired(_SERVICE, QUERY_RECORDS):
            return await self._queries.list_records(record_filter, order=order, page_size=page_size, cursor=cursor)

    async def search(
        self,
        record_filter: RecordFilter,
        *,
        words: Sequence[str],
        vector: Sequence[float] | None,
        page_size: int,
        cursor: str | None,
    ) -> MatchPage:
        """Implements `RecordQueries.search`."""
        with RightRequired(_SERVICE, QUERY_RECORDS):
            return await self._queries.search(
                record_filter, words=words, vector=vector, page_size=page_size, cursor=cursor
            )

    async def find_similar(
        self, record_filter: RecordFilter, *, vector: Sequence[float], exclude_id: str | None, limit: int
    ) -> MatchPage:
        """Implements `RecordQueries.find_similar`."""
        with RightRequired(_SERVICE, QUERY_RECORDS):
            return await self._queries.find_similar(record_filter, vector=vector, exclude_id=exclude_id, limit=limit)

    async def count(self, first_day: date, last_day: date) -> RecordCounts:
        """Implements `RecordQueries.count`."""
        with RightRequired(_SERVICE, QUERY_RECORDS):
            return await self._queries.count(first_day, last_day)
