"""Lists and searches of the function code over many records, in the emulated Cosmos DB, through Microsoft's client.

For 10,000 and 100,000 records of about 3 KB, over 1, 3 and 20 physical partitions: the time of each query, and its
modelled charge. A list of 20 by label has to take at most half as long again with ten times the records. The times are
those of the emulator on this machine, client included, and say nothing about Azure's; the charges follow the emulator's
model (docs/emulated-cosmos-db.md).
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from common.adapters.record_queries import CosmosRecordQueries
from common.adapters.service_errors import ServiceBoundary
from common.domain.cursors import CursorSigner
from common.domain.errors import QueryTooExpensiveError
from common.domain.queries import RecordQueries
from common.domain.query_results import RecordPage
from rich.console import Console
from rich.table import Table

from benchmarks.percentiles import median, percentile_99
from benchmarks.query_cases import CHECKED_QUERY, QUERIES, Query
from benchmarks.record_account import container_client, load_records, record_container
from tests.emulator.services.cosmos.conftest import CosmosAccount
from tests.support.cursor_keys import DayKeys

SIZES = (10_000, 100_000)
PARTITIONS = (1, 3, 20)
# How many times as long the list by label may take over the most records.
MAX_RATIO = 1.5


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One query over so many records and partitions.

    Attributes:
        query: Its name.
        records: Number of records.
        partitions: Number of physical partitions.
        p50_ms: Median of the times, in milliseconds.
        p99_ms: 99th percentile of the times.
        request_units: Modelled charge of one page.
        results: Number of results; 0 if the query was stopped at the limit of request units.
    """

    query: str
    records: int
    partitions: int
    p50_ms: float
    p99_ms: float
    request_units: float
    results: int


async def _measure(account: CosmosAccount, records: int, partitions: int, runs: int) -> list[Measurement]:
    measurements: list[Measurement] = []
    async with container_client(account) as container:
        queries = CosmosRecordQueries(container, ServiceBoundary("Cosmos DB"), CursorSigner(DayKeys()))
        for name, query in QUERIES.items():
            await _run(query, queries)  # opens connections, and makes the emulator's own indexes
            pages = [await _run(query, queries) for _ in range(runs)]
            times = [page.milliseconds for page in pages]
            measurements.append(
                Measurement(
                    query=name,
                    records=records,
                    partitions=partitions,
                    p50_ms=median(times),
                    p99_ms=percentile_99(times),
                    request_units=pages[0].request_units,
                    results=pages[0].results,
                )
            )
    return measurements


@dataclass(frozen=True, kw_only=True)
class _Page:
    """One run of a query; no results if it was stopped at the limit of request units."""

    milliseconds: float
    request_units: float
    results: int


async def _run(query: Query, queries: RecordQueries) -> _Page:
    started = time.perf_counter()
    results = 0
    try:
        page = await query(queries)
        request_units = page.request_units
        results = len(page.records if isinstance(page, RecordPage) else page.matches)
    except QueryTooExpensiveError as error:
        request_units = error.request_units
    return _Page(milliseconds=(time.perf_counter() - started) * 1000, request_units=request_units, results=results)


def measure(records: int, runs: int, folder: Path) -> tuple[float, list[Measurement]]:
    """Measure every query over so many records; returns the mean size of a record in KB, too."""
    loaded = load_records(folder, records)
    measurements: list[Measurement] = []
    for partitions in PARTITIONS:
        with record_container(loaded, partitions) as account:
            measurements += asyncio.run(_measure(account, records, partitions, runs))
    return loaded.kilobytes, measurements


def growth(measurements: Sequence[Measurement], partitions: int) -> float:
    """How many times as long the list by label takes over the most records as over the fewest."""
    times = {
        one.records: one.p50_ms for one in measurements if one.query == CHECKED_QUERY and one.partitions == partitions
    }
    return times[max(times)] / times[min(times)]


def create_table(measurements: Sequence[Measurement]) -> Table:
    """Return a table with a row for each measurement."""
    table = Table()
    for column in ("query", "records", "partitions", "p50 ms", "p99 ms", "RU", "results"):
        table.add_column(column, justify="left" if column == "query" else "right")
    for one in measurements:
        table.add_row(
            one.query,
            f"{one.records:,}",
            str(one.partitions),
            f"{one.p50_ms:,.1f}",
            f"{one.p99_ms:,.1f}",
            f"{one.request_units:,.1f}",
            str(one.results),
        )
    return table


def main() -> int:
    """Measure and print; the exit code is 1 if the list by label is too slow over many records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30, help="runs of each query")
    parser.add_argument("--records", type=int, nargs="+", default=SIZES, help="numbers of records")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    options = parser.parse_args()
    measurements: list[Measurement] = []
    kilobytes = 0.0
    for records in options.records:
        with tempfile.TemporaryDirectory() as folder:
            kilobytes, results = measure(records, options.runs, Path(folder))
            measurements += results
    ratios = {str(partitions): round(growth(measurements, partitions), 2) for partitions in PARTITIONS}
    memory_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    slow = {partitions: ratio for partitions, ratio in ratios.items() if ratio > MAX_RATIO}
    if options.format == "json":
        print(
            json.dumps(
                {
                    "queries": [asdict(one) for one in measurements],
                    "record KB": round(kilobytes, 1),
                    "ratios": ratios,
                    "memory MB": memory_mb,
                }
            )
        )
    else:
        console = Console()
        console.print(create_table(measurements))
        console.print(f"records of {kilobytes:.1f} KB; {memory_mb} MB of memory at most")
        for partitions, ratio in ratios.items():
            console.print(
                f"{CHECKED_QUERY}, {partitions} partition(s): {ratio} times as long over the most records as over the"
                f" fewest (at most {MAX_RATIO})"
            )
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
