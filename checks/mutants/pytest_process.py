"""Runs pytest in a process that was forked for it."""

import os
import resource
import signal
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from checks.mutants import import_hook

_SITE_PACKAGES = sysconfig.get_path("purelib")
# So much of the message of a failed test is kept.
_MESSAGE_LENGTH = 1000
# A mutant that allocates without end must not exhaust the machine.
_MEMORY_BYTES = 4 << 30
# pytest's messages before it ends as if it had been called wrongly, with exit code 4: a conftest could not be
# imported, or a test file could not, so that the test whose id was given is not found.
_IMPORT_FAILED = ("while loading conftest", "ERROR: found no collectors for ")


@dataclass(frozen=True, kw_only=True)
class PytestRun:
    """What a process is to do.

    Attributes:
        root: the folder of the project.
        tests: paths of test files, or pytest's ids of tests.
        folder: a folder for files of the run, prepared by `import_hook.prepare` if `has_mutant`.
        has_mutant: whether a mutant is tested.
        measured_folders: folders of the modules whose executed lines are measured.
    """

    root: Path
    tests: Sequence[str]
    folder: Path
    has_mutant: bool
    measured_folders: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class PytestReport:
    """How a run of pytest ended.

    Attributes:
        exit_code: pytest's exit code.
        failure: id of the test or file that failed, with its message; empty if none did.
        failing_test: pytest's id of the test or file that failed; empty if none did.
        lines: executed lines by path of the module.
        packages: modules of other projects that were imported.
    """

    exit_code: int
    failure: str = ""
    failing_test: str = ""
    lines: Mapping[str, frozenset[int]] = field(default_factory=dict)
    packages: Sequence[str] = ()


def has_failed(exit_code: int, output: str) -> bool:
    """Whether pytest ended because a test failed or could not be imported, and not because it was called wrongly."""
    if exit_code in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}:
        return True
    return any(message in output for message in _IMPORT_FAILED)


def run_tests(run: PytestRun, connection: Connection) -> None:
    """Run pytest in this process, send the path of each test file when it begins, then a `PytestReport`, and end.

    The process is the leader of a process group.
    """
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
    output = os.open(run.folder / "output.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(run.root)
    if run.has_mutant:
        os.environ[import_hook.FOLDER_VARIABLE] = str(run.folder)
        os.environ["PYTHONPATH"] = str(run.folder)
        import_hook.install(run.folder)
    packages = _loaded_packages()
    lines = _ExecutedLines(run.root, run.measured_folders)
    plugin = _Plugin(connection)
    exit_code = pytest.main(_arguments(run), plugins=[plugin])
    connection.send(
        PytestReport(
            exit_code=int(exit_code),
            failure=plugin.failure,
            failing_test=plugin.failing_test,
            lines=lines.by_path(),
            packages=sorted(_loaded_packages() - packages),
        )
    )
    connection.close()
    # Threads and exit handlers of the tests are of no interest.
    os._exit(0)


def file_of(test: str) -> str:
    """Return the path of the test file in pytest's id of a test; an id may be the file itself."""
    return test.partition("::")[0]


def _arguments(run: PytestRun) -> list[str]:
    return [
        "-x",
        "--quiet",
        "--no-header",
        "--tb=line",
        "-m",
        "not emulator",
        "-p",
        "no:cacheprovider",
        # It warns when Hypothesis was imported before it, as it is before the fork.
        "-p",
        "no:hypothesispytest",
        # pytest and its plugins are imported before the fork.
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
        f"--rootdir={run.root}",
        f"--basetemp={run.folder / 'pytest'}",
        *run.tests,
    ]


def _loaded_packages() -> set[str]:
    """Return the names of the modules of other projects that are loaded.

    azure-native's modules are lazy, of a type of their own, until an attribute is read.
    """
    return {
        name
        for name, module in sys.modules.items()
        if type(module) is ModuleType and (module.__dict__.get("__file__") or "").startswith(_SITE_PACKAGES)
    }


class _Plugin:
    """Tells which test file begins, remembers the first failure, and makes Hypothesis fast."""

    def __init__(self, connection: Connection) -> None:
        self.failure = ""
        self.failing_test = ""
        self._connection = connection
        self._file = ""

    def pytest_configure(self) -> None:
        hypothesis = sys.modules.get("hypothesis")
        if hypothesis is None:
            return
        hypothesis.settings.register_profile(
            "mutants",
            max_examples=20,
            derandomize=True,
            database=None,
            deadline=None,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
            # Others may use the processor at the same time.
            suppress_health_check=(hypothesis.HealthCheck.too_slow,),
        )
        hypothesis.settings.load_profile("mutants")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        file = file_of(item.nodeid)
        if file != self._file:
            self._file = file
            self._connection.send(file)
        return (yield)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._remember(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._remember(report)

    def _remember(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        if report.failed and not self.failure:
            self.failing_test = report.nodeid
            crash = getattr(report.longrepr, "reprcrash", None)
            text: str = crash.message if crash else report.longreprtext
            self.failure = f"{report.nodeid}: {text[:_MESSAGE_LENGTH]}"


class _ExecutedLines:
    """Measures which lines of the modules in some folders are executed in this process."""

    def __init__(self, root: Path, folders: Sequence[str]) -> None:
        self._root = f"{root}{os.sep}"
        self._prefixes = tuple(f"{root / folder}{os.sep}" for folder in folders)
        self._lines: dict[str, set[int]] = {}
        if folders:
            monitoring = sys.monitoring
            monitoring.use_tool_id(monitoring.COVERAGE_ID, "mutants")
            monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.LINE, self._on_line)
            monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.LINE)

    def _on_line(self, code: CodeType, line: int) -> object:
        if code.co_filename.startswith(self._prefixes):
            path = code.co_filename.removeprefix(self._root)
            self._lines.setdefault(path, set()).add(line)
        # Once is enough.
        return sys.monitoring.DISABLE

    def by_path(self) -> dict[str, frozenset[int]]:
        """Return the executed lines by path of the module."""
        return {path: frozenset(lines) for path, lines in self._lines.items()}
