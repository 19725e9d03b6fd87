"""`checks.mutants` on a small project: survivors, kills, time limits, processes, accepted mutants, and interruption."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checks.mutants.project import PROJECT
from tests.conftest import ROOT

PRICE = '''
"""Prices."""
import subprocess
import sys
import threading


def discount(price: int) -> int:
    if price > 100:
        return 90
    return price


def count_down(number: int) -> int:
    while number > 0:
        number -= 1
    return number


def pay() -> str:
    paid = threading.Event()
    paid.set()
    paid.wait()
    return "paid"


def tax() -> str:
    return subprocess.check_output([sys.executable, "-c", "import shop.rates; print(shop.rates.rate())"], text=True)
'''
RATES = """
def rate() -> int:
    return 19
"""
TESTS = """
from shop import price

def test_discount():
    assert price.discount(50) == 50
    assert price.discount(200) == 90

def test_count_down():
    assert price.count_down(3) == 0

def test_pay():
    assert price.pay() == "paid"

def test_tax():
    assert price.tax() == "19\\n"
"""
DRIVER = """
import sys
from pathlib import Path
from checks.mutants.baseline import BaselineError
from checks.mutants.processes import end_on_signals
from checks.mutants.project import Area, Goal, Project
from checks.mutants.run import MutantError, Options, run

project = Project(
    root=Path(sys.argv[1]),
    source_folders=("shop",),
    areas=(Area(source="shop", tests=("tests",)),),
    goals=(Goal(name="shop", areas=("shop",), percent=95),),
    module_percent=80,
    accepted="accepted.toml",
)
end_on_signals()
try:
    run(project, Options(sample=1000, least_limit_seconds=2)).print_json()
except (BaselineError, MutantError) as error:
    sys.exit(str(error))
except KeyboardInterrupt:
    sys.exit("interrupted")
"""
# The boundary of the discount, which the tests do not try, and waiting for what is there.
SURVIVORS = [
    ("if price > 100:", "NumberReplacer", 0),
    ("if price > 100:", "NumberReplacer", 1),
    ("if price > 100:", "ReplaceComparisonOperator_Gt_GtE", 0),
    ("paid.wait()", "RemoveStatement", 0),
]


def write_project(root: Path, tests: str = TESTS) -> Path:
    files = {
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = "--import-mode=importlib"\n'
        'markers = ["emulator"]\n',
        "shop/__init__.py": "",
        "shop/price.py": PRICE,
        "shop/rates.py": RATES,
        "tests/test_shop.py": tests,
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def start(root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DRIVER, str(root)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return output and errors of a process at its end; it is ended after ten minutes."""
    try:
        return process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        process.terminate()
        raise


def run(root: Path) -> dict[str, Any]:
    output, errors = finish(start(root))
    assert output, errors
    return json.loads(output)


