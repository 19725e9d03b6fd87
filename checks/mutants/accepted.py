"""Survivors that are accepted, and the entries that are out of date."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checks.mutants.mutants import Candidate, Mutant


@dataclass(frozen=True, kw_only=True)
class AcceptedMutant:
    """A survivor that may stay.

    Attributes:
        module: path of the module.
        line: the text of the line on which the change begins, without the spaces around it.
        operator: name of the operator.
        occurrence: number of the place among those of the operator on lines of this text.
        reason: why no test has to notice it.
    """

    module: str
    line: str
    operator: str
    occurrence: int
    reason: str

    def is_at(self, module: str, candidate: Candidate) -> bool:
        """Return whether the entry is about a place in a module."""
        key = (candidate.text, candidate.operator, candidate.occurrence)
        return module == self.module and key == (self.line, self.operator, self.occurrence)

    def covers(self, mutant: Mutant) -> bool:
        """Return whether the entry is about a mutant."""
        return self.is_at(mutant.module.path, mutant.candidate)


@dataclass(frozen=True, kw_only=True)
class StaleEntry:
    """An entry that is out of date, and why."""

    entry: AcceptedMutant
    problem: str


def read_accepted(path: Path) -> list[AcceptedMutant]:
    """Return the entries of a file; none if there is no file."""
    if not path.exists():
        return []
    return [AcceptedMutant(**entry) for entry in tomllib.loads(path.read_text()).get("accepted", [])]


def entries_without_candidate(
    entries: Sequence[AcceptedMutant], module: str, candidates: Sequence[Candidate]
) -> list[StaleEntry]:
    """Return the entries of a module whose line or place no longer exists."""
    return [
        StaleEntry(entry=entry, problem="the module has no such line, or the operator changes nothing there")
        for entry in entries
        if entry.module == module and not any(entry.is_at(module, candidate) for candidate in candidates)
    ]


def entries_without_module(entries: Sequence[AcceptedMutant], modules: Sequence[str]) -> list[StaleEntry]:
    """Return the entries whose module no longer exists."""
    return [
        StaleEntry(entry=entry, problem="there is no such module") for entry in entries if entry.module not in modules
    ]
