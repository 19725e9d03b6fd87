"""Child processes that never outlive the daemon: each ends when its standard input is closed, even after `kill -9`."""

import asyncio
import os
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

_READY_SECONDS = 120
_STOP_SECONDS = 40


class ProcessError(Exception):
    """A child process did not start; the message contains the end of its log."""


class ChildProcess:
    """A running child process, with its output in a log file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log_task: asyncio.Task[None]) -> None:
        self.name = name
        self._process = process
        self._log_task = log_task

    @property
    def ended(self) -> asyncio.Task[int]:
        """Done when the process has ended, with its exit code."""
        return asyncio.create_task(self._process.wait())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, unless it has ended."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self) -> None:
        """Close the process's standard input, wait for its end, and kill it after 40 seconds."""
        if self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
            except TimeoutError:
                self._process.send_signal(signal.SIGKILL)
                await self._process.wait()
        await self._log_task


async def start(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    ready: Mapping[str, str],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> tuple[ChildProcess, dict[str, str]]:
    """Start a child process and wait until it is ready.

    Args:
        name: Name in logs and errors.
        command: Program and arguments.
        log: File that the output is appended to.
        ready: Regular expressions by key. The process is ready when each has matched a line of its output.
        environment: Environment of the process, beside PATH, HOME, TMPDIR and the locale.
        folder: Working directory.

    Returns:
        The process, and for each key of `ready` the first group of the match.

    Raises:
        ProcessError: The process ended, or was not ready within two minutes.
    """
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=inherited | dict(environment or {}),
        cwd=folder,
        start_new_session=True,  # so that Ctrl-C at the terminal reaches the daemon alone
    )
    matches: dict[str, str] = {}
    complete = asyncio.Event()

    async def copy_output() -> None:
        assert process.stdout is not None
        with log.open("ab", buffering=0) as sink:
            async for line in process.stdout:
                sink.write(line)
                for key, pattern in ready.items():
                    match = re.search(pattern, line.decode(errors="replace"))
                    if match and key not in matches:
                        matches[key] = match[1]
                if len(matches) == len(ready):
                    complete.set()

    log_task = asyncio.create_task(copy_output())
    ready_task = asyncio.create_task(complete.wait())
    await asyncio.wait({ready_task, log_task}, timeout=_READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    ready_task.cancel()
    if not complete.is_set():
        if process.returncode is None:
            process.kill()
        await log_task
        tail = "\n".join((await asyncio.to_thread(log.read_text, errors="replace")).splitlines()[-15:])
        raise ProcessError(f"{name} did not start; the end of {log}:\n{tail}")
    return ChildProcess(name, process, log_task), matches
