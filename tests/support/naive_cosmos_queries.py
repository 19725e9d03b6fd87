"""A second evaluator of Cosmos DB queries, as simple and slow as can be, to compare the emulator's with.

It walks the syntax tree for every row, and shares nothing with the emulator but the classes of the tree. It knows the
part of the language that the generator of `cosmos_query_generator` makes.
"""

import functools
import itertools
import json
import math
import re
from typing import Any

from emulator.services.cosmos.sql import tree

MISSING = object()
Names = dict[str, Any]


def run(query: tree.Query, items: list[Any]) -> list[Any]:
    """The results of a query over the items of a container."""
    return _run(query, {}, items)


def canonical(value: Any) -> str:
    """A text that is the same for equal values only."""
    if value is MISSING:
        return "missing"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, int | float):
        return f"number {float(value)}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(element) for element in value) + "]"
    return "{" + ",".join(f"{json.dumps(name)}:{canonical(value[name])}" for name in sorted(value)) + "}"


def _run(query: tree.Query, outer: Names, items: list[Any] | None) -> list[Any]:
    rows = [outer]
    for number, item in enumerate(query.from_items):
        rows = [row | extension for row in rows for extension in _extensions(item, row, items if number == 0 else None)]
    where = query.where
    if where is not None:
        rows = [row for row in rows if _value(where, row) is True]
    groups = [[row] for row in rows]
    if query.group_by:
        keys = {canonical([_value(expression, row) for expression in query.group_by]): None for row in rows}
        groups = [
            [row for row in rows if canonical([_value(expression, row) for expression in query.group_by]) == key]
            for key in keys
        ]
    elif "__aggregate__" in _marks(query):
        groups = [rows]
    elif query.order_by is not None:
        groups = [[row] for row in _ordered(rows, query.order_by)]
    results = [_projected(query, group, outer) for group in groups]
    results = [result for result in results if result is not MISSING]
    if query.select.distinct:
        texts = [canonical(result) for result in results]
        results = [result for number, result in enumerate(results) if texts.index(texts[number]) == number]
    if query.select.top is not None:
        results = results[: _count(query.select.top)]
    if query.offset_limit is not None:
        start = _count(query.offset_limit.offset)
        results = results[start : start + _count(query.offset_limit.limit)]
    return results


def _count(count: tree.Count) -> int:
    assert isinstance(count, tree.Constant)
    assert isinstance(count.value, int)
    return count.value


def _marks(query: tree.Query) -> set[str]:
    text = repr(query.select)
    return {"__aggregate__"} if re.search(r"name='(COUNT|SUM|AVG|MIN|MAX)', arg", _without_subqueries(text)) else set()


def _without_subqueries(text: str) -> str:
    """The text of a tree without what is in its subqueries."""
    start = text.find("Subquery(")
    if start < 0:
        return text
    depth = 0
    for position in range(start + len("Subquery"), len(text)):
        depth += (text[position] == "(") - (text[position] == ")")
        if depth == 0:
            return text[:start] + _without_subqueries(text[position + 1 :])
    return text[:start]


def _extensions(item: tree.FromItem, row: Names, items: list[Any] | None) -> list[Names]:
    if isinstance(item, tree.FromArray):
        arrays = _collection(item.collection, row, items)
        return [{item.alias: element} for array in arrays if isinstance(array, list) for element in array]
    alias = item.alias
    if alias is None and isinstance(item, tree.FromPath):
        alias = str(item.path[-1]) if item.path else item.root
    return [{alias or "": value} for value in _collection(item, row, items)]


def _collection(item: tree.FromPath | tree.FromSubquery, row: Names, items: list[Any] | None) -> list[Any]:
    if isinstance(item, tree.FromSubquery):
        return _run(item.query, row, items)
    values = [row[item.root]] if item.root in row else list(items or [])
    for step in item.path:
        values = [_step(value, step) for value in values]
    return [value for value in values if value is not MISSING]


