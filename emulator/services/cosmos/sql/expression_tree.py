"""The nodes of the syntax tree for expressions."""

from dataclasses import dataclass, field
from typing import Literal

from emulator.services.cosmos.sql.errors import Location

type BinaryOperator = Literal[
    "*", "/", "%", "+", "-", "<", "<=", ">", ">=", "=", "!=", "&", "^", "|", "<<", ">>", ">>>", "||", "??"
]
type UnaryOperator = Literal["-", "+", "~", "NOT"]
type LogicalOperator = Literal["AND", "OR"]
type SubqueryOperator = Literal["EXISTS", "ARRAY", "ALL", "FIRST", "LAST", ""]


class QueryNode:
    """The query of a subquery. It is a `tree.Query`, which is defined later because it consists of expressions."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Constant:
    """`null`, `true`, `false`, a number or a string. `1`, `1.0` and `true` are different constants."""

    value: bool | int | float | str | None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True, slots=True)
class UndefinedConstant:
    """`undefined`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """`@name`; the name includes the `@`."""

    name: str


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A text that the SDK replaces before it sends a query, as `{documentdb-formattableorderbyquery-filter}`.

    The parser never returns it; it is for the queries of a query plan.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """The name of a collection, or of an alias in FROM."""

    name: str
    location: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Property:
    """`parent.name`, and `parent["name"]` with a constant string."""

    parent: "Expression"
    name: str


@dataclass(frozen=True, slots=True)
class Element:
    """`parent[index]`, where the index is not a constant string."""

    parent: "Expression"
    index: "Expression"


@dataclass(frozen=True, slots=True)
class ArrayCreation:
    """`[a, b]`."""

    items: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class ObjectCreation:
    """`{"name": a}`."""

    properties: "tuple[tuple[str, Expression], ...]"


@dataclass(frozen=True, slots=True)
class Unary:
    """`-a`, `+a`, `~a`, `NOT a`."""

    operator: UnaryOperator
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator with two operands, other than AND and OR."""

    operator: BinaryOperator
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Logical:
    """`a AND b AND c`, `a OR b OR c`: at least two operands, none of them with the same operator."""

    operator: LogicalOperator
    operands: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Conditional:
    """`condition ? consequent : alternative`."""

    condition: "Expression"
    consequent: "Expression"
    alternative: "Expression"


@dataclass(frozen=True, slots=True)
class Between:
    """`operand [NOT] BETWEEN low AND high`, both included."""

    operand: "Expression"
    low: "Expression"
    high: "Expression"
    negated: bool


@dataclass(frozen=True, slots=True)
class In:
    """`operand [NOT] IN (choices)`."""

    operand: "Expression"
    choices: "tuple[Expression, ...]"
    negated: bool


@dataclass(frozen=True, slots=True)
class Like:
    """`operand [NOT] LIKE pattern [ESCAPE 'c']`."""

    operand: "Expression"
    pattern: "Expression"
    escape: str | None
    negated: bool


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """`name(arguments)`. The name is as in the query; functions are found whatever its case."""

    name: str
    arguments: "tuple[Expression, ...]"
    location: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class UserFunctionCall:
    """`udf.name(arguments)`."""

    name: str
    arguments: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Subquery:
    """`(SELECT …)` as a scalar (operator ""), `EXISTS(SELECT …)`, `ARRAY(SELECT …)`, `ALL`, `FIRST`, `LAST`."""

    operator: SubqueryOperator
    query: QueryNode


type Expression = (
    Constant
    | UndefinedConstant
    | Parameter
    | Placeholder
    | Identifier
    | Property
    | Element
    | ArrayCreation
    | ObjectCreation
    | Unary
    | Binary
    | Logical
    | Conditional
    | Between
    | In
    | Like
    | FunctionCall
    | UserFunctionCall
    | Subquery
)
