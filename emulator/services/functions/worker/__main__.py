"""The worker process: runs the deployed app in Azure's Python worker library.

Runs isolated (`python -I -S`), with the app's packages first on the path and the worker library's after them, as on
Azure. Writes JSON, one value a line: the functions of the app, then a result for every invocation that it reads.
Usage: __main__.py APP_FOLDER WORKER_LIBRARY_FOLDER
"""

import asyncio
import base64
import json
import logging
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_HERE = str(Path(__file__).parent)


def _set_path(app: str, library: str) -> None:
    sys.path[:0] = [f"{app}/.python_packages/lib/site-packages", app, library, _HERE]


class Worker:
    """Azure's worker library, driven in-process (docs/decisions/0010)."""

    def __init__(self, app: str) -> None:
        import azure_functions_runtime as runtime  # pyright: ignore[reportMissingImports] (installed apart)
        import protos

        self._app = app
        self._runtime: Any = runtime
        self._protos: Any = protos
        self._properties = {"host": "127.0.0.1", "protos": protos}

    async def load(self) -> list[dict[str, Any]]:
        """The functions of the app, as `{name, id, bindings}`. Raises RuntimeError when the app does not load."""
        self._runtime.start_threadpool_executor()
        init = SimpleNamespace(capabilities={}, function_app_directory=self._app)
        request = SimpleNamespace(request=SimpleNamespace(worker_init_request=init), properties=self._properties)
        self._succeed(await self._runtime.worker_init_request(request))
        metadata = await self._runtime.functions_metadata_request(
            SimpleNamespace(request=SimpleNamespace(), properties=self._properties)
        )
        self._succeed(metadata)
        functions: list[dict[str, Any]] = []
        for function in metadata.function_metadata_results or []:
            load = SimpleNamespace(function_id=function.function_id, metadata=function)
            self._succeed(
                await self._runtime.function_load_request(
                    SimpleNamespace(request=SimpleNamespace(function_load_request=load), properties=self._properties)
                )
            )
            bindings = [json.loads(binding) for binding in function.raw_bindings]
            functions.append({"name": function.name, "id": function.function_id, "bindings": bindings})
        return functions

    async def invoke(self, call: dict[str, Any]) -> dict[str, Any]:
        """Run one invocation: of a queue's text, a timer's JSON, or an HTTP request."""
        typed = self._protos.TypedData
        metadata = {key: typed(json=json.dumps(value)) for key, value in call["metadata"].items()}
        match call["kind"]:
            case "string":
                data = typed(string=call["data"])
            case "json":
                data = typed(json=json.dumps(call["data"]))
            case _:
                request = call["data"]
                body = typed(bytes=base64.b64decode(request.pop("body")))
                data = typed(http=self._protos.RpcHttp(**request, body=body))
        invocation = SimpleNamespace(
            invocation_id=call["id"],
            function_id=call["function"],
            trigger_metadata=metadata | {call["binding"]: data},
            input_data=[self._protos.ParameterBinding(name=call["binding"], data=data)],
            trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        request = SimpleNamespace(request=SimpleNamespace(invocation_request=invocation), properties={})
        answer = await self._runtime.invocation_request(request)
        result = answer.result
        ok = result.status == self._protos.StatusResult.Success
        return {
            "id": call["id"],
            "ok": ok,
            "error": None if ok else result.exception.message,
            "trace": None if ok else result.exception.stack_trace,
            "response": self._response(answer.return_value) if ok and call["kind"] == "http" else None,
        }

    def _response(self, value: Any) -> dict[str, Any]:
        http = value.http
        kind = http.body.WhichOneof("data")
        body = getattr(http.body, kind) if kind else b""
        content = body.encode() if isinstance(body, str) else bytes(body)
        encoded = base64.b64encode(content).decode()
        return {"status": http.status_code or "200", "headers": dict(http.headers), "body": encoded}

    def _succeed(self, response: Any) -> None:
        if response.result.status != self._protos.StatusResult.Success:
            failure = response.result.exception
            raise RuntimeError(f"{failure.message}\n{failure.stack_trace}")


async def _run(app: str, answers: int) -> None:
    def write(value: dict[str, Any]) -> None:
        os.write(answers, json.dumps(value).encode() + b"\n")

    try:
        worker = Worker(app)
        write({"functions": await worker.load()})
    except Exception as error:  # noqa: BLE001 (every error of the app's code is reported, and the host ends)
        write({"failed": f"{type(error).__name__}: {error}"})
        return
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks: set[asyncio.Task[None]] = set()

    async def answer(call: dict[str, Any]) -> None:
        write(await worker.invoke(call))

    while line := await reader.readline():
        task = asyncio.create_task(answer(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


def main() -> None:
    """Entry point. The app's output goes to standard error: standard output is for results."""
    app, library = sys.argv[1:]
    _set_path(app, library)
    answers = os.dup(1)
    os.dup2(2, 1)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for noisy in ("azure.core", "azure.identity", "azure_functions_runtime"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    asyncio.run(_run(app, answers))
    # Threads of the app must not keep a worker alive whose host has ended.
    os._exit(0)


if __name__ == "__main__":
    main()
