"""Functions of arrays and sets: https://learn.microsoft.com/cosmos-db/query/functions#array-functions."""

from collections.abc import Hashable

from emulator.services.cosmos.sql.functions.definition import Function, fixed, to_integer
from emulator.services.cosmos.sql.values import JSON, UNDEFINED, Value, equals, identity


def _concatenate(*arrays: Value) -> Value:
    result: list[JSON] = []
    for array in arrays:
        if not isinstance(array, list):
            return UNDEFINED
        result.extend(array)
    return result


def _contains(array: Value, value: Value, *options: Value) -> Value:
    """Whether an array has an element; `options` may be true, for objects that have more properties than `value`."""
    partial = options[0] if options else False
    if not isinstance(array, list) or not isinstance(partial, bool) or value is UNDEFINED:
        return UNDEFINED
    if partial and isinstance(value, dict):
        return any(_has_properties(element, value) for element in array)
    return any(equals(element, value) for element in array)


def _has_properties(element: JSON, properties: dict[str, JSON]) -> bool:
    if not isinstance(element, dict):
        return False
    return all(name in element and equals(element[name], value) for name, value in properties.items())


def _contains_any(array: Value, *values: Value) -> Value:
    if not isinstance(array, list):
        return UNDEFINED
    return any(_contains(array, value) is True for value in values)


def _contains_all(array: Value, *values: Value) -> Value:
    if not isinstance(array, list):
        return UNDEFINED
    return all(_contains(array, value) is True for value in values)


def _length(array: Value) -> Value:
    return len(array) if isinstance(array, list) else UNDEFINED


def _slice(array: Value, start: Value, length: Value = None) -> Value:
    first = to_integer(start)
    if not isinstance(array, list) or first is None:
        return UNDEFINED
    if first < 0:
        first = max(first + len(array), 0)
    if length is None:
        return array[first:]
    count = to_integer(length)
    if count is None:
        return UNDEFINED
    return array[first : first + max(count, 0)]


def _choose(index: Value, *choices: Value) -> Value:
    position = to_integer(index)
    if position is None or not 1 <= position <= len(choices):
        return UNDEFINED
    return choices[position - 1]


def _object_to_array(item: Value, name_key: Value = "k", value_key: Value = "v") -> Value:
    if not isinstance(item, dict) or not isinstance(name_key, str) or not isinstance(value_key, str):
        return UNDEFINED
    return [{name_key: name, value_key: value} for name, value in item.items()]


def _intersection(left: Value, right: Value) -> Value:
    if not isinstance(left, list) or not isinstance(right, list):
        return UNDEFINED
    others = set(map(identity, right))
    return [element for element in _without_duplicates(left) if identity(element) in others]


def _union(left: Value, right: Value) -> Value:
    if not isinstance(left, list) or not isinstance(right, list):
        return UNDEFINED
    return _without_duplicates([*left, *right])


def _without_duplicates(array: list[JSON]) -> list[JSON]:
    """The elements in their order, each at its first position only."""
    elements: dict[Hashable, JSON] = {}
    for element in array:
        elements.setdefault(identity(element), element)
    return list(elements.values())


FUNCTIONS = {
    "ARRAY_CONCAT": Function(evaluate=_concatenate, minimum=2, maximum=None),
    "ARRAY_CONTAINS": Function(evaluate=_contains, minimum=2, maximum=3),
    "ARRAY_CONTAINS_ALL": Function(evaluate=_contains_all, minimum=2, maximum=None),
    "ARRAY_CONTAINS_ANY": Function(evaluate=_contains_any, minimum=2, maximum=None),
    "ARRAY_LENGTH": fixed(1, _length),
    "ARRAY_SLICE": Function(evaluate=_slice, minimum=2, maximum=3),
    "CHOOSE": Function(evaluate=_choose, minimum=2, maximum=None),
    "OBJECTTOARRAY": Function(evaluate=_object_to_array, minimum=1, maximum=3),
    "SETINTERSECT": fixed(2, _intersection),
    "SETUNION": fixed(2, _union),
}
