"""The faults of the soak test and their schedule; and the peak memory of the Functions workers."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("blob", "queue", "vision", "cosmos", "eventgrid", "identity")
_PROBABILITIES = {"throttled": 0.20, "failing": 0.05, "duplicated": 0.10}
_TICK_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Outage:
    """An outage of one service; times in seconds after the start."""

    service: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One outage of each service, one after the other, and kills of the Functions host; times as in Outage."""

    outages: Sequence[Outage]
    kills: Sequence[float]
    end: float

    @staticmethod
    def create(outage_seconds: float) -> "Schedule":
        """A schedule with outages of this length, and pauses half as long before, between and after them."""
        pause = outage_seconds / 2
        outages: list[Outage] = []
        now = pause
        for service in SERVICES:
            outages.append(Outage(service=service, start=now, end=now + outage_seconds))
            now += outage_seconds + pause
        starts = {outage.service: outage.start for outage in outages}
        # Under full load; during the outage of the queue, which the host needs at its start; and while no worker gets a
        # token.
        kills = [pause / 2, starts["queue"] + outage_seconds / 2, starts["identity"] + 1]
        return Schedule(outages=outages, kills=kills, end=now)

    def unavailable(self, seconds: float) -> list[str]:
        """The services with an outage at this time, in seconds after the start."""
        return [outage.service for outage in self.outages if outage.start <= seconds < outage.end]


def write_faults(state_directory: Path, unavailable: Sequence[str]) -> None:
    """Write the faults file of the emulator: the usual probabilities, and outages of the services."""
    path = state_directory / "run/faults.json"
    # Replaced in one step, because the emulator may read it at any time.
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps({**_PROBABILITIES, "outages": unavailable}))
    temporary.replace(path)


class Disruptions:
    """Causes the faults of a schedule in the emulator with this state directory, and measures its workers' memory.

    Attributes:
        kills: The hosts that were killed until now.
        worker_peaks: The peak memory of each worker process by its id, in MB.
    """

    def __init__(self, state_directory: Path, schedule: Schedule) -> None:
        self._state_directory = state_directory
        self._schedule = schedule
        self._stopped = threading.Event()
        self.kills = 0
        self.worker_peaks: dict[int, float] = {}

    def run(self) -> None:
        """Follows the schedule until `stop` is called."""
        started = time.monotonic()
        unavailable: list[str] | None = None
        while not self._stopped.wait(_TICK_SECONDS):
            seconds = time.monotonic() - started
            due = self._schedule.unavailable(seconds)
            if due != unavailable:
                write_faults(self._state_directory, due)
                unavailable = due
            self._measure_workers()
            if self.kills < len(self._schedule.kills) and seconds >= self._schedule.kills[self.kills]:
                self.kills += self._kill_host()

    def stop(self) -> None:
        """Make `run` return, and end every outage."""
        self._stopped.set()
        write_faults(self._state_directory, [])

    def _kill_host(self) -> bool:
        """Kills the Functions host with SIGKILL, as if its machine failed: its messages keep their leases.

        Returns False if no host runs, because it is being started again.
        """
        processes = _processes(f"emulator.services.functions.host {self._state_directory}/apps")
        for pid in processes:
            os.kill(pid, signal.SIGKILL)
        return bool(processes)

    def _measure_workers(self) -> None:
        """Read VmHWM on Linux; other systems have no such files.

        https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
        """
        for pid in _processes(f"functions/worker/__main__.py {self._state_directory}/apps"):
            status = Path(f"/proc/{pid}/status")
            try:
                peak = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
            except (FileNotFoundError, ProcessLookupError):
                continue
            if peak is not None:
                self.worker_peaks[pid] = int(peak[1]) / 1024


def _processes(pattern: str) -> list[int]:
    """The ids of the processes whose command line matches the pattern."""
    result = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return [int(pid) for pid in result.stdout.split()]
