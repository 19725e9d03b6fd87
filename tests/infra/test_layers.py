"""Which folder of infra/ may import which: all build on core, and none imports upwards.

That they import each other without a cycle is a test of tests/test_architecture.py.
"""

from pathlib import Path

import pytest

from checks.import_graph import imported_names, module_graph, python_files
from checks.import_graph import module_name as name_of_module
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
MODULES = python_files(ROOT, "infra")
GRAPH = module_graph(ROOT, MODULES)


def module_name(path: Path) -> str:
    return name_of_module(ROOT, path)


def layer(module: str) -> str:
    """The folder of a module such as `infra.core.naming`."""
    names = module.split(".")
    return names[1] if len(names) > 1 and names[1] in ALLOWED else TOP


def test_every_folder_has_a_rule() -> None:
    folders = {path.name for path in INFRA.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == ALLOWED.keys() - {TOP}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_a_module_imports_only_its_own_folder_and_those_below(path: Path) -> None:
    own = layer(module_name(path))
    assert {layer(module) for module in GRAPH[module_name(path)]} <= ALLOWED[own] | {own}


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent != INFRA], ids=module_name)
def test_no_module_in_a_folder_imports_the_package_itself(path: Path) -> None:
    """`from infra import …` would import all folders."""
    assert "infra" not in imported_names(path)
