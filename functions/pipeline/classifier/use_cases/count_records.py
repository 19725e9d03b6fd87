"""Count records: keep the counts of each day, so that nobody who asks for them pays for every record."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from common.domain.errors import ConcurrencyError

from classifier.domain.day_count_ports import DayCountStore

# How old the counts of today may be. Together with an older day for each count, every day of the last year is counted
# again within about two weeks, after images were deleted or analyzed again.
_COUNT_INTERVAL = timedelta(minutes=55)
_OLDER_DAYS = 364
# The time of a record is that of its processing, so soon after midnight the records of a day are complete.
_HOURS_AFTER_A_DAY = 2


class RecordCounter:
    """Counts the records of today, of yesterday once it is over, and of one older day in turn; about every hour."""

    def __init__(self, *, counts: DayCountStore, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._counts = counts
        self._now = now

    async def run(self, deadline: datetime) -> int:
        """Count, if the counts of today are old; begin no day after `deadline`. Returns the number of days."""
        now = self._now()
        stored = await self._counts.get(now.date())
        if stored is not None and stored.value is not None:
            age = now - datetime.fromisoformat(stored.value.counted_at)
            if age < _COUNT_INTERVAL:
                return 0
        days = 0
        for day in days_to_count(now):
            if self._now() >= deadline:
                break
            previous = await self._counts.get(day)
            counts = await self._counts.count(day, counted_at=self._now())
            if not counts.statuses and previous is None:
                continue  # nothing to remember of a day without records
            try:
                await self._counts.put(counts, previous)
            except ConcurrencyError:
                break  # another instance counts
            days += 1
        return days


def days_to_count(now: datetime) -> Iterator[date]:
    """Yield the days to count now: older ones first, because today's counts say when the last run was."""
    today = now.date()
    turn = int(now.timestamp() // 3600) % _OLDER_DAYS
    yield today - timedelta(days=2 + turn)
    if now.hour < _HOURS_AFTER_A_DAY:
        yield today - timedelta(days=1)
    yield today
