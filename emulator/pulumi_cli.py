"""The real Pulumi engine against the stand-in: state, passphrase and stack files stay in `.local`."""

import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from emulator.core.state_directory import Home

_PROJECT = "image-pipeline"
# Where a stack says how its secrets are encrypted. Those of a real stack's own backend mean nothing here.
_ENCRYPTION = ("encryptionsalt", "encryptedkey", "secretsprovider")


class EngineError(Exception):
    """Pulumi cannot be run; the text says why."""


def environment(home: Home) -> dict[str, str]:
    """The environment that makes the engine keep everything in `home`."""
    return {
        "PULUMI_BACKEND_URL": f"file://{home.pulumi}",
        # Not the user's own: which stack is selected there is none of our business.
        "PULUMI_HOME": str(home.pulumi / "home"),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(_passphrase(home)),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Azure's provider is the stand-in: there is nothing to look for elsewhere, at every run anew.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def run(home: Home, project: Path, environment: Mapping[str, str], stack: str, *command: str) -> int:
    """Runs `pulumi <command>` for a stack of `stacks/`, deployed to (or planned for) this laptop; its exit code.

    The stack's own file is read and never written: what Pulumi adds to it (a salt) goes into a copy.
    """
    environment = {**os.environ, **environment}
    given = project / "stacks" / f"Pulumi.{stack}.yaml"
    if not given.exists():
        raise EngineError(f"there is no stack {stack}: {given.name} is not in stacks/")
    config: dict[str, Any] = yaml.safe_load(given.read_text()) or {}
    salt = _salt(home, stack, environment)
    copy = home.pulumi / given.name
    copy.write_text(
        yaml.safe_dump({**{k: v for k, v in config.items() if k not in _ENCRYPTION}, "encryptionsalt": salt})
    )
    reads_config = command[:1] in {("up",), ("preview",), ("destroy",), ("refresh",)}
    options = ["--config-file", str(copy)] if reads_config else []
    line = ["pulumi", *command, "--stack", stack, *options]
    return subprocess.run(line, env=environment, cwd=project, check=False).returncode


def has_stack(home: Home, stack: str) -> bool:
    """Whether the stack was ever made on this laptop."""
    return (home.pulumi / "new" / f"Pulumi.{stack}.yaml").exists()


def _passphrase(home: Home) -> Path:
    path = home.pulumi / "passphrase"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path


def _salt(home: Home, stack: str, environment: Mapping[str, str]) -> str:
    """The stack's encryption salt; its first call makes the stack."""
    folder = home.pulumi / "new"
    written = folder / f"Pulumi.{stack}.yaml"
    if not written.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "Pulumi.yaml").write_text(f"name: {_PROJECT}\nruntime: python\n")
        command = ["pulumi", "stack", "init", stack, "--non-interactive"]
        result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
        if result.returncode:
            written.unlink(missing_ok=True)
            raise EngineError(f"pulumi could not make the stack {stack}:\n{result.stderr.strip()}")
    return yaml.safe_load(written.read_text())["encryptionsalt"]
