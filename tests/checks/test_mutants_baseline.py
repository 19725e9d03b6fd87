"""Which tests are run for a mutant, and in which order."""

from pathlib import Path

import pytest

from checks.mutants.baseline import Baseline, Measurement
from checks.mutants.mutants import ModuleSource, Mutant
from checks.mutants.project import Area, Project

SOURCE = "def f(a):\n    return a\n\n\ndef g(a):\n    return not a\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A module with five test files, of which one runs it in a process of its own."""
    (tmp_path / "tests").mkdir()
    for name in ("price", "slow", "fast", "other", "process"):
        (tmp_path / f"tests/test_{name}.py").touch()
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/price.py").write_text(SOURCE)
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    area = Area(source="shop", tests=("tests",), process_tests=("tests/test_process.py",))
    return Project(
        root=tmp_path, source_folders=("shop",), areas=(area,), goals=(), module_percent=80, accepted="a.toml"
    )


def measurement(seconds: float, *lines: int) -> Measurement:
    executed = {"shop/price.py": frozenset(lines)} if lines else {}
    return Measurement(digest="", seconds=seconds, lines=executed, packages=())


MEASUREMENTS = {
    "tests/test_price.py": measurement(4, 1, 2, 5, 6),
    "tests/test_slow.py": measurement(3, 1, 5, 6),
    "tests/test_fast.py": measurement(1, 1, 5, 6),
    "tests/test_other.py": measurement(1, 1, 2, 5),
    "tests/test_process.py": measurement(2),
}


def mutant(project: Project, line: int) -> Mutant:
    (module,) = project.modules()
    mutants = ModuleSource(module, SOURCE).sample(100, 1)
    return next(mutant for mutant in mutants if mutant.candidate.start[0] == line)


def stages(project: Project, baseline: Baseline, line: int) -> list[list[str]]:
    return [list(stage) for stage in baseline.task(mutant(project, line)).stages]


def test_the_mirrored_tests_come_first_and_then_the_fastest_that_execute_the_line(project: Project) -> None:
    baseline = Baseline(project, MEASUREMENTS, least_limit_seconds=20)
    assert stages(project, baseline, 6) == [
        ["tests/test_price.py"],
        ["tests/test_fast.py", "tests/test_process.py", "tests/test_slow.py"],
    ]
    assert stages(project, baseline, 2) == [["tests/test_price.py"], ["tests/test_other.py", "tests/test_process.py"]]


def test_what_noticed_a_mutant_of_the_module_comes_first_from_then_on(project: Project) -> None:
    baseline = Baseline(project, MEASUREMENTS, least_limit_seconds=20)
    baseline.remember(mutant(project, 2), "tests/test_slow.py")
    assert stages(project, baseline, 6) == [
        ["tests/test_slow.py"],
        ["tests/test_price.py", "tests/test_fast.py", "tests/test_process.py"],
    ]


def test_the_tests_that_noticed_most_mutants_of_the_module_come_before_all_files(project: Project) -> None:
    """Without their parameters, and only those in files that execute the line."""
    baseline = Baseline(project, MEASUREMENTS, least_limit_seconds=20)
    for test in ("slow.py::test_a[1]", "slow.py::test_b", "slow.py::test_b", "slow.py::test_c", "slow.py::test_d"):
        baseline.remember(mutant(project, 2), f"tests/test_{test}")
    for _ in range(3):
        baseline.remember(mutant(project, 2), "tests/test_other.py::test_it")
    assert stages(project, baseline, 6) == [
        ["tests/test_slow.py::test_b", "tests/test_slow.py::test_a", "tests/test_slow.py::test_c"],
        ["tests/test_slow.py", "tests/test_price.py", "tests/test_fast.py"],
        ["tests/test_process.py"],
    ]
    assert stages(project, baseline, 2) == [
        ["tests/test_other.py::test_it"],
        ["tests/test_other.py", "tests/test_price.py", "tests/test_process.py"],
    ]
    task = baseline.task(mutant(project, 6))
    assert set(task.stages[0].values()) == {24}
    assert baseline.seconds(task) == 10


def test_a_line_that_no_measured_test_executes_is_tested_by_all_that_import_the_module(project: Project) -> None:
    measurements = {file: measurement(1, 1) for file in MEASUREMENTS} | {"tests/test_other.py": measurement(1)}
    baseline = Baseline(project, measurements, least_limit_seconds=20)
    files = [file for stage in stages(project, baseline, 6) for file in stage]
    assert sorted(files) == ["tests/test_fast.py", "tests/test_price.py", "tests/test_process.py", "tests/test_slow.py"]


def test_a_module_that_no_measured_test_imports_is_tested_by_all(project: Project) -> None:
    baseline = Baseline(project, dict.fromkeys(MEASUREMENTS, measurement(1)), least_limit_seconds=20)
    files = [file for stage in stages(project, baseline, 6) for file in stage]
    assert sorted(files) == sorted(MEASUREMENTS)


def test_a_test_file_that_was_written_after_the_measurement_is_left_out(project: Project) -> None:
    (project.root / "tests/test_new.py").touch()
    baseline = Baseline(project, MEASUREMENTS, least_limit_seconds=20)
    assert stages(project, baseline, 2) == [["tests/test_price.py"], ["tests/test_other.py", "tests/test_process.py"]]


def test_a_test_file_has_eight_times_its_duration_and_a_least_time(project: Project) -> None:
    baseline = Baseline(project, MEASUREMENTS, least_limit_seconds=20)
    limits = {file: limit for stage in baseline.task(mutant(project, 6)).stages for file, limit in stage.items()}
    assert limits == {
        "tests/test_price.py": 32,
        "tests/test_fast.py": 20,
        "tests/test_process.py": 20,
        "tests/test_slow.py": 24,
    }
    assert baseline.seconds(baseline.task(mutant(project, 6))) == 10
