"""What the API's endpoints cost over many records, in the emulated Cosmos DB, through Microsoft's client.

The functions of the API run in this process, without the Functions host; signatures of URLs and access tokens are those
of tests. For 100,000 records in one physical partition: the time of each request, its modelled charge, and the bytes of
its body. The times are those of the emulator on this machine, client included, and say nothing about Azure's. The first
page of the newest images and a page that is filtered by a label have to take less than a second. It takes some minutes.
"""

import argparse
import asyncio
import json
import re
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

import msgspec
from common.adapters.cosmos import CosmosContainer, CosmosRecordReader
from common.adapters.record_queries import CosmosRecordQueries
from common.adapters.service_errors import ServiceBoundary
from common.domain.cursors import CursorSigner
from image_api.adapters.records import CheckedRecordQueries, CheckedRecordReader
from image_api.http.dispatcher import Dispatcher
from image_api.http.headers import CrossOriginPolicy
from image_api.http.messages import Request, Response
from image_api.http.operations import OPERATIONS
from rich.console import Console
from rich.table import Table

from benchmarks.percentiles import median, percentile_99
from benchmarks.query_records import NOW
from benchmarks.record_account import LoadedRecords, container_client, load_records, record_container
from tests.emulator.services.cosmos.conftest import CosmosAccount
from tests.support.cursor_keys import DayKeys
from tests.support.in_memory_api import InMemoryApi

_FIRST_PAGE = "first page"
_FILTERED_PAGE = "by label"
MAX_MILLISECONDS = 1000
_OPERATIONS = {operation.name: operation for operation in OPERATIONS}
_CHARGE = re.compile(r'cosmos;desc="([\d.]+) RU"')


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request: its operation, the parameters of its path, and those of its query."""

    operation: str
    path: Mapping[str, str]
    query: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One request over so many records.

    Attributes:
        request: What it asks for.
        operation: The operation of the API.
        p50_ms: Median of the times, in milliseconds.
        p99_ms: 99th percentile of the times.
        request_units: Modelled charge of one request.
        body_bytes: Size of the response's body.
    """

    request: str
    operation: str
    p50_ms: float
    p99_ms: float
    request_units: float
    body_bytes: int


def create_cases(example_id: str, cursor: str) -> dict[str, Case]:
    """The requests, by what they ask for: `cursor` is of the second page of the newest images."""
    lists: dict[str, Mapping[str, str]] = {
        _FIRST_PAGE: {},
        "second page": {"cursor": cursor},
        "first page of 100": {"limit": "100"},
        _FILTERED_PAGE: {"label": "label1"},
        "by a rare label": {"label": "label100"},
        "by two labels": {"label": "label1,label2"},
        "by label, 80 % confidence": {"label": "label1", "minConfidence": "0.8"},
        "by category": {"category": "label1"},
        "by status": {"status": "failed"},
        "of a day": {"since": _time(200), "until": _time(199)},
        "with a word, newest": {"q": "label100", "sort": "newest"},
        "best for two words": {"q": "label100 label200"},
    }
    cases = {name: Case(operation="list_images", path={}, query=query) for name, query in lists.items()}
    image = {"id": example_id}
    cases["a record"] = Case(operation="get_image", path=image, query={})
    cases["URL of the content"] = Case(operation="get_image_content", path=image, query={})
    for name in ("list_labels", "list_categories", "get_statistics"):
        cases[f"{name.partition('_')[2]} of 31 days"] = Case(operation=name, path={}, query={})
    return cases


