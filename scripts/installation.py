"""What the steps of tools/setup.py have in common: doing things once, running commands, saying how far they are."""

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
    """The checkout cannot be set up; the text says what is missing and what to do."""


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


def digest(paths: Iterable[Path]) -> str:
    """What stands for the files' contents, and for the Python that uses them."""
    found = hashlib.sha256(sys.version.encode())
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def place(name: str, lock: str) -> Path:
    """Where the tool `name` is, as requirements/<lock>.txt has it; another lock, another folder."""
    return TOOLS / f"{name}-{digest([ROOT / 'requirements' / f'{lock}.txt'])}"
