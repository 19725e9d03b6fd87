"""The modules that are mutated, the tests that are run for each, and the goals."""

import ast
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_SKIPPED_FOLDERS = {"__pycache__", ".venv", "node_modules"}
# A browser takes seconds for what other tests of the same code take milliseconds for.
_BROWSER_TESTS = "tests/functions/api/page/"


class ProjectError(Exception):
    """The modules and their tests do not fit together; the message says which."""


@dataclass(frozen=True, kw_only=True)
class Area:
    """A folder of modules and its tests, as paths relative to the project.

    Attributes:
        source: the folder of the modules.
        tests: test files and folders. Each is measured; a mutant is tested by those that execute its line.
        process_tests: test files that run the modules in a process of their own, where execution is not measured. They
            are run for every mutant of the area.
    """

    source: str
    tests: tuple[str, ...]
    process_tests: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Goal:
    """The least share of mutants of some areas, in percent, that must be killed."""

    name: str
    areas: tuple[str, ...]
    percent: float


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module that is mutated."""

    path: str
    name: str
    area: Area


@dataclass(frozen=True, kw_only=True)
class Project:
    """A source tree with tests.

    Attributes:
        root: the folder of `pyproject.toml`, whose pytest configuration is used.
        source_folders: folders of which every module must be in an area.
        areas: the modules and their tests.
        goals: goals for all modules of an area together.
        module_percent: the least share of the mutants of one module, in percent, that must be killed.
        accepted: path of the file of accepted survivors.
    """

    root: Path
    source_folders: tuple[str, ...]
    areas: tuple[Area, ...]
    goals: tuple[Goal, ...]
    module_percent: float
    accepted: str

    @cached_property
    def _import_roots(self) -> list[str]:
        """The folders that pytest adds to `sys.path`, longest first."""
        configuration = tomllib.loads((self.root / "pyproject.toml").read_text())
        folders: list[str] = configuration["tool"]["pytest"]["ini_options"]["pythonpath"]
        return sorted(folders, key=len, reverse=True)

    def modules(self) -> list[Module]:
        """Return every module that has something to mutate, sorted by path.

        Raises:
            ProjectError: a module is in no area, or an area has no tests.
        """
        for area in self.areas:
            if not self.test_files(area.tests):
                raise ProjectError(f"{area.source} has no tests: {', '.join(area.tests)} is empty")
        return [self._module(path) for path in self._source_files() if _has_functions(self.root / path)]

    def test_files(self, paths: Sequence[str]) -> list[str]:
        """Return the test files among `paths` and in the folders among them, without duplicates and browser tests."""
        files: dict[str, None] = {}
        for path in paths:
            target = self.root / path
            candidates = sorted(target.rglob("test_*.py")) if target.is_dir() else [target]
            for candidate in candidates:
                file = candidate.relative_to(self.root).as_posix()
                if candidate.is_file() and not file.startswith(_BROWSER_TESTS):
                    files[file] = None
        return list(files)

    def mirrored_tests(self, module: Module, test_files: Sequence[str]) -> list[str]:
        """Return the test files that bear the name of a module, such as `tests/infra/test_naming.py`."""
        prefix = f"test_{Path(module.path).stem}"
        folders = module.area.tests
        return [
            file
            for file in test_files
            if file.startswith(folders) and (Path(file).stem == prefix or Path(file).stem.startswith(f"{prefix}_"))
        ]

    def _source_files(self) -> list[str]:
        files: list[str] = []
        for source in self.source_folders:
            for path in sorted((self.root / source).rglob("*.py")):
                relative = path.relative_to(self.root)
                if path.name != "__init__.py" and not _SKIPPED_FOLDERS & set(relative.parts):
                    files.append(relative.as_posix())
        return files

    def _module(self, path: str) -> Module:
        areas = [area for area in self.areas if path.startswith(f"{area.source}/")]
        if len(areas) != 1:
            raise ProjectError(f"{path} is in {len(areas)} areas of checks/mutants/project.py; it must be in one")
        return Module(path=path, name=self._module_name(path), area=areas[0])

    def _module_name(self, path: str) -> str:
        for folder in self._import_roots:
            if folder == "." or path.startswith(f"{folder}/"):
                relative = Path(path).relative_to(folder)
                return ".".join(relative.with_suffix("").parts)
        raise ProjectError(f"pytest's pythonpath does not reach {path}")


def _has_functions(path: Path) -> bool:
    """Whether a module has code besides tables of constants and declarations of classes."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return any(isinstance(node, functions) for node in ast.walk(ast.parse(path.read_text())))


PROJECT = Project(
    root=_ROOT,
    source_folders=("functions", "infra", "policy"),
    areas=(
        Area(source="functions/pipeline", tests=("tests/functions", "tests/infra/test_contracts.py")),
        Area(source="functions/common", tests=("tests/functions", "tests/infra/test_contracts.py")),
        Area(source="functions/api", tests=("tests/functions", "tests/infra/test_contracts.py")),
        Area(source="infra", tests=("tests/infra", "tests/policy/test_rules.py")),
        Area(
            source="policy",
            tests=("tests/policy", "tests/infra/test_contracts.py"),
            process_tests=("tests/policy/test_pack.py",),
        ),
    ),
    goals=(
        Goal(
            name="functions and infra",
            areas=("functions/pipeline", "functions/common", "functions/api", "infra"),
            percent=88,
        ),
        Goal(name="policy", areas=("policy",), percent=95),
    ),
    module_percent=80,
    accepted="checks/accepted_mutants.toml",
)
