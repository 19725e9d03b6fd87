"""Which days are counted, and when; with stores in memory."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from classifier.domain.day_count_ports import StoredDayCounts
from classifier.use_cases.count_records import RecordCounter, days_to_count
from common.domain.day_counts import DayCounts, day_counts_id
from common.domain.errors import ConcurrencyError
from common.domain.models import Versioned

NOW = datetime(2026, 1, 20, 1, 0, tzinfo=UTC)
TODAY, YESTERDAY = date(2026, 1, 20), date(2026, 1, 19)


class InMemoryDayCountStore:
    """`DayCountStore`: `records` are numbers of records by day, `stored` the counts."""

    def __init__(self, **records: int) -> None:
        self.records = {date.fromisoformat(day.removeprefix("d").replace("_", "-")): n for day, n in records.items()}
        self.stored: dict[date, StoredDayCounts] = {}
        self.count_calls: list[date] = []
        self.conflict = False

    async def get(self, day: date) -> StoredDayCounts | None:
        return self.stored.get(day)

    async def count(self, day: date, *, counted_at: datetime) -> DayCounts:
        self.count_calls.append(day)
        number = self.records.get(day, 0)
        return DayCounts(
            id=day_counts_id(day),
            day=day,
            counted_at=counted_at.isoformat(),
            statuses={"classified": number} if number else {},
            categories={},
            labels={},
        )

    async def put(self, counts: DayCounts, previous: StoredDayCounts | None) -> None:
        if self.conflict or self.stored.get(counts.day) != previous:
            raise ConcurrencyError(counts.id)
        self.stored[counts.day] = Versioned(counts, f"e{len(self.count_calls)}")


def run(store: InMemoryDayCountStore, now: datetime = NOW, *, seconds: float = 60) -> int:
    return asyncio.run(RecordCounter(counts=store, now=lambda: now).run(now + timedelta(seconds=seconds)))


def test_today_is_counted_last_because_it_says_when_the_last_count_was() -> None:
    days = [*days_to_count(NOW)]
    assert days[1:] == [YESTERDAY, TODAY]
    assert days[0] < YESTERDAY


@pytest.mark.parametrize(("hour", "days"), [(0, 3), (1, 3), (2, 2), (23, 2)])
def test_yesterday_is_complete_soon_after_midnight(hour: int, days: int) -> None:
    assert len([*days_to_count(NOW.replace(hour=hour))]) == days


def test_every_day_of_the_last_year_has_its_turn() -> None:
    turns = {(now.date() - next(days_to_count(now))).days for now in (NOW + timedelta(hours=h) for h in range(364))}
    assert turns == set(range(2, 366))


def test_counts_are_stored_and_counted_again_after_an_hour() -> None:
    store = InMemoryDayCountStore(d2026_01_20=3, d2026_01_19=2)
    assert run(store) == 2
    assert {day: stored.value.statuses for day, stored in store.stored.items() if stored.value} == {
        YESTERDAY: {"classified": 2},
        TODAY: {"classified": 3},
    }
    store.records[TODAY] = 4
    assert run(store, NOW + timedelta(minutes=54)) == 0
    assert run(store, NOW + timedelta(minutes=55)) == 2
    today = store.stored[TODAY].value
    assert today is not None
    assert today.statuses == {"classified": 4}


def test_a_day_without_records_is_not_stored_but_one_that_lost_them_is() -> None:
    store = InMemoryDayCountStore(d2026_01_19=2)
    assert run(store) == 1
    del store.records[YESTERDAY]
    assert run(store) == 1
    yesterday = store.stored[YESTERDAY].value
    assert yesterday is not None
    assert yesterday.statuses == {}


def test_counts_that_cannot_be_read_are_made_anew() -> None:
    store = InMemoryDayCountStore(d2026_01_20=3)
    store.stored[TODAY] = Versioned(None, "e")
    assert run(store) == 1


@pytest.mark.parametrize(("seconds", "days"), [(0, 0), (60, 3)])
def test_no_day_is_begun_when_time_is_up(seconds: float, days: int) -> None:
    store = InMemoryDayCountStore(d2026_01_20=1, d2026_01_19=1)
    run(store, seconds=seconds)
    assert len(store.count_calls) == days


def test_another_instance_that_counts_ends_the_run() -> None:
    store = InMemoryDayCountStore(d2026_01_20=1, d2026_01_19=1)
    store.conflict = True
    assert run(store) == 0
    assert TODAY not in store.count_calls
