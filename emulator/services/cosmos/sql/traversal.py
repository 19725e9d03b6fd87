"""Ways through a syntax tree that do not recurse, so that no query is too deep for them."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from emulator.services.cosmos.sql.errors import Location
from emulator.services.cosmos.sql.tree import Query


def child_nodes(node: object) -> Iterator[object]:
    """The nodes directly below a node, in the order of its fields."""
    if is_dataclass(node):
        for field in fields(node):
            yield from _nodes_of(getattr(node, field.name))


def walk(node: object, *, into_subqueries: bool = True) -> Iterator[object]:
    """A node and all nodes below it, a parent before its children.

    Args:
        node: where to start.
        into_subqueries: whether to visit what is inside of queries below `node`.
    """
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        if into_subqueries or current is node or not isinstance(current, Query):
            pending.extend(reversed(list(child_nodes(current))))


def depth(node: object) -> int:
    """The number of nodes on the longest way from a node down."""
    deepest = 0
    pending = [(node, 1)]
    while pending:
        current, level = pending.pop()
        deepest = max(deepest, level)
        pending.extend((child, level + 1) for child in child_nodes(current))
    return deepest


def _nodes_of(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        for element in value:
            yield from _nodes_of(element)
    elif is_dataclass(value) and not isinstance(value, type | Location):
        yield value
