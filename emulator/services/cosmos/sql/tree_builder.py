"""From the grammar's rules to the nodes of the syntax tree."""

from collections.abc import Sequence
from typing import Any

from lark import Token, Transformer, v_args

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.errors import InvalidQueryError, Location
from emulator.services.cosmos.sql.literals import location_of, number_of, string_of


def _operands(operator: tree.LogicalOperator, operands: Sequence[tree.Expression]) -> tree.Expression:
    flat: list[tree.Expression] = []
    for operand in operands:
        if isinstance(operand, tree.Logical) and operand.operator == operator:
            flat.extend(operand.operands)
        else:
            flat.append(operand)
    return tree.Logical(operator, tuple(flat))


@v_args(inline=True)
class TreeBuilder(Transformer[Token, tree.Query]):
    """One method for each rule of the grammar; lark calls it with what its parts became."""

    def start(self, query: tree.Query) -> tree.Query:
        return query

    def query(
        self,
        distinct: bool,  # noqa: FBT001 (lark passes it by position)
        top: tree.Count | None,
        projection: tree.Projection,
        from_items: tuple[tree.FromItem, ...],
        where: tree.Expression | None,
        group_by: tuple[tree.Expression, ...],
        order_by: tree.OrderBy | None,
        offset_limit: tree.OffsetLimit | None,
    ) -> tree.Query:
        return tree.Query(
            select=tree.Select(projection=projection, distinct=distinct, top=top),
            from_items=from_items,
            where=where,
            group_by=group_by,
            order_by=order_by,
            offset_limit=offset_limit,
        )

    def distinct(self, keyword: Token | None) -> bool:
        return keyword is not None

    def top(self, count: tree.Count | None) -> tree.Count | None:
        return count

    def select_all(self, _star: Token) -> tree.SelectAll:
        return tree.SelectAll()

    def select_value(self, expression: tree.Expression) -> tree.SelectValue:
        return tree.SelectValue(expression)

    def select_list(self, *items: tree.SelectItem) -> tree.SelectList:
        return tree.SelectList(items)

    def select_item(self, expression: tree.Expression, alias: str | None = None) -> tree.SelectItem:
        return tree.SelectItem(expression, None if alias is None else str(alias))

    def string_alias(self, name: Token) -> str:
        return string_of(name)

    def from_clause(self, *from_items: tree.FromItem | None) -> tuple[tree.FromItem, ...]:
        return tuple(from_item for from_item in from_items if from_item is not None)

    def from_array(self, alias: Token, collection: tree.FromPath | tree.FromSubquery) -> tree.FromItem:
        return tree.FromArray(alias=str(alias), collection=collection)

    def aliased(self, collection: tree.FromPath | tree.FromSubquery, alias: Token) -> tree.FromItem:
        if isinstance(collection, tree.FromPath):
            return tree.FromPath(
                root=collection.root, path=collection.path, alias=str(alias), location=collection.location
            )
        return tree.FromSubquery(query=collection.query, alias=str(alias))

    def from_path(self, root: Token, *steps: str | int) -> tree.FromPath:
        return tree.FromPath(root=str(root), path=steps, location=location_of(root))

    def from_subquery(self, query: tree.Query) -> tree.FromSubquery:
        return tree.FromSubquery(query=query)

    def path_name(self, name: Token) -> str:
        return str(name)

    def path_string(self, name: Token) -> str:
        return string_of(name)

    def path_index(self, index: Token) -> int:
        number = number_of(index)
        if not isinstance(number, int):
            raise InvalidQueryError("SC1001", f"Syntax error, incorrect syntax near '{index}'.", location_of(index))
        return number

    def where_clause(self, expression: tree.Expression | None) -> tree.Expression | None:
        return expression

    def group_by_clause(self, expressions: tuple[tree.Expression, ...] | None) -> tuple[tree.Expression, ...]:
        return expressions or ()

    def order_by_clause(self, *items: Any) -> tree.OrderBy | None:
        is_rank = isinstance(items[0], Token)
        order_items = tuple(item for item in items if isinstance(item, tree.OrderItem))
        if not order_items:
            return None
        return tree.OrderBy(items=order_items, rank=is_rank)

    def order_item(self, expression: tree.Expression, direction: Token | None) -> tree.OrderItem:
        if direction is None:
            return tree.OrderItem(expression=expression)
        return tree.OrderItem(expression=expression, direction="ASC" if direction.type == "ASC" else "DESC")

    def offset_limit_clause(self, offset: tree.Count | None, limit: tree.Count | None) -> tree.OffsetLimit | None:
        if offset is None or limit is None:
            return None
        return tree.OffsetLimit(offset=offset, limit=limit)

    def coalesce(self, left: tree.Expression, right: tree.Expression) -> tree.Binary:
        return tree.Binary("??", left, right)

    def conditional(
        self, condition: tree.Expression, consequent: tree.Expression, alternative: tree.Expression
    ) -> tree.Expression:
        return tree.Conditional(condition, consequent, alternative)

    def disjunction(self, *operands: tree.Expression) -> tree.Expression:
        return _operands("OR", operands)

    def conjunction(self, *operands: tree.Expression) -> tree.Expression:
        return _operands("AND", operands)

    def in_choices(
        self, operand: tree.Expression, negation: Token | None, choices: tuple[tree.Expression, ...]
    ) -> tree.In:
        return tree.In(operand, choices, negation is not None)

    def between(
        self, operand: tree.Expression, negation: Token | None, low: tree.Expression, high: tree.Expression
    ) -> tree.Between:
        return tree.Between(operand, low, high, negation is not None)

    def like(
        self, operand: tree.Expression, negation: Token | None, pattern: tree.Expression, escape: Token | None
    ) -> tree.Like:
        return tree.Like(operand, pattern, None if escape is None else string_of(escape), negation is not None)

    def binary(self, left: tree.Expression, operator: Token, right: tree.Expression) -> tree.Binary:
        name = "!=" if operator == "<>" else str(operator)
        return tree.Binary(name, left, right)  # pyright: ignore[reportArgumentType] (the grammar has the same operators)

    def unary(self, operator: Token, operand: tree.Expression) -> tree.Expression:
        if operator == "-" and isinstance(operand, tree.Constant):
            number = operand.value
            if isinstance(number, int | float) and not isinstance(number, bool):
                return tree.Constant(-number)
        name = operator.upper()
        return tree.Unary(name, operand)  # pyright: ignore[reportArgumentType] (the grammar has the same operators)

    def identifier_reference(self, name: Token) -> tree.Identifier:
        return tree.Identifier(str(name), location_of(name))

    def scalar_subquery(self, query: tree.Query) -> tree.Subquery:
        return tree.Subquery("", query)

    def subquery(self, operator: Token, query: tree.Query) -> tree.Subquery:
        return tree.Subquery(operator.upper(), query)  # pyright: ignore[reportArgumentType] (as above)

    def property(self, parent: tree.Expression, name: Token) -> tree.Property:
        return tree.Property(parent, str(name))

    def element(self, parent: tree.Expression, index: tree.Expression) -> tree.Expression:
        if isinstance(index, tree.Constant) and isinstance(index.value, str):
            return tree.Property(parent, index.value)
        return tree.Element(parent, index)

    def array_creation(self, items: tuple[tree.Expression, ...] | None) -> tree.ArrayCreation:
        return tree.ArrayCreation(items or ())

    def object_creation(self, *properties: tuple[str, tree.Expression] | None) -> tree.ObjectCreation:
        return tree.ObjectCreation(tuple(item for item in properties if item is not None))

    def string_property(self, name: Token, value: tree.Expression) -> tuple[str, tree.Expression]:
        return string_of(name), value

    def named_property(self, name: Token, value: tree.Expression) -> tuple[str, tree.Expression]:
        return str(name), value

    def function_call(
        self, name: Token, arguments: tuple[tree.Expression, ...] | None, close: Token
    ) -> tree.FunctionCall:
        location = Location(start=name.start_pos or 0, end=close.end_pos or 0)
        return tree.FunctionCall(str(name), arguments or (), location)

    def user_function_call(self, name: Token, arguments: tuple[tree.Expression, ...] | None) -> tree.UserFunctionCall:
        return tree.UserFunctionCall(str(name), arguments or ())

    def expression_list(self, *expressions: tree.Expression) -> tuple[tree.Expression, ...]:
        return expressions

    def parameter(self, name: Token) -> tree.Parameter:
        return tree.Parameter(str(name))

    def number(self, token: Token) -> tree.Constant:
        return tree.Constant(number_of(token))

    def string(self, token: Token) -> tree.Constant:
        return tree.Constant(string_of(token))

    def true(self) -> tree.Constant:
        return tree.Constant(True)

    def false(self) -> tree.Constant:
        return tree.Constant(False)

    def null(self) -> tree.Constant:
        return tree.Constant(None)

    def undefined(self) -> tree.UndefinedConstant:
        return tree.UndefinedConstant()

    def identifier(self, name: Token) -> Token:
        return name
