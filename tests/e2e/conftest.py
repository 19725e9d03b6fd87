"""A checkout of its own, deployed to an emulator of its own by the README's commands."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("tests.e2e.foundry_analyzers")

ROOT = Path(__file__).resolve().parents[2]
# What `make` has installed is used again; everything else is the copy's own.
_SHARED = (".venv", ".tools", "node_modules", "policy/.venv")


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A copy of the working tree, as a fresh clone would hold it."""

    root: Path

    def make(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs make; fails the test with its output when it fails."""
        result = subprocess.run(
            ["make", "--no-print-directory", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            env=_plain_environment(),
            timeout=400,
        )
        if check and result.returncode:
            pytest.fail(
                f"make {arguments} ended with {result.returncode}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"
            )
        return result

    def deploy(self, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `pulumi up` as `make up` does, on an emulator that runs, and nothing else: no sample is classified.

        Args:
            options: Further options of `pulumi up`. `--skip-preview` is for a deployment that restores a setting.
            check: Fail the test with the output when the deployment fails.
        """
        result = self.emulator("pulumi", "--", "local", "up", "--yes", "--policy-pack", "policy/pack", *options)
        if check and result.returncode:
            pytest.fail(f"pulumi up ended with {result.returncode}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}")
        return result

    def start_emulator(self) -> None:
        """Start the emulator; fails the test with its output when it does not start."""
        started = self.emulator("start")
        if started.returncode:
            pytest.fail(f"the emulator does not start\n{started.stdout}\n{started.stderr}")

    def classify(self, *images: str, check: bool = True) -> list[dict[str, Any]]:
        """`make classify` on files, given as they are named from the checkout's root."""
        quoted = " ".join("'" + image.replace("'", "'\\''") + "'" for image in images)
        result = self.make("classify", f"IMAGES={quoted}", "FORMAT=json", check=check)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Runs Python as the emulator's user, signed in."""
        return self.emulator("exec", "--", "python", "-c", code)

    def emulator(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs `python -m emulator`, with the PATH that the Makefile gives it."""
        environment = _plain_environment()
        path = [f"{self.root}/.venv/bin", environment["PATH"], f"{self.root}/.tools/pulumi-3.274.1/bin"]
        return subprocess.run(
            [str(self.root / ".venv/bin/python"), "-m", "emulator", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            env=environment | {"PATH": os.pathsep.join(path)},
            timeout=300,
        )

    @property
    def daemon(self) -> dict[str, Any]:
        """The daemon file of the running daemon."""
        return json.loads((self.root / ".local/run/daemon.json").read_text())


def _plain_environment() -> dict[str, str]:
    """A new user's environment: no virtual environment, no Pulumi or Azure settings, make's own variables gone."""
    dropped = ("PULUMI_", "AZURE_", "ARM_", "MAKE", "MFLAGS", "VIRTUAL_ENV", "IDENTITY_", "STACK", "FORMAT", "PYTHON")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    venv = str(ROOT / ".venv/bin")
    return environment | {
        "PATH": os.pathsep.join(folder for folder in environment["PATH"].split(os.pathsep) if folder != venv)
    }


def copy_working_tree(root: Path) -> Checkout:
    """Copy the working tree to `root`, as a fresh clone would hold it; the installed tools are shared."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listing, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    share_tools(root)
    return Checkout(root=root)


def share_tools(root: Path) -> None:
    """Use the tools that are installed in this checkout, and its deployment packages, in another tree.

    `make test` has built the packages. The name of each says what it was built from, so another tree finds its own.
    """
    for name in _SHARED:
        (root / name).symlink_to(ROOT / name)
    packages = root / ".build"
    packages.mkdir()
    for folder in (ROOT / ".build").glob("packages-*"):
        (packages / folder.name).symlink_to(folder)
    # Copies: a pipeline's steps write the packages that they deploy.
    for package in (ROOT / ".build").glob("functions-*.zip"):
        shutil.copy2(package, packages / package.name)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout with nothing deployed."""
    checkout = copy_working_tree(tmp_path_factory.mktemp("checkout") / "pipeline")
    yield checkout
    checkout.make("clean", check=False)


@pytest.fixture(scope="session")
def first_up(checkout: Checkout) -> subprocess.CompletedProcess[str]:
    """The first `make up`: its output, with the samples' results as JSON lines."""
    return checkout.make("up", "FORMAT=json")


@pytest.fixture(scope="session")
def local_stack(checkout: Checkout, first_up: subprocess.CompletedProcess[str]) -> Checkout:
    """The checkout, deployed."""
    del first_up
    return checkout
