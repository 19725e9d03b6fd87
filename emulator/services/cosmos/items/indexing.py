"""What a container's indexing policy covers.

https://learn.microsoft.com/azure/cosmos-db/index-policy
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from emulator.core.container_policies import ContainerDefinition, IndexingPolicy, path_segments
from emulator.services.cosmos.items.container import Item

ELEMENT = "[]"
_SCALAR = "?"
_BELOW = "*"
# The service indexes them whatever the policy is, and never indexes `_etag` unless it is asked to.
_ALWAYS = frozenset({("_ts",), ("id",)})
# Their terms are the service's own, and the charges of writes do not show them.
_SYSTEM_PROPERTIES = frozenset({"_rid", "_self", "_etag", "_attachments"})
type Path = tuple[str, ...]
_PROPERTIES = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_indexed(policy: IndexingPolicy, path: Path) -> bool:
    """Whether the scalar value at `path` is indexed; `[]` in it is the elements of an array.

    The more precise of the policy's paths wins; `?` is more precise than `*`.
    """
    if policy.indexing_mode == "none":
        return False
    if path in _ALWAYS:
        return True
    included = _precision(tuple(entry.path for entry in policy.included_paths), path)
    excluded = _precision(tuple(entry.path for entry in policy.excluded_paths), path)
    return included > excluded


def is_explicitly_included(policy: IndexingPolicy, path: Path) -> bool:
    """Whether the policy names `path` itself, so that the index has items without the property, too.

    https://learn.microsoft.com/azure/cosmos-db/nosql/query/order-by#documents-with-missing-fields
    """
    return any(path_segments(entry.path)[:-1] == path for entry in policy.included_paths)


def has_composite_index(policy: IndexingPolicy, items: tuple[tuple[Path, bool], ...]) -> bool:
    """Whether a composite index serves ORDER BY these paths, each with whether it is ascending.

    The paths must be the same, in the same order; the directions the same, or all reversed.
    """
    for index in policy.composite_indexes:
        entries = tuple((path_segments(entry.path), entry.order.lower() != "descending") for entry in index)
        if entries in (items, tuple((path, not ascending) for path, ascending in items)):
            return True
    return False


def full_text_paths(definition: ContainerDefinition) -> set[Path]:
    """The paths of the full-text policy."""
    return {path_segments(entry.path) for entry in definition.full_text_policy.full_text_paths}


def full_text_indexes(definition: ContainerDefinition) -> set[Path]:
    """The paths with a full-text index."""
    return {path_segments(entry.path) for entry in definition.indexing_policy.full_text_indexes}


def count_terms(policy: IndexingPolicy, item: Item) -> int:
    """The number of values of an item that the index has."""
    own = {name: value for name, value in item.items() if name not in _SYSTEM_PROPERTIES}
    return sum(1 for path in _scalar_paths(own, ()) if is_indexed(policy, path))


def read_properties(body: str, paths: Iterable[Path]) -> Item:
    """An item with the properties that these paths begin with, and no others: decoding an embedding takes long."""
    properties = _PROPERTIES.decode(body)
    names = {path[0] for path in paths}
    return {name: msgspec.json.decode(properties[name]) for name in names if name in properties}


def _scalar_paths(value: Any, path: Path) -> list[Path]:
    if isinstance(value, dict):
        return [leaf for name, inner in value.items() for leaf in _scalar_paths(inner, (*path, name))]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _scalar_paths(inner, (*path, ELEMENT))]
    return [path]


@cache
def _precision(patterns: tuple[str, ...], path: Path) -> int:
    """How precisely the best of the patterns covers the path: 0 not at all."""
    best = 0
    for pattern in patterns:
        *names, end = path_segments(pattern) or (_BELOW,)
        if end == _SCALAR and tuple(names) == path:
            best = max(best, 2 * len(names) + 2)
        elif end == _BELOW and path[: len(names)] == tuple(names):
            best = max(best, 2 * len(names) + 1)
    return best
