"""Type check and size of the gallery page's JavaScript modules; part of `make lint`.

    python -m checks.page_modules

Types of the API are generated from docs/openapi.json by openapi-typescript, and TypeScript's compiler checks the
modules by their JSDoc comments. Nothing is compiled: browsers run the modules as they are. Exit code 1 if an error is
found or the modules are too large.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scripts.installation import ROOT, TOOLS

PAGE = ROOT / "functions" / "api" / "page"
# What the page may have of its own JavaScript, without comments, in bytes.
MAX_SIZE = 60_000
_API_TYPES = ROOT / ".build" / "page" / "openapi.d.ts"
_NODE_MODULES = ROOT / "node_modules"


class PageModuleError(Exception):
    """A module has a type error; the message has the compiler's lines."""


@dataclass(frozen=True, kw_only=True)
class ModuleSizes:
    """Bytes of all modules together.

    Attributes:
        raw: As they are served.
        code: Without comments.
    """

    raw: int
    code: int


def write_api_types() -> Path:
    """Generate the types of the API, which the modules import as `image-api`, and return their file."""
    _API_TYPES.parent.mkdir(parents=True, exist_ok=True)
    _run_node("openapi-typescript/bin/cli.js", "docs/openapi.json", "--output", str(_API_TYPES))
    return _API_TYPES


def check_types(folder: Path) -> None:
    """Check the modules in a folder with the options of tsconfig.json; `write_api_types` must have run.

    Raises:
        PageModuleError: The compiler found an error.
    """
    with tempfile.TemporaryDirectory(dir=_API_TYPES.parent) as temporary:
        project = Path(temporary) / "tsconfig.json"
        project.write_text(json.dumps({"extends": str(ROOT / "tsconfig.json"), "include": [str(folder)]}))
        _run_node("typescript/bin/tsc", "--project", str(project))


def module_sizes(folder: Path) -> ModuleSizes:
    """Return the sizes of the modules in a folder."""
    modules = sorted(folder.glob("*.js"))
    with tempfile.TemporaryDirectory() as temporary:
        options = ["--removeComments", "--allowJs", "--noCheck", "--target", "ESNext", "--module", "ESNext"]
        _run_node("typescript/bin/tsc", *options, "--outDir", temporary, *map(str, modules))
        code = sum(_size_of_emitted((Path(temporary) / module.name).read_text()) for module in modules)
    return ModuleSizes(raw=sum(module.stat().st_size for module in modules), code=code)


def _size_of_emitted(text: str) -> int:
    """The compiler indents by four spaces, where the modules have two."""
    return sum(len(line.encode()) - (len(line) - len(line.lstrip(" "))) // 2 for line in text.splitlines(keepends=True))


def _run_node(script: str, *arguments: str) -> None:
    node = TOOLS / json.loads((TOOLS / "local.json").read_text())["node"]
    command = [str(node), str(_NODE_MODULES / script), *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        raise PageModuleError(f"{result.stdout}{result.stderr}".strip())


def main() -> int:
    """Entry point."""
    try:
        write_api_types()
        check_types(PAGE / "modules")
        sizes = module_sizes(PAGE / "modules")
    except PageModuleError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"page: {sizes.code:,} bytes of JavaScript without comments, {sizes.raw:,} with")
    if sizes.code > MAX_SIZE:
        print(f"error: the modules may have {MAX_SIZE:,} bytes without comments", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
