"""The timer trigger: NCRONTAB schedules in UTC, one run at a time, missed runs made up for.

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
_PART = r"(\*|(\d+|[A-Za-z]{3,9})(-(\d+|[A-Za-z]{3,9}))?)(/\d+)?"
_FIELD = re.compile(rf"{_PART}(,{_PART})*")
# Closer together, the host keeps no state either.
_MONITORED = timedelta(minutes=1)

# Runs the function with the trigger's JSON; gives an error, or None when all went well.
Invoke = Callable[[dict[str, Any]], Awaitable[str | None]]


def schedule(expression: str, after: datetime) -> datetime:
    """The first moment behind `after` that an NCRONTAB expression means. Raises ConfigurationError.

    Unlike in cron, a day must match both its fields, the day of the month and the day of the week.
    """
    fields = expression.split()
    if len(fields) != 6 or not all(map(_FIELD.fullmatch, fields)):
        raise ConfigurationError(f"the schedule {expression!r} is no NCRONTAB expression of six fields")
    try:
        return croniter(expression, after, second_at_beginning=True, day_or=False).get_next(datetime)
    except (ValueError, KeyError) as error:
        raise ConfigurationError(f"the schedule {expression!r}: {error}") from error


class TimerListener:
    """Calls `invoke` whenever `expression` says; the last run is kept in `state`, so that a missed one is noticed."""

    def __init__(self, expression: str, state: Path, invoke: Invoke) -> None:
        schedule(expression, datetime.now(UTC))
        self._expression = expression
        self._state = state
        self._invoke = invoke

    async def run(self) -> None:
        """Listens for ever."""
        last = self._last()
        due = schedule(self._expression, last or datetime.now(UTC))
        while True:
            late = (datetime.now(UTC) - due).total_seconds()
            if late < 0:
                await asyncio.sleep(min(-late, 60))
                continue
            now = datetime.now(UTC)
            following = schedule(self._expression, now)
            status = {"Last": (last or now).isoformat(), "Next": following.isoformat(), "LastUpdated": now.isoformat()}
            error = await self._invoke({"Schedule": {}, "ScheduleStatus": status, "IsPastDue": late > 1})
            if error is not None:
                _log.error("the run at %s failed: %s", now, error)
            self._state.write_text(json.dumps(now.isoformat()))
            last, due = now, schedule(self._expression, datetime.now(UTC))

    def _last(self) -> datetime | None:
        """The last run, if it is to be remembered."""
        first = schedule(self._expression, datetime.now(UTC))
        if not self._state.exists() or schedule(self._expression, first) - first < _MONITORED:
            return None
        return datetime.fromisoformat(json.loads(self._state.read_text()))
