"""A deployed stack, as its outputs describe it."""

import base64
import hashlib
import json
import subprocess


class UsageError(Exception):
    """What was asked for cannot be done; the text says why."""


def outputs(stack: str) -> dict[str, str]:
    """The stack's outputs. Raises UsageError when it is not deployed."""
    command = ["pulumi", "stack", "output", "--json", "--stack", stack, "--non-interactive"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[str, str] = json.loads(answer.stdout) if answer.returncode == 0 else {}
    if "imagesEndpoint" not in found:
        raise UsageError(f"the stack {stack} is not deployed: {answer.stderr.strip() or 'it has no outputs'}")
    return found


def record_id(container: str, name: str) -> str:
    """The id under which the record of a blob is kept; it needs no query."""
    digest = hashlib.sha256(f"{container}/{name}".encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()
