"""The API app that ships, in Azure's own Python worker: start-up, deployment package, and CPU of its requests.

Start-up is compared with an app without functions, and the CPU of the worker for each request with a function that
answers two characters. Both have the API's Python packages, and everything is measured in one run, so that the ratios
are comparable; the absolute figures are this machine's. Cosmos DB is the emulator's, with 2,000 records.
"""

import argparse
import asyncio
import base64
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.api_services import ApiServices, serve
from benchmarks.function_worker import compare_start_up, cpu_seconds, create_app, find_package, running_worker, unpack
from emulator.services.functions.host import WorkerProcess

MAX_START_RATIO = 2.0
_RECORDS = 2_000
_WARM_UP = 10
# CPU is counted in hundredths of a second: what takes less than a millisecond is requested ten times as often.
_CHEAP_FACTOR = 10
_CHEAP = frozenset({"get_configuration"})
# A caller may send 200 requests at once; each token is of another caller.
_REQUESTS_PER_CALLER = 100
_BYTES_PER_MB = 1_000_000
_ONE_FUNCTION = """
import azure.functions as func

app = func.FunctionApp()


@app.route("ok", trigger_arg_name="request", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def ok(request: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("ok")
"""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to a function.

    Attributes:
        function: Name of the function.
        method: HTTP method.
        path: Path of the URL.
        params: Values of the route's parameters.
        query: Values of the query's parameters.
        body: The body, sent as JSON; None without.
        status: The status of the answer.
    """

    function: str
    path: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, str | int] | None = None
    status: int = 200

    def data(self, token: str) -> dict[str, Any]:
        """The request as the host passes it to the worker."""
        content = b"" if self.body is None else json.dumps(self.body).encode()
        return {
            "method": self.method,
            "url": f"https://api.azurewebsites.net/{self.path}",
            "headers": {"authorization": f"Bearer {token}", "content-type": "application/json"},
            "params": dict(self.params),
            "query": dict(self.query),
            "body": base64.b64encode(content).decode(),
        }


def operation_requests(services: ApiServices) -> dict[str, Iterator[Request]]:
    """Return the requests of the measured operations, without end, by the name of the operation."""
    ids = itertools.cycle(services.record_ids)
    upload = {"contentType": "image/png", "sizeBytes": 1000}
    numbers = itertools.count()
    return {
        "get_configuration": itertools.repeat(Request(function="get_configuration", path="api/configuration")),
        "get_image": (Request(function="get_image", path=f"api/images/{one}", params={"id": one}) for one in ids),
        "list_images, 25": itertools.repeat(Request(function="list_images", path="api/images")),
        "list_images by label, 25": itertools.repeat(
            Request(function="list_images", path="api/images", query={"label": "label1"})
        ),
        "create_upload": (
            Request(
                function="create_upload",
                path="api/uploads",
                method="POST",
                body={**upload, "name": f"{number}.png"},
                status=201,
            )
            for number in numbers
        ),
    }


async def _cpu_ms(worker: WorkerProcess, requests: Iterator[Request], tokens: Iterator[str], count: int) -> float:
    """Return the milliseconds of CPU that the worker takes for a request, on the average of `count`."""
    for request in itertools.islice(requests, _WARM_UP):
        await _send(worker, request, next(tokens))
    before = cpu_seconds(worker)
    for request in itertools.islice(requests, count):
        await _send(worker, request, next(tokens))
    return 1000 * (cpu_seconds(worker) - before) / count


async def _send(worker: WorkerProcess, request: Request, token: str) -> None:
    """Send a request. Raises RuntimeError unless it is answered with the expected status."""
    function = next(one for one in worker.functions if one["name"] == request.function)
    result = await worker.invoke(function, "http", request.data(token))
    if not result["ok"] or int(result["response"]["status"]) != request.status:
        raise RuntimeError(f"{request.function}: {result}")


def _tokens(services: ApiServices) -> Iterator[str]:
    for caller in itertools.count():
        yield from itertools.repeat(services.issue_token(f"caller-{caller}"), _REQUESTS_PER_CALLER)


async def measure(runs: int, requests: int) -> dict[str, float]:
    """Measure the deployment package in .build.

    Args:
        runs: Starts of each app.
        requests: Requests of each operation.
    """
    package = find_package("api")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        app = unpack(package, folder)
        empty = create_app(folder / "empty", app)
        plain = create_app(folder / "plain", app, _ONE_FUNCTION)
        figures = await compare_start_up(app, empty, runs)
        async with serve(folder, _RECORDS) as services:
            tokens = _tokens(services)
            async with running_worker(plain, services.environment) as worker:
                plain_request = itertools.repeat(Request(function="ok", path="api/ok"))
                plain_ms = await _cpu_ms(worker, plain_request, tokens, requests * _CHEAP_FACTOR)
            figures["CPU ms of a plain function"] = plain_ms
            async with running_worker(app, services.environment) as worker:
                for name, of_operation in operation_requests(services).items():
                    count = requests * _CHEAP_FACTOR if name in _CHEAP else requests
                    milliseconds = await _cpu_ms(worker, of_operation, tokens, count)
                    figures[f"CPU ms of {name}"] = milliseconds
                    figures[f"ratio of {name}"] = milliseconds / plain_ms
    size = package.stat().st_size
    figures["package MB"] = size / _BYTES_PER_MB
    figures["ratio to the pipeline's package"] = size / find_package("pipeline").stat().st_size
    return figures


def main() -> int:
    """Print the figures; the exit code is 1 if the start takes too long beside that of an empty app."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=5, help="starts of each app")
    parser.add_argument("--requests", type=int, default=200, help="requests of each operation")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    options = parser.parse_args()
    figures = asyncio.run(measure(options.runs, options.requests))
    is_slow = figures["ratio"] > MAX_START_RATIO
    if options.format == "json":
        print(json.dumps({name: round(value, 2) for name, value in figures.items()}))
    else:
        table = Table(title="the API app in the Python worker")
        for column in ("figure", "measured", "goal"):
            table.add_column(column, justify="right" if column == "measured" else "left")
        for name, value in figures.items():
            goal = f"at most {MAX_START_RATIO:g}{' - missed' if is_slow else ''}" if name == "ratio" else ""
            table.add_row(name, f"{value:,.2f}", goal)
        Console(width=None if sys.stdout.isatty() else 100).print(table)
    return 1 if is_slow else 0


if __name__ == "__main__":
    sys.exit(main())
