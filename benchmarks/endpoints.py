"""What the API's endpoints cost over many records, in the emulated Cosmos DB, through Microsoft's clients.

The functions of the API and the pipeline app's deletion run in this process, without the Functions host; Blob Storage,
the validation of access tokens and the embeddings of texts are doubles. For 100,000 records with embeddings in one
physical partition: the time of each request, its modelled charge, and the bytes of its body. The times are those of the
emulator on this machine, clients included, and say nothing about Azure's. The first page of the newest images and a
page that is filtered by a label have to take less than a second. It takes some minutes.
"""

import argparse
import asyncio
import json
import re
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
from image_api.http.messages import Request, Response
from image_api.http.operations import OPERATIONS
from rich.console import Console
from rich.table import Table

from benchmarks.endpoint_cases import FILTERED_PAGE, FIRST_PAGE, Case, create_cases
from benchmarks.endpoint_services import EndpointServices, serve
from benchmarks.percentiles import median, percentile_99
from benchmarks.query_records import Embeddings
from benchmarks.record_account import LoadedRecords, load_records, record_container
from tests.emulator.services.cosmos.conftest import CosmosAccount

MAX_MILLISECONDS = 1000
_OPERATIONS = {operation.name: operation for operation in OPERATIONS}
_CHARGE = re.compile(r'cosmos;desc="([\d.]+) RU"')
_SEARCHED_LABELS = ("label100", "label200")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Requests for the same over so many records.

    Attributes:
        request: What they ask for.
        operation: The operation of the API.
        p50_ms: Median of the times, in milliseconds.
        p99_ms: 99th percentile of the times.
        request_units: Median of the modelled charges.
        max_request_units: The highest charge.
        body_bytes: Size of a response's body.
    """

    request: str
    operation: str
    p50_ms: float
    p99_ms: float
    request_units: float
    max_request_units: float
    body_bytes: int


async def _send(services: EndpointServices, case: Case, run: int) -> tuple[Response, float]:
    """Send a request; return the response, and the charge. Raises RuntimeError for another status than expected."""
    request = Request(
        method=_OPERATIONS[case.operation].method,
        path_parameters=case.paths[run % len(case.paths)],
        query=case.query,
        headers={"authorization": "Bearer all", "content-type": "application/json"},
        body=case.content,
    )
    services.pipeline_request_units = 0.0
    dispatcher = services.dispatchers[case.has_embeddings]
    response = await dispatcher.respond(_OPERATIONS[case.operation], request)
    if response.status != case.status:
        raise RuntimeError(f"{case}: status {response.status}, {response.body.decode()}")
    charge = _CHARGE.search(response.headers["Server-Timing"])
    own = 0.0 if charge is None else float(charge[1])
    return response, own + services.pipeline_request_units


async def _measure_case(services: EndpointServices, name: str, case: Case, runs: int) -> Measurement:
    response, _ = await _send(services, case, 0)  # opens connections, and makes the emulator's own indexes
    times: list[float] = []
    charges: list[float] = []
    for run in range(runs):
        started = time.perf_counter()
        response, charge = await _send(services, case, run)
        times.append((time.perf_counter() - started) * 1000)
        charges.append(charge)
    return Measurement(
        request=name,
        operation=case.operation,
        p50_ms=median(times),
        p99_ms=percentile_99(times),
        request_units=round(sorted(charges)[len(charges) // 2], 2),
        max_request_units=round(max(charges), 2),
        body_bytes=len(response.body),
    )


async def _measure(
    account: CosmosAccount, loaded: LoadedRecords, vector: Sequence[float], runs: int
) -> list[Measurement]:
    async with serve(account, set(loaded.examples.values()), vector) as services:
        first, _ = await _send(services, Case(operation="list_images"), 0)
        cursor: str = msgspec.json.decode(first.body)["cursor"]
        cases = create_cases([*loaded.examples], cursor)
        return [await _measure_case(services, name, case, runs) for name, case in cases.items()]


def measure(records: int, partitions: int, runs: int) -> list[Measurement]:
    """Measure every request over so many records."""
    embeddings = Embeddings()
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_records(Path(folder), records, embeddings)
        with record_container(loaded, partitions) as account:
            return asyncio.run(_measure(account, loaded, embeddings.of_labels(_SEARCHED_LABELS), runs))


def slow_pages(measurements: Sequence[Measurement]) -> list[str]:
    """The pages of the gallery that take too long."""
    return [
        one.request
        for one in measurements
        if one.request in {FIRST_PAGE, FILTERED_PAGE} and one.p99_ms >= MAX_MILLISECONDS
    ]


def create_table(measurements: Sequence[Measurement]) -> Table:
    """Return a table with a row for each request."""
    table = Table()
    for column in ("request", "operation", "p50 ms", "p99 ms", "p50 RU", "max RU", "bytes"):
        table.add_column(column, justify="left" if column in {"request", "operation"} else "right")
    for one in measurements:
        table.add_row(
            one.request,
            one.operation,
            f"{one.p50_ms:,.1f}",
            f"{one.p99_ms:,.1f}",
            f"{one.request_units:,.1f}",
            f"{one.max_request_units:,.1f}",
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
        console = Console(width=None if sys.stdout.isatty() else 120)
        console.print(create_table(measurements))
        console.print(
            f"{options.records:,} records, {options.partitions} physical partition(s); {memory_mb} MB of memory at most"
        )
        if slow:
            console.print(f"{MAX_MILLISECONDS} ms or more: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
