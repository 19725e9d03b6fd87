"""Numbers that JSON cannot hold: a query whose result has one is refused."""

import math

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.errors import InvalidQueryError
from emulator.services.cosmos.sql.traversal import walk
from emulator.services.cosmos.sql.values import Value

NUMBERS_WITHOUT_LITERAL = {"NaN": float("nan"), "Infinity": float("inf")}
"""https://learn.microsoft.com/cosmos-db/query/stringtonumber"""


def may_be_infinite(query: tree.Query) -> bool:
    """Whether a query computes its results: only then can a number be infinite, or be none."""
    return any(_computes(node) for clause in (query.select, *query.from_items) for node in walk(clause))


def _computes(node: object) -> bool:
    if isinstance(node, tree.Identifier):
        return node.name in NUMBERS_WITHOUT_LITERAL
    return isinstance(node, (tree.Binary, tree.FunctionCall))


def check_finite(value: Value) -> None:
    """Raises InvalidQueryError if there is an infinity or a not-a-number in a result.

    A live account refuses a division by zero with 400 and the code 4001 (github.com/xo/dbimp, COSMOS.md), whose text is
    not known; and `IS_FINITE_NUMBER(8.9 / 0.0)` is false (https://learn.microsoft.com/cosmos-db/query/is-finite-number).
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidQueryError(4001, "The result of the query has a number that is infinite or not a number.")
    elif isinstance(value, list):
        for element in value:
            check_finite(element)
    elif isinstance(value, dict):
        for element in value.values():
            check_finite(element)