def entry(line: str, operator: str, occurrence: int, module: str = "shop/price.py") -> str:
    return (
        f'[[accepted]]\nmodule = "{module}"\nline = "{line}"\noperator = "{operator}"\noccurrence = {occurrence}\n'
        'reason = "equivalent"\n'
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All mutants of the small project."""
    return run(write_project(tmp_path_factory.mktemp("shop")))


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same with all survivors accepted, and with entries that are out of date."""
    root = write_project(tmp_path_factory.mktemp("accepted"))
    entries = [
        *(entry(*survivor) for survivor in SURVIVORS),
        entry("return 90", "NumberReplacer", 0),
        entry("return 91", "NumberReplacer", 0),
        entry("return 90", "NumberReplacer", 0, module="shop/missing.py"),
    ]
    (root / "accepted.toml").write_text("".join(entries))
    return run(root)


def test_the_mutants_that_no_test_notices_survive(report: dict[str, Any]) -> None:
    survivors = [(mutant["text"], mutant["operator"], mutant["occurrence"]) for mutant in report["survivors"]]
    assert sorted(survivors) == sorted(SURVIVORS)


def test_a_survivor_has_its_place_and_its_change(report: dict[str, Any]) -> None:
    mutants = [one for one in report["survivors"] if one["operator"] == "ReplaceComparisonOperator_Gt_GtE"]
    assert mutants == [
        {
            "module": "shop/price.py",
            "line": 9,
            "text": "if price > 100:",
            "operator": "ReplaceComparisonOperator_Gt_GtE",
            "occurrence": 0,
            "diff": "--- shop/price.py\n+++ shop/price.py\n@@ -9 +9 @@\n-    if price > 100:\n+    if price >= 100:",
        }
    ]


def test_a_mutant_without_end_is_timed_out(report: dict[str, Any]) -> None:
    """`number -= 1` is removed, or subtracts nothing; `paid.set()` is removed, so that the process waits."""
    figures = {figures["module"]: figures for figures in report["modules"]}
    assert figures["shop/price.py"]["timedOut"] == 3
    assert figures["shop/price.py"]["survived"] == 4


def test_a_module_that_is_imported_only_by_a_process_of_its_own_is_mutated_there(report: dict[str, Any]) -> None:
    figures = {figures["module"]: figures for figures in report["modules"]}
    assert figures["shop/rates.py"] == {
        "module": "shop/rates.py",
        "mutants": 3,
        "killed": 3,
        "timedOut": 0,
        "survived": 0,
        "accepted": 0,
        "score": 100.0,
    }


def test_a_goal_that_is_not_met_is_a_problem(report: dict[str, Any]) -> None:
    (total,) = report["totals"]
    assert total["survived"] == 4
    assert total["mutants"] == total["killed"] + total["timedOut"] + 4
    assert report["problems"] == [f"shop: {total['score']:.0f} %, the goal is 95 %"]


def test_accepted_survivors_do_not_count(accepted: dict[str, Any]) -> None:
    (total,) = accepted["totals"]
    assert (total["survived"], total["accepted"], total["score"]) == (0, 4, 100.0)
    assert accepted["survivors"] == []


def test_entries_that_are_out_of_date_are_problems(accepted: dict[str, Any]) -> None:
    assert accepted["problems"] == [
        "stale entry in accepted.toml: shop/missing.py, NumberReplacer 0 on 'return 90': there is no such module",
        (
            "stale entry in accepted.toml: shop/price.py, NumberReplacer 0 on 'return 91':"
            " the module has no such line, or the operator changes nothing there"
        ),
        "stale entry in accepted.toml: shop/price.py, NumberReplacer 0 on 'return 90': a test notices this mutant",
    ]


def test_tests_that_fail_without_a_mutant_are_an_error(tmp_path: Path) -> None:
    root = write_project(tmp_path, "def test_it():\n    assert 1 == 2\n")
    process = start(root)
    _, errors = finish(process)
    assert process.returncode == 1
    assert "tests/test_shop.py failed without a mutant: tests/test_shop.py::test_it" in errors


def test_a_module_that_its_tests_do_not_import_is_an_error(tmp_path: Path) -> None:
    root = write_project(tmp_path, "def test_it():\n    pass\n")
    process = start(root)
    _, errors = finish(process)
    assert process.returncode == 1
    assert "shop/price.py was not imported by tests/test_shop.py, which passed" in errors


def test_a_mutant_that_fails_when_a_conftest_imports_it_is_noticed(tmp_path: Path) -> None:
    root = write_project(tmp_path, "def test_it():\n    pass\n")
    (root / "shop/price.py").unlink()
    (root / "tests/conftest.py").write_text("from shop import rates\n\nassert rates.rate() == 19\n")
    (figures,) = run(root)["modules"]
    assert (figures["module"], figures["mutants"], figures["killed"]) == ("shop/rates.py", 3, 3)


def test_a_mutant_that_fails_when_a_test_file_is_collected_is_noticed(tmp_path: Path) -> None:
    """After others that test_it noticed, so that pytest is asked for test_it first, and does not find it."""
    root = write_project(
        tmp_path,
        "from shop import rates\n"
        "assert rates.on_import() == 5\n"
        "def test_it():\n"
        "    assert [rates.rate(), rates.reduced(), rates.least()] == [19, 7, 0]\n",
    )
    (root / "shop/price.py").unlink()
    functions = {"rate": 19, "reduced": 7, "least": 0, "on_import": 5}
    text = "\n\n".join(f"def {name}() -> int:\n    return {number}\n" for name, number in functions.items())
    (root / "shop/rates.py").write_text(text)
    (figures,) = run(root)["modules"]
    assert (figures["module"], figures["mutants"], figures["killed"]) == ("shop/rates.py", 12, 12)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_all_processes(tmp_path: Path, number: signal.Signals) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    write_project(
        tmp_path,
        "import os, pathlib, signal, subprocess\n"
        "def test_it():\n"
        '    other = subprocess.Popen(["cat"], stdin=subprocess.PIPE)\n'
        f"    pathlib.Path({str(pipe)!r}).write_text(f'{{os.getpid()}} {{other.pid}}')\n"
        "    signal.pause()\n",
    )
    process = start(tmp_path)
    pids = [int(pid) for pid in pipe.read_text().split()]
    process.send_signal(number)
    _, errors = finish(process)
    assert "interrupted" in errors
    assert len(pids) == 2
    for pid in pids:
        assert not is_running(pid)


def is_running(pid: int) -> bool:
    """Whether a process exists and has not ended; init may not have read the exit code of an orphan yet."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_tests_in_a_browser_are_not_run_for_each_mutant() -> None:
    files = PROJECT.test_files(["tests/functions"])

    assert "tests/functions/api/test_page.py" in files
    assert [file for file in files if "/page/" in file] == []
