"""Functions that test types: https://learn.microsoft.com/cosmos-db/query/functions#type-checking-functions.

They are false for `undefined`, never undefined.
"""

import math

from emulator.services.cosmos.sql.functions.definition import Function, fixed, to_integer
from emulator.services.cosmos.sql.values import UNDEFINED, Value, is_number


def _is_primitive(value: Value) -> Value:
    return value is None or isinstance(value, bool | int | float | str)


def _is_finite(value: Value) -> Value:
    return is_number(value) and math.isfinite(value)


def _if(condition: Value, consequent: Value, alternative: Value) -> Value:
    return consequent if condition is True else alternative


FUNCTIONS: dict[str, Function] = {
    "IIF": fixed(3, _if),
    "IS_ARRAY": fixed(1, lambda value: isinstance(value, list)),
    "IS_BOOL": fixed(1, lambda value: isinstance(value, bool)),
    "IS_DEFINED": fixed(1, lambda value: value is not UNDEFINED),
    "IS_FINITE_NUMBER": fixed(1, _is_finite),
    "IS_INTEGER": fixed(1, lambda value: to_integer(value) is not None),
    "IS_NULL": fixed(1, lambda value: value is None),
    "IS_NUMBER": fixed(1, is_number),
    "IS_OBJECT": fixed(1, lambda value: isinstance(value, dict)),
    "IS_PRIMITIVE": fixed(1, _is_primitive),
    "IS_STRING": fixed(1, lambda value: isinstance(value, str)),
}