def _step(value: Any, step: Any) -> Any:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step, MISSING)
    if isinstance(value, list) and _is_number(step) and step in range(len(value)):
        return value[int(step)]
    return MISSING


def _ordered(rows: list[Names], order_by: tree.OrderBy) -> list[Names]:
    def compare(left: tuple[int, Names], right: tuple[int, Names]) -> int:
        for item in order_by.items:
            sign = -1 if item.direction == "DESC" else 1
            difference = _rank_difference(_value(item.expression, left[1]), _value(item.expression, right[1]))
            if difference:
                return sign * difference
        return (left[0] - right[0]) * (-1 if order_by.items[0].direction == "DESC" else 1)

    if len(order_by.items) == 1:
        rows = [row for row in rows if _value(order_by.items[0].expression, row) is not MISSING]
    return [row for _number, row in sorted(enumerate(rows), key=functools.cmp_to_key(compare))]


def _rank_difference(left: Any, right: Any) -> int:
    ranks = [_type_rank(left), _type_rank(right)]
    if ranks[0] != ranks[1] or ranks[0] in (0, 1, 5, 6):
        return ranks[0] - ranks[1]
    return (left > right) - (left < right)


def _type_rank(value: Any) -> int:
    if value is MISSING:
        return 0
    if value is None:
        return 1
    for rank, kind in enumerate((bool, int | float, str, list, dict), start=2):
        if isinstance(value, kind):
            return rank
    raise AssertionError(value)


def _projected(query: tree.Query, group: list[Names], outer: Names) -> Any:
    projection = query.select.projection
    first = group[0] if group else outer
    if isinstance(projection, tree.SelectAll):
        return next(value for name, value in first.items() if name not in outer)
    if isinstance(projection, tree.SelectValue):
        return _value(projection.expression, first, group)
    result: dict[str, Any] = {}
    numbers = itertools.count(1)
    for item in projection.items:
        name = item.alias
        if name is None and isinstance(item.expression, tree.Property | tree.Identifier):
            name = item.expression.name
        if name is None:
            name = f"${next(numbers)}"
        result[name] = _value(item.expression, first, group)
    return {name: value for name, value in result.items() if value is not MISSING}


def _aggregate(name: str, values: list[Any]) -> Any:
    values = [value for value in values if value is not MISSING]
    if name == "COUNT":
        return len(values)
    if name in ("MIN", "MAX"):
        if not values or any(isinstance(value, list | dict) for value in values):
            return MISSING
        best = sorted(values, key=functools.cmp_to_key(_rank_difference))
        return best[0] if name == "MIN" else best[-1]
    if not all(_is_number(value) for value in values):
        return MISSING
    if name == "SUM":
        return sum(values)
    return sum(values) / len(values) if values else MISSING


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(node: Any, row: Names, group: list[Names] | None = None) -> Any:
    def evaluate(child: Any) -> Any:
        return _value(child, row, group)

    match node:
        case tree.Constant(value):
            return value
        case tree.UndefinedConstant():
            return MISSING
        case tree.Identifier(name):
            return row[name]
        case tree.Property(parent, name):
            return _step(evaluate(parent), name)
        case tree.Element(parent, index):
            return _step(evaluate(parent), evaluate(index))
        case tree.ArrayCreation(items):
            return [None if evaluate(item) is MISSING else evaluate(item) for item in items]
        case tree.ObjectCreation(properties):
            return {name: evaluate(value) for name, value in properties if evaluate(value) is not MISSING}
        case tree.Unary("NOT", operand):
            return {"true": False, "false": True}.get(canonical(evaluate(operand)), MISSING)
        case tree.Unary(operator, operand):
            sign = -1 if operator == "-" else 1
            return sign * evaluate(operand) if _is_number(evaluate(operand)) else MISSING
        case tree.Binary(operator, left, right):
            return _binary(operator, evaluate(left), evaluate(right))
        case tree.Logical(operator, operands):
            return _logical(operator, [evaluate(operand) for operand in operands])
        case tree.Conditional(condition, consequent, alternative):
            return evaluate(consequent) if evaluate(condition) is True else evaluate(alternative)
        case tree.Between(operand, low, high, negated):
            both = tree.Logical("AND", (tree.Binary(">=", operand, low), tree.Binary("<=", operand, high)))
            return evaluate(tree.Unary("NOT", both) if negated else both)
        case tree.In(operand, choices, negated):
            texts = [canonical(evaluate(choice)) for choice in choices]
            value = evaluate(operand)
            return MISSING if value is MISSING else (canonical(value) in texts) != negated
        case tree.Like(operand, pattern, escape, negated):
            return _like(evaluate(operand), evaluate(pattern), escape, negated=negated)
        case tree.FunctionCall(name, arguments) if name in ("COUNT", "SUM", "AVG", "MIN", "MAX"):
            return _aggregate(name, [_value(arguments[0], other) for other in group or []])
        case tree.FunctionCall(name, arguments):
            return _FUNCTIONS[name](*[evaluate(argument) for argument in arguments])
        case tree.Subquery(operator, tree.Query() as query):
            results = _run(query, row, None)
            return {"EXISTS": results != [], "ARRAY": results, "": results[0] if results else MISSING}[operator]
        case _:
            raise AssertionError(node)


