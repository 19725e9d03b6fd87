"""The timer trigger: NCRONTAB schedules in UTC, one run at a time; a missed run is made up for.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from croniter import croniter

from emulator.services.functions.configuration import ConfigurationError

_log = logging.getLogger("host.timers")
_RANGE = r"(\*|(\d+|[A-Za-z]{3,9})(-(\d+|[A-Za-z]{3,9}))?)(/\d+)?"
_FIELD = re.compile(rf"{_RANGE}(,{_RANGE})*")
# Below this interval, Azure's host does not record runs either.
_MIN_RECORDED_INTERVAL = timedelta(minutes=1)

# Runs the function with the trigger's JSON; returns an error, or None after a success.
Invoke = Callable[[dict[str, Any]], Awaitable[str | None]]


def next_run(expression: str, after: datetime) -> datetime:
    """The first run of an NCRONTAB expression after a moment. Raises ConfigurationError.

    Unlike in cron, a day must match both the day of the month and the day of the week.
    """
    fields = expression.split()
    if len(fields) != 6 or not all(map(_FIELD.fullmatch, fields)):
        raise ConfigurationError(f"the schedule {expression!r} is not an NCRONTAB expression of six fields")
    try:
        return croniter(expression, after, second_at_beginning=True, day_or=False).get_next(datetime)
    except (ValueError, KeyError) as error:
        raise ConfigurationError(f"the schedule {expression!r}: {error}") from error


class TimerListener:
    """Calls `invoke` at the times of `expression`; the file `state` has the last run."""

    def __init__(self, expression: str, state: Path, invoke: Invoke) -> None:
        next_run(expression, datetime.now(UTC))
        self._expression = expression
        self._state = state
        self._invoke = invoke

    async def run(self) -> None:
        """Run the function when it is due, until it is cancelled."""
        last = self._last_run()
        due = next_run(self._expression, last or datetime.now(UTC))
        while True:
            late = (datetime.now(UTC) - due).total_seconds()
            if late < 0:
                await asyncio.sleep(min(-late, 60))
                continue
            now = datetime.now(UTC)
            next_due = next_run(self._expression, now)
            status = {
                "Last": (last or now).isoformat(),
                "Next": next_due.isoformat(),
                "LastUpdated": now.isoformat(),
            }
            error = await self._invoke({"Schedule": {}, "ScheduleStatus": status, "IsPastDue": late > 1})
            if error is not None:
                _log.error("the run at %s failed: %s", now, error)
            self._state.write_text(json.dumps(now.isoformat()))
            last = now
            due = next_run(self._expression, datetime.now(UTC))

    def _last_run(self) -> datetime | None:
        """The last run, or None if there was none or it is not recorded."""
        first = next_run(self._expression, datetime.now(UTC))
        if not self._state.exists() or next_run(self._expression, first) - first < _MIN_RECORDED_INTERVAL:
            return None
        return datetime.fromisoformat(json.loads(self._state.read_text()))
