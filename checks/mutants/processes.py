"""Several test processes at a time, each forked from this one."""

import contextlib
import gc
import importlib
import itertools
import multiprocessing
import os
import signal
import tempfile
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import cast

import pytest

from checks.mutants import import_hook
from checks.mutants.mutants import Mutant
from checks.mutants.process_clock import ProcessClock
from checks.mutants.pytest_process import PytestReport, PytestRun, file_of, has_failed, run_tests

_FORK = multiprocessing.get_context("fork")
# Plugins of pytest are imported by pytest, which rewrites their assertions.
_NOT_PRELOADED = ("_hypothesis_pytestplugin", "_pytest", "anyio.pytest_plugin", "xdist")
_WATCH_SECONDS = 0.5  # how often the time limits are checked
# For the import of the modules and the collection of the tests.
_COLLECTION_SECONDS = 60


class ProcessError(Exception):
    """A test process cannot be used; the message says why."""


class Outcome(StrEnum):
    """How a test process ended."""

    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed out"


@dataclass(frozen=True, kw_only=True)
class Task:
    """Tests to run, for one mutant or without any.

    Attributes:
        stages: test files by path, or tests by pytest's id, with the time limit of each file in seconds of a
            `ProcessClock`. Each stage is a process of its own; one that does not pass is the last.
        mutant: the mutant, or None.
        measured_folders: folders of the modules whose executed lines are measured.
    """

    stages: tuple[Mapping[str, float], ...]
    mutant: Mutant | None = None
    measured_folders: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Result:
    """The end of a task.

    Attributes:
        task: the task.
        outcome: how it ended.
        seconds: how long the last stage took, by a `ProcessClock`.
        report: the last stage's report; None if the process ended without one.
        loaded: whether the mutant was loaded.
    """

    task: Task
    outcome: Outcome
    seconds: float
    report: PytestReport | None
    loaded: bool


@dataclass(kw_only=True)
class _ProcessHandle:
    task: Task
    stage: int
    loaded_before: bool
    process: ForkProcess
    folder: tempfile.TemporaryDirectory[str]
    clock: ProcessClock
    limit: float = _COLLECTION_SECONDS  # of the clock, for what the process is doing

    def begin_file(self, file: str) -> None:
        """Set the time limit of the test file that begins."""
        limits = self.task.stages[self.stage]
        self.limit = self.clock.read() + next(limit for tests, limit in limits.items() if file_of(tests) == file)


@dataclass(kw_only=True)
class Processes:
    """Runs tasks in test processes.

    Attributes:
        root: the folder of the project.
        count: how many processes run at a time.
        packages: modules of other projects that are imported before a process is forked, which saves the time in it.
    """

    root: Path
    count: int
    packages: set[str] = field(default_factory=set)

    def run(self, tasks: Iterable[Task]) -> Generator[Result]:
        """Run tasks and yield each result when it is there.

        A task is asked for when a process is free for it. Closing the generator ends all processes.
        """
        first_stages = ((task, 0, False) for task in tasks)
        later_stages: deque[tuple[Task, int, bool]] = deque()
        handles: dict[Connection, _ProcessHandle] = {}
        try:
            while True:
                for task, stage, loaded in _take(self.count - len(handles), later_stages, first_stages):
                    self._import_packages()
                    connection, process = self._start(task, stage, loaded)
                    handles[connection] = process
                if not handles:
                    return
                for connection, result in _results(handles):
                    handle = handles.pop(connection)
                    if result.outcome == Outcome.PASSED and handle.stage + 1 < len(handle.task.stages):
                        later_stages.append((handle.task, handle.stage + 1, result.loaded))
                    else:
                        yield result
        finally:
            for handle in handles.values():
                _end(handle)

    def _import_packages(self) -> None:
        missing = self.packages
        self.packages = set()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in sorted(missing):
                if not name.startswith(_NOT_PRELOADED):
                    with contextlib.suppress(ImportError):
                        module = importlib.import_module(name)
                        # Asking for an attribute loads azure-native's modules, which are lazy.
                        hasattr(module, "__all__")
        if missing:
            gc.collect()
            gc.freeze()

    def _start(self, task: Task, stage: int, loaded: bool) -> tuple[Connection, _ProcessHandle]:  # noqa: FBT001 - private
        folder = tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True)
        if task.mutant is not None:
            import_hook.prepare(
                Path(folder.name),
                module=task.mutant.module.name,
                path=self.root / task.mutant.module.path,
                source=task.mutant.source,
            )
        run = PytestRun(
            root=self.root,
            tests=list(task.stages[stage]),
            folder=Path(folder.name),
            has_mutant=task.mutant is not None,
            measured_folders=task.measured_folders,
        )
        read_end, write_end = _FORK.Pipe(duplex=False)
        process = _FORK.Process(target=run_tests, args=(run, write_end))
        with warnings.catch_warnings():
            # Libraries of the warm process may have threads, which the forked one does not need.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        write_end.close()
        assert process.pid is not None
        return cast("Connection", read_end), _ProcessHandle(
            task=task,
            stage=stage,
            loaded_before=loaded,
            process=process,
            folder=folder,
            clock=ProcessClock(process.pid),
        )


