"""The Pulumi CLI with the emulator: its state, passphrase and stack files are in the state directory."""

import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from emulator.core.state_directory import StateDirectory

_PROJECT = "image-pipeline"
# Where a stack's configuration has its encryption. That of the stack's own backend is of no use here.
_ENCRYPTION = ("encryptionsalt", "encryptedkey", "secretsprovider")


class PulumiError(Exception):
    """Pulumi cannot be run; the message has the reason."""


def environment(state_directory: StateDirectory) -> dict[str, str]:
    """Environment variables with which Pulumi stores everything in the state directory."""
    return {
        "PULUMI_BACKEND_URL": f"file://{state_directory.pulumi}",
        # Not the user's own, whose selected stack stays as it is.
        "PULUMI_HOME": str(state_directory.pulumi / "home"),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(_passphrase(state_directory)),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # The emulator is the azure-native provider; Pulumi must not look for a plugin.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def run(
    state_directory: StateDirectory, project: Path, environment: Mapping[str, str], stack: str, *command: str
) -> int:
    """Run `pulumi <command>` for a stack of `stacks/` with the emulator; return the exit code.

    The stack's file is never written: Pulumi gets a copy, to which it adds the encryption salt.
    """
    variables = {**os.environ, **environment}
    config_file = project / "stacks" / f"Pulumi.{stack}.yaml"
    if not config_file.exists():
        raise PulumiError(f"there is no stack {stack}: {config_file.name} is not in stacks/")
    config: dict[str, Any] = yaml.safe_load(config_file.read_text()) or {}
    salt = _salt(state_directory, stack, variables)
    copy = state_directory.pulumi / config_file.name
    config = {name: value for name, value in config.items() if name not in _ENCRYPTION}
    copy.write_text(yaml.safe_dump({**config, "encryptionsalt": salt}))
    line = ["pulumi", *command, "--stack", stack]
    if command[:1] in {("up",), ("preview",), ("destroy",), ("refresh",)}:
        line += ["--config-file", str(copy)]
    return subprocess.run(line, env=variables, cwd=project, check=False).returncode


def has_stack(state_directory: StateDirectory, stack: str) -> bool:
    """Whether the stack exists in the state directory."""
    return (state_directory.pulumi / "new" / f"Pulumi.{stack}.yaml").exists()


def _passphrase(state_directory: StateDirectory) -> Path:
    path = state_directory.pulumi / "passphrase"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path


def _salt(state_directory: StateDirectory, stack: str, environment: Mapping[str, str]) -> str:
    """The stack's encryption salt. The first call creates the stack."""
    folder = state_directory.pulumi / "new"
    stack_file = folder / f"Pulumi.{stack}.yaml"
    if not stack_file.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "Pulumi.yaml").write_text(f"name: {_PROJECT}\nruntime: python\n")
        command = ["pulumi", "stack", "init", stack, "--non-interactive"]
        result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
        if result.returncode:
            stack_file.unlink(missing_ok=True)
            raise PulumiError(f"pulumi could not create the stack {stack}:\n{result.stderr.strip()}")
    return yaml.safe_load(stack_file.read_text())["encryptionsalt"]
