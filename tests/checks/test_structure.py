"""The structure report: every goal finds what is planted in a small project, and the project itself meets its goals."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from checks.structure import TypeChecking, create_report
from tests.support.pulumi_recorder import ROOT

CONFIGURATION = """
[tool.basedpyright]
typeCheckingMode = "standard"
strict = ["__main__.py", "infra", "functions"]
include = ["__main__.py", "infra", "functions", "tests"]
"""
DOMAIN = "functions/pipeline/classifier/domain"
FMT_SKIP = "fmt: skip in deployed code"
UNTYPED_DICT = "dict[str, Any] in the domain and the use cases"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that meets every goal."""
    files = {
        "pyproject.toml": CONFIGURATION,
        "__main__.py": "import infra\n",
        "infra/__init__.py": "from infra.core.names import NAME\n",
        "infra/core/names.py": 'NAME = "a"\n',
        f"{DOMAIN}/record.py": "ID: str\n",
        "tests/test_names.py": "TABLE = [1]  # fmt: skip\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def plant(project: Path, name: str, text: str) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def missed_goals(project: Path) -> dict[str, list[str]]:
    report = create_report(project)
    violations = {goal.name: goal.violations for goal in report.goals if goal.violations}
    assert report.is_met == (not violations)
    return violations


def test_a_project_that_meets_every_goal_misses_none(project: Path) -> None:
    assert missed_goals(project) == {}


@pytest.mark.parametrize("comment", ["# fmt: skip", "#fmt:skip", "# fmt: off"])
def test_a_skipped_format_in_deployed_code_is_found(project: Path, comment: str) -> None:
    plant(project, "infra/core/table.py", f"A = 1\nB = [1]  {comment}\n")
    assert missed_goals(project) == {FMT_SKIP: ["infra/core/table.py:2"]}


@pytest.mark.parametrize("folder", ["domain", "use_cases"])
@pytest.mark.parametrize(
    "line", ["record: dict[str, Any]", 'x = cast("list[dict[str, Any]]", y)', "a: dict[ str,Any ]"]
)
def test_a_dict_of_any_in_domain_and_use_cases_is_found(project: Path, folder: str, line: str) -> None:
    path = f"functions/pipeline/classifier/{folder}/planted.py"
    plant(project, path, f"from typing import Any\n{line}\n")
    assert missed_goals(project) == {UNTYPED_DICT: [f"{path}:2"]}


def test_a_dict_of_any_in_an_adapter_is_no_violation(project: Path) -> None:
    plant(project, "functions/pipeline/classifier/adapters/cosmos.py", "item: dict[str, Any]\n")
    assert missed_goals(project) == {}


def test_a_cycle_between_folders_is_found_in_the_package_and_in_the_whole(project: Path) -> None:
    plant(project, "infra/core/names.py", "from infra.config import settings\n")
    plant(project, "infra/config/settings.py", "import infra.core.other\n")
    plant(project, "infra/core/other.py", "")
    cycle = ["infra.config <-> infra.core"]
    assert missed_goals(project) == {"import cycles in infra": cycle, "import cycles in the whole project": cycle}


def test_a_cycle_in_the_function_code_is_found(project: Path) -> None:
    plant(project, f"{DOMAIN}/errors.py", "from classifier.adapters.blobs import BLOBS\n")
    plant(project, "functions/pipeline/classifier/adapters/blobs.py", "from classifier.domain.record import ID\n")
    cycle = ["classifier.adapters <-> classifier.domain"]
    assert missed_goals(project) == {"import cycles in functions": cycle, "import cycles in the whole project": cycle}


def test_a_cycle_between_packages_is_found_in_the_whole(project: Path) -> None:
    plant(project, "infra/core/names.py", "from tests.support.names import NAME\n")
    plant(project, "tests/support/names.py", "from infra.core.names import NAME\n")
    assert missed_goals(project) == {"import cycles in the whole project": ["infra.core <-> tests.support"]}


def test_deployed_code_that_is_not_checked_strictly_is_found(project: Path) -> None:
    text = CONFIGURATION.replace('strict = ["__main__.py", "infra", "functions"]', 'strict = ["__main__.py", "infra"]')
    plant(project, "pyproject.toml", text)
    assert missed_goals(project) == {"deployed code that is not type-checked strictly": ["functions"]}


def test_a_folder_without_type_checking_is_found(project: Path) -> None:
    plant(project, "pyproject.toml", CONFIGURATION.replace(', "tests"]', "]"))
    assert missed_goals(project) == {"folders without type checking": ["tests"]}


def test_a_weaker_mode_than_standard_is_no_type_checking(project: Path) -> None:
    plant(project, "pyproject.toml", CONFIGURATION.replace('"standard"', '"basic"'))
    assert missed_goals(project) == {"folders without type checking": ["tests"]}


def test_type_checking_counts_files_lines_any_and_suppressions(project: Path) -> None:
    text = (
        "from typing import Any\n"
        '"""Any sentence."""\n'
        "a: Any = 1  # pyright: ignore[x]\n"
        "b: list[Any] = []\n"
        "c: int = None  # type: ignore\n"
    )
    plant(project, "infra/config/values.py", text)
    (infra,) = [row for row in create_report(project).type_checking if row.folder == "infra"]
    assert infra == TypeChecking(folder="infra", mode="strict", files=3, lines=7, any_lines=3, suppressions=2)


def test_this_project_meets_its_goals() -> None:
    report = create_report()
    violations = {goal.name: goal.violations for goal in report.goals if goal.violations}
    assert violations == {}
    assert {row.folder: row.mode for row in report.type_checking} == {
        "__main__.py": "strict",
        "infra": "strict",
        "functions": "strict",
        "policy": "strict",
        "client": "strict",
        "examples": "strict",
        "scripts": "strict",
        "emulator": "standard",
        "schemas": "standard",
        "checks": "standard",
        "benchmarks": "standard",
        "tests": "standard",
    }


def test_the_command_prints_the_report_as_json() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "checks.structure", "--format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(result.stdout)
    assert result.returncode == 0
    assert {goal["name"] for goal in report["goals"]} >= {FMT_SKIP, UNTYPED_DICT, "import cycles in infra"}
    assert {"folder", "mode", "files", "lines", "any_lines", "suppressions"} == report["type_checking"][0].keys()


def test_the_command_prints_tables_with_a_row_for_each_goal_and_folder() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "checks.structure"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.stderr == ""
    for text in (FMT_SKIP, UNTYPED_DICT, "import cycles in the whole project", "│ benchmarks", "suppressions"):
        assert text in result.stdout
