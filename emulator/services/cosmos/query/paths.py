"""Property paths in a query: `c.a["b"][0]` relative to the items of the container."""

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.services.cosmos.items.indexing import ELEMENT, Path
from emulator.services.cosmos.sql import tree


def root_alias(query: tree.Query) -> str | None:
    """The name that stands for an item of the container, or None if FROM reads something else."""
    if not query.from_items:
        return None
    first = query.from_items[0]
    if not isinstance(first, tree.FromPath) or first.path:
        return None
    return first.alias or first.root


def property_path(expression: tree.Expression, aliases: Mapping[str, Path]) -> Path | None:
    """The path of a property, or None if the expression is something else.

    Args:
        expression: The expression.
        aliases: The path of what each name of the query stands for; `[]` is any element of an array.
    """
    names: list[str] = []
    while True:
        match expression:
            case tree.Property(parent, name):
                names.append(name)
                expression = parent
            case tree.Element(parent, _):
                names.append(ELEMENT)
                expression = parent
            case tree.Identifier(name):
                start = aliases.get(name)
                return None if start is None else (*start, *reversed(names))
            case _:
                return None


def item_aliases(query: tree.Query) -> dict[str, Path]:
    """The paths that the names of FROM and JOIN stand for."""
    alias = root_alias(query)
    aliases: dict[str, Path] = {} if alias is None else {alias: ()}
    add_joins(query, aliases)
    return aliases


def add_joins(query: tree.Query, aliases: dict[str, Path]) -> None:
    """Add the names that `x IN y.path` and `y.path AS x` declare to `aliases`."""
    for from_item in query.from_items:
        if isinstance(from_item, tree.FromArray):
            start = _start(from_item.collection, aliases)
            if start is not None:
                aliases[from_item.alias] = (*start, ELEMENT)
        elif isinstance(from_item, tree.FromPath) and from_item.alias is not None and from_item.path:
            start = _start(from_item, aliases)
            if start is not None:
                aliases[from_item.alias] = start


def conjuncts(condition: tree.Expression | None) -> Iterator[tree.Expression]:
    """The conditions that must all hold."""
    if condition is None:
        return
    if isinstance(condition, tree.Logical) and condition.operator == "AND":
        for operand in condition.operands:
            yield from conjuncts(operand)
        return
    yield condition


def conjunction(conditions: tuple[tree.Expression, ...]) -> tree.Expression | None:
    """The inverse of `conjuncts`."""
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else tree.Logical("AND", conditions)


def constant_value(expression: tree.Expression, parameters: Mapping[str, Any]) -> tuple[Any] | None:
    """The value of a constant or parameter, as a tuple of one; None if the expression is neither."""
    match expression:
        case tree.Constant(value):
            return (value,)
        case tree.Parameter(name) if name in parameters:
            return (parameters[name],)
        case tree.Unary("-", tree.Constant(value)) if isinstance(value, (int, float)):
            return (-value,)
        case tree.ArrayCreation(items):
            values = [constant_value(item, parameters) for item in items]
            return None if None in values else ([value[0] for value in values if value is not None],)
        case _:
            return None


def _start(from_item: tree.FromPath | tree.FromSubquery, aliases: Mapping[str, Path]) -> Path | None:
    if not isinstance(from_item, tree.FromPath) or from_item.root not in aliases:
        return None
    return (*aliases[from_item.root], *(ELEMENT if isinstance(name, int) else name for name in from_item.path))