def _binary(operator: str, left: Any, right: Any) -> Any:
    if operator == "??":
        return right if left is MISSING else left
    if operator in ("=", "!="):
        if left is MISSING or right is MISSING:
            return MISSING
        return (canonical(left) == canonical(right)) is (operator == "=")
    if operator in ("<", "<=", ">", ">="):
        types = _type_rank(left)
        if types != _type_rank(right) or types in (0, 5, 6):
            return MISSING
        difference = _rank_difference(left, right)
        return {"<": difference < 0, "<=": difference <= 0, ">": difference > 0, ">=": difference >= 0}[operator]
    if operator == "||":
        return left + right if isinstance(left, str) and isinstance(right, str) else MISSING
    if not _is_number(left) or not _is_number(right):
        return MISSING
    if operator == "%":
        return math.fmod(left, right) if right else math.nan
    return {"+": left + right, "-": left - right, "*": left * right}[operator]


def _logical(operator: str, values: list[Any]) -> Any:
    decisive = operator == "OR"
    if any(value is decisive for value in values):
        return decisive
    return (not decisive) if all(isinstance(value, bool) for value in values) else MISSING


def _like(text: Any, pattern: Any, escape: str | None, *, negated: bool) -> Any:
    if not isinstance(text, str) or not isinstance(pattern, str):
        return MISSING
    expression = ""
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            expression += re.escape(next(characters, character))
        else:
            expression += {"%": ".*", "_": "."}.get(character, re.escape(character))
    return (re.fullmatch(expression, text, re.DOTALL) is not None) != negated


def _contains(array: Any, value: Any) -> Any:
    if not isinstance(array, list) or value is MISSING:
        return MISSING
    return canonical(value) in [canonical(element) for element in array]


_FUNCTIONS: dict[str, Any] = {
    "ABS": lambda value: abs(value) if _is_number(value) else MISSING,
    "ARRAY_CONTAINS": _contains,
    "ARRAY_LENGTH": lambda value: len(value) if isinstance(value, list) else MISSING,
    "CONTAINS": lambda text, other: other in text if isinstance(text, str) and isinstance(other, str) else MISSING,
    "IS_DEFINED": lambda value: value is not MISSING,
    "IS_NUMBER": _is_number,
    "LENGTH": lambda text: len(text) if isinstance(text, str) else MISSING,
    "UPPER": lambda text: text.upper() if isinstance(text, str) else MISSING,
}
