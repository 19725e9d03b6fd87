"""What files that are made to do harm cost the function code that ships: event-loop stall and memory, file by file.

Each file lies in a blob service on 127.0.0.1 and is read by a process of its own, as the pipeline does it: fetched,
hashed, checked, its header read. The stall is the longest time in which the event loop ran nothing else; as others use
the machine too, it is the least of several runs. Memory is the process's peak above what it had before, less the
file's own size.
"""

import argparse
import asyncio
import ctypes
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from aiohttp import web
from classifier.adapters.blob_storage import BlobImageStore, create_image_container_client
from classifier.adapters.image_headers import read_header
from classifier.domain import image_checks
from classifier.domain.errors import ImageRejectedError
from common.adapters.azure_clients import create_transport
from common.domain.image_limits import IMAGE_ANALYSIS_LIMITS
from rich.console import Console
from rich.table import Table

from benchmarks.bombs import BOMBS, Bomb

_STALL_MS = 100.0
_MEMORY_MB = 64.0
_TICK_SECONDS = 0.001
_WARM_UP = b"GIF89a\x40\0\x3c\0\0\0\0,"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One file, read once."""

    outcome: str
    stall_ms: float
    memory_mb: float
    seconds: float


def _resident_mb(field: str) -> float:
    """https://man7.org/linux/man-pages/man5/proc_pid_status.5.html."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(f"{field}:"))


def _reset_peak() -> None:
    """https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html: 5 sets VmHWM to the present VmRSS."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


async def _longest_stall(ended: asyncio.Event) -> float:
    longest = 0.0
    while not ended.is_set():
        started = time.perf_counter()
        await asyncio.sleep(_TICK_SECONDS)
        longest = max(longest, time.perf_counter() - started - _TICK_SECONDS)
    return longest


async def _outcome(images: BlobImageStore, name: str) -> str:
    """What becomes of a blob before it is sent to the analyzer."""
    try:
        blob = await images.read(name)
        _ = blob.sha256
        info = await read_header(image_checks.require_content(blob))
        image_checks.check_image(info, IMAGE_ANALYSIS_LIMITS)
    except ImageRejectedError as rejection:
        return rejection.code
    return f"{info.format} {info.width} x {info.height}"


async def _measure(endpoint: str, name: str, size: int) -> Measurement:
    transport = create_transport()
    images = BlobImageStore(create_image_container_client(endpoint, "images", transport=transport, retry_total=0))
    await _outcome(images, "warm-up")
    _reset_peak()
    before = _resident_mb("VmRSS")
    ended = asyncio.Event()
    stall = asyncio.create_task(_longest_stall(ended))
    await asyncio.sleep(10 * _TICK_SECONDS)
    started = time.perf_counter()
    outcome = await _outcome(images, name)
    seconds = time.perf_counter() - started
    memory = _resident_mb("VmHWM") - before - size / (1 << 20)
    ended.set()
    longest = await stall
    with suppress(AttributeError):
        await transport.session.close()  # pyright: ignore[reportOptionalMemberAccess]
    return Measurement(outcome=outcome, stall_ms=1000 * longest, memory_mb=memory, seconds=seconds)


@asynccontextmanager
async def _blob_service(bomb: Bomb, content: bytes) -> AsyncIterator[str]:
    """The endpoint of a service that has the file, and a small one."""

    async def answer(request: web.Request) -> web.Response:
        body = _WARM_UP if request.match_info["name"] == "warm-up" else content
        headers = {"ETag": '"1"', "Content-Type": "image/png", "x-ms-blob-type": "BlockBlob"}
        if bomb.encoding and body is content:
            headers["Content-Encoding"] = bomb.encoding
        span = request.headers.get("x-ms-range")
        if span is None:
            return web.Response(body=body, headers=headers)
        first, last = (int(position) for position in span.removeprefix("bytes=").split("-"))
        if first >= len(body):
            return web.Response(status=416, headers={"x-ms-error-code": "InvalidRange"})
        chunk = body[first : last + 1]
        headers["Content-Range"] = f"bytes {first}-{first + len(chunk) - 1}/{len(body)}"
        return web.Response(status=206, body=chunk, headers=headers)

    application = web.Application()
    application.router.add_get("/images/{name}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def _measure_in_processes(bomb: Bomb, runs: int) -> Measurement:
    """The file in fresh processes: the least stall, the most memory."""
    content = bomb.make()
    measurements: list[Measurement] = []
    async with _blob_service(bomb, content) as endpoint:
        for _ in range(runs):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "benchmarks.hostile_files", "--measure", endpoint, str(len(content))),
                stdout=asyncio.subprocess.PIPE,
            )
            output, _ = await process.communicate()
            if process.returncode != 0:
                raise RuntimeError(f"{bomb.name}: the process ended with {process.returncode}")
            measurements.append(Measurement(**json.loads(output)))
    return Measurement(
        outcome=measurements[0].outcome,
        stall_ms=min(measurement.stall_ms for measurement in measurements),
        memory_mb=max(measurement.memory_mb for measurement in measurements),
        seconds=statistics.median(measurement.seconds for measurement in measurements),
    )


def _table(measurements: dict[str, Measurement]) -> Table:
    table = Table(title=f"at most {_STALL_MS:.0f} ms of stall, {_MEMORY_MB:.0f} MB above the file's own size")
    for column in ("file", "outcome", "stall ms", "memory MB", "seconds"):
        table.add_column(column, justify="left" if column in {"file", "outcome"} else "right")
    for name, measurement in measurements.items():
        style = None if _is_within_bounds(measurement) else "red"
        table.add_row(
            name,
            measurement.outcome,
            f"{measurement.stall_ms:.0f}",
            f"{measurement.memory_mb:.0f}",
            f"{measurement.seconds:.2f}",
            style=style,
        )
    return table


def _is_within_bounds(measurement: Measurement) -> bool:
    return measurement.stall_ms <= _STALL_MS and measurement.memory_mb <= _MEMORY_MB


async def _all(runs: int) -> dict[str, Measurement]:
    return {bomb.name: await _measure_in_processes(bomb, runs) for bomb in BOMBS}


def main() -> int:
    """Print the figures; 1 when a file exceeds a bound."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=3, help="processes for each file")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--measure", nargs=2, metavar=("ENDPOINT", "SIZE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        endpoint, size = arguments.measure
        print(json.dumps(asdict(asyncio.run(_measure(endpoint, "bomb", int(size))))))
        return 0
    measurements = asyncio.run(_all(arguments.runs))
    if arguments.format == "json":
        print(
            json.dumps(
                {
                    name: asdict(measurement) | {"within": _is_within_bounds(measurement)}
                    for name, measurement in measurements.items()
                }
            )
        )
    else:
        Console(width=None if sys.stdout.isatty() else 120).print(_table(measurements))
    return 0 if all(_is_within_bounds(measurement) for measurement in measurements.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
