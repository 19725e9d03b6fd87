"""Who may import whom (design: Layout), and what a module may not reach for."""

import subprocess
import sys
from pathlib import Path

import pytest

from checks import import_graph
from checks.import_graph import cycles, folder_graph, imported_names, module_graph

ROOT = Path(__file__).resolve().parents[1]
PROJECT_PACKAGES = {
    "infra",
    "functions",
    "classifier",
    "image_api",
    "common",
    "emulator",
    "schemas",
    "policy",
    "client",
    "checks",
    "examples",
    "scripts",
    "benchmarks",
    "tests",
}
PROJECT_FOLDERS = sorted(PROJECT_PACKAGES - {"classifier", "image_api", "common"})


def imported_packages(path: Path) -> set[str]:
    """The top-level packages and modules that a file imports from."""
    return {name.partition(".")[0] for name in imported_names(path)}


def python_files(*folders: str) -> list[Path]:
    return import_graph.python_files(ROOT, *folders)


def test_main_imports_only_infra_and_pulumi() -> None:
    assert imported_packages(ROOT / "__main__.py") <= {"gc", "infra", "pathlib", "pulumi"}


@pytest.mark.parametrize("path", python_files("infra"), ids=str)
def test_infra_imports_none_of_the_others_and_reads_no_environment(path: Path) -> None:
    assert imported_packages(path) & PROJECT_PACKAGES <= {"infra"}
    assert "os" not in imported_packages(path)


