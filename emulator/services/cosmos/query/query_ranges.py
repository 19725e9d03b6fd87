"""The ranges of effective partition keys that a query can have results in, from its filters on the partition key."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from emulator.services.cosmos.items.container import Container
from emulator.services.cosmos.items.effective_partition_key import PartitionKeyValue
from emulator.services.cosmos.items.indexing import Path
from emulator.services.cosmos.items.partitions import KeyRange, prefix_range
from emulator.services.cosmos.query.paths import constant_value, item_aliases, property_path
from emulator.services.cosmos.sql import tree

# More combinations than this are a query of all partitions.
_MAXIMUM_KEYS = 1000
type _Values = tuple[PartitionKeyValue, ...]


class QueryRanges:
    """Where a query has to look.

    Attributes:
        keys: The effective partition keys, complete ones or those of prefixes; None for all.
        are_complete: Whether `keys` are complete.
    """

    def __init__(self, keys: tuple[str, ...] | None, *, are_complete: bool = False) -> None:
        self.keys = keys
        self.are_complete = are_complete

    @property
    def is_single_key(self) -> bool:
        """Whether there is one complete partition key."""
        return self.keys is not None and self.are_complete and len(self.keys) == 1

    def to_json(self) -> list[dict[str, Any]]:
        """The `queryRanges` of a query plan."""
        if self.keys is None:
            everywhere = KeyRange()
            return [_range(everywhere.minimum, everywhere.maximum, is_maximum_inclusive=False)]
        if self.are_complete:
            return [_range(key, key, is_maximum_inclusive=True) for key in self.keys]
        return [
            _range(keys.minimum, keys.maximum, is_maximum_inclusive=False)
            for keys in (prefix_range(key) for key in self.keys)
        ]


def query_ranges(query: tree.Query, parameters: Mapping[str, Any], container: Container) -> QueryRanges:
    """The ranges of a query: those of its partition keys if WHERE limits it to some, or all."""
    aliases = item_aliases(query)
    levels: list[_Values] = []
    for path in container.partition_paths:
        values = None if query.where is None else _values(query.where, path, aliases, parameters)
        if values is None:
            break
        levels.append(values)
    count = 1
    for values in levels:
        count *= len(values)
    if not levels or count > _MAXIMUM_KEYS:
        return QueryRanges(None)
    keys = {container.effective_key(key) for key in product(*levels)}
    return QueryRanges(tuple(sorted(keys)), are_complete=len(levels) == len(container.partition_paths))


def _values(
    condition: tree.Expression, path: Path, aliases: Mapping[str, Path], parameters: Mapping[str, Any]
) -> _Values | None:
    """The values that a property can have if the condition holds, or None if it can have any."""
    match condition:
        case tree.Logical("AND", operands):
            for operand in operands:
                values = _values(operand, path, aliases, parameters)
                if values is not None:
                    return values
            return None
        case tree.Logical("OR", operands):
            alternatives = [_values(operand, path, aliases, parameters) for operand in operands]
            if None in alternatives:
                return None
            return tuple(value for values in alternatives if values is not None for value in values)
        case tree.Binary("=", left, right):
            for property_, constant in ((left, right), (right, left)):
                if property_path(property_, aliases) == path:
                    return _keys((constant,), parameters)
            return None
        case tree.In(operand, choices, False) if property_path(operand, aliases) == path:
            return _keys(choices, parameters)
        case _:
            return None


def _keys(constants: tuple[tree.Expression, ...], parameters: Mapping[str, Any]) -> _Values | None:
    keys: list[PartitionKeyValue] = []
    for constant in constants:
        value = constant_value(constant, parameters)
        if value is None or isinstance(value[0], (list, dict)):
            return None
        keys.append(value[0])
    return tuple(keys)


def _range(minimum: str, maximum: str, *, is_maximum_inclusive: bool) -> dict[str, Any]:
    return {"min": minimum, "max": maximum, "isMinInclusive": True, "isMaxInclusive": is_maximum_inclusive}
