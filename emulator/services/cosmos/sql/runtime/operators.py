"""Operators on evaluated operands. Operands of other types than an operator's make the result undefined.

As Microsoft's reference engine has it: github.com/Azure/azure-cosmos-dotnet-v3,
Microsoft.Azure.Cosmos.Tests/Query/OfflineEngine/ScalarExpressionEvaluator.cs.
"""

import math
from collections.abc import Callable

from emulator.services.cosmos.sql.errors import InvalidQueryError
from emulator.services.cosmos.sql.numbers import MAX_INTEGER, MIN_INTEGER, normalize
from emulator.services.cosmos.sql.tree import BinaryOperator, UnaryOperator
from emulator.services.cosmos.sql.values import UNDEFINED, Value, compare, equals, is_number

MAX_TEXT = 4 * 1024 * 1024
"""The characters of a string that a query makes: the emulator's own limit, so that no query takes all memory."""


def check_length(length: int) -> None:
    """Raises InvalidQueryError if a string of this length is too long for a query to make."""
    if length > MAX_TEXT:
        raise InvalidQueryError("", f"The query makes a string of more than {MAX_TEXT} characters.")


def bounded(text: str) -> str:
    """The text. Raises InvalidQueryError if it is too long for a query to make."""
    check_length(len(text))
    return text


def number(value: float) -> Value:
    """A result of arithmetic: integers are exact within 64 bits, and floating point beyond them.

    Recorded on a live account: `9007199254740993 + 1` is 9007199254740994 (github.com/xo/dbimp, COSMOS.md).
    """
    if isinstance(value, int):
        if MIN_INTEGER <= value <= MAX_INTEGER:
            return value
        return float(value)
    return normalize(value)


def divide(left: float, right: float) -> float:
    """The quotient; infinity or not-a-number for a division by zero."""
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def remainder(left: float, right: float) -> float:
    """The remainder, which has the sign of the dividend; not-a-number for a division by zero."""
    if right == 0 or math.isinf(left):
        return math.nan
    if isinstance(left, int) and isinstance(right, int):
        magnitude = abs(left) % abs(right)
        return magnitude if left >= 0 else -magnitude
    return math.fmod(left, right)


def to_int32(value: float) -> int:
    """The 32 least significant bits, as a signed integer: the conversion of JavaScript."""
    if not math.isfinite(value):
        return 0
    bits = int(value) & 0xFFFFFFFF
    return bits - 0x100000000 if bits >= 0x80000000 else bits


def _arithmetic(operation: Callable[[float, float], float]) -> Callable[[Value, Value], Value]:
    def evaluate(left: Value, right: Value) -> Value:
        if is_number(left) and is_number(right):
            return number(operation(left, right))
        return UNDEFINED

    return evaluate


def _bitwise(operation: Callable[[int, int], int]) -> Callable[[Value, Value], Value]:
    def evaluate(left: Value, right: Value) -> Value:
        if is_number(left) and is_number(right):
            return operation(to_int32(left), to_int32(right))
        return UNDEFINED

    return evaluate


def _order(accept: Callable[[int], bool]) -> Callable[[Value, Value], Value]:
    def evaluate(left: Value, right: Value) -> Value:
        comparison = compare(left, right)
        if comparison is None:
            return UNDEFINED
        return accept(comparison)

    return evaluate


def _equal(left: Value, right: Value) -> Value:
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    return equals(left, right)


def _not_equal(left: Value, right: Value) -> Value:
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    return not equals(left, right)


def _concatenate(left: Value, right: Value) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return bounded(left + right)
    return UNDEFINED


BINARY: dict[BinaryOperator, Callable[[Value, Value], Value]] = {
    "*": _arithmetic(lambda left, right: left * right),
    "/": _arithmetic(divide),
    "%": _arithmetic(remainder),
    "+": _arithmetic(lambda left, right: left + right),
    "-": _arithmetic(lambda left, right: left - right),
    "&": _bitwise(lambda left, right: left & right),
    "|": _bitwise(lambda left, right: left | right),
    "^": _bitwise(lambda left, right: left ^ right),
    "<<": _bitwise(lambda left, right: to_int32(left << (right & 31))),
    ">>": _bitwise(lambda left, right: left >> (right & 31)),
    ">>>": _bitwise(lambda left, right: (left & 0xFFFFFFFF) >> (right & 31)),
    "<": _order(lambda comparison: comparison < 0),
    "<=": _order(lambda comparison: comparison <= 0),
    ">": _order(lambda comparison: comparison > 0),
    ">=": _order(lambda comparison: comparison >= 0),
    "=": _equal,
    "!=": _not_equal,
    "||": _concatenate,
    "??": lambda left, right: right if left is UNDEFINED else left,
}
"""All operators with two operands but AND and OR."""


def _negate(operand: Value) -> Value:
    return number(-operand) if is_number(operand) else UNDEFINED


def _not(operand: Value) -> Value:
    return not operand if isinstance(operand, bool) else UNDEFINED


UNARY: dict[UnaryOperator, Callable[[Value], Value]] = {
    "-": _negate,
    "+": lambda operand: operand if is_number(operand) else UNDEFINED,
    "~": lambda operand: ~to_int32(operand) if is_number(operand) else UNDEFINED,
    "NOT": _not,
}
"""All operators with one operand."""


def logical(*, decisive: bool, values: list[Value]) -> Value:
    """AND (`decisive` is false) and OR (`decisive` is true) of evaluated operands.

    The decisive value wins over everything; without it, an operand that is no boolean makes the result undefined.
    """
    if any(value is decisive for value in values):
        return decisive
    if all(isinstance(value, bool) for value in values):
        return not decisive
    return UNDEFINED
