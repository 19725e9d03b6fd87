"""Date and time functions: https://learn.microsoft.com/cosmos-db/query/functions#date-and-time-functions.

Times are texts as `2026-11-29T08:30:00.1301617Z`, in UTC; between, they are ticks of 100 ns since 1970.
"""

import datetime as dt
import re
from collections.abc import Callable, Sequence

from emulator.services.cosmos.sql.functions.definition import Function, fixed, to_integer
from emulator.services.cosmos.sql.values import UNDEFINED, Value, is_number

TICKS_PER_SECOND = 10_000_000
_TICKS_PER_DAY = 86_400 * TICKS_PER_SECOND
_EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
_FIRST_TICK = (1 - _EPOCH_DAY) * _TICKS_PER_DAY
_END_TICK = (dt.date.max.toordinal() + 1 - _EPOCH_DAY) * _TICKS_PER_DAY

_TEXT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,7}))?)?)?Z?", re.ASCII
)
_MONTHS = {"year": 12, "yyyy": 12, "yy": 12, "month": 1, "mm": 1, "m": 1}
_TICKS = {
    **dict.fromkeys(("day", "dd", "d"), _TICKS_PER_DAY),
    **dict.fromkeys(("hour", "hh"), 3_600 * TICKS_PER_SECOND),
    **dict.fromkeys(("minute", "mi", "n"), 60 * TICKS_PER_SECOND),
    **dict.fromkeys(("second", "ss", "s"), TICKS_PER_SECOND),
    **dict.fromkeys(("millisecond", "ms"), 10_000),
    **dict.fromkeys(("microsecond", "mcs"), 10),
}
_NANOSECONDS = ("nanosecond", "ns")


def ticks_to_text(ticks: int) -> Value:
    """The text of a time; undefined before the year 1 and after the year 9999."""
    if not _FIRST_TICK <= ticks < _END_TICK:
        return UNDEFINED
    days, rest = divmod(ticks, _TICKS_PER_DAY)
    seconds, fraction = divmod(rest, TICKS_PER_SECOND)
    date = dt.date.fromordinal(days + _EPOCH_DAY)
    hours, seconds = divmod(seconds, 3_600)
    return f"{date.isoformat()}T{hours:02}:{seconds // 60:02}:{seconds % 60:02}.{fraction:07}Z"


def _from_fields(fields: Sequence[int]) -> int | None:
    """The ticks of a year, month and day, and perhaps an hour, minute, second and fraction in ticks."""
    year, month, day, hour, minute, second, fraction = (*fields, 0, 0, 0, 0)[:7]
    is_time = 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= fraction < TICKS_PER_SECOND
    try:
        days = dt.date(year, month, day).toordinal() - _EPOCH_DAY
    except (ValueError, OverflowError):
        return None
    seconds = days * 86_400 + hour * 3_600 + minute * 60 + second
    return seconds * TICKS_PER_SECOND + fraction if is_time else None


def _ticks(text: Value) -> int | None:
    match = _TEXT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    *fields, fraction = match.groups()
    return _from_fields([*(int(field or 0) for field in fields), int((fraction or "").ljust(7, "0"))])


