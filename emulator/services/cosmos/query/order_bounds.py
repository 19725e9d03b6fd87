"""The part of an ordering in which the items of a filter are: a list of a day does not begin with today."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.services.cosmos.items.indexing import Path
from emulator.services.cosmos.items.ordered_index import Ordering, order_key, reversed_key
from emulator.services.cosmos.query.paths import constant_value, property_path
from emulator.services.cosmos.sql import tree

# The same comparison with its sides exchanged.
_EXCHANGED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
# Above the keys of all values.
_END = b"\xff"


@dataclass(frozen=True, kw_only=True)
class KeyBounds:
    """A range of sort keys: `minimum` is part of it, `maximum` is not."""

    minimum: bytes = b""
    maximum: bytes = _END


ALL_KEYS = KeyBounds()


def order_bounds(
    ordering: Ordering, conditions: Sequence[tree.Expression], *, alias: str, parameters: Mapping[str, Any]
) -> KeyBounds:
    """The sort keys that items can have for which all conditions hold. There may be others in the range.

    Args:
        ordering: The ordering.
        conditions: Conditions that must all hold.
        alias: The name of an item in them.
        parameters: The parameters of the query.
    """
    prefix = b""
    bounds = ALL_KEYS
    for path, ascending in zip(ordering.paths, ordering.ascending, strict=True):
        values = _value_range(conditions, path, alias, parameters)
        if values.minimum is None and values.maximum is None:
            break
        bounds = _key_bounds(prefix, values, ascending=ascending)
        if values.minimum is None or values.minimum != values.maximum:
            break
        prefix += values.minimum if ascending else reversed_key(values.minimum)
    return bounds


@dataclass(frozen=True, kw_only=True)
class _ValueRange:
    """The keys of a property's values, both included; None without a limit."""

    minimum: bytes | None = None
    maximum: bytes | None = None


def _value_range(
    conditions: Sequence[tree.Expression], path: Path, alias: str, parameters: Mapping[str, Any]
) -> _ValueRange:
    lowest: list[bytes] = []
    highest: list[bytes] = []
    for operator, key in _comparisons(conditions, path, alias, parameters):
        # Numbers that are equal as keys may differ, so a limit is always part of the range.
        if operator in {"=", ">", ">="}:
            lowest.append(key)
        if operator in {"=", "<", "<="}:
            highest.append(key)
    return _ValueRange(minimum=max(lowest, default=None), maximum=min(highest, default=None))


def _key_bounds(prefix: bytes, values: _ValueRange, *, ascending: bool) -> KeyBounds:
    """The keys that begin with `prefix` and go on with a value of the range."""
    first = values.minimum
    last = values.maximum
    if not ascending:
        first, last = (None if key is None else reversed_key(key) for key in (last, first))
    return KeyBounds(minimum=prefix + (first or b""), maximum=_after(prefix + (last or b"")))


def _after(start: bytes) -> bytes:
    """What is above all keys that begin with `start`."""
    prefix = start.rstrip(b"\xff")
    return prefix[:-1] + bytes([prefix[-1] + 1]) if prefix else _END


def _comparisons(
    conditions: Sequence[tree.Expression], path: Path, alias: str, parameters: Mapping[str, Any]
) -> Iterator[tuple[str, bytes]]:
    """The operators and keys of constants that a property is compared with."""
    for condition in conditions:
        if isinstance(condition, tree.Between) and not condition.negated:
            sides = ((condition.operand, ">=", condition.low), (condition.operand, "<=", condition.high))
        elif isinstance(condition, tree.Binary) and condition.operator in _EXCHANGED:
            sides = (
                (condition.left, condition.operator, condition.right),
                (condition.right, _EXCHANGED[condition.operator], condition.left),
            )
        else:
            continue
        for operand, operator, constant in sides:
            value = constant_value(constant, parameters)
            if value is None or property_path(operand, {alias: ()}) != path:
                continue
            key = _key_of(value[0], operator)
            if key is not None:
                yield operator, key


def _key_of(value: Any, operator: str) -> bytes | None:
    """The key of a constant; None if it says nothing about the keys of what it is compared with."""
    has_order = isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool))
    if isinstance(value, (list, dict)) or (operator != "=" and not has_order):
        return None
    try:
        return order_key(value)
    except (OverflowError, UnicodeEncodeError):
        return None
