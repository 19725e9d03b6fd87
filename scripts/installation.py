"""What the installation steps share: building a tool once, running commands, reporting progress."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".tools"
_console = threading.Lock()


class SetupError(Exception):
    """The checkout cannot be set up; the message says what is missing and what to do."""


def install_once(target: Path, build: Callable[[Path], None]) -> Path:
    """Return the folder `target`, and have `build` fill it first unless an earlier run has completed it.

    A virtual environment contains its own path, so it is built in place; the file `.complete` is written last. A folder
    without it is the rest of an interrupted build, and is deleted.
    """
    mark = target / ".complete"
    if not mark.exists():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        build(target)
        mark.touch()
    return target


def run_command(
    name: str,
    command: Iterable[str],
    *,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run a command without showing its output.

    Args:
        name: The step that the error message names.
        command: The program and its arguments.
        folder: The working directory.
        environment: Variables in addition to this process's own.
        on_line: Called with each line of output, while the command runs.

    Raises:
        SetupError: The command failed; the message ends with the last 25 lines of its output.
    """
    lines: list[str] = []
    arguments = list(command)
    with subprocess.Popen(
        arguments,
        cwd=folder,
        env=os.environ | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            if on_line is not None:
                on_line(line)
    if process.returncode:
        raise SetupError(f"{name}: {' '.join(arguments[:3])} ... failed:\n{''.join(lines[-25:])}")


def log(name: str, text: str) -> None:
    """Print a line of progress; steps that run at the same time do not mix their lines."""
    with _console:
        print(f"[{name}] {text}", flush=True)


def cache_key(paths: Iterable[Path]) -> str:
    """Return a key that changes with the contents of the files and with the Python version: 16 hexadecimal digits."""
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def tool_path(name: str, lock: str) -> Path:
    """Return the folder of the tool `name` as requirements/<lock>.txt pins it; another lock means another folder."""
    return TOOLS / f"{name}-{cache_key([ROOT / 'requirements' / f'{lock}.txt'])}"
