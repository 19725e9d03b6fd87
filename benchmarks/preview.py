"""How long `pulumi preview` of prod takes against the emulator, beside an empty program on the same engine.

    python -m benchmarks.preview [--stack prod] [--runs 5] [--format table|json]

Runs both in turn, and compares medians: at most 1.5 times the empty program, and 20 ms for each resource. Exits with 1
when it takes longer. The emulator is started if need be.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
TIMES = 1.5
SECONDS_PER_RESOURCE = 0.020
_EMPTY = {"Pulumi.yaml": "name: benchmark-empty\nruntime: python\n", "__main__.py": "import pulumi\n"}
_PATHS = (ROOT / ".venv/bin", os.environ["PATH"], ROOT / ".tools/pulumi-3.274.1/bin")
# As `make` has it: what is imported is compiled once, and not at every run.
_ENVIRONMENT = os.environ | {"PATH": os.pathsep.join(map(str, _PATHS)), "PYTHONDONTWRITEBYTECODE": ""}


def emulator(*words: str) -> str:
    """What `python -m emulator ...` prints. Raises CalledProcessError, having shown what it said."""
    result = subprocess.run(
        [str(ROOT / ".venv/bin/python"), "-m", "emulator", *words],
        cwd=ROOT,
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        sys.stderr.write(result.stdout + result.stderr)
    result.check_returncode()
    return result.stdout


def seconds(*words: str) -> float:
    """How long `python -m emulator ...` takes."""
    started = time.perf_counter()
    emulator(*words)
    return time.perf_counter() - started


def resources(stack: str) -> int:
    """How many resources the stack's preview is about, components included."""
    return len(json.loads(emulator("pulumi", "--", stack, "preview", "--json"))["steps"])


def measure(stack: str, runs: int) -> dict[str, float | int | bool]:
    """Medians in seconds, and what they are allowed to be."""
    emulator("start")
    count = resources(stack)
    full: list[float] = []
    empty: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in _EMPTY.items():
            (Path(folder) / name).write_text(text)
        pulumi = ("exec", "--", "pulumi", "--cwd", folder)
        emulator(*pulumi, "stack", "init", "empty")
        try:
            for _ in range(runs):
                empty.append(seconds(*pulumi, "preview", "--stack", "empty"))
                full.append(seconds("pulumi", "--", stack, "preview"))
        finally:
            emulator(*pulumi, "stack", "rm", "--yes", "--stack", "empty")
    limit = TIMES * statistics.median(empty) + SECONDS_PER_RESOURCE * count
    return {
        "resources": count,
        "emptySeconds": round(statistics.median(empty), 2),
        "stackSeconds": round(statistics.median(full), 2),
        "limitSeconds": round(limit, 2),
        "ratioToLimit": round(statistics.median(full) / limit, 2),
        "withinLimit": statistics.median(full) <= limit,
    }


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default="prod")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    figures = measure(arguments.stack, arguments.runs)
    if arguments.format == "json":
        sys.stdout.write(f"{json.dumps(figures)}\n")
    else:
        table = Table(title=f"pulumi preview of {arguments.stack}, median of {arguments.runs} runs in turn")
        for heading in ("resources", "empty program", f"{arguments.stack}", "limit", "of the limit"):
            table.add_column(heading, justify="right")
        table.add_row(
            str(figures["resources"]),
            f"{figures['emptySeconds']} s",
            f"{figures['stackSeconds']} s",
            f"{TIMES} x {figures['emptySeconds']} s + {SECONDS_PER_RESOURCE * 1000:.0f} ms x {figures['resources']}"
            f" = {figures['limitSeconds']} s",
            f"{figures['ratioToLimit']:.0%}",
        )
        Console().print(table)
    return 0 if figures["withinLimit"] else 1


if __name__ == "__main__":
    sys.exit(main())
