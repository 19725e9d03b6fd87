"""Which modules and folders of the project import which, and where they do so in a cycle."""

import ast
from collections.abc import Iterable
from pathlib import Path

type Graph = dict[str, set[str]]

# Folders from which Python imports modules, the inner ones first: the deployment packages of the apps, the folder of
# the package `common`, and the root of the checkout.
_IMPORT_ROOTS = ("functions/pipeline", "functions/api", "functions", ".")
_IGNORED_FOLDERS = {"__pycache__", ".venv", "node_modules"}


def python_files(root: Path, *names: str) -> list[Path]:
    """The Python files among and below files and folders of the project, sorted.

    Args:
        root: Root of the checkout.
        names: Paths relative to the root, such as `infra` or `__main__.py`.
    """
    files: list[Path] = []
    for name in names:
        path = root / name
        files += [path] if path.is_file() else path.rglob("*.py")
    return sorted(path for path in files if not _IGNORED_FOLDERS & set(path.relative_to(root).parts))


def imported_names(path: Path) -> set[str]:
    """The dotted names that a file imports: modules, and what it imports from them.

    Raises:
        ValueError: The file has a relative import; the project does not use them.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{path}:{node.lineno}: relative imports are not used")
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def module_name(root: Path, path: Path) -> str:
    """The dotted name under which a file is imported."""
    for import_root in _IMPORT_ROOTS:
        if path.is_relative_to(root / import_root):
            names = path.relative_to(root / import_root).with_suffix("").parts
            return ".".join(names).removesuffix(".__init__")
    raise ValueError(f"{path} is not below {root}")


def module_graph(root: Path, files: Iterable[Path]) -> Graph:
    """Which of the modules import which others of them.

    That importing a module also runs the `__init__.py` of its packages is left out: `infra/__init__.py` imports all of
    `infra` for the sake of its users.
    """
    modules = {module_name(root, path): path for path in files}
    return {module: imported_names(path) & modules.keys() - {module} for module, path in modules.items()}


def folder_graph(root: Path, modules: Graph) -> Graph:
    """Which folders import which others, derived from the graph of their modules.

    A module directly in a top-level package counts as a folder of its own: such modules put the folders together.
    """
    folders: Graph = {}
    for module, targets in modules.items():
        folder = _folder(root, module)
        folders.setdefault(folder, set()).update(_folder(root, target) for target in targets)
        folders[folder].discard(folder)
    return folders


def cycles(graph: Graph) -> list[list[str]]:
    """The groups of nodes that reach each other, each sorted; none if the graph has no cycle."""
    reachable = {node: _reachable(graph, node) for node in graph}
    groups = {
        tuple(sorted(other for other in targets if node in reachable[other]))
        for node, targets in reachable.items()
        if node in targets
    }
    return [list(group) for group in sorted(groups)]


def _folder(root: Path, module: str) -> str:
    if any(root.joinpath(import_root, *module.split(".")).is_dir() for import_root in _IMPORT_ROOTS):
        return module
    parent = module.rpartition(".")[0]
    return parent if "." in parent else module


def _reachable(graph: Graph, start: str) -> set[str]:
    """The nodes that can be reached from a node by one edge or more."""
    reached: set[str] = set()
    pending = [start]
    while pending:
        for target in graph.get(pending.pop(), set()) - reached:
            reached.add(target)
            pending.append(target)
    return reached
