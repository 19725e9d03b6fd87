"""The host process of an app: when its triggers start."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.services.functions import configuration, host


class Listener:
    """Runs for ever once it was started."""

    def __init__(self) -> None:
        self.started = asyncio.Event()

    async def run(self) -> None:
        self.started.set()
        await asyncio.Event().wait()

    async def drain(self, _seconds: float) -> None:
        pass


def test_queue_and_timer_triggers_start_when_they_are_synchronized(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        queue, timer = Listener(), Listener()
        listening, synchronized, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
        never_ending = asyncio.create_task(asyncio.Event().wait())

        async def start(*_arguments: Any) -> Any:
            async def stop() -> None:
                pass

            return SimpleNamespace(functions=[], ended=never_ending, stop=stop)

        async def listen() -> None:
            listening.set()

        async def nothing() -> None:
            pass

        web = SimpleNamespace(url="http://127.0.0.1:1", stop=nothing)
        app = SimpleNamespace(listen=listen, queues=[queue], timers=[timer], web=web)
        monkeypatch.setattr(configuration, "read_host_json", lambda *_arguments: None)
        monkeypatch.setattr(host.WorkerProcess, "start", start)
        monkeypatch.setattr(host, "TriggerListeners", lambda *_arguments: app)
        task = asyncio.create_task(host._run(str(Path("app")), "library", synchronized, stopping))
        await asyncio.wait_for(listening.wait(), 10)
        for _ in range(10):  # every task has had its turn
            await asyncio.sleep(0)
        assert not queue.started.is_set()
        assert not timer.started.is_set()
        synchronized.set()
        await asyncio.wait_for(asyncio.gather(queue.started.wait(), timer.started.wait()), 10)
        stopping.set()
        await asyncio.wait_for(task, 10)
        never_ending.cancel()

    asyncio.run(scenario())
