"""Apps in Azure's own Python worker, as the emulated host runs them, and what they take of this machine."""

import asyncio
import contextlib
import json
import os
import resource
import statistics
import time
import zipfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from emulator.services.functions.host import WorkerProcess

ROOT = Path(__file__).resolve().parents[1]
_NO_FUNCTIONS = "import azure.functions as func\n\napp = func.FunctionApp()\n"


def find_package(app: str) -> Path:
    """Return the newest deployment package of an app, `pipeline` or `api`; `make package` builds it."""
    return max((ROOT / ".build").glob(f"functions-{app}-*.zip"), key=lambda path: path.stat().st_mtime)


def unpack(package: Path, folder: Path) -> Path:
    """Unpack a deployment package; return the folder of the app."""
    app = folder / "app"
    with zipfile.ZipFile(package) as archive:
        archive.extractall(app)
    return app


def create_app(folder: Path, packages_of: Path, code: str = _NO_FUNCTIONS) -> Path:
    """Create an app with the Python packages of another one; return its folder.

    Args:
        folder: Where it is created.
        packages_of: The other app.
        code: Its function_app.py; no functions unless it is stated.
    """
    (folder / ".python_packages").mkdir(parents=True)
    (folder / ".python_packages/lib").symlink_to(packages_of / ".python_packages/lib")
    (folder / "function_app.py").write_text(code)
    (folder / "host.json").write_text('{"version": "2.0"}')
    return folder


async def start_worker(app: Path, environment: Mapping[str, str]) -> WorkerProcess:
    """Start a worker that has loaded an app, with these app settings."""
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return await WorkerProcess.start(
        str(app), str(_library()), env={**inherited, **environment}, stderr=asyncio.subprocess.DEVNULL
    )


@contextlib.asynccontextmanager
async def running_worker(app: Path, environment: Mapping[str, str]) -> AsyncIterator[WorkerProcess]:
    """A worker that has loaded an app; it is stopped afterwards."""
    process = await start_worker(app, environment)
    try:
        yield process
    finally:
        await process.stop()


def _library() -> Path:
    return ROOT / ".tools" / json.loads((ROOT / ".tools/local.json").read_text())["worker"]


def cpu_seconds(process: WorkerProcess) -> float:
    """What a worker has used of a processor: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def compare_start_up(app: Path, empty: Path, runs: int) -> dict[str, float]:
    """Compare how long the worker takes to load and index an app and an empty one; medians of some runs."""
    pairs = [(await _start(app), await _start(empty)) for _ in range(runs)]
    seconds, empty_seconds = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
    cpu, empty_cpu = (statistics.median(pair[side][1] for pair in pairs) for side in (0, 1))
    return {
        "start-up ms": 1000 * seconds,
        "of an empty app ms": 1000 * empty_seconds,
        "ratio": seconds / empty_seconds,
        "ratio of CPU": cpu / empty_cpu,
    }


async def _start(app: Path) -> tuple[float, float]:
    """Seconds of time and of CPU from the process's start to its functions."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = await start_worker(app, {})
    seconds = time.perf_counter() - started
    await process.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
