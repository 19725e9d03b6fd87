"""Figures of a run, the goals, and the output."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from checks.mutants.accepted import AcceptedMutant, StaleEntry
from checks.mutants.mutants import Mutant
from checks.mutants.processes import Outcome
from checks.mutants.project import Module, Project

# Paths of modules are not wrapped.
_TABLE_WIDTH = 140


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Numbers of mutants: all, and of these the killed ones, those that timed out, survived, and are accepted."""

    mutants: int = 0
    killed: int = 0
    timed_out: int = 0
    survived: int = 0
    accepted: int = 0

    @property
    def percent(self) -> float:
        """The share of mutants that tests noticed, accepted survivors left out; 100 if there is none."""
        total = self.mutants - self.accepted
        return 100.0 if total == 0 else 100 * (self.killed + self.timed_out) / total

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            mutants=self.mutants + other.mutants,
            killed=self.killed + other.killed,
            timed_out=self.timed_out + other.timed_out,
            survived=self.survived + other.survived,
            accepted=self.accepted + other.accepted,
        )


@dataclass(kw_only=True)
class ModuleReport:
    """What became of the mutants of a module."""

    module: Module
    outcomes: list[tuple[Mutant, Outcome]] = field(default_factory=list)
    entries: Sequence[AcceptedMutant] = ()

    def _entry(self, mutant: Mutant) -> AcceptedMutant | None:
        return next((entry for entry in self.entries if entry.covers(mutant)), None)

    @property
    def survivors(self) -> list[Mutant]:
        """The survivors that are not accepted, by line."""
        survivors = [
            mutant for mutant, outcome in self.outcomes if outcome == Outcome.PASSED and self._entry(mutant) is None
        ]
        return sorted(survivors, key=lambda mutant: mutant.candidate.start)

    @property
    def stale(self) -> list[StaleEntry]:
        """The accepted mutants that a test notices."""
        return [
            StaleEntry(entry=entry, problem="a test notices this mutant")
            for mutant, outcome in self.outcomes
            if outcome != Outcome.PASSED and (entry := self._entry(mutant)) is not None
        ]

    @property
    def figures(self) -> Figures:
        """The numbers of mutants."""
        outcomes = [outcome for _, outcome in self.outcomes]
        survived = outcomes.count(Outcome.PASSED)
        return Figures(
            mutants=len(outcomes),
            killed=outcomes.count(Outcome.FAILED),
            timed_out=outcomes.count(Outcome.TIMED_OUT),
            survived=len(self.survivors),
            accepted=survived - len(self.survivors),
        )


@dataclass(kw_only=True)
class Report:
    """The result of a run.

    Attributes:
        project: the project with the goals.
        modules: the reports of the modules.
        stale: accepted mutants that are out of date.
    """

    project: Project
    modules: list[ModuleReport]
    stale: list[StaleEntry]

    def totals(self) -> list[tuple[str, Figures, float]]:
        """Return name, figures and goal in percent of each group of modules that has any."""
        totals: list[tuple[str, Figures, float]] = []
        for goal in self.project.goals:
            reports = [report for report in self.modules if report.module.area.source in goal.areas]
            if reports:
                totals.append((goal.name, sum((report.figures for report in reports), Figures()), goal.percent))
        return totals

    def problems(self) -> list[str]:
        """Return why the run failed; nothing if it met the goals."""
        problems = [
            f"{name}: {figures.percent:.0f} %, the goal is {percent:.0f} %"
            for name, figures, percent in self.totals()
            if figures.percent < percent
        ]
        problems += [
            f"{report.module.path}: {report.figures.percent:.0f} %, the least is {self.project.module_percent:.0f} %"
            for report in self.modules
            if report.figures.percent < self.project.module_percent
        ]
        problems += [
            f"stale entry in {self.project.accepted}: {stale.entry.module}, {stale.entry.operator}"
            f" {stale.entry.occurrence} on {stale.entry.line!r}: {stale.problem}"
            for stale in self.stale
        ]
        return problems

    def print_json(self) -> None:
        """Print one JSON object."""
        value = {
            "modules": [{"module": report.module.path, **_json(report.figures)} for report in self.modules],
            "totals": [{"name": name, "goal": goal, **_json(figures)} for name, figures, goal in self.totals()],
            "survivors": [
                {
                    "module": mutant.module.path,
                    "line": mutant.candidate.start[0],
                    "text": mutant.candidate.text,
                    "operator": mutant.candidate.operator,
                    "occurrence": mutant.candidate.occurrence,
                    "diff": mutant.diff,
                }
                for report in self.modules
                for mutant in report.survivors
            ],
            "problems": self.problems(),
        }
        print(json.dumps(value, indent=1))

    def print_table(self) -> None:
        """Print the figures, the survivors and the problems for a reader."""
        console = Console(width=_TABLE_WIDTH)
        table = Table(title="mutants")
        table.add_column("module")
        for heading in ("mutants", "killed", "timed out", "survived", "accepted", "score"):
            table.add_column(heading, justify="right")
        for report in self.modules:
            _add_row(table, report.module.path, report.figures)
        table.add_section()
        for name, figures, goal in self.totals():
            _add_row(table, f"{name} (goal: {goal:.0f} %)", figures)
        for report in self.modules:
            for mutant in report.survivors:
                print(f"survived: {mutant.location}, {mutant.candidate.operator} {mutant.candidate.occurrence}")
                print("\n".join(mutant.diff.splitlines()[2:]))
        console.print(table)
        for problem in self.problems():
            print(problem)


def _add_row(table: Table, name: str, figures: Figures) -> None:
    numbers = (figures.mutants, figures.killed, figures.timed_out, figures.survived, figures.accepted)
    table.add_row(name, *map(str, numbers), f"{figures.percent:.0f} %")


def _json(figures: Figures) -> dict[str, float]:
    return {
        "mutants": figures.mutants,
        "killed": figures.killed,
        "timedOut": figures.timed_out,
        "survived": figures.survived,
        "accepted": figures.accepted,
        "score": round(figures.percent, 1),
    }
