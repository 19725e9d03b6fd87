"""Loads a changed module in place of the one on the path, in this process and in those that it starts.

A copy of this file named `sitecustomize.py` in a folder on PYTHONPATH does so at the start of every Python process. So
it imports the standard library alone.
"""

import importlib.machinery
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import CodeType, ModuleType
from typing import override

# Environment variable with the folder that the functions below use.
FOLDER_VARIABLE = "MUTANT_FOLDER"
_DESCRIPTION = "mutant.json"
_LOADED = "loaded"


def prepare(folder: Path, *, module: str, path: Path, source: str) -> None:
    """Write what `install` needs into a folder.

    Args:
        folder: an empty folder.
        module: dotted name of the module to replace.
        path: the file of the module.
        source: the source text that is loaded in its place.
    """
    description = {"module": module, "path": str(path), "source": source}
    (folder / _DESCRIPTION).write_text(json.dumps(description))
    (folder / "sitecustomize.py").write_text(Path(__file__).read_text())


def install(folder: Path) -> None:
    """Load the changed module of a folder in this process whenever the module is imported."""
    description = json.loads((folder / _DESCRIPTION).read_text())
    sys.meta_path.insert(0, _Finder(folder, description["module"], description["path"], description["source"]))


def was_loaded(folder: Path) -> bool:
    """Return whether a process loaded the changed module of a folder."""
    return (folder / _LOADED).exists()


class _Finder(MetaPathFinder):
    def __init__(self, folder: Path, module: str, path: str, source: str) -> None:
        self._module = module
        self._path = path
        self._loader = _Loader(folder, module, path, source)

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self._loader)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, folder: Path, module: str, path: str, source: str) -> None:
        super().__init__(module, path)
        self._folder = folder
        self._source = source

    @override
    def get_code(self, fullname: str) -> CodeType:
        (self._folder / _LOADED).touch()
        return compile(self._source, self.path, "exec", dont_inherit=True)


if __name__ == "sitecustomize":
    install(Path(os.environ[FOLDER_VARIABLE]))
