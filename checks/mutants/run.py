"""One run: measures the tests, draws mutants, tests them, and reports."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from checks.mutants.accepted import entries_without_candidate, entries_without_module, read_accepted
from checks.mutants.baseline import Baseline, measure
from checks.mutants.mutants import ModuleSource, Mutant
from checks.mutants.processes import Outcome, Processes, Result, Task
from checks.mutants.project import Module, Project, ProjectError
from checks.mutants.report import ModuleReport, Report

# Where the output is no terminal, progress is a line every so many seconds.
_PROGRESS_SECONDS = 30


class MutantError(Exception):
    """A result that says nothing about the tests; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user chooses.

    Attributes:
        modules: paths of modules or folders; empty for all.
        sample: how many mutants of each module are tested at most.
        seed: seed of the sample.
        processes: how many test processes run at a time.
        least_limit_seconds: the least time limit of a test file.
    """

    modules: Sequence[str] = ()
    sample: int = 45
    seed: int = 1
    processes: int = 2
    least_limit_seconds: float = 20


def run(project: Project, options: Options) -> Report:
    """Test a sample of the mutants of a project.

    Raises:
        ProjectError: no module is chosen, or a module has no tests.
        BaselineError: a test fails without a mutant.
        MutantError: a mutant was not loaded by its tests, or they fail when it is the unchanged module.
    """
    all_modules = project.modules()
    modules = [module for module in all_modules if _is_chosen(module, options.modules)]
    if not modules:
        raise ProjectError(f"no module is in {' '.join(options.modules)}")
    processes = Processes(root=project.root, count=options.processes)
    baseline = measure(
        project,
        modules,
        processes,
        least_limit_seconds=options.least_limit_seconds,
        on_measured=_Progress("test files measured without a mutant").advance,
    )
    entries = read_accepted(project.root / project.accepted)
    stale = entries_without_module(entries, [module.path for module in all_modules])
    reports = {module.path: ModuleReport(module=module, entries=entries) for module in modules}
    module_sources = [ModuleSource(module, (project.root / module.path).read_text()) for module in modules]
    for source in module_sources:
        stale += entries_without_candidate(entries, source.module.path, source.candidates)
    _run_controls(module_sources, baseline, processes)
    mutants = [mutant for source in module_sources for mutant in source.sample(options.sample, options.seed)]
    progress = _Progress("mutants", len(mutants))
    survived = 0
    for result in processes.run(map(baseline.task, mutants)):
        mutant = _tested_mutant(result)
        reports[mutant.module.path].outcomes.append((mutant, result.outcome))
        if result.outcome == Outcome.PASSED and not any(entry.covers(mutant) for entry in entries):
            survived += 1
            progress.print(f"survived: {mutant.location}, {mutant.candidate.operator} {mutant.candidate.occurrence}")
        if result.report is not None and result.report.failure:
            baseline.remember(mutant, result.report.failing_test)
        progress.advance(f"{survived} survived")
    for report in reports.values():
        stale += report.stale
    return Report(project=project, modules=list(reports.values()), stale=stale)


def _is_chosen(module: Module, paths: Sequence[str]) -> bool:
    if not paths:
        return True
    return any(module.path == path or module.path.startswith(f"{path.rstrip('/')}/") for path in paths)


def _run_controls(module_sources: Sequence[ModuleSource], baseline: Baseline, processes: Processes) -> None:
    """Run the tests of one module of each area in the same way, with the module as it is.

    Raises:
        MutantError: they fail, so that the failure of a mutant would say nothing.
    """
    tasks: dict[str, list[Task]] = {}
    for source in module_sources:
        if source.candidates:
            tasks.setdefault(source.module.area.source, []).append(baseline.task(source.control()))
    for result in processes.run(min(of_area, key=baseline.seconds) for of_area in tasks.values()):
        control = _tested_mutant(result)
        if result.outcome != Outcome.PASSED:
            failure = result.report.failure if result.report else ""
            raise MutantError(f"the tests of {control.module.path}, unchanged, {result.outcome}: {failure}")


def _tested_mutant(result: Result) -> Mutant:
    """Return the mutant of a result.

    Raises:
        MutantError: the mutant was not loaded, so the result is that of the module as it is.
    """
    mutant = result.task.mutant
    assert mutant is not None
    if not result.loaded and result.outcome != Outcome.TIMED_OUT:
        tests = ", ".join(test for stage in result.task.stages for test in stage)
        failure = f" ({result.report.failure})" if result.report and result.report.failure else ""
        raise MutantError(f"{mutant.module.path} was not imported by {tests}, which {result.outcome}{failure}")
    return mutant


class _Progress:
    """Prints a count and a rate to standard error: on one line of a terminal, else every half minute."""

    def __init__(self, label: str, total: int | None = None) -> None:
        self._label = label
        self._total = total
        self._count = 0
        self._start = time.monotonic()
        self._printed = self._start

    def print(self, text: str) -> None:
        """Print a line of its own."""
        clear = "\x1b[2K" if sys.stderr.isatty() else ""
        print(f"{clear}{text}", file=sys.stderr, flush=True)

    def advance(self, detail: str = "") -> None:
        """Count one more."""
        self._count += 1
        now = time.monotonic()
        is_last = self._count == self._total
        is_terminal = sys.stderr.isatty()
        if not (is_last or is_terminal or now - self._printed >= _PROGRESS_SECONDS):
            return
        self._printed = now
        count = f"{self._count}/{self._total}" if self._total else str(self._count)
        rate = 60 * self._count / max(now - self._start, 0.001)
        texts = [f"{count} {self._label}", f"{rate:.0f} a minute"]
        if detail:
            texts.append(detail)
        end = "\r" if is_terminal and not is_last else "\n"
        print(", ".join(texts), end=end, file=sys.stderr, flush=True)
