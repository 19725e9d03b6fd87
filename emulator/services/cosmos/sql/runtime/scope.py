"""What compiled expressions work on: rows of slots, and the names that stand for slots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulator.services.cosmos.sql.values import UNDEFINED, Value

type Row = list[Any]
"""The values of all aliases of a query and its subqueries, each in its slot, while one combination is evaluated.

One slot has the items that the query reads.
"""

type Evaluate = Callable[[Row], Value]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled expression. `constant`: its value does not depend on the row."""

    evaluate: Evaluate
    constant: bool = False


def constant(value: Value) -> Compiled:
    """An expression with always the same value."""
    return Compiled(lambda _row: value, constant=True)


def folded(operands: Sequence[Compiled], evaluate: Evaluate) -> Compiled:
    """An expression over operands, which is evaluated now if all of them are constants."""
    if all(operand.constant for operand in operands):
        return constant(evaluate([]))
    return Compiled(evaluate)


class Slots:
    """The slots of a query's rows."""

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> int:
        """A new slot."""
        self.count += 1
        return self.count - 1

    def new_row(self) -> Row:
        """A row in which every value is undefined."""
        return [UNDEFINED] * self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateCall:
    """An aggregate function in a projection: what it aggregates, and the slot where its result is put."""

    name: str
    argument: Evaluate
    slot: int


@dataclass(slots=True)
class Scope:
    """The names that an expression may use.

    `aggregates` collects the aggregate functions of a projection; it is None where they are not allowed.
    """

    slots: Slots
    parent: "Scope | None" = None
    names: dict[str, int] = field(default_factory=dict)
    aggregates: list[AggregateCall] | None = None

    def resolve(self, name: str) -> int | None:
        """The slot of an alias of this query or of one around it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def without_aggregates(self) -> "Scope":
        """The same names, for the argument of an aggregate function."""
        return Scope(slots=self.slots, parent=self.parent, names=self.names)
