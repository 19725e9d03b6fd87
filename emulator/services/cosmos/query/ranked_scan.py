"""The items that can be among the first of a ranked query, by the emulator's indexes of vectors and of words.

What they say is not exact, so they yield some items more than are needed, never less: the query ranks them.
"""

import itertools
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace

import msgspec

from emulator.services.cosmos.items.item_indexes import ensure_index
from emulator.services.cosmos.items.vector_index import direction_of, most_similar
from emulator.services.cosmos.query.candidate_sql import CandidateSql, candidate_sql
from emulator.services.cosmos.query.candidates import AllOf
from emulator.services.cosmos.query.ranking import Ranking, TextRanking, VectorRanking
from emulator.services.cosmos.query.scan import Plan, Position, ScannedItem, Scope, scan

type Filter = Callable[[Iterable[ScannedItem]], Iterator[ScannedItem]]
"""Yields the items that match the query, each before the next one is read."""

_BATCH = 200
_NO_FILTER = CandidateSql(condition="1", arguments=(), few=None)
_NUMBERED = "SELECT number, body FROM items WHERE number IN ({0}) AND (expires IS NULL OR expires > ?) AND {1}"
_LAST = (
    "SELECT items.number, items.body FROM items AS place CROSS JOIN items ON items.number = place.number"
    " WHERE place.container = ? AND place.partition = ?"
    " AND EXISTS(SELECT 1 FROM text_lengths WHERE term_index = ? AND item = place.number) AND {0}"
    " AND (items.expires IS NULL OR items.expires > ?) ORDER BY place.number DESC"
)


def scan_ranked(
    database: sqlite3.Connection, scope: Scope, plan: Plan, ranking: Ranking, *, matching: Filter, now: float
) -> Generator[ScannedItem]:
    """The items of a whole physical partition that can be among the first, in the order of insertion.

    Args:
        database: A connection that nothing else uses meanwhile.
        scope: The physical partition.
        plan: Which items to read.
        ranking: The order of the query, and how many items it needs.
        matching: The filter of the query.
        now: The time, in seconds since 1970: expired items are left out.
    """
    ranked = _RankedScan(database, scope, plan, matching, now)
    items = ranked.most_similar(ranking) if isinstance(ranking, VectorRanking) else ranked.best_texts(ranking)
    yield from sorted(items, key=lambda scanned: scanned.position.number)


class _RankedScan:
    def __init__(self, database: sqlite3.Connection, scope: Scope, plan: Plan, matching: Filter, now: float) -> None:
        self._database = database
        self._scope = scope
        self._plan = plan
        self._matching = matching
        self._now = now

    def most_similar(self, ranking: VectorRanking) -> list[ScannedItem]:
        """The matching items, until the next one is less similar than as many as are needed."""
        direction = direction_of(ranking.vector)
        if direction is None:
            # The similarity is undefined for every item, so that there are no results.
            return []
        index = ensure_index(self._database, self._scope.container, ranking.index)
        ordered = most_similar(self._database, index, self._scope.partition, direction)
        similarities: dict[int, float] = {}
        items: list[ScannedItem] = []
        lowest = 0.0
        for scanned in self._matching(self._read(ordered, similarities)):
            similarity = similarities[scanned.position.number]
            if len(items) >= ranking.limit and similarity < lowest:
                break
            items.append(scanned)
            if len(items) == ranking.limit:
                lowest = similarity - 2 * ranking.index.error
        return items

    def best_texts(self, ranking: TextRanking) -> list[ScannedItem]:
        """All matching items with one of the words. If they are too few, as many of the last ones with a text.

        Equal scores, as those of all texts without any of the words, are in the reverse order of insertion
        (`engine/ordering.py`).
        """
        candidates = ranking.matches
        if self._plan.candidates is not None:
            candidates = AllOf(operands=(self._plan.candidates, candidates))
        plan = replace(self._plan, candidates=candidates)
        with closing(scan(self._database, self._scope, plan, after=None, now=self._now)) as rows:
            items = list(self._matching(rows))
        if len(items) >= ranking.limit:
            return items
        index = ensure_index(self._database, self._scope.container, ranking.index)
        filter_ = self._filter()
        sql = _LAST.format(filter_.condition.format("place.number"))
        partition = (self._scope.container, self._scope.partition)
        with closing(self._database.execute(sql, (*partition, index, *filter_.arguments, self._now))) as rows:
            last = self._matching(_scanned(number, body) for number, body in rows)
            by_number = {one.position.number: one for one in (*items, *itertools.islice(last, ranking.limit))}
        return [*by_number.values()]

    def _read(self, ordered: Iterable[tuple[int, float]], similarities: dict[int, float]) -> Iterator[ScannedItem]:
        """The items of these numbers that may match, in the same order; adds their similarities to `similarities`."""
        filter_ = self._filter()
        for batch in itertools.batched(ordered, _BATCH, strict=False):
            similarities.update(batch)
            numbers = [number for number, _ in batch]
            sql = _NUMBERED.format(",".join("?" * len(numbers)), filter_.condition.format("items.number"))
            rows = dict(self._database.execute(sql, (*numbers, self._now, *filter_.arguments)).fetchall())
            yield from (_scanned(number, rows[number]) for number in numbers if number in rows)

    def _filter(self) -> CandidateSql:
        if self._plan.candidates is None:
            return _NO_FILTER
        return candidate_sql(self._database, self._scope.container, self._plan.candidates)


def _scanned(number: int, body: str) -> ScannedItem:
    return ScannedItem(item=msgspec.json.decode(body), body=body, position=Position(number=number))
