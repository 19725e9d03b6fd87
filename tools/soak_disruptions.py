"""What goes wrong during the soak test, and when; and how much memory the Functions workers have had."""

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
_SHARES = {"throttled": 0.20, "failing": 0.05, "duplicated": 0.10}
_TICK_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Outage:
    """One service, in seconds after the start."""

    service: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One outage of each service, one after the other, and kills of the Functions host; in seconds after the start."""

    outages: Sequence[Outage]
    kills: Sequence[float]
    end: float

    @staticmethod
    def of(outage_seconds: float) -> "Schedule":
        """A schedule with outages that are so long, and pauses half as long before, between and after them."""
        pause = outage_seconds / 2
        outages: list[Outage] = []
        now = pause
        for service in SERVICES:
            outages.append(Outage(service=service, start=now, end=now + outage_seconds))
            now += outage_seconds + pause
        starts = {outage.service: outage.start for outage in outages}
        # In full work; while the queue that the host needs at its start is out; and when a new worker gets no token.
        kills = [pause / 2, starts["queue"] + outage_seconds / 2, starts["identity"] + 1]
        return Schedule(outages=outages, kills=kills, end=now)

    def unavailable(self, seconds: float) -> list[str]:
        """The services with an outage at a time."""
        return [outage.service for outage in self.outages if outage.start <= seconds < outage.end]


def write_faults(home: Path, unavailable: Sequence[str]) -> None:
    """Asks the emulator for its usual faults, and for outages of some services."""
    path = home / "run/faults.json"
    # In one step, because the emulator reads it at any time.
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps({**_SHARES, "outages": unavailable}))
    temporary.replace(path)


class Disruptions:
    """Follows a schedule, on the emulator whose folder is `home`; looks at the workers' memory all the time."""

    def __init__(self, home: Path, schedule: Schedule) -> None:
        self._home = home
        self._schedule = schedule
        self._stopped = threading.Event()
        self.kills = 0
        # The peak of each worker process that was seen, in MB.
        self.worker_peaks: dict[int, float] = {}

    def run(self) -> None:
        """Returns after `stop`."""
        started = time.monotonic()
        unavailable: list[str] | None = None
        while not self._stopped.wait(_TICK_SECONDS):
            seconds = time.monotonic() - started
            due = self._schedule.unavailable(seconds)
            if due != unavailable:
                write_faults(self._home, due)
                unavailable = due
            self._measure_workers()
            if self.kills < len(self._schedule.kills) and seconds >= self._schedule.kills[self.kills]:
                self.kills += self._kill_host()

    def stop(self) -> None:
        """Ends `run`, and every outage."""
        self._stopped.set()
        write_faults(self._home, [])

    def _kill_host(self) -> bool:
        """Ends the Functions host as a machine that fails would: nothing is finished, nothing is given back.

        False when there is none, because it is being started again.
        """
        found = _processes(f"local.services.functions.host {self._home}/apps")
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return bool(found)

    def _measure_workers(self) -> None:
        """https://man7.org/linux/man-pages/man5/proc_pid_status.5.html; other systems have no such files."""
        for pid in _processes(f"functions/worker/__main__.py {self._home}/apps"):
            status = Path(f"/proc/{pid}/status")
            try:
                peak = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
            except (FileNotFoundError, ProcessLookupError):
                continue
            if peak is not None:
                self.worker_peaks[pid] = int(peak[1]) / 1024


def _processes(pattern: str) -> list[int]:
    found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]
