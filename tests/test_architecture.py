"""Who may import whom (design: Layout), and what a module may not reach for."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = {
    "infra",
    "functions",
    "classifier",
    "emulator",
    "schemas",
    "policy",
    "client",
    "checks",
    "scripts",
    "benchmarks",
    "tests",
}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, by its full dotted name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports are not used"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return found


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def python_files(*folders: str) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if not {"__pycache__", ".venv"} & set(path.parts)
    )


def test_main_imports_only_infra_and_pulumi() -> None:
    assert roots(ROOT / "__main__.py") <= {"infra", "pulumi", "functools", "pathlib"}


@pytest.mark.parametrize("path", python_files("infra"), ids=str)
def test_infra_imports_none_of_the_others_and_reads_no_environment(path: Path) -> None:
    assert roots(path) & OURS <= {"infra"}
    assert "os" not in roots(path)


def test_importing_infra_loads_no_class_of_azure_native() -> None:
    """They take seconds; a stack loads those that it uses."""
    code = (
        "import infra, sys; print([n for n in sys.modules if n.startswith('pulumi_azure_native.') and '.' in n[20:]])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("path", python_files("functions"), ids=str)
def test_functions_import_none_of_the_others(path: Path) -> None:
    assert roots(path) & OURS <= {"classifier"}
    assert not {name for name in roots(path) if name.startswith("pulumi")}


# Which parts of the package `classifier` each part may import, besides modules of its own. A part is a folder, or a
# module that lies beside the folders.
PARTS = {
    "domain": set[str](),
    "use_cases": {"domain"},
    "settings": set[str](),
    "adapters": {"domain", "settings"},
    "analyzers": {"domain", "settings", "adapters"},
    "composition": {"domain", "use_cases", "settings", "adapters", "analyzers"},
    "triggers": {"domain", "use_cases", "settings", "composition"},
}
# What the domain and the use cases may import besides modules of our own: parts of the standard library, and msgspec.
PLAIN_MODULES = {
    "asyncio",
    "base64",
    "collections",
    "contextlib",
    "contextvars",
    "dataclasses",
    "datetime",
    "enum",
    "hashlib",
    "itertools",
    "logging",
    "msgspec",
    "random",
    "time",
    "typing",
    "urllib",
}
CLASSIFIER = ROOT / "functions/pipeline/classifier"


def part(path: Path) -> str:
    return path.relative_to(CLASSIFIER).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    """The parts of `classifier` that a file imports, other than its own."""
    names = {name.split(".")[1] for name in imports(path) if name.startswith("classifier.")}
    return names - {part(path)}


@pytest.mark.parametrize("path", sorted(CLASSIFIER.rglob("*.py")), ids=str)
def test_each_part_of_the_classifier_imports_only_the_parts_that_it_may(path: Path) -> None:
    if path != CLASSIFIER / "__init__.py":
        assert imported_parts(path) <= PARTS[part(path)]


def test_the_parts_of_the_classifier_import_each_other_in_one_direction() -> None:
    remaining = dict(PARTS)
    while remaining:
        leaves = {name for name, imported in remaining.items() if not imported & remaining.keys()}
        assert leaves, f"{sorted(remaining)} import each other in a circle"
        for name in leaves:
            del remaining[name]


@pytest.mark.parametrize("path", python_files(*(f"functions/pipeline/classifier/{n}" for n in ("domain", "use_cases"))))
def test_domain_and_use_cases_import_no_sdk(path: Path) -> None:
    assert roots(path) <= PLAIN_MODULES | {"classifier"}


@pytest.mark.parametrize("path", python_files(*(f"functions/pipeline/classifier/{n}" for n in ("domain", "use_cases"))))
def test_domain_and_use_cases_handle_typed_data(path: Path) -> None:
    """JSON is decoded into structs before it gets there (docs/decisions/0035)."""
    assert "typing.Any" not in imports(path)


@pytest.mark.parametrize("path", sorted(CLASSIFIER.rglob("*.py")), ids=str)
def test_only_adapters_analyzers_and_their_composition_import_azure_sdks(path: Path) -> None:
    sdks = {name for name in imports(path) if name.partition(".")[0] == "azure"}
    if part(path) == "triggers":
        assert sdks <= {"azure.functions"}
    elif part(path) not in {"adapters", "analyzers", "composition"}:
        assert sdks == set()


@pytest.mark.parametrize("path", python_files("emulator"), ids=str)
def test_the_emulator_imports_schemas_and_nothing_else_of_ours(path: Path) -> None:
    assert roots(path) & OURS <= {"emulator", "schemas"}


def import_graph(package: str) -> dict[str, set[str]]:
    """Which modules of a package import which, by dotted name."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in python_files(package)
    }
    return {module: imports(path) & modules.keys() - {module} for module, path in modules.items()}


