"""JSON values as queries see them: with `undefined`, strict types, and one order over all types."""

from collections.abc import Hashable
from enum import Enum
from typing import Final, Literal, TypeGuard

type JSON = bool | int | float | str | list[JSON] | dict[str, JSON] | None
type Item = dict[str, JSON]


class Undefined(Enum):
    """The type of `UNDEFINED`."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED
"""The value of a missing property, and of an operation that is not defined for the types of its arguments.

https://learn.microsoft.com/cosmos-db/query/undefined
"""

type Value = JSON | Literal[Undefined.UNDEFINED]


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number; `true` is none, although Python counts it as one."""
    return type(value) is int or type(value) is float


def equals(left: Value, right: Value) -> bool:
    """Whether two defined values are equal: of the same type, objects whatever the order of their properties."""
    if type(left) is str:
        return left == right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict):
        if not isinstance(right, dict) or len(left) != len(right):
            return False
        return all(name in right and equals(value, right[name]) for name, value in left.items())
    if isinstance(left, list):
        if not isinstance(right, list) or len(left) != len(right):
            return False
        return all(map(equals, left, right))
    return left == right


def identity(value: Value) -> Hashable:
    """A key that is the same for two values exactly if they are equal; `undefined` has one too."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, list):
        return ("array", tuple(map(identity, value)))
    if isinstance(value, dict):
        return ("object", frozenset((name, identity(element)) for name, element in value.items()))
    return value


def compare(left: Value, right: Value) -> int | None:
    """Negative, zero or positive, as `left` is less, equal or greater; None if they have no order.

    Values of different types have no order, nor have arrays and objects.
    https://learn.microsoft.com/cosmos-db/query/equality-comparison-operators
    """
    kind = type(left)
    if kind is str or kind is bool or left is None:
        if type(right) is not kind:
            return None
    elif not (is_number(left) and is_number(right)):
        return None
    if left == right:
        return 0
    return -1 if left < right else 1  # pyright: ignore[reportOperatorIssue] (both are strings, booleans or numbers)


def order_key(value: Value) -> tuple[int, int | float | str]:
    """A key that sorts values of all types: undefined, null, false, true, numbers, strings, arrays, objects.

    Arrays are all at the same position, and so are objects. The order of types is that of the SDK's merge of results:
    `azure/cosmos/_execution_context/document_producer.py`, `_OrderByHelper`.
    """
    if isinstance(value, str):
        return (5, value)
    if isinstance(value, bool):
        return (3 if value else 2, 0)
    if isinstance(value, int | float):
        return (4, value)
    if value is None:
        return (1, 0)
    if isinstance(value, list):
        return (6, 0)
    if isinstance(value, dict):
        return (7, 0)
    return (0, 0)


_TRUE = ("boolean", 1)
_FALSE = ("boolean", 0)