def _time(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")


@asynccontextmanager
async def _dispatcher(account: CosmosAccount, image_name: str) -> AsyncIterator[Dispatcher]:
    """The API over the records of an account, with doubles of all other services."""
    doubles = InMemoryApi(embeddings=False, burst=1_000_000, now=NOW)
    doubles.blobs.add(image_name)
    application = doubles.application()
    async with container_client(account) as container:
        boundary = ServiceBoundary("Cosmos DB")
        queries = CheckedRecordQueries(CosmosRecordQueries(container, boundary, CursorSigner(DayKeys())))
        records = CheckedRecordReader(CosmosRecordReader(CosmosContainer(container, boundary)))
        application = replace(
            application,
            search=replace(application.search, queries=queries, records=records),
            images=replace(application.images, records=records),
        )
        yield Dispatcher(lambda: application, lambda: CrossOriginPolicy(()))


async def _send(dispatcher: Dispatcher, case: Case) -> Response:
    request = Request(
        method="GET", path_parameters=case.path, query=case.query, headers={"authorization": "Bearer reader"}
    )
    response = await dispatcher.respond(_OPERATIONS[case.operation], request)
    if response.status != 200:
        raise RuntimeError(f"{case}: status {response.status}, {response.body.decode()}")
    return response


async def _measure(account: CosmosAccount, loaded: LoadedRecords, runs: int) -> list[Measurement]:
    measurements: list[Measurement] = []
    async with _dispatcher(account, loaded.example_name) as dispatcher:
        first = await _send(dispatcher, Case(operation="list_images", path={}, query={}))
        cursor: str = msgspec.json.decode(first.body)["cursor"]
        for name, case in create_cases(loaded.example_id, cursor).items():
            response = await _send(dispatcher, case)  # makes the emulator's own indexes
            times: list[float] = []
            for _ in range(runs):
                started = time.perf_counter()
                response = await _send(dispatcher, case)
                times.append((time.perf_counter() - started) * 1000)
            charge = _CHARGE.search(response.headers["Server-Timing"])
            measurements.append(
                Measurement(
                    request=name,
                    operation=case.operation,
                    p50_ms=median(times),
                    p99_ms=percentile_99(times),
                    request_units=0 if charge is None else float(charge[1]),
                    body_bytes=len(response.body),
                )
            )
    return measurements


def measure(records: int, partitions: int, runs: int) -> list[Measurement]:
    """Measure every request over so many records."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_records(Path(folder), records)
        with record_container(loaded, partitions) as account:
            return asyncio.run(_measure(account, loaded, runs))


def slow_pages(measurements: Sequence[Measurement]) -> list[str]:
    """The pages of the gallery that take too long."""
    return [
        one.request
        for one in measurements
        if one.request in {_FIRST_PAGE, _FILTERED_PAGE} and one.p99_ms >= MAX_MILLISECONDS
    ]


def create_table(measurements: Sequence[Measurement]) -> Table:
    """Return a table with a row for each request."""
    table = Table()
    for column in ("request", "operation", "p50 ms", "p99 ms", "RU", "bytes"):
        table.add_column(column, justify="left" if column in {"request", "operation"} else "right")
    for one in measurements:
        table.add_row(
            one.request,
            one.operation,
            f"{one.p50_ms:,.1f}",
            f"{one.p99_ms:,.1f}",
            f"{one.request_units:,.1f}",
            f"{one.body_bytes:,}",
        )
    return table


def main() -> int:
    """Measure and print; the exit code is 1 if a page of the gallery takes a second or more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30, help="runs of each request")
    parser.add_argument("--records", type=int, default=100_000, help="number of records")
    parser.add_argument("--partitions", type=int, default=1, help="number of physical partitions")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    options = parser.parse_args()
    measurements = measure(options.records, options.partitions, options.runs)
    slow = slow_pages(measurements)
    memory_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    if options.format == "json":
        print(
            json.dumps(
                {
                    "requests": [asdict(one) for one in measurements],
                    "records": options.records,
                    "partitions": options.partitions,
                    "slow": slow,
                    "memory MB": memory_mb,
                }
            )
        )
    else:
        console = Console()
        console.print(create_table(measurements))
        console.print(
            f"{options.records:,} records, {options.partitions} physical partition(s); {memory_mb} MB of memory at most"
        )
        if slow:
            console.print(f"{MAX_MILLISECONDS} ms or more: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
