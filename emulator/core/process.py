"""Child processes that never outlive the daemon: each ends when its standard input does, even after `kill -9`."""

import asyncio
import os
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

_READY_SECONDS = 120
_STOP_SECONDS = 40


class ProcessError(Exception):
    """A child did not start; the text holds the end of its log."""


class Child:
    """A running child process, its output in a log file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path, pump: asyncio.Task[None]) -> None:
        self.name = name
        self._process = process
        self._log = log
        self._pump = pump

    @property
    def ended(self) -> asyncio.Task[int]:
        """Done when the process has ended, with its exit code."""
        return asyncio.create_task(self._process.wait())

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process, unless it has ended."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self) -> None:
        """Asks the process to end by closing its input, and insists after a while."""
        if self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
            except TimeoutError:
                self._process.send_signal(signal.SIGKILL)
                await self._process.wait()
        await self._pump


async def start(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    ready: Mapping[str, str],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> tuple[Child, dict[str, str]]:
    """A child that has said it is ready, and what it said: for each pattern of `ready`, its first group.

    The child's environment is `environment` and nothing else but PATH, HOME and the locale. Raises ProcessError.
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
    found: dict[str, str] = {}
    complete = asyncio.Event()

    async def pump() -> None:
        assert process.stdout is not None
        with log.open("ab", buffering=0) as sink:
            async for line in process.stdout:
                sink.write(line)
                for key, pattern in ready.items():
                    match = re.search(pattern, line.decode(errors="replace"))
                    if match and key not in found:
                        found[key] = match[1]
                if len(found) == len(ready):
                    complete.set()

    pumping = asyncio.create_task(pump())
    waiting = asyncio.create_task(complete.wait())
    await asyncio.wait({waiting, pumping}, timeout=_READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not complete.is_set():
        if process.returncode is None:
            process.kill()
        await pumping
        tail = "\n".join((await asyncio.to_thread(log.read_text, errors="replace")).splitlines()[-15:])
        raise ProcessError(f"{name} did not start; the end of {log}:\n{tail}")
    return Child(name, process, log, pumping), found
