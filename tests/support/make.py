"""Runs make in a checkout, as a new user does."""

import os
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_DROPPED = ("PULUMI_", "AZURE_", "ARM_", "MAKE", "MFLAGS", "VIRTUAL_ENV", "IDENTITY_", "STACK", "FORMAT", "PYTHON")


def plain_environment() -> dict[str, str]:
    """A new user's environment: no virtual environment, no Pulumi or Azure settings, make's own variables gone."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_DROPPED)}
    venv = str(_ROOT / ".venv/bin")
    folders = [folder for folder in environment["PATH"].split(os.pathsep) if folder != venv]
    return environment | {"PATH": os.pathsep.join(folders)}


def run_make(root: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run make in a checkout; fails the test with its output when it fails, unless `check` is false."""
    result = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env=plain_environment(),
        timeout=400,
    )
    if check and result.returncode:
        pytest.fail(
            f"make {arguments} ended with {result.returncode}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"
        )
    return result