def _take[Item](count: int, queue: deque[Item], items: Iterator[Item]) -> Iterator[Item]:
    """Yield up to `count` items, first those of a queue."""
    for _ in range(count):
        if queue:
            yield queue.popleft()
        else:
            yield from itertools.islice(items, 1)


def _results(handles: Mapping[Connection, _ProcessHandle]) -> list[tuple[Connection, Result]]:
    """Wait a moment and return the results of the processes that ended, sent their report, or exceeded a time limit."""
    results: list[tuple[Connection, Result]] = []
    ready = wait(list(handles), timeout=_WATCH_SECONDS)
    for connection, handle in handles.items():
        if connection in ready:
            message: str | PytestReport | None = None
            with contextlib.suppress(EOFError):
                message = connection.recv()
            if isinstance(message, str):
                handle.begin_file(message)
            else:
                results.append((connection, _finish(handle, connection, message)))
        elif handle.clock.read() > handle.limit:
            results.append((connection, _finish(handle, connection, Outcome.TIMED_OUT)))
    return results


def _finish(handle: _ProcessHandle, connection: Connection, end: PytestReport | Outcome | None) -> Result:
    """Return the result of a process that sent its report, exceeded a time limit, or ended without a report (None)."""
    seconds = handle.clock.read()
    connection.close()
    loaded = handle.loaded_before or import_hook.was_loaded(Path(handle.folder.name))
    output_file = Path(handle.folder.name) / "output.txt"
    output = output_file.read_text(errors="replace")[-2000:] if output_file.exists() else ""
    _end(handle)
    report = end if isinstance(end, PytestReport) else None
    if isinstance(end, Outcome):
        outcome = end
    elif end is None:
        # The end of the process by the mutant is noticed like a failure.
        outcome = Outcome.FAILED
    elif end.exit_code == pytest.ExitCode.OK:
        outcome = Outcome.PASSED
    elif has_failed(end.exit_code, output):
        outcome = Outcome.FAILED
    else:
        raise ProcessError(f"pytest ended with exit code {end.exit_code}:\n{output}")
    return Result(task=handle.task, outcome=outcome, seconds=seconds, report=report, loaded=loaded)


def _end(handle: _ProcessHandle) -> None:
    """End a process and all that it started, and delete its files."""
    assert handle.process.pid is not None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(handle.process.pid, signal.SIGKILL)
    handle.process.kill()
    handle.process.join()
    handle.folder.cleanup()


def end_on_signals() -> None:
    """Let SIGINT and SIGTERM end this process, and with it the test processes.

    A shell starts background jobs with SIGINT ignored, so that Python's own handler would be missing.
    """

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
