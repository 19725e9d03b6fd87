"""The command behind `make structure`: goals of the code's structure, and how strictly each folder is type-checked.

    python -m checks.structure [--format table|json]

The goals: no `# fmt: skip` in deployed code, no `dict[str, Any]` in the domain and the use cases of the function code,
no import cycle between folders, strict type checking of deployed code and at least standard type checking of all other
folders. Exit code 1 if a goal is missed.
"""

import argparse
import dataclasses
import json
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from checks.import_graph import cycles, folder_graph, module_graph, python_files

ROOT = Path(__file__).resolve().parents[1]
# What Azure, or Pulumi in a deployment, runs.
DEPLOYED = ("__main__.py", "infra", "functions", "policy")
OTHERS = ("emulator", "schemas", "client", "checks", "examples", "scripts", "benchmarks", "tests")
TYPED_DATA = (
    "functions/common/domain",
    "functions/pipeline/classifier/domain",
    "functions/pipeline/classifier/use_cases",
)

_SKIPPED_FORMAT = re.compile(r"#\s*fmt:\s*(skip|off)\b")
_UNTYPED_DICT = re.compile(r"\bdict\[\s*str\s*,\s*Any\s*\]")
_SUPPRESSED_TYPE_ERROR = re.compile(r"#\s*(type:\s*ignore|pyright:)")
# In an annotation, an alias or an import; not the first word of a sentence.
_ANY = re.compile(r"\bAny(?=\s*[\[\]),=:|]|$)")

type Mode = Literal["strict", "standard", "none"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Goal:
    """Something that must not be in the code, and where it is nevertheless: file and line, or a cycle's folders."""

    name: str
    violations: list[str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TypeChecking:
    """How a folder is type-checked.

    Attributes:
        folder: The folder, or a file beside the folders.
        mode: Mode of basedpyright; none if the folder is not checked.
        files: Number of Python files.
        lines: Number of their lines.
        any_lines: Number of lines with the type `Any`, imports included.
        suppressions: Number of lines with a comment that suppresses type errors.
    """

    folder: str
    mode: Mode
    files: int
    lines: int
    any_lines: int
    suppressions: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """The goals, and the type checking of each folder."""

    goals: list[Goal]
    type_checking: list[TypeChecking]

    @property
    def is_met(self) -> bool:
        """Whether every goal is met."""
        return not any(goal.violations for goal in self.goals)


def create_report(root: Path = ROOT) -> Report:
    """Examine the checkout at `root`; folders that it does not have are left out."""
    folders = [name for name in (*DEPLOYED, *OTHERS) if (root / name).exists()]
    deployed = [name for name in DEPLOYED if name in folders]
    typed_data = [name for name in TYPED_DATA if (root / name).exists()]
    type_checking = find_type_checking(root, folders)
    goals = [
        Goal(name="fmt: skip in deployed code", violations=find_lines(root, deployed, _SKIPPED_FORMAT)),
        Goal(
            name="dict[str, Any] in the domain and the use cases",
            violations=find_lines(root, typed_data, _UNTYPED_DICT),
        ),
        *[Goal(name=f"import cycles in {name}", violations=find_cycles(root, [name])) for name in folders],
        Goal(name="import cycles in the whole project", violations=find_cycles(root, folders)),
        Goal(
            name="deployed code that is not type-checked strictly",
            violations=[row.folder for row in type_checking if row.folder in deployed and row.mode != "strict"],
        ),
        Goal(
            name="folders without type checking",
            violations=[row.folder for row in type_checking if row.mode == "none"],
        ),
    ]
    return Report(goals=goals, type_checking=type_checking)


def find_lines(root: Path, names: Sequence[str], pattern: re.Pattern[str]) -> list[str]:
    """Path and line number of each line with the pattern in Python files among and below `names`."""
    return [
        f"{path.relative_to(root)}:{number}"
        for path in python_files(root, *names)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if pattern.search(line)
    ]


def find_cycles(root: Path, names: Sequence[str]) -> list[str]:
    """The import cycles between the folders among and below `names`, each as a line of text."""
    modules = module_graph(root, python_files(root, *names))
    return [" <-> ".join(cycle) for cycle in cycles(folder_graph(root, modules))]


def find_type_checking(root: Path, folders: Sequence[str]) -> list[TypeChecking]:
    """How each of the folders is type-checked, by the configuration of basedpyright in pyproject.toml."""
    configuration = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["basedpyright"]
    return [
        TypeChecking(
            folder=folder,
            mode=_mode(folder, configuration),
            files=len(python_files(root, folder)),
            lines=sum(len(path.read_text().splitlines()) for path in python_files(root, folder)),
            any_lines=len(find_lines(root, [folder], _ANY)),
            suppressions=len(find_lines(root, [folder], _SUPPRESSED_TYPE_ERROR)),
        )
        for folder in folders
    ]


def _mode(folder: str, configuration: dict[str, Any]) -> Mode:
    if folder not in configuration["include"]:
        return "none"
    if folder in configuration["strict"]:
        return "strict"
    # basedpyright's own default, "recommended", would be stricter; the project states its mode.
    return "standard" if configuration["typeCheckingMode"] == "standard" else "none"


def _print_tables(report: Report) -> None:
    console = Console()
    goals = Table(title="goals (all are 0)")
    goals.add_column("must not occur")
    goals.add_column("occurrences", justify="right")
    for goal in report.goals:
        goals.add_row(escape(goal.name), str(len(goal.violations)))
    console.print(goals)
    types = Table(title="type checking")
    types.add_column("folder")
    types.add_column("mode")
    for heading in ("files", "lines", "lines with Any", "suppressions"):
        types.add_column(heading, justify="right")
    for row in report.type_checking:
        figures = (row.files, row.lines, row.any_lines, row.suppressions)
        types.add_row(row.folder, row.mode, *map(str, figures))
    console.print(types)
    for goal in report.goals:
        for violation in goal.violations:
            console.print(f"{goal.name}: {violation}", soft_wrap=True, markup=False)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m checks.structure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    report = create_report()
    if arguments.format == "json":
        print(json.dumps(dataclasses.asdict(report)))
    else:
        _print_tables(report)
    return 0 if report.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
