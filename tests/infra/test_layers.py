"""Which folder of infra/ may import which: everything builds on core, nothing imports upwards, nothing in a circle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import ROOT

INFRA = ROOT / "infra"
# Modules directly in infra/ compose the others; __init__.py makes all of them available.
TOP = "infra"
ALLOWED = {
    "core": set(),
    "config": {"core"},
    "dynamic": {"core"},
    "components": {"core", "dynamic"},
    "monitoring": {"core"},
    TOP: {"core", "config", "dynamic", "components", "monitoring"},
}
MODULES = sorted(INFRA.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(module: str) -> str:
    """The folder of a module such as `infra.core.naming`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ALLOWED else TOP


def imported_modules(path: Path) -> set[str]:
    """The modules of infra that a file imports."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    return {name for name in imported if name.partition(".")[0] == "infra"}


def test_every_folder_has_a_rule() -> None:
    folders = {path.name for path in INFRA.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == ALLOWED.keys() - {TOP}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_a_module_imports_only_its_own_folder_and_those_below(path: Path) -> None:
    own = layer(module_name(path))
    assert {layer(module) for module in imported_modules(path)} <= ALLOWED[own] | {own}


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent != INFRA], ids=module_name)
def test_no_module_in_a_folder_imports_the_package_itself(path: Path) -> None:
    """`from infra import …` would import all folders."""
    assert "infra" not in imported_modules(path)


def test_neither_folders_nor_files_import_each_other_in_a_circle() -> None:
    folders: dict[str, set[str]] = {}
    files: dict[str, set[str]] = {}
    for path in MODULES:
        module = module_name(path)
        imported = imported_modules(path)
        files[module] = imported
        folders.setdefault(layer(module), set()).update({layer(name) for name in imported} - {layer(module)})
    # Raises CycleError.
    assert len([*TopologicalSorter(folders).static_order()]) == len(ALLOWED)
    assert len([*TopologicalSorter(files).static_order()]) == len(MODULES)
