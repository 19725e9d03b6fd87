"""SELECT: what becomes of a row. https://learn.microsoft.com/cosmos-db/query/select."""

from collections.abc import Sequence

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.engine.expressions import ExpressionCompiler, object_builder
from emulator.services.cosmos.sql.errors import InvalidQueryError
from emulator.services.cosmos.sql.runtime.scope import Evaluate, Scope


def item_names(items: Sequence[tree.SelectItem]) -> list[str]:
    """The names of the properties that a select list makes.

    An expression without an alias has the name of its property, or `$1`, `$2` and so on. Raises InvalidQueryError if
    two have the same name.
    """
    names: list[str] = []
    unnamed = 0
    for item in items:
        name = item.alias
        if name is None and isinstance(item.expression, tree.Property | tree.Identifier):
            name = item.expression.name
        if name is None:
            unnamed += 1
            name = f"${unnamed}"
        if name in names:
            raise InvalidQueryError("SC2022", f"The name '{name}' is specified more than once in the SELECT clause.")
        names.append(name)
    return names


def compile_projection(
    query: tree.Query, compiler: ExpressionCompiler, scope: Scope, item_slots: Sequence[int]
) -> Evaluate:
    """The closure that makes a query's result of a row; `item_slots` are the slots of FROM and JOIN."""
    match query.select.projection:
        case tree.SelectValue(expression):
            return compiler.compile(expression, scope).evaluate
        case tree.SelectList(items):
            names = item_names(items)
            evaluates = [compiler.compile(item.expression, scope).evaluate for item in items]
            return object_builder(list(zip(names, evaluates, strict=True)))
        case tree.SelectAll():
            return _only_item(item_slots)


def _only_item(item_slots: Sequence[int]) -> Evaluate:
    if not item_slots:
        raise InvalidQueryError("SC2039", "'SELECT *' is not valid if FROM clause is omitted.")
    if len(item_slots) > 1:
        raise InvalidQueryError("SC2040", "'SELECT *' is only valid with a single input set.")
    (slot,) = item_slots
    return lambda row: row[slot]