def test_importing_infra_loads_no_class_of_azure_native() -> None:
    """They take seconds; a stack loads those that it uses."""
    code = (
        "import infra, sys; print([n for n in sys.modules if n.startswith('pulumi_azure_native.') and '.' in n[20:]])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("path", python_files("functions"), ids=str)
def test_functions_import_none_of_the_others(path: Path) -> None:
    app = {"classifier"} if path.is_relative_to(ROOT / "functions/pipeline") else {"image_api"}
    allowed = {"common"} if path.is_relative_to(COMMON) else app | {"common"}
    assert imported_packages(path) & PROJECT_PACKAGES <= allowed
    assert not {name for name in imported_packages(path) if name.startswith("pulumi")}


# Which layers of the package `classifier` each layer may import, besides modules of its own. A layer is a folder, or a
# module that lies beside the folders.
LAYERS = {
    "domain": set[str](),
    "use_cases": {"domain"},
    "settings": set[str](),
    "adapters": {"domain", "settings"},
    "analyzers": {"domain", "settings", "adapters"},
    "composition": {"domain", "use_cases", "settings", "adapters", "analyzers"},
    "triggers": {"domain", "use_cases", "settings", "composition"},
    "shadow_trigger": {"domain", "use_cases", "settings", "composition", "triggers"},
}
# The same for the package `image_api`.
API_LAYERS = {
    "domain": set[str](),
    "use_cases": {"domain"},
    "settings": set[str](),
    "adapters": {"domain"},
    "http": {"domain", "use_cases"},
    "composition": {"domain", "use_cases", "settings", "adapters"},
    "triggers": {"use_cases", "settings", "http", "composition"},
}
# The same for the package `common`.
COMMON_LAYERS = {"domain": set[str](), "settings": set[str](), "adapters": {"domain", "settings"}}
# What the domain and the use cases may import besides modules of the project: some of the standard library, and
# msgspec.
PLAIN_MODULES = {
    "asyncio",
    "base64",
    "binascii",
    "collections",
    "contextlib",
    "contextvars",
    "dataclasses",
    "datetime",
    "enum",
    "hashlib",
    "hmac",
    "itertools",
    "logging",
    "msgspec",
    "random",
    "re",
    "secrets",
    "time",
    "typing",
    "unicodedata",
    "urllib",
}
CLASSIFIER = ROOT / "functions/pipeline/classifier"
IMAGE_API = ROOT / "functions/api/image_api"
COMMON = ROOT / "functions/common"
TYPED_DATA = python_files(
    "functions/common/domain",
    "functions/pipeline/classifier/domain",
    "functions/pipeline/classifier/use_cases",
    "functions/api/image_api/domain",
    "functions/api/image_api/use_cases",
)


def layer_of(path: Path) -> str:
    (package,) = [package for package in (COMMON, CLASSIFIER, IMAGE_API) if path.is_relative_to(package)]
    return path.relative_to(package).parts[0].removesuffix(".py")


def imported_layers(path: Path, package: str) -> set[str]:
    """The layers of a package that a file imports, other than its own if it is in that package."""
    layers = {name.split(".")[1] for name in imported_names(path) if name.startswith(f"{package}.")}
    return layers - {layer_of(path)}


@pytest.mark.parametrize("path", sorted([*CLASSIFIER.rglob("*.py"), *IMAGE_API.rglob("*.py")]), ids=str)
def test_each_layer_of_an_app_imports_only_the_layers_that_it_may(path: Path) -> None:
    if path in {CLASSIFIER / "__init__.py", IMAGE_API / "__init__.py"}:
        return
    layer = layer_of(path)
    package, layers = ("classifier", LAYERS) if path.is_relative_to(CLASSIFIER) else ("image_api", API_LAYERS)
    assert imported_layers(path, package) <= layers[layer]
    if layer in {"domain", "use_cases", "http"}:
        assert imported_layers(path, "common") <= ({"domain", "settings"} if layer == "http" else {"domain"})


@pytest.mark.parametrize("path", sorted(COMMON.rglob("*.py")), ids=str)
def test_the_shared_package_imports_no_app_and_each_of_its_layers_only_those_that_it_may(path: Path) -> None:
    assert imported_packages(path) & PROJECT_PACKAGES <= {"common"}
    if path != COMMON / "__init__.py":
        assert imported_layers(path, "common") <= COMMON_LAYERS[layer_of(path)]


@pytest.mark.parametrize("layers", [LAYERS, API_LAYERS, COMMON_LAYERS])
def test_the_layers_may_import_each_other_in_one_direction(layers: dict[str, set[str]]) -> None:
    assert cycles(layers) == []


@pytest.mark.parametrize("path", TYPED_DATA, ids=str)
def test_domain_and_use_cases_import_no_sdk(path: Path) -> None:
    assert imported_packages(path) <= PLAIN_MODULES | {"classifier", "image_api", "common"}


@pytest.mark.parametrize("path", TYPED_DATA, ids=str)
def test_domain_and_use_cases_handle_typed_data(path: Path) -> None:
    """JSON is decoded into structs before it gets there (docs/decisions/0035)."""
    assert "typing.Any" not in imported_names(path)


@pytest.mark.parametrize(
    "path", sorted([*CLASSIFIER.rglob("*.py"), *IMAGE_API.rglob("*.py"), *COMMON.rglob("*.py")]), ids=str
)
def test_only_adapters_analyzers_and_their_composition_import_azure_sdks(path: Path) -> None:
    sdks = {name for name in imported_names(path) if name.partition(".")[0] == "azure"}
    if layer_of(path) in {"triggers", "shadow_trigger"}:
        assert sdks <= {"azure.functions"}
    elif layer_of(path) not in {"adapters", "analyzers", "composition"}:
        assert sdks == set()


@pytest.mark.parametrize("path", python_files("emulator"), ids=str)
def test_the_emulator_imports_schemas_and_nothing_else_of_the_project(path: Path) -> None:
    assert imported_packages(path) & PROJECT_PACKAGES <= {"emulator", "schemas"}


@pytest.mark.parametrize("package", ["infra", "functions", "policy", "emulator", "schemas", "client", "checks"])
def test_the_folders_of_a_package_import_each_other_without_a_cycle(package: str) -> None:
    modules = module_graph(ROOT, python_files(package))
    assert len(modules) > 4
    assert cycles(folder_graph(ROOT, modules)) == []


@pytest.mark.parametrize("package", ["infra", "functions", "policy", "emulator", "schemas", "client", "checks"])
def test_the_files_of_a_package_import_each_other_without_a_cycle(package: str) -> None:
    assert cycles(module_graph(ROOT, python_files(package))) == []


def test_the_folders_of_the_whole_project_import_each_other_without_a_cycle() -> None:
    folders = folder_graph(ROOT, module_graph(ROOT, python_files("__main__.py", *PROJECT_FOLDERS)))
    assert {"infra.core", "classifier.domain", "emulator.core", "tests.support"} <= folders.keys()
    assert cycles(folders) == []


def test_the_core_of_the_emulator_imports_none_of_its_other_folders() -> None:
    folders = folder_graph(ROOT, module_graph(ROOT, python_files("emulator")))
    assert {"emulator.core", "emulator.services.storage", "emulator.services.event_grid"} <= folders.keys()
    assert folders["emulator.core"] == set()
    assert folders["emulator.services.storage"] == {"emulator.core"}


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}, [["b", "c"]]),
        ({"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c"}}, [["a", "b"], ["c", "d"]]),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}}, [["a", "b", "c"]]),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}, []),
    ],
)
def test_cycles_are_found(graph: dict[str, set[str]], expected: list[list[str]]) -> None:
    assert cycles(graph) == expected


