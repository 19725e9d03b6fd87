"""Executing a query in one physical partition, a page at a time.

A query that returns results as it reads items resumes after the last item. One that needs all items first (aggregates,
GROUP BY, DISTINCT, ORDER BY a computed value) starts over for each page, and skips what it has returned.
"""

import sqlite3
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import msgspec

from emulator.services.cosmos.items.charges import QueryCost
from emulator.services.cosmos.items.container import Item
from emulator.services.cosmos.query.continuation import Progress
from emulator.services.cosmos.query.prepared_query import PreparedQuery
from emulator.services.cosmos.query.ranked_scan import scan_ranked
from emulator.services.cosmos.query.scan import Position, ScannedItem, Scope, scan
from emulator.services.cosmos.query.text_statistics import read_statistics

# A response has at most 4 MB: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-request-limits
_MAXIMUM_BYTES = 4 * 1024 * 1024
# So long does a request read; Azure's limit is 5 seconds: the link above.
_MAXIMUM_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Page:
    """Results, as JSON texts, and how far the query is; `progress` is None at its end."""

    results: list[bytes]
    progress: Progress | None


class PartitionQuery:
    """A query in one partition. `page` may be called once."""

    def __init__(
        self,
        database: sqlite3.Connection,
        prepared: PreparedQuery,
        scope: Scope,
        *,
        cost: QueryCost,
        now: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._prepared = prepared
        self._scope = scope
        self._cost = cost
        self._now = now
        self._clock = clock
        self._deadline = clock() + _MAXIMUM_SECONDS
        # The position of the item that is being evaluated.
        self._current: Position | None = None
        self._is_interrupted = False

    def page(self, start: Progress, maximum: int) -> Page:
        """At most `maximum` results from `start` on."""
        statistics = self._prepared.statistics
        if statistics is not None and self._scope.is_whole_partition:
            result = read_statistics(
                self._database, self._scope.container, self._scope.partition, statistics, self._now
            )
            return self._start_over(iter((result,)), start, maximum)
        items = self._scan(start)
        # A scan that is not closed would keep the database as it is now for all later queries.
        with closing(items):
            rows = self._prepared.run(self._feed(items), self._cost, self._now)
            if self._prepared.is_streaming:
                return self._stream(rows, start, maximum)
            return self._start_over(rows, start, maximum)

    def _scan(self, start: Progress) -> Generator[ScannedItem]:
        """The items of the scope, or those of them that can be among the first of a ranked query."""
        ranking = self._prepared.ranking
        if ranking is not None and self._scope.is_whole_partition:
            return scan_ranked(
                self._database,
                self._scope,
                self._prepared.plan,
                ranking,
                matching=lambda items: self._prepared.matching(items, self._now),
                now=self._now,
            )
        return scan(
            self._database,
            self._scope,
            self._prepared.plan,
            after=self._resume(start) if self._prepared.is_streaming else None,
            now=self._now,
        )

    def _stream(self, all_rows: Iterator[Any], start: Progress, maximum: int) -> Page:
        """Read on where the query stopped."""
        results: list[bytes] = []
        limits = self._prepared.limits
        progress = start
        size = 0
        position: Position | None = None
        rows = 0
        for row in all_rows:
            if self._current != position:
                progress = _item_done(progress)
                position = self._current
                rows = 0
            assert position is not None
            rows += 1
            if rows <= start.rows and position.number == start.number:
                continue
            if limits.take is not None and progress.returned >= limits.take:
                return Page(results=results, progress=None)
            is_skipped = progress.skipped < limits.skip
            text = b"" if is_skipped else msgspec.json.encode(row)
            size += len(text)
            if len(results) == maximum or (results and size > _MAXIMUM_BYTES):
                return Page(results=results, progress=progress)
            progress = msgspec.structs.replace(
                progress,
                key=position.key,
                number=position.number,
                rows=rows,
                skipped=progress.skipped + is_skipped,
                returned=progress.returned + (not is_skipped),
            )
            if not is_skipped:
                results.append(text)
                self._cost.output(text)
                if progress.returned == limits.take:
                    return Page(results=results, progress=None)
        if not self._is_interrupted or self._current is None:
            return Page(results=results, progress=None)
        interrupted = msgspec.structs.replace(progress, key=self._current.key, number=self._current.number, rows=0)
        return Page(results=results, progress=interrupted)

    def _resume(self, start: Progress) -> Position | None:
        """The position after which the scan resumes: before the last item, if it may have more rows."""
        if not start.number:
            return None
        if not start.rows:
            return Position(key=start.key, number=start.number)
        step = 1 if self._prepared.plan.backwards else -1
        return Position(key=start.key, number=start.number + step)

    def _start_over(self, rows: Iterator[Any], start: Progress, maximum: int) -> Page:
        """Evaluate the whole query, and return the results after those that were returned before."""
        results: list[bytes] = []
        size = 0
        limits = self._prepared.limits
        first = limits.skip + start.returned
        self._deadline = float("inf")
        for index, row in enumerate(rows):
            if limits.take is not None and index >= limits.skip + limits.take:
                break
            if index < first:
                continue
            text = msgspec.json.encode(row)
            size += len(text)
            if len(results) == maximum or (results and size > _MAXIMUM_BYTES):
                if self._prepared.is_ranked_by_index:
                    self._cost.load_only(len(results))
                progress = msgspec.structs.replace(start, returned=start.returned + len(results))
                return Page(results=results, progress=progress)
            results.append(text)
            self._cost.output(text)
        if self._prepared.is_ranked_by_index:
            self._cost.load_only(len(results))
        return Page(results=results, progress=None)

    def _feed(self, items: Iterator[ScannedItem]) -> Iterator[tuple[Item, str]]:
        """The items, with their texts, until time is up."""
        for scanned in items:
            if self._current is not None and self._clock() > self._deadline:
                self._is_interrupted = True
                return
            self._current = scanned.position
            yield scanned.item, scanned.body


def _item_done(progress: Progress) -> Progress:
    """The progress when the last item has no more rows."""
    return msgspec.structs.replace(progress, rows=0)
