"""What becomes of the results of a subquery: https://learn.microsoft.com/cosmos-db/query/subquery."""

from collections.abc import Callable, Iterator
from itertools import islice

from emulator.services.cosmos.sql.errors import InvalidQueryError
from emulator.services.cosmos.sql.tree import SubqueryOperator
from emulator.services.cosmos.sql.values import JSON, UNDEFINED, Value


def _exists(results: Iterator[JSON]) -> Value:
    return next(results, UNDEFINED) is not UNDEFINED


def _array(results: Iterator[JSON]) -> Value:
    return list(results)


def _first(results: Iterator[JSON]) -> Value:
    return next(results, UNDEFINED)


def _last(results: Iterator[JSON]) -> Value:
    value: Value = UNDEFINED
    for value in results:  # noqa: B007 (the last one is the result)
        pass
    return value


def _only(results: Iterator[JSON]) -> Value:
    """The result of a scalar subquery; undefined without a result."""
    first_two = list(islice(results, 2))
    if len(first_two) > 1:
        raise InvalidQueryError("", "The cardinality of a scalar subquery result set cannot be greater than one.")
    return first_two[0] if first_two else UNDEFINED


SUBQUERY_RESULTS: dict[SubqueryOperator, Callable[[Iterator[JSON]], Value]] = {
    "EXISTS": _exists,
    "ARRAY": _array,
    "FIRST": _first,
    "LAST": _last,
    "": _only,
}
"""The supported operators on subqueries: all but ALL."""