def test_a_relative_import_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("from . import other\n")
    with pytest.raises(ValueError, match="relative imports are not used"):
        imported_names(path)


def test_the_provider_of_the_emulator_is_used_by_the_emulator_only() -> None:
    users = {
        path.relative_to(ROOT).parts[0]
        for path in python_files("infra", "functions", "policy", "schemas", "client", "checks", "scripts", "benchmarks")
        if any(name.startswith("emulator.provider") for name in imported_names(path))
    }
    assert users == set()


@pytest.mark.parametrize("path", python_files("schemas"), ids=str)
def test_schemas_import_nothing_else_of_the_project(path: Path) -> None:
    assert imported_packages(path) & PROJECT_PACKAGES <= {"schemas"}


@pytest.mark.parametrize("path", python_files("client"), ids=str)
def test_the_client_imports_nothing_else_of_the_project(path: Path) -> None:
    assert imported_packages(path) & PROJECT_PACKAGES <= {"client"}


@pytest.mark.parametrize("path", python_files("scripts"), ids=str)
def test_scripts_import_the_standard_library_alone(path: Path) -> None:
    assert imported_packages(path) <= {"scripts", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", python_files("examples"), ids=str)
def test_examples_import_infra_and_pulumi(path: Path) -> None:
    assert imported_packages(path) <= {"infra", "ipaddress", "pulumi", "pulumi_azure_native"}


@pytest.mark.parametrize("path", python_files("policy"), ids=str)
def test_policy_imports_nothing_else_of_the_project(path: Path) -> None:
    assert imported_packages(path) & PROJECT_PACKAGES <= {"policy"}
    assert path.name == "__main__.py" or not {name for name in imported_packages(path) if name.startswith("pulumi")}


@pytest.mark.parametrize("path", [ROOT / "__main__.py", *python_files("infra", "functions")], ids=str)
def test_nothing_knows_that_there_is_an_emulator(path: Path) -> None:
    text = path.read_text().lower()
    if path.name == "redirect_uris.py":
        # Entra ID has a rule of its own for redirect URIs to the machine of the browser.
        text = text.replace("localhost", "").replace("127.0.0.1", "")
    assert not [word for word in ("emulator", "127.0.0.1", "localhost", "laptop", 'stack == "local"') if word in text]


@pytest.mark.parametrize(
    "path",
    python_files("infra", "functions", "policy", "emulator", "schemas", "client", "checks", "scripts"),
    ids=str,
)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 260
