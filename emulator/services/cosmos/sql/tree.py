"""The syntax tree of a query: immutable nodes that compare by value.

It follows Microsoft's own grammar:
https://github.com/Azure/azure-cosmos-dotnet-v3/blob/main/Microsoft.Azure.Cosmos/src/Query/Core/Parser/sql.g4
"""

from dataclasses import dataclass, field
from typing import Literal

from emulator.services.cosmos.sql.errors import Location
from emulator.services.cosmos.sql.expression_tree import (
    ArrayCreation,
    Between,
    Binary,
    BinaryOperator,
    Conditional,
    Constant,
    Element,
    Expression,
    FunctionCall,
    Identifier,
    In,
    Like,
    Logical,
    LogicalOperator,
    ObjectCreation,
    Parameter,
    Placeholder,
    Property,
    QueryNode,
    Subquery,
    SubqueryOperator,
    Unary,
    UnaryOperator,
    UndefinedConstant,
    UserFunctionCall,
)

__all__ = [
    "ArrayCreation",
    "Between",
    "Binary",
    "BinaryOperator",
    "Conditional",
    "Constant",
    "Count",
    "Element",
    "Expression",
    "FromArray",
    "FromItem",
    "FromPath",
    "FromSubquery",
    "FunctionCall",
    "Identifier",
    "In",
    "Like",
    "Logical",
    "LogicalOperator",
    "ObjectCreation",
    "OffsetLimit",
    "OrderBy",
    "OrderItem",
    "Parameter",
    "Placeholder",
    "Projection",
    "Property",
    "Query",
    "Select",
    "SelectAll",
    "SelectItem",
    "SelectList",
    "SelectValue",
    "Subquery",
    "SubqueryOperator",
    "Unary",
    "UnaryOperator",
    "UndefinedConstant",
    "UserFunctionCall",
]


@dataclass(frozen=True, slots=True)
class SelectAll:
    """`SELECT *`."""


@dataclass(frozen=True, slots=True)
class SelectValue:
    """`SELECT VALUE expression`."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class SelectItem:
    """`expression [AS alias]`. Without an alias, the name of the property is that of the expression, or `$1`."""

    expression: Expression
    alias: str | None


@dataclass(frozen=True, slots=True)
class SelectList:
    """`SELECT a, b AS x`."""

    items: tuple[SelectItem, ...]


type Projection = SelectAll | SelectValue | SelectList
type Count = Constant | Parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """The SELECT clause."""

    projection: Projection
    distinct: bool = False
    top: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPath:
    """`root.path [[AS] alias]`: each value of an item, or of what an earlier alias stands for, at a path."""

    root: str
    path: tuple[str | int, ...] = ()
    alias: str | None = None
    location: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FromSubquery:
    """`(SELECT …) [[AS] alias]`: each result of a subquery."""

    query: "Query"
    alias: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FromArray:
    """`alias IN root.path` and `alias IN (SELECT …)`: each element of each array."""

    alias: str
    collection: FromPath | FromSubquery


type FromItem = FromPath | FromSubquery | FromArray


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderItem:
    """An expression of ORDER BY and its direction. `direction` is None if the query states none: ascending."""

    expression: Expression
    direction: Literal["ASC", "DESC"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBy:
    """`ORDER BY items`, or `ORDER BY RANK score` (`rank`)."""

    items: tuple[OrderItem, ...]
    rank: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetLimit:
    """`OFFSET offset LIMIT limit`."""

    offset: Count
    limit: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(QueryNode):
    """A query. `from_items` are those of FROM and of each JOIN, in their order; none without FROM."""

    select: Select
    from_items: tuple[FromItem, ...] = ()
    where: Expression | None = None
    group_by: tuple[Expression, ...] = ()
    order_by: OrderBy | None = None
    offset_limit: OffsetLimit | None = None
