"""Port: the counts of the records of each day."""

from datetime import date, datetime
from typing import Protocol

from common.domain.day_counts import DayCounts
from common.domain.models import Versioned

# Counts as they were read. The value is None if the stored item does not match the schema.
type StoredDayCounts = Versioned[DayCounts | None]


class DayCountStore(Protocol):
    """The counts of the days, beside the records that they are about."""

    async def get(self, day: date) -> StoredDayCounts | None:
        """Return the counts of a day, or None if there are none."""
        ...

    async def count(self, day: date, *, counted_at: datetime) -> DayCounts:
        """Count the records of a day (UTC)."""
        ...

    async def put(self, counts: DayCounts, previous: StoredDayCounts | None) -> None:
        """Store counts.

        Args:
            counts: the new counts.
            previous: the counts that they replace, as they were read; None if there are none yet.

        Raises:
            ConcurrencyError: the stored counts are not `previous`.
        """
        ...
