"""The time that a process group uses, whatever else the machine does meanwhile.

A time limit in seconds of a clock would be exceeded by a slow run on a busy machine, and the mutant would count as
noticed. Time on the processor alone would never end a process that waits for something that does not come.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Running or ready to run, and waiting for a disk (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
_BUSY_STATES = {"R", "D"}
# Numbers of the fields of `stat` after the name, the first of which is the state.
_STATE = 0
_GROUP = 2
# Of the process in user and kernel mode, and of its children that have ended.
_TIMES = slice(11, 15)


class ProcessClock:
    """Adds up the processor time of a process group, and the time in which none of its threads could run.

    Time in which a thread is ready to run and waits for a processor is left out. Between two readings, the time counts
    as waiting if no thread can run at the second one.

    Args:
        group: id of the process group.
        proc: the folder of Linux's process information.
    """

    def __init__(self, group: int, *, proc: Path = Path("/proc")) -> None:
        self._group = group
        self._proc = proc
        self._processor_seconds = 0.0
        self._read_at = time.monotonic()
        self._seconds = 0.0

    def read(self) -> float:
        """Return the time since the clock was made, in seconds."""
        now = time.monotonic()
        processor_seconds = 0.0
        is_busy = False
        for pid, fields in self._processes():
            processor_seconds += sum(int(field) for field in fields[_TIMES]) / _TICKS_PER_SECOND
            is_busy = is_busy or self._has_busy_thread(pid)
        # The time of a process that nobody waited for is gone when it ends.
        used = max(0.0, processor_seconds - self._processor_seconds)
        self._seconds += used if is_busy else max(used, now - self._read_at)
        self._processor_seconds = processor_seconds
        self._read_at = now
        return self._seconds

    def _processes(self) -> Iterator[tuple[str, list[str]]]:
        """Yield id and `stat` of each process of the group."""
        for folder in self._proc.iterdir():
            if folder.name.isdecimal():
                fields = _stat(folder)
                if fields and int(fields[_GROUP]) == self._group:
                    yield folder.name, fields

    def _has_busy_thread(self, pid: str) -> bool:
        try:
            threads = list((self._proc / pid / "task").iterdir())
        except (FileNotFoundError, ProcessLookupError):
            return False
        return any(fields[_STATE] in _BUSY_STATES for thread in threads if (fields := _stat(thread)))


def _stat(folder: Path) -> list[str]:
    """Return the fields of `stat` after the name of a process or thread; none if it has ended."""
    try:
        text = (folder / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(") ")[2].split()
