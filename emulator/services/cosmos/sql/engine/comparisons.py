"""Operators as closures, with short cuts for what filters mostly are: a property compared with a constant."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from emulator.services.cosmos.sql.runtime.operators import BINARY
from emulator.services.cosmos.sql.runtime.scope import Compiled, Evaluate, Row, folded
from emulator.services.cosmos.sql.tree import BinaryOperator
from emulator.services.cosmos.sql.values import UNDEFINED, Value, equals, identity, is_number

_ORDERS: dict[BinaryOperator, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_binary(name: BinaryOperator, left: Compiled, right: Compiled) -> Compiled:
    """The closure of an operator with two operands."""
    if name in ("=", "!=") and left.constant != right.constant:
        operand, other = (right, left) if left.constant else (left, right)
        value = other.evaluate([])
        if isinstance(value, str) or value is None:
            return Compiled(_equality_with(operand.evaluate, value, negated=name == "!="))
    if name in _ORDERS and right.constant and not left.constant:
        value = right.evaluate([])
        if is_number(value) or isinstance(value, str):
            return Compiled(_order_with(left.evaluate, value, _ORDERS[name]))
    operation = BINARY[name]
    evaluate_left = left.evaluate
    evaluate_right = right.evaluate
    return folded([left, right], lambda row: operation(evaluate_left(row), evaluate_right(row)))


def _equality_with(evaluate: Evaluate, constant: str | None, *, negated: bool) -> Evaluate:
    """`=` or `!=` with a string or null, which only themselves are equal to."""

    def compare_equal(row: Row) -> Value:
        value = evaluate(row)
        return UNDEFINED if value is UNDEFINED else value == constant

    def compare_not_equal(row: Row) -> Value:
        value = evaluate(row)
        return UNDEFINED if value is UNDEFINED else value != constant

    return compare_not_equal if negated else compare_equal


def _order_with(evaluate: Evaluate, constant: float | str, compare: Callable[[Any, Any], bool]) -> Evaluate:
    """`<` and its like with a number or a string, which only values of the same type are ordered with."""
    types = (str,) if isinstance(constant, str) else (int, float)

    def compare_order(row: Row) -> Value:
        value = evaluate(row)
        return compare(value, constant) if type(value) in types else UNDEFINED

    return compare_order


def membership(operand: Compiled, choices: Sequence[Compiled], *, negated: bool) -> Evaluate:
    """The closure of IN: whether a defined value is equal to one of the choices."""
    evaluate = operand.evaluate
    if all(choice.constant for choice in choices):
        keys = {identity(choice.evaluate([])) for choice in choices} - {UNDEFINED}
        return lambda row: UNDEFINED if (value := evaluate(row)) is UNDEFINED else (identity(value) in keys) != negated
    readers = [choice.evaluate for choice in choices]

    def search(row: Row) -> Value:
        value = evaluate(row)
        if value is UNDEFINED:
            return UNDEFINED
        candidates = (read(row) for read in readers)
        is_member = any(candidate is not UNDEFINED and equals(value, candidate) for candidate in candidates)
        return is_member is not negated

    return search
