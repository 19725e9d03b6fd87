"""How a built-in function is defined, and the forms that many of them share.

Functions get evaluated arguments. An argument of another type than the function's, `undefined` included, makes the
result undefined, except where a function says otherwise: https://learn.microsoft.com/cosmos-db/query/functions
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from emulator.services.cosmos.sql.numbers import MAX_INTEGER, MIN_INTEGER
from emulator.services.cosmos.sql.runtime.operators import number
from emulator.services.cosmos.sql.values import UNDEFINED, Value, is_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A built-in function.

    Attributes:
        evaluate: called with the arguments; with the time before them, in ticks since 1970, if `takes_time`.
        minimum: the smallest number of arguments.
        maximum: the largest number of arguments; None for any.
        takes_time: whether the result depends on the time of the query.
    """

    evaluate: Callable[..., Value]
    minimum: int
    maximum: int | None
    takes_time: bool = False


def fixed(count: int, evaluate: Callable[..., Value]) -> Function:
    """A function with a fixed number of arguments of any types."""
    return Function(evaluate=evaluate, minimum=count, maximum=count)


def of_number(evaluate: Callable[[float], float]) -> Function:
    """A function of one number. Outside of the domain it is not-a-number, as in IEEE 754."""

    def checked(operand: Value) -> Value:
        if not is_number(operand):
            return UNDEFINED
        return number(_real(lambda: evaluate(operand)))

    return fixed(1, checked)


def of_numbers(evaluate: Callable[[float, float], float]) -> Function:
    """A function of two numbers."""

    def checked(left: Value, right: Value) -> Value:
        if not (is_number(left) and is_number(right)):
            return UNDEFINED
        return number(_real(lambda: evaluate(left, right)))

    return fixed(2, checked)


def of_text(evaluate: Callable[[str], Value]) -> Function:
    """A function of one string."""
    return fixed(1, lambda text: evaluate(text) if isinstance(text, str) else UNDEFINED)


def to_integer(value: Value) -> int | None:
    """The value as an integer of 64 bits, or None if it is none. `2.0` is one, `2.5` is not."""
    if not is_number(value):
        return None
    if isinstance(value, float):
        if not value.is_integer():
            return None
        value = int(value)
    return value if MIN_INTEGER <= value <= MAX_INTEGER else None


def _real(evaluate: Callable[[], float]) -> float:
    try:
        return evaluate()
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan
