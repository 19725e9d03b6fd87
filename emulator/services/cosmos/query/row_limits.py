"""TOP, OFFSET and LIMIT of a query, with the values of its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.engine.limits import compile_limits


@dataclass(frozen=True, kw_only=True)
class RowLimits:
    """How many results a query skips and returns; None without the clause."""

    top: int | None = None
    offset: int | None = None
    limit: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the query has none of the clauses."""
        return self.top is None and self.offset is None

    @property
    def skip(self) -> int:
        """The number of results to skip."""
        return self.offset or 0

    @property
    def take(self) -> int | None:
        """The number of results to return, or None for all."""
        return self.top if self.top is not None else self.limit

    def from_start(self) -> tree.OffsetLimit:
        """OFFSET and LIMIT for one of several partitions: it does not know how many results the others have."""
        return tree.OffsetLimit(offset=tree.Constant(0), limit=tree.Constant((self.offset or 0) + (self.limit or 0)))


def row_limits(query: tree.Query, parameters: Mapping[str, Any]) -> RowLimits:
    """The limits of a query. Raises InvalidQueryError."""
    compile_limits(query, parameters)
    top = None if query.select.top is None else _count(query.select.top, parameters)
    if query.offset_limit is None:
        return RowLimits(top=top)
    return RowLimits(
        top=top,
        offset=_count(query.offset_limit.offset, parameters),
        limit=_count(query.offset_limit.limit, parameters),
    )


def _count(count: tree.Count, parameters: Mapping[str, Any]) -> int:
    value = count.value if isinstance(count, tree.Constant) else parameters[count.name]
    assert isinstance(value, int)
    return value
