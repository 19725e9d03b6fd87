"""TOP, OFFSET and LIMIT."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.errors import InvalidQueryError
from emulator.services.cosmos.sql.values import JSON, Value

_MAX_COUNT = 2**32 - 1
"""QueryPlanBaselineTests.Top and QueryPlanBaselineTests.OffsetLimit in github.com/Azure/azure-cosmos-dotnet-v3."""

_ERRORS = {
    "TOP": ("SC2060", "The count value provided for a TOP clause must be an integer."),
    "OFFSET": ("SC2062", "The OFFSET count value exceeds the maximum allowed value."),
    "LIMIT": ("SC2061", "The LIMIT count value exceeds the maximum allowed value."),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How many results are skipped, and how many are returned at most; None for all."""

    offset: int
    count: int | None

    @property
    def end(self) -> int | None:
        """How many results have to be computed; None for all."""
        return None if self.count is None else self.offset + self.count

    def apply(self, results: Iterator[JSON]) -> Iterator[JSON]:
        """The results that are returned. No more are computed than that."""
        return islice(results, self.offset, self.end)


def compile_limits(query: tree.Query, parameters: Mapping[str, JSON] | None) -> Limits:
    """The limits of a query.

    Args:
        query: the query.
        parameters: the values of its parameters; None if they are not known.
    """
    top = _count("TOP", query.select.top, parameters)
    if query.offset_limit is None:
        return Limits(0, top)
    offset = _count("OFFSET", query.offset_limit.offset, parameters) or 0
    limit = _count("LIMIT", query.offset_limit.limit, parameters)
    if top is None:
        return Limits(offset, limit)
    # TOP counts before OFFSET and LIMIT do.
    remaining = max(top - offset, 0)
    return Limits(offset, remaining if limit is None else min(limit, remaining))


def _count(clause: str, count: tree.Count | None, parameters: Mapping[str, JSON] | None) -> int | None:
    if isinstance(count, tree.Parameter):
        if parameters is None:
            return None
        value: Value = parameters.get(count.name)
    elif count is None:
        return None
    else:
        value = count.value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_COUNT:
        raise InvalidQueryError(*_ERRORS[clause])
    return value
