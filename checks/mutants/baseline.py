"""Which test file executes which lines, and how long it takes, measured without a mutant.

Every test file is run in a process of its own, so that no fixture or cache of another file hides what it executes.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from checks.mutants.mutants import Mutant
from checks.mutants.processes import Outcome, Processes, Result, Task
from checks.mutants.project import Module, Project
from checks.mutants.pytest_process import file_of

_CACHE = ".build/mutants.json"
# A test file of a mutant may take so much longer than without one.
_LIMIT_FACTOR = 8
_FIRST_LIMIT_SECONDS = 600
# A mutant mostly fails in one of the tests that noticed most others of its module, or in the first file. If not, so
# many files more are collected and run, and then the rest.
_FIRST_STAGE_TESTS = 3
_SECOND_STAGE_FILES = 3


class BaselineError(Exception):
    """Tests fail without a mutant; the message says which."""


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """What a test file executes.

    Attributes:
        digest: identifies the test file, the program, and what the tests share.
        seconds: how long the test file takes, by a `ProcessClock`.
        lines: executed lines by path of the module.
        packages: modules of other projects that were imported.
    """

    digest: str
    seconds: float
    lines: dict[str, frozenset[int]]
    packages: tuple[str, ...]


class Baseline:
    """The measurements of all test files that a choice of modules needs.

    Args:
        project: the project.
        measurements: the measurements by test file.
        least_limit_seconds: the least time limit of a test file.
    """

    def __init__(self, project: Project, measurements: dict[str, Measurement], *, least_limit_seconds: float) -> None:
        self._project = project
        self._measurements = measurements
        self._least_limit = least_limit_seconds
        # How many mutants each test file noticed, by module and by area, and each test, by module.
        self._noticed: Counter[tuple[str, str]] = Counter()
        self._noticed_by_test: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def task(self, mutant: Mutant) -> Task:
        """Return the tests of a mutant.

        The tests that noticed most others of the module come first. The files follow: those that noticed others of the
        module, then those that bear its name, then the fastest, with the more often successful ones taken for faster.
        """
        area_files = self._files_with_measurement(mutant.module.area.tests)
        process_files = self._files_with_measurement(mutant.module.area.process_tests)
        files = [file for file in area_files if self._executes(file, mutant)]
        if not files:
            # Executed in a process of its own, or not at all.
            files = [file for file in area_files if mutant.module.path in self._measurements[file].lines] or area_files
        mirrored = self._project.mirrored_tests(mutant.module, files)

        def rank(file: str) -> tuple[int, bool, float]:
            weight = 1 + self._noticed[mutant.module.area.source, file]
            seconds = self._measurements[file].seconds
            return -self._noticed[mutant.module.path, file], file not in mirrored, seconds / weight

        order = sorted({*files, *process_files}, key=rank)
        first = self._tests_that_noticed_most(mutant.module, order) or order[:1]
        others = [file for file in order if file not in first]
        stages = [first, others[:_SECOND_STAGE_FILES], others[_SECOND_STAGE_FILES:]]
        return Task(
            mutant=mutant,
            stages=tuple({tests: self._limit(file_of(tests)) for tests in stage} for stage in stages if stage),
        )

    def seconds(self, task: Task) -> float:
        """Return how long the tests of a mutant that none of them notices take."""
        files = {file_of(tests) for stage in task.stages for tests in stage}
        return sum(self._measurements[file].seconds for file in files)

    def remember(self, mutant: Mutant, test: str) -> None:
        """Run a test and its file earlier from now on, because it noticed a mutant; `test` is an id of pytest."""
        file = file_of(test)
        self._noticed[mutant.module.path, file] += 1
        self._noticed[mutant.module.area.source, file] += 1
        if test != file:
            # The parameters of a test are left out: their ids can have any character.
            self._noticed_by_test[mutant.module.path][test.partition("[")[0]] += 1

    def _tests_that_noticed_most(self, module: Module, files: Sequence[str]) -> list[str]:
        """Return ids of tests in some files, the most successful first; none if no mutant of the module was noticed."""
        tests = [test for test, _ in self._noticed_by_test[module.path].most_common() if file_of(test) in files]
        return tests[:_FIRST_STAGE_TESTS]

    def _files_with_measurement(self, paths: Sequence[str]) -> list[str]:
        """Return the test files that were measured, without those that were written since."""
        return [file for file in self._project.test_files(paths) if file in self._measurements]

    def _executes(self, file: str, mutant: Mutant) -> bool:
        lines = self._measurements[file].lines.get(mutant.module.path, frozenset())
        return not lines.isdisjoint(mutant.lines)

    def _limit(self, file: str) -> float:
        return max(self._least_limit, _LIMIT_FACTOR * self._measurements[file].seconds)


def measure(
    project: Project,
    modules: Sequence[Module],
    processes: Processes,
    *,
    least_limit_seconds: float,
    on_measured: Callable[[], None],
) -> Baseline:
    """Measure every test file of the areas of some modules that has changed since it was last measured.

    Args:
        project: the project.
        modules: the modules that are mutated.
        processes: runs the tests.
        least_limit_seconds: the least time limit that the baseline sets a test file.
        on_measured: called after each measurement.

    Raises:
        BaselineError: a test fails without a mutant.
    """
    paths = [path for module in modules for path in (*module.area.tests, *module.area.process_tests)]
    files = project.test_files(list(dict.fromkeys(paths)))
    cache = project.root / _CACHE
    cached = msgspec.json.decode(cache.read_bytes(), type=dict[str, Measurement]) if cache.exists() else {}
    common = _digest(_common_files(project))
    digests = {file: _digest([project.root / file], common) for file in files}
    measurements = {
        file: cached[file] for file, digest in digests.items() if file in cached and cached[file].digest == digest
    }
    for measurement in measurements.values():
        processes.packages.update(measurement.packages)
    tasks = [
        Task(stages=({file: _FIRST_LIMIT_SECONDS},), measured_folders=project.source_folders)
        for file in files
        if file not in measurements
    ]
    try:
        for result in processes.run(tasks):
            (file,) = result.task.stages[0]
            measurements[file] = _measurement(file, digests[file], result)
            processes.packages.update(measurements[file].packages)
            on_measured()
    finally:
        cache.parent.mkdir(exist_ok=True)
        cache.write_bytes(msgspec.json.encode(cached | measurements))
    return Baseline(project, measurements, least_limit_seconds=least_limit_seconds)


def _measurement(file: str, digest: str, result: Result) -> Measurement:
    if result.outcome != Outcome.PASSED or result.report is None:
        failure = result.report.failure if result.report else "the process ended"
        raise BaselineError(f"{file} {result.outcome} without a mutant: {failure}")
    return Measurement(
        digest=digest,
        seconds=result.seconds,
        lines=dict(result.report.lines),
        packages=tuple(result.report.packages),
    )


def _common_files(project: Project) -> list[Path]:
    """Return the files that any test may read: the program, its configuration, and what tests share."""
    files = [path for pattern in ("*.py", "*.toml", "*.yaml") for path in sorted(project.root.glob(pattern))]
    for folder in (*project.source_folders, "schemas", "stacks", "tests"):
        for path in sorted((project.root / folder).rglob("*")):
            is_source = path.suffix in {".py", ".yaml", ".json", ".toml"} and ".venv" not in path.parts
            if is_source and not path.name.startswith("test_"):
                files.append(path)
    return files


def _digest(paths: Iterable[Path], salt: str = "") -> str:
    digest = hashlib.sha256(salt.encode())
    for path in paths:
        digest.update(f"{path}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
