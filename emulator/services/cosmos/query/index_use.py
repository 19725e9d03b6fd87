"""Which filters an index answers, so that only matching items are read and charged.

https://learn.microsoft.com/azure/cosmos-db/index-overview#index-usage
"""

from collections.abc import Mapping

from emulator.core.container_policies import ContainerDefinition
from emulator.services.cosmos.items.indexing import ELEMENT, Path, full_text_indexes, is_indexed
from emulator.services.cosmos.query.paths import (
    add_joins,
    conjunction,
    conjuncts,
    item_aliases,
    property_path,
    root_alias,
)
from emulator.services.cosmos.sql import tree

_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
# Functions of a property and constants. CONTAINS and the like read the whole index, and no items that do not match.
_INDEX_FUNCTIONS = frozenset(
    {
        *("contains", "startswith", "endswith", "stringequals", "regexmatch"),
        *("is_defined", "is_null", "is_bool", "is_number", "is_integer", "is_string", "is_primitive"),
    }
)
_ARRAY_FUNCTIONS = frozenset({"array_contains", "array_contains_any", "array_contains_all"})
_FULL_TEXT_FUNCTIONS = frozenset({"fulltextcontains", "fulltextcontainsall", "fulltextcontainsany"})


def split_condition(
    query: tree.Query, definition: ContainerDefinition
) -> tuple[tuple[tree.Expression, ...], tuple[tree.Expression, ...]]:
    """The conditions of WHERE that the index answers, and those that are to be evaluated on what is read.

    Conditions on elements of joined arrays are in both: the index finds the items that have such elements.
    """
    alias = root_alias(query)
    if alias is None:
        return (), tuple(conjuncts(query.where))
    use = _IndexUse(definition)
    aliases = item_aliases(query)
    indexed: list[tree.Expression] = []
    joined: list[tree.Expression] = []
    rest: list[tree.Expression] = []
    for condition in conjuncts(query.where):
        if use.answers(condition, {alias: ()}):
            indexed.append(condition)
            continue
        rest.append(condition)
        if use.answers(condition, aliases):
            joined.append(condition)
    joins = query.from_items[1:]
    if joined and all(isinstance(join, tree.FromArray) for join in joins):
        elements = tree.Query(
            select=tree.Select(projection=tree.SelectValue(tree.Constant(1))),
            from_items=joins,
            where=conjunction(tuple(joined)),
        )
        indexed.append(tree.Subquery("EXISTS", elements))
    return tuple(indexed), tuple(rest)


class _IndexUse:
    def __init__(self, definition: ContainerDefinition) -> None:
        self._policy = definition.indexing_policy
        self._full_text = full_text_indexes(definition)

    def answers(self, condition: tree.Expression, aliases: Mapping[str, Path]) -> bool:
        """Whether the index alone says for which items the condition holds."""
        match condition:
            case tree.Constant() | tree.Parameter() | tree.UndefinedConstant():
                return True
            case tree.Logical(_, operands):
                return all(self.answers(operand, aliases) for operand in operands)
            case tree.Unary("NOT", operand):
                return self.answers(operand, aliases)
            case tree.Binary(operator, left, right) if operator in _COMPARISONS:
                sides = ((left, right), (right, left))
                return any(self._has(property_, aliases) and _is_constant(other) for property_, other in sides)
            case tree.In(operand, choices, _):
                return self._has(operand, aliases) and all(_is_constant(choice) for choice in choices)
            case tree.Between(operand, low, high, _):
                return self._has(operand, aliases) and _is_constant(low) and _is_constant(high)
            case tree.Like(operand, pattern, _, _):
                return self._has(operand, aliases) and _is_constant(pattern)
            case tree.FunctionCall(name, arguments) if arguments:
                return self._answers_call(name.lower(), arguments, aliases)
            case tree.Subquery("EXISTS", query) if isinstance(query, tree.Query):
                return self._answers_exists(query, aliases)
            case _:
                return self._has(condition, aliases)

    def _answers_call(self, name: str, arguments: tuple[tree.Expression, ...], aliases: Mapping[str, Path]) -> bool:
        if not all(_is_constant(argument) for argument in arguments[1:]):
            return False
        path = property_path(arguments[0], aliases)
        if path is None:
            return False
        if name in _INDEX_FUNCTIONS:
            return is_indexed(self._policy, path)
        if name in _ARRAY_FUNCTIONS:
            element = arguments[1] if len(arguments) > 1 else None
            names = [name for name, _ in element.properties] if isinstance(element, tree.ObjectCreation) else []
            elements = [(*path, ELEMENT, name) for name in names] or [(*path, ELEMENT)]
            return all(is_indexed(self._policy, element_path) for element_path in elements)
        return name in _FULL_TEXT_FUNCTIONS and path in self._full_text

    def _answers_exists(self, query: tree.Query, aliases: Mapping[str, Path]) -> bool:
        inner = dict(aliases)
        add_joins(query, inner)
        is_plain = not (query.group_by or query.order_by or query.offset_limit or query.select.top)
        has_iterators = all(isinstance(from_item, tree.FromArray) for from_item in query.from_items)
        return (
            is_plain
            and has_iterators
            and query.where is not None
            and all(self.answers(condition, inner) for condition in conjuncts(query.where))
        )

    def _has(self, expression: tree.Expression, aliases: Mapping[str, Path]) -> bool:
        path = property_path(expression, aliases)
        return bool(path) and is_indexed(self._policy, path)


def _is_constant(expression: tree.Expression) -> bool:
    match expression:
        case tree.Constant() | tree.Parameter() | tree.UndefinedConstant():
            return True
        case tree.Unary(_, operand):
            return _is_constant(operand)
        case tree.ArrayCreation(items):
            return all(_is_constant(item) for item in items)
        case tree.ObjectCreation(properties):
            return all(_is_constant(value) for _, value in properties)
        case _:
            return False
