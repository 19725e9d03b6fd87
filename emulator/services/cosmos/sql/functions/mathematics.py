"""Mathematical functions: https://learn.microsoft.com/cosmos-db/query/functions#mathematical-functions."""

import math
from collections.abc import Callable

from emulator.services.cosmos.sql.functions.definition import Function, fixed, of_number, of_numbers, to_integer
from emulator.services.cosmos.sql.numbers import MAX_INTEGER, MIN_INTEGER
from emulator.services.cosmos.sql.runtime.operators import divide, number
from emulator.services.cosmos.sql.values import UNDEFINED, Value, is_number


def _whole(rounding: Callable[[float], float]) -> Callable[[float], float]:
    """Rounding that leaves integers, infinities and not-a-number as they are."""
    return lambda value: rounding(value) if isinstance(value, float) and math.isfinite(value) else value


def _round(value: float) -> float:
    """The nearest integer; halves away from zero."""
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _logarithm(*arguments: Value) -> Value:
    operands = [argument for argument in arguments if is_number(argument)]
    if len(operands) != len(arguments):
        return UNDEFINED
    if any(operand < 0 for operand in operands):
        return math.nan
    logarithms = [math.log(operand) if operand > 0 else -math.inf for operand in operands]
    if len(logarithms) == 1:
        return number(logarithms[0])
    return number(divide(logarithms[0], logarithms[1]))


def _log10(value: float) -> float:
    return -math.inf if value == 0 else math.log10(value)


def _power(base: float, exponent: float) -> float:
    if base == 0 and exponent < 0:
        return math.inf
    return math.pow(base, exponent)


def _sign(value: float) -> float:
    return (value > 0) - (value < 0)


def _integers(operation: Callable[[int, int], int | None]) -> Function:
    """A function of two integers of 64 bits. A result beyond 64 bits is undefined."""

    def evaluate(left: Value, right: Value) -> Value:
        left_integer = to_integer(left)
        right_integer = to_integer(right)
        if left_integer is None or right_integer is None:
            return UNDEFINED
        result = operation(left_integer, right_integer)
        if result is None or not MIN_INTEGER <= result <= MAX_INTEGER:
            return UNDEFINED
        return result

    return fixed(2, evaluate)


def _quotient(left: int, right: int) -> int | None:
    """The quotient, rounded towards zero; None for a division by zero."""
    if right == 0:
        return None
    magnitude = abs(left) // abs(right)
    return magnitude if (left < 0) == (right < 0) else -magnitude


def _modulus(left: int, right: int) -> int | None:
    if right == 0:
        return None
    magnitude = abs(left) % abs(right)
    return magnitude if left >= 0 else -magnitude


def _shift_left(left: int, right: int) -> int | None:
    if not 0 <= right < 64:
        return None
    bits = (left << right) & 0xFFFFFFFFFFFFFFFF
    return bits - (1 << 64) if bits >> 63 else bits


def _shift_right(left: int, right: int) -> int | None:
    return left >> right if 0 <= right < 64 else None


def _invert(value: Value) -> Value:
    integer = to_integer(value)
    return UNDEFINED if integer is None else ~integer


FUNCTIONS = {
    "ABS": of_number(abs),
    "ACOS": of_number(math.acos),
    "ASIN": of_number(math.asin),
    "ATAN": of_number(math.atan),
    "ATN2": of_numbers(math.atan2),
    "CEILING": of_number(_whole(math.ceil)),
    "COS": of_number(math.cos),
    "COT": of_number(lambda value: divide(1, math.tan(value))),
    "DEGREES": of_number(math.degrees),
    "EXP": of_number(math.exp),
    "FLOOR": of_number(_whole(math.floor)),
    "LOG": Function(evaluate=_logarithm, minimum=1, maximum=2),
    "LOG10": of_number(_log10),
    "PI": fixed(0, lambda: math.pi),
    "POWER": of_numbers(_power),
    "RADIANS": of_number(math.radians),
    "ROUND": of_number(_whole(_round)),
    "SIGN": of_number(_sign),
    "SIN": of_number(math.sin),
    "SQRT": of_number(math.sqrt),
    "SQUARE": of_number(lambda value: value * value),
    "TAN": of_number(math.tan),
    "TRUNC": of_number(_whole(math.trunc)),
    "INTADD": _integers(lambda left, right: left + right),
    "INTSUB": _integers(lambda left, right: left - right),
    "INTMUL": _integers(lambda left, right: left * right),
    "INTDIV": _integers(_quotient),
    "INTMOD": _integers(_modulus),
    "INTBITAND": _integers(lambda left, right: left & right),
    "INTBITOR": _integers(lambda left, right: left | right),
    "INTBITXOR": _integers(lambda left, right: left ^ right),
    "INTBITLEFTSHIFT": _integers(_shift_left),
    "INTBITRIGHTSHIFT": _integers(_shift_right),
    "INTBITNOT": fixed(1, _invert),
}
