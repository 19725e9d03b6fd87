"""Conversions between strings and other types: https://learn.microsoft.com/cosmos-db/query/functions#string-functions."""

import json
import math
import re

from emulator.services.cosmos.sql.functions.definition import fixed, of_text
from emulator.services.cosmos.sql.runtime.operators import bounded
from emulator.services.cosmos.sql.values import UNDEFINED, Value, is_number

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WHITE_SPACE = " \t\r\n"


def _refuse_constant(name: str) -> Value:
    raise ValueError(name)


def _parse(text: str) -> Value:
    """The value of a JSON text, or undefined if it is none."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return UNDEFINED


def _to_text(value: Value) -> Value:
    if value is UNDEFINED or isinstance(value, str):
        return value
    if is_number(value) and not math.isfinite(value):
        if math.isnan(value):
            return "NaN"
        return "Infinity" if value > 0 else "-Infinity"
    return bounded(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _to_array(text: str) -> Value:
    value = _parse(text)
    return value if isinstance(value, list) else UNDEFINED


def _to_object(text: str) -> Value:
    value = _parse(text)
    return value if isinstance(value, dict) else UNDEFINED


def _to_boolean(text: str) -> Value:
    return {"true": True, "false": False}.get(text.strip(_WHITE_SPACE), UNDEFINED)


def _to_null(text: str) -> Value:
    return None if text.strip(_WHITE_SPACE) == "null" else UNDEFINED


def _to_number(text: str) -> Value:
    digits = text.strip(_WHITE_SPACE)
    if _NUMBER.fullmatch(digits) is None:
        return UNDEFINED
    value = _parse(digits)
    return value if is_number(value) and math.isfinite(value) else UNDEFINED


FUNCTIONS = {
    "STRINGTOARRAY": of_text(_to_array),
    "STRINGTOBOOLEAN": of_text(_to_boolean),
    "STRINGTONULL": of_text(_to_null),
    "STRINGTONUMBER": of_text(_to_number),
    "STRINGTOOBJECT": of_text(_to_object),
    "TOSTRING": fixed(1, _to_text),
}
