"""Candidates of a filter as a condition in SQL over the term indexes."""

import sqlite3
from dataclasses import dataclass

from emulator.services.cosmos.items.item_indexes import ensure_index
from emulator.services.cosmos.items.term_index import TermIndex
from emulator.services.cosmos.query.candidates import AllOf, AnyOf, Candidates, HasTerm

# Up to so many candidates are read at once; more are met while the items are read in their order.
FEW = 100
type Arguments = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class CandidateSql:
    """Conditions for the number of an item.

    Attributes:
        condition: `{0}` in it stands for the number.
        arguments: The values of its question marks.
        few: A subquery for the numbers of all candidates, if they are few, and its values.
    """

    condition: str
    arguments: Arguments
    few: tuple[str, Arguments] | None


def candidate_sql(database: sqlite3.Connection, container: int, candidates: Candidates) -> CandidateSql:
    """The conditions for candidates. Makes the indexes that do not exist."""
    builder = _Builder(database, container)
    condition, arguments = builder.condition(candidates)
    terms, count = builder.rarest(candidates)
    few = None
    if count <= FEW:
        selects = [builder.numbers(operand) for operand in terms] or [("SELECT 0 WHERE 0", ())]
        few = (" UNION ALL ".join(sql for sql, _ in selects), tuple(value for _, values in selects for value in values))
    return CandidateSql(condition=condition, arguments=arguments, few=few)


class _Builder:
    def __init__(self, database: sqlite3.Connection, container: int) -> None:
        self._database = database
        self._container = container
        self._indexes: dict[TermIndex, int] = {}

    def condition(self, candidates: Candidates) -> tuple[str, Arguments]:
        """Whether an item is a candidate."""
        if isinstance(candidates, HasTerm):
            sql, arguments = self.numbers(candidates)
            return f"EXISTS({sql} AND postings.item = {{0}})", arguments
        operands = [self.condition(operand) for operand in candidates.operands]
        operator = " AND " if isinstance(candidates, AllOf) else " OR "
        conditions = operator.join(sql for sql, _ in operands) or "0"
        return f"({conditions})", tuple(value for _, values in operands for value in values)

    def numbers(self, operand: HasTerm) -> tuple[str, Arguments]:
        """The numbers of the items with a term."""
        marks = ",".join("?" * len(operand.terms))
        sql = f"SELECT item FROM postings WHERE term_index = ? AND term IN ({marks})"  # noqa: S608 (question marks)
        return sql, (self._index(operand.index), *sorted(operand.terms))

    def rarest(self, candidates: Candidates) -> tuple[list[HasTerm], int]:
        """Terms of which each candidate has one, and how many items have them; counted up to a little more than few."""
        if isinstance(candidates, HasTerm):
            sql, arguments = self.numbers(candidates)
            (count,) = self._database.execute(
                f"SELECT COUNT(*) FROM ({sql} LIMIT ?)",  # noqa: S608 (question marks)
                (*arguments, FEW + 1),
            ).fetchone()
            return [candidates], count
        operands = [self.rarest(operand) for operand in candidates.operands]
        if isinstance(candidates, AnyOf):
            return [term for terms, _ in operands for term in terms], sum(count for _, count in operands)
        return min(operands, key=lambda operand: operand[1])

    def _index(self, index: TermIndex) -> int:
        if index not in self._indexes:
            self._indexes[index] = ensure_index(self._database, self._container, index)
        return self._indexes[index]
