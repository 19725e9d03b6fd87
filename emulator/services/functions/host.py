"""The host process of one function app: starts its worker, listens to its triggers.

Its environment has the app's settings, its identities, and its network. It prints READY with the loaded functions, or
FAILED with the reason. Queue and timer triggers start at SIGUSR1, the signal that they are synchronized.
Usage: host.py APP_FOLDER WORKER_LIBRARY_FOLDER
"""

import asyncio
import json
import logging
import os
import signal
import sys
import uuid
from functools import partial
from pathlib import Path
from typing import Any

from azure.identity.aio import ManagedIdentityCredential
from azure.storage.queue.aio import QueueServiceClient

from emulator.services.functions import configuration
from emulator.services.functions.bindings import check_bindings
from emulator.services.functions.http_trigger import HttpListener
from emulator.services.functions.queue_trigger import QueueListener
from emulator.services.functions.timer_trigger import TimerListener

_log = logging.getLogger("host")
# Messages in progress may end when the host stops; otherwise they become visible again only when their lease ends.
_DRAIN_SECONDS = 30
_WORKER = Path(__file__).parent / "worker" / "__main__.py"


class HostError(Exception):
    """The app cannot be run; the message has the reason."""


class WorkerProcess:
    """The worker process of an app; requests and results are lines of JSON in pipes."""

    def __init__(self, process: asyncio.subprocess.Process, functions: list[dict[str, Any]]) -> None:
        self.functions = functions
        self._process = process
        self._invocations: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._read_task = asyncio.create_task(self._read())

    @staticmethod
    async def start(app: str, library: str, **options: Any) -> "WorkerProcess":
        """Start a worker that has loaded the app; `options` are those of the process. Raises HostError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(_WORKER),
            app,
            library,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=64 * 1024 * 1024,
            **options,
        )
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise HostError(f"the worker ended with {await process.wait()}")
        result = json.loads(line)
        if "failed" in result:
            raise HostError(result["failed"])
        return WorkerProcess(process, result["functions"])

    async def invoke(
        self, function: dict[str, Any], kind: str, data: Any, metadata: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run a function once; return `{ok, error, trace, response}`. Raises HostError if the worker ends.

        `kind` is the kind of the trigger's `data`: `string`, `json` or `http`.
        """
        binding = function["bindings"][0]["name"]
        invocation_id = str(uuid.uuid4())
        result: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._invocations[invocation_id] = result
        call = {
            "id": invocation_id,
            "function": function["id"],
            "binding": binding,
            "kind": kind,
            "data": data,
            "metadata": metadata or {},
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(call).encode() + b"\n")
        await self._process.stdin.drain()
        return await result

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def stop(self) -> None:
        """End the worker by closing its input, and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    @property
    def ended(self) -> asyncio.Task[None]:
        """Done when the worker has ended."""
        return self._read_task

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            result = json.loads(line)
            self._invocations.pop(result["id"]).set_result(result)
        for future in self._invocations.values():
            future.set_exception(HostError("the worker process ended"))


class TriggerListeners:
    """The listeners for the triggers of an app's functions."""

    def __init__(self, folder: Path, worker: WorkerProcess, options: configuration.HostOptions) -> None:
        self._folder = folder
        self._worker = worker
        self._options = options
        self.queues: list[QueueListener] = []
        self.timers: list[TimerListener] = []
        self.web = HttpListener(options.route_prefix)

    async def listen(self) -> None:
        """Create the listeners, and start the HTTP triggers. Raises HostError or ConfigurationError."""
        check_bindings(self._worker.functions, has_extension_bundle=self._options.has_extension_bundle)
        for function in self._worker.functions:
            match [binding["type"] for binding in function["bindings"]]:
                case ["queueTrigger"]:
                    await self._add_queue(function)
                case ["timerTrigger"]:
                    self._add_timer(function)
                case ["httpTrigger", "http"]:
                    self.web.add(function["name"], function["bindings"][0], partial(self._run, function, "http"))
                case bindings:
                    raise HostError(f"{function['name']}: the emulated host does not support {bindings}")
        await self.web.start()

    async def _run(
        self, function: dict[str, Any], kind: str, data: Any, metadata: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        invocation = self._worker.invoke(function, kind, data, metadata)
        try:
            result = await asyncio.wait_for(invocation, self._options.timeout_seconds)
        except TimeoutError:
            # As on Azure: the worker is stopped, and its messages become visible again.
            _log.critical("%s exceeded functionTimeout (%s s)", function["name"], self._options.timeout_seconds)
            os._exit(1)
        except HostError as error:
            return {"ok": False, "error": str(error)}
        if not result["ok"]:
            _log.error("%s failed: %s", function["name"], result["trace"])
        return result

    async def _run_for_error(
        self, function: dict[str, Any], kind: str, data: Any, metadata: dict[str, Any] | None = None
    ) -> str | None:
        """Run a function once; return the error, or None after a success."""
        result = await self._run(function, kind, data, metadata)
        if result["ok"]:
            return None
        return str(result["error"])

    async def _add_queue(self, function: dict[str, Any]) -> None:
        trigger = function["bindings"][0]
        name = configuration.resolve(trigger["queueName"], os.environ)
        connection = configuration.read_connection(trigger["connection"], os.environ)
        credential = ManagedIdentityCredential(client_id=connection.client_id)
        # Three retries within seconds, as the client of Azure's host makes: the SDK for Python waits 15 seconds before
        # the first one. After that the listener polls with its own back-off (`queue_trigger.py`).
        # https://learn.microsoft.com/dotnet/api/azure.core.retryoptions
        service = QueueServiceClient(
            connection.service_uri, credential=credential, initial_backoff=1, increment_base=2, retry_total=3
        )
        queue = service.get_queue_client(name)
        poison = service.get_queue_client(f"{name}-poison")
        await queue.get_queue_properties()  # at start, so that a missing queue or role stops the app here
        self.queues.append(
            QueueListener(queue, poison, self._options.queues, partial(self._run_for_error, function, "string"))
        )

    def _add_timer(self, function: dict[str, Any]) -> None:
        expression = configuration.resolve(function["bindings"][0]["schedule"], os.environ)
        state = self._folder.parent / f"timer-{function['name']}.json"
        self.timers.append(TimerListener(expression, state, partial(self._run_for_error, function, "json")))


async def _run(app: str, library: str, synchronized: asyncio.Event, stopping: asyncio.Event) -> None:
    try:
        options = configuration.read_host_json(Path(app) / "host.json", os.environ)
        worker = await WorkerProcess.start(app, library)
        listeners = TriggerListeners(Path(app), worker, options)
        await listeners.listen()
    except Exception as error:  # noqa: BLE001 (every error of the app is reported)
        _log.exception("the app cannot be run")
        print("FAILED " + json.dumps(f"{type(error).__name__}: {error}"), flush=True)
        return
    names = sorted(function["name"] for function in worker.functions)
    print("READY " + json.dumps({"functions": names, "url": listeners.web.url}), flush=True)

    async def run(listener: QueueListener | TimerListener) -> None:
        await synchronized.wait()
        await listener.run()

    listener_tasks = [asyncio.create_task(run(listener)) for listener in (*listeners.queues, *listeners.timers)]
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({stop, worker.ended, *listener_tasks}, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.is_set():
        failures = [str(task.exception()) for task in listener_tasks if task.done()]
        _log.critical("the app has stopped: %s", "; ".join(failures) or "its worker process ended")
        os._exit(1)
    for task in listener_tasks:
        task.cancel()
    await asyncio.gather(*(listener.drain(_DRAIN_SECONDS) for listener in listeners.queues))
    await listeners.web.stop()
    await worker.stop()


def main() -> None:
    """Entry point."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("azure.core", "azure.identity"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    loop = asyncio.new_event_loop()
    synchronized = asyncio.Event()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, synchronized.set)

    def on_input_end() -> None:  # the daemon has ended, or stops this host
        loop.remove_reader(0)
        stopping.set()

    loop.add_reader(0, on_input_end)
    app, library = sys.argv[1:]
    loop.run_until_complete(_run(app, library, synchronized, stopping))
    os._exit(0)


if __name__ == "__main__":
    main()
