"""The host process of one function app: starts its worker, listens to its triggers.

Its environment is the app's: its settings, its identities, and the laptop's network. It says READY with the functions
it found, or FAILED with the reason. Queue and timer triggers start at SIGUSR1, when they are synchronized.
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

from local.services.functions import configuration
from local.services.functions.bindings import check_bindings
from local.services.functions.queues import QueueListener
from local.services.functions.timers import TimerListener
from local.services.functions.web import HttpListener

_log = logging.getLogger("host")
# What is being worked on when the host is stopped may finish; it would come back only when its lease ends.
_DRAIN_SECONDS = 30
_WORKER = Path(__file__).parent / "worker" / "__main__.py"


class HostError(Exception):
    """The app cannot be run; the text says why."""


class WorkerProcess:
    """The app's worker, behind a pipe."""

    def __init__(self, process: asyncio.subprocess.Process, functions: list[dict[str, Any]]) -> None:
        self.functions = functions
        self._process = process
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._read())

    @staticmethod
    async def start(app: str, library: str, **options: Any) -> "WorkerProcess":
        """A worker that has loaded the app; `options` are those of its process. Raises HostError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(_WORKER), app, library,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=64 * 1024 * 1024,
            **options,
        )  # fmt: skip
        assert process.stdout is not None
        line = await process.stdout.readline()
        said = json.loads(line) if line else {"failed": f"the worker ended with {await process.wait()}"}
        if "failed" in said:
            raise HostError(said["failed"])
        return WorkerProcess(process, said["functions"])

    async def invoke(
        self, function: dict[str, Any], kind: str, data: Any, metadata: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """One invocation, with data of a `kind` that the worker knows: `{ok, error, trace, response}`.

        Raises HostError when the worker dies of it.
        """
        binding = function["bindings"][0]["name"]
        invocation = str(uuid.uuid4())
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[invocation] = answer
        call = {
            "id": invocation, "function": function["id"], "binding": binding, "kind": kind, "data": data,
            "metadata": metadata or {},
        }  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(call).encode() + b"\n")
        await self._process.stdin.drain()
        return await answer

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def stop(self) -> None:
        """Ends the worker by closing its input, and waits for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    @property
    def ended(self) -> asyncio.Task[None]:
        """Done when the worker has ended."""
        return self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            answer = json.loads(line)
            self._waiting.pop(answer["id"]).set_result(answer)
        for future in self._waiting.values():
            future.set_exception(HostError("the worker process ended"))


class App:
    """An app's listeners: what starts its functions."""

    def __init__(self, app: Path, worker: WorkerProcess, options: configuration.HostOptions) -> None:
        self._app = app
        self._worker = worker
        self._options = options
        self.queues: list[QueueListener] = []
        self.timers: list[TimerListener] = []
        self.web = HttpListener()

    async def listen(self) -> None:
        """Makes a listener for every function. Raises HostError or ConfigurationError."""
        check_bindings(self._worker.functions, has_extension_bundle=self._options.has_extension_bundle)
        for function in self._worker.functions:
            match [binding["type"] for binding in function["bindings"]]:
                case ["queueTrigger"]:
                    await self._queue(function)
                case ["timerTrigger"]:
                    self._timer(function)
                case ["httpTrigger", "http"]:
                    self.web.add(function["name"], function["bindings"][0], partial(self._run, function, "http"))
                case found:
                    raise HostError(f"{function['name']}: the laptop's host does not support the bindings {found}")
        await self.web.start()

    async def _run(
        self, function: dict[str, Any], kind: str, data: Any, metadata: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        run = self._worker.invoke(function, kind, data, metadata)
        try:
            answer = await asyncio.wait_for(run, self._options.timeout_seconds)
        except TimeoutError:
            # As on Azure: the worker is ended, and its messages come back.
            _log.critical("%s exceeded functionTimeout (%s s)", function["name"], self._options.timeout_seconds)
            os._exit(1)
        except HostError as error:
            return {"ok": False, "error": str(error)}
        if not answer["ok"]:
            _log.error("%s failed: %s", function["name"], answer["trace"])
        return answer

    async def _trouble(
        self, function: dict[str, Any], kind: str, data: Any, metadata: dict[str, Any] | None = None
    ) -> str | None:
        """Why a run failed, or None when all went well."""
        answer = await self._run(function, kind, data, metadata)
        return None if answer["ok"] else str(answer["error"])

    async def _queue(self, function: dict[str, Any]) -> None:
        trigger = function["bindings"][0]
        name = configuration.resolve(trigger["queueName"], os.environ)
        source = configuration.connection(trigger["connection"], os.environ)
        credential = ManagedIdentityCredential(client_id=source.client_id)
        # Three retries within seconds, as the client of Azure's host makes: the SDK for Python waits 15 seconds before
        # the first one. After that the listener polls with its own back-off (`queues.py`).
        # https://learn.microsoft.com/dotnet/api/azure.core.retryoptions
        service = QueueServiceClient(
            source.service_uri, credential=credential, initial_backoff=1, increment_base=2, retry_total=3
        )
        queue, poison = service.get_queue_client(name), service.get_queue_client(f"{name}-poison")
        await queue.get_queue_properties()  # at start, so that a missing queue or role stops the app here
        self.queues.append(
            QueueListener(queue, poison, self._options.queues, partial(self._trouble, function, "string"))
        )

    def _timer(self, function: dict[str, Any]) -> None:
        expression = configuration.resolve(function["bindings"][0]["schedule"], os.environ)
        state = self._app.parent / f"timer-{function['name']}.json"
        self.timers.append(TimerListener(expression, state, partial(self._trouble, function, "json")))


async def _run(app: str, library: str, synchronized: asyncio.Event, stopping: asyncio.Event) -> None:
    try:
        options = configuration.read_host_json(Path(app) / "host.json", os.environ)
        worker = await WorkerProcess.start(app, library)
        listeners = App(Path(app), worker, options)
        await listeners.listen()
    except Exception as error:  # noqa: BLE001 (whatever is wrong with the app is reported)
        _log.exception("the app cannot be run")
        print("FAILED " + json.dumps(f"{type(error).__name__}: {error}"), flush=True)
        return
    names = sorted(function["name"] for function in worker.functions)
    print("READY " + json.dumps({"functions": names, "url": listeners.web.url}), flush=True)

    async def run(listener: QueueListener | TimerListener) -> None:
        await synchronized.wait()
        await listener.run()

    listening = [asyncio.create_task(run(listener)) for listener in (*listeners.queues, *listeners.timers)]
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({stop, worker.ended, *listening}, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.is_set():
        failures = [str(task.exception()) for task in listening if task.done()]
        _log.critical("the app has stopped: %s", "; ".join(failures) or "its worker process ended")
        os._exit(1)
    for task in listening:
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
    synchronized, stopping = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, synchronized.set)

    def input_ended() -> None:  # the daemon is gone, or stops us
        loop.remove_reader(0)
        stopping.set()

    loop.add_reader(0, input_ended)
    app, library = sys.argv[1:]
    loop.run_until_complete(_run(app, library, synchronized, stopping))
    os._exit(0)


if __name__ == "__main__":
    main()