def folder_of(module: str) -> str:
    """The folder of a module; a module of the package's root is a folder of its own, as it may import all others."""
    folder = ROOT.joinpath(*module.split("."))
    if folder.is_dir():
        return module
    parent = module.rpartition(".")[0]
    return parent if "." in parent else module


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """The nodes of a graph that are on a cycle or lead to one."""
    left = {node: set(targets) for node, targets in graph.items()}
    while leaves := [node for node, targets in left.items() if not targets & left.keys()]:
        for node in leaves:
            del left[node]
    return sorted(left)


def test_the_files_of_the_emulator_import_each_other_without_a_cycle() -> None:
    assert cycle(import_graph("emulator")) == []


def test_the_folders_of_the_emulator_import_each_other_without_a_cycle() -> None:
    folders: dict[str, set[str]] = {}
    for module, targets in import_graph("emulator").items():
        folder = folder_of(module)
        folders.setdefault(folder, set()).update(folder_of(target) for target in targets)
        folders[folder].discard(folder)
    assert {"emulator.core", "emulator.services.storage", "emulator.services.event_grid"} <= folders.keys()
    assert cycle(folders) == []
    assert folders["emulator.core"] == set()
    assert folders["emulator.services.storage"] == {"emulator.core"}


def test_a_cycle_is_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


def test_the_provider_of_the_emulator_is_used_by_the_emulator_only() -> None:
    users = {
        path.relative_to(ROOT).parts[0]
        for path in python_files("infra", "functions", "policy", "schemas", "client", "checks", "scripts", "benchmarks")
        if any(name.startswith("emulator.provider") for name in imports(path))
    }
    assert users == set()


@pytest.mark.parametrize("path", python_files("schemas"), ids=str)
def test_schemas_import_nothing_of_ours(path: Path) -> None:
    assert roots(path) & OURS <= {"schemas"}


@pytest.mark.parametrize("path", python_files("client"), ids=str)
def test_the_client_imports_nothing_of_ours(path: Path) -> None:
    assert roots(path) & OURS <= {"client"}


@pytest.mark.parametrize("path", python_files("scripts"), ids=str)
def test_scripts_import_the_standard_library_alone(path: Path) -> None:
    assert roots(path) <= {"scripts", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", python_files("policy"), ids=str)
def test_policy_imports_nothing_of_ours(path: Path) -> None:
    assert roots(path) & OURS <= {"policy"}
    assert path.name == "__main__.py" or not {name for name in roots(path) if name.startswith("pulumi")}


@pytest.mark.parametrize("path", [ROOT / "__main__.py", *python_files("infra", "functions")], ids=str)
def test_nothing_knows_that_there_is_an_emulator(path: Path) -> None:
    text = path.read_text().lower()
    assert not [word for word in ("emulator", "127.0.0.1", "localhost", "laptop", 'stack == "local"') if word in text]


@pytest.mark.parametrize(
    "path",
    [
        ROOT / "__main__.py",
        *python_files("infra", "functions", "policy", "emulator", "schemas", "client", "checks", "scripts"),
    ],
    ids=str,
)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 260