def _months(ticks: int) -> int:
    """The months since the year 0."""
    date = dt.date.fromordinal(ticks // _TICKS_PER_DAY + _EPOCH_DAY)
    return date.year * 12 + date.month - 1


def _add_months(ticks: int, count: int) -> int | None:
    """The same day and time some months later; the month's last day if it has no such day."""
    days, rest = divmod(ticks, _TICKS_PER_DAY)
    day = dt.date.fromordinal(days + _EPOCH_DAY).day
    year, month = divmod(_months(ticks) + count, 12)
    for candidate in range(day, day - 4, -1):
        midnight = _from_fields((year, month + 1, candidate))
        if midnight is not None:
            return midnight + rest
    return None


def _unit(name: Value) -> str:
    return name.lower() if isinstance(name, str) else ""


def _add(name: Value, count: Value, text: Value) -> Value:
    ticks = _ticks(text)
    if ticks is None or not is_number(count) or abs(count) > _END_TICK * 100:
        return UNDEFINED
    unit = _unit(name)
    number = int(count)
    if unit in _MONTHS:
        result = _add_months(ticks, number * _MONTHS[unit])
    elif unit in _TICKS:
        result = ticks + number * _TICKS[unit]
    elif unit in _NANOSECONDS:
        result = ticks + int(number / 100)
    else:
        result = None
    return UNDEFINED if result is None else ticks_to_text(result)


def _difference(name: Value, start: Value, end: Value) -> Value:
    """How many boundaries of a unit are between two times."""
    first = _ticks(start)
    last = _ticks(end)
    if first is None or last is None:
        return UNDEFINED
    unit = _unit(name)
    if unit in _MONTHS:
        return _months(last) // _MONTHS[unit] - _months(first) // _MONTHS[unit]
    if unit in _TICKS:
        return last // _TICKS[unit] - first // _TICKS[unit]
    return (last - first) * 100 if unit in _NANOSECONDS else UNDEFINED


def _bin(text: Value, name: Value, size: Value = 1, origin: Value = "1970-01-01") -> Value:
    """The beginning of the interval of some units, counted from an origin, that a time is in."""
    ticks = _ticks(text)
    first = _ticks(origin)
    count = to_integer(size)
    if ticks is None or first is None or count is None or count < 1:
        return UNDEFINED
    unit = _unit(name)
    if unit in _TICKS:
        width = _TICKS[unit] * count
        return ticks_to_text(ticks - (ticks - first) % width)
    if unit in _NANOSECONDS:
        width = max(count // 100, 1)
        return ticks_to_text(ticks - (ticks - first) % width)
    if unit in _MONTHS:
        width = _MONTHS[unit] * count
        result = _add_months(first, (_months(ticks) - _months(first)) // width * width)
        return UNDEFINED if result is None else ticks_to_text(result)
    return UNDEFINED


def _component(name: Value, text: Value) -> Value:
    ticks = _ticks(text)
    if ticks is None:
        return UNDEFINED
    unit = _unit(name)
    if unit in _MONTHS:
        return _months(ticks) // 12 if _MONTHS[unit] == 12 else _months(ticks) % 12 + 1
    if unit in ("day", "dd", "d"):
        return dt.date.fromordinal(ticks // _TICKS_PER_DAY + _EPOCH_DAY).day
    if unit in _TICKS:
        larger = {3_600: 86_400, 60: 3_600, 1: 60}.get(_TICKS[unit] // TICKS_PER_SECOND, 1) * TICKS_PER_SECOND
        return ticks % larger // _TICKS[unit]
    return ticks % TICKS_PER_SECOND * 100 if unit in _NANOSECONDS else UNDEFINED


def _text_from_fields(*fields: Value) -> Value:
    integers = [integer for integer in map(to_integer, fields) if integer is not None]
    ticks = _from_fields(integers) if len(integers) == len(fields) else None
    return UNDEFINED if ticks is None else ticks_to_text(ticks)


def _to_ticks(text: Value) -> Value:
    ticks = _ticks(text)
    return UNDEFINED if ticks is None else ticks


def _to_timestamp(text: Value) -> Value:
    ticks = _ticks(text)
    return UNDEFINED if ticks is None else ticks // 10_000


def _from_count(ticks_per_unit: int) -> Callable[[Value], Value]:
    def evaluate(count: Value) -> Value:
        integer = to_integer(count)
        return UNDEFINED if integer is None else ticks_to_text(integer * ticks_per_unit)

    return evaluate


def _now(result: Callable[[int], Value]) -> Function:
    return Function(evaluate=result, minimum=0, maximum=0, takes_time=True)


FUNCTIONS = {
    "DATETIMEADD": fixed(3, _add),
    "DATETIMEBIN": Function(evaluate=_bin, minimum=2, maximum=4),
    "DATETIMEDIFF": fixed(3, _difference),
    "DATETIMEFROMPARTS": Function(evaluate=_text_from_fields, minimum=3, maximum=7),
    "DATETIMEPART": fixed(2, _component),
    "DATETIMETOTICKS": fixed(1, _to_ticks),
    "DATETIMETOTIMESTAMP": fixed(1, _to_timestamp),
    "GETCURRENTDATETIME": _now(ticks_to_text),
    "GETCURRENTDATETIMESTATIC": _now(ticks_to_text),
    "GETCURRENTTICKS": _now(lambda ticks: ticks),
    "GETCURRENTTICKSSTATIC": _now(lambda ticks: ticks),
    "GETCURRENTTIMESTAMP": _now(lambda ticks: ticks // 10_000),
    "GETCURRENTTIMESTAMPSTATIC": _now(lambda ticks: ticks // 10_000),
    "TICKSTODATETIME": fixed(1, _from_count(1)),
    "TIMESTAMPTODATETIME": fixed(1, _from_count(10_000)),
}
