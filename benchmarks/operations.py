"""Images before accounts of Content Understanding, in virtual time, with the pipeline and pool of the function code.

Backlogs, and images that come at prod's rate in the busiest hours. An account starts 1,000 analyses and answers 3,000
requests in any 60 seconds, and refuses the rest with 429 and the time until the next is allowed. How Azure counts is
not documented. An analysis takes 3 to 12 seconds.
"""

import argparse
import asyncio
import itertools
import json
import math
import random
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from classifier.analyzers.account_pool import AccountPool
from classifier.domain.errors import OperationRunningError, ThrottledError
from classifier.domain.models import AnalysisLease, Blob, LongRunningOperation
from classifier.domain.rate_limiter import Quota
from common.domain.findings import Findings
from common.domain.models import Analysis, ImageInfo
from rich.console import Console
from rich.table import Table

from benchmarks.outages import Application, Ports, Services, Sizing, VirtualTime, create_event

IMAGES_PER_MINUTE = 1_000
OPERATIONS_PER_MINUTE = 3_000
_MINUTE = 60.0
_OPERATION_SECONDS = (3.0, 12.0)
_POST_SECONDS = 0.2
_GET_SECONDS = 0.05
_REFUSAL_SECONDS = 0.05
_PROPERTIES_SECONDS = 0.01
# Prod's rate in the busiest hours, and its accounts (infra/config/content_understanding_sizing.py).
PROD_IMAGES_PER_SECOND = 77.16
PROD_ACCOUNTS = 5
# The goals.
USE_PERCENT = 90.0
REFUSED_PERCENT = 10.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of the images.

    `use` is the part of the analyses that the accounts' limits allow, with so many polls an image, in the first eighty
    percent of the time that the images need at least; before a backlog it is higher than 100, because the analyses of
    the first minute may start at once. Delays are those from the event to the record, in seconds.
    """

    accounts: int
    images_per_second: float
    images: int
    minutes: float
    median_delay: float
    longest_delay: float
    most_images_per_minute: int
    most_operations_per_minute: int
    polls_per_image: float
    use_percent: float
    refused_percent: float
    poison: int

    @property
    def good(self) -> bool:
        """Whether the goals are met."""
        within_limits = (
            self.most_images_per_minute <= IMAGES_PER_MINUTE
            and self.most_operations_per_minute <= OPERATIONS_PER_MINUTE
        )
        is_fast = self.use_percent >= USE_PERCENT and self.refused_percent <= REFUSED_PERCENT
        return within_limits and is_fast and self.poison == 0


class Window:
    """The requests of the last minute, of one kind."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: deque[float] = deque()
        self.most = 0

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until another request is allowed."""
        while self._times and self._times[0] <= now - _MINUTE:
            self._times.popleft()
        return self._times[0] + _MINUTE - now if len(self._times) >= self._limit else 0.0

    def add(self, now: float) -> None:
        """Count a request."""
        self._times.append(now)
        self.most = max(self.most, len(self._times))


class ContentUnderstandingAccount:
    """An account with its two limits, and its operations."""

    def __init__(self, number: int) -> None:
        self.name = f"account{number}"
        self.images = Window(IMAGES_PER_MINUTE)
        self.operations = Window(OPERATIONS_PER_MINUTE)
        self.requests = self.refusals = self.polls = 0
        self.start_times: list[float] = []
        self._ends: dict[str, float] = {}
        self._numbers = itertools.count()

    async def start(self) -> LongRunningOperation:
        """Start an operation. Raises ThrottledError."""
        await self._accept([self.images, self.operations])
        self.start_times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(_POST_SECONDS)
        operation_id = f"{next(self._numbers)}"
        duration = random.uniform(*_OPERATION_SECONDS)  # noqa: S311 (a simulation)
        self._ends[operation_id] = asyncio.get_running_loop().time() + duration
        return LongRunningOperation(account=self.name, id=operation_id)

    async def has_ended(self, operation_id: str) -> bool:
        """Return whether an operation has a result. Raises ThrottledError."""
        await self._accept([self.operations])
        self.polls += 1
        await asyncio.sleep(_GET_SECONDS)
        return asyncio.get_running_loop().time() >= self._ends[operation_id]

    async def _accept(self, windows: Sequence[Window]) -> None:
        now = asyncio.get_running_loop().time()
        self.requests += 1
        wait = max(window.wait_seconds(now) for window in windows)
        if wait > 0:
            self.refusals += 1
            await asyncio.sleep(_REFUSAL_SECONDS)
            raise ThrottledError("429", retry_after_seconds=max(1, math.ceil(wait)))
        for window in windows:
            window.add(now)


class OperationPorts(Ports):
    """The ports of one instance, with an analyzer whose results are made by long-running operations."""

    def __init__(
        self,
        services: Services,
        pool: AccountPool[ContentUnderstandingAccount],
        accounts: Sequence[ContentUnderstandingAccount],
        leases: dict[str, AnalysisLease],
    ) -> None:
        # The pool of its calls is that of `_Call`.
        super().__init__(services, cast("Any", pool))
        self._operation_pool = pool
        self._accounts = {account.name: account for account in accounts}
        self._leases = leases

    @property
    def calls(self) -> Any:
        """Implements `ports.Analyzer.calls`."""
        return (_Call(self._operation_pool, self._accounts),)

    async def read_properties(self, name: str) -> Blob:
        """Implements `ports.ImageStore.read_properties`."""
        await asyncio.sleep(_PROPERTIES_SECONDS)
        return Blob(content=None, size_bytes=1, etag=name, content_type="image/png", created_at=None)

    async def get(self, key: str) -> Any:
        """Implements `ports.RecordRepository.get` and `ports.AnalysisCache.get`."""
        return await super().get(key) or self._leases.get(key)

    async def get_or_lease(self, key: str) -> Analysis | AnalysisLease:
        """Implements `ports.AnalysisCache.get_or_lease`."""
        lease = await super().get_or_lease(key)
        return self._leases.get(key, lease) if isinstance(lease, AnalysisLease) else lease

    async def store_operation(self, lease: AnalysisLease, operation: LongRunningOperation) -> None:
        """Implements `ports.AnalysisCache.store_operation`; the age of an operation counts for nothing here."""
        with self._cosmos:
            await self._services.call("cosmos", 0.01)
        self._leases[lease.key] = AnalysisLease(key=lease.key, etag="2", operation=operation)


class _Call:
    """`ports.LongRunningCall`."""

    fingerprint = "simulated/1"

    def __init__(
        self, pool: AccountPool[ContentUnderstandingAccount], accounts: dict[str, ContentUnderstandingAccount]
    ) -> None:
        self._pool = pool
        self._accounts = accounts

    async def start(self, content: bytes, info: ImageInfo, *, paid: bool) -> tuple[LongRunningOperation, float]:
        """Implements `ports.LongRunningCall.start`."""
        return await self._pool.call(lambda account: account.start(), paid=paid), 0.0

    async def get_result(self, operation: LongRunningOperation) -> Analysis:
        """Implements `ports.LongRunningCall.get_result`."""
        account = self._accounts[operation.account]
        if not await self._pool.request(account, lambda account: account.has_ended(operation.id)):
            raise OperationRunningError("the operation is running")
        return Analysis(analyzer="simulated", api_version="1", model_version="1", findings=Findings(tags=()))


async def simulate(*, accounts: int, images: int, images_per_second: float, sizing: Sizing) -> Result:
    """Return what became of the images; to be run in virtual time. A rate of 0 is that of a backlog."""
    services = Services("none")
    loop = asyncio.get_running_loop()
    pool_accounts = [ContentUnderstandingAccount(number) for number in range(accounts)]
    quota = Quota(calls_per_second=IMAGES_PER_MINUTE / _MINUTE, instances=sizing.instances)
    request_quota = Quota(calls_per_second=OPERATIONS_PER_MINUTE / _MINUTE, instances=sizing.instances)
    leases: dict[str, AnalysisLease] = {}

    def create_ports() -> OperationPorts:
        pool = AccountPool(pool_accounts, quota, request_quota=request_quota, clock=loop.time)
        return OperationPorts(services, pool, pool_accounts, leases)

    app = Application(services, sizing, create_ports)
    arrivals = {f"{number}": number / images_per_second if images_per_second else 0.0 for number in range(images)}
    for name, arrival in arrivals.items():
        services.enqueue(create_event(name, app.now()), arrival)
    await app.work(lambda: len(services.published) == images)
    delays = sorted(services.published[name] - arrival for name, arrival in arrivals.items())
    polls = sum(account.polls for account in pool_accounts) / images
    allowed = accounts * min(IMAGES_PER_MINUTE, OPERATIONS_PER_MINUTE / (1 + polls)) / _MINUTE
    seconds = 0.8 * images / allowed
    starts = [time for account in pool_accounts for time in account.start_times if time < seconds]
    requests = sum(account.requests for account in pool_accounts)
    return Result(
        accounts=accounts,
        images_per_second=images_per_second,
        images=images,
        minutes=round(max(services.published.values()) / _MINUTE, 1),
        median_delay=round(delays[images // 2], 1),
        longest_delay=round(delays[-1], 1),
        most_images_per_minute=max(account.images.most for account in pool_accounts),
        most_operations_per_minute=max(account.operations.most for account in pool_accounts),
        polls_per_image=round(polls, 2),
        use_percent=round(100 * len(starts) / (allowed * seconds), 1),
        refused_percent=round(100 * sum(account.refusals for account in pool_accounts) / requests, 1),
        poison=services.poison + services.statuses["failed"],
    )


def run_simulation(*, accounts: int, minutes: int, images_per_second: float, sizing: Sizing, seed: int) -> Result:
    """Return what became of the images that come in some minutes, or of a backlog of as many minutes' work."""
    random.seed(seed)
    images = round((images_per_second * _MINUTE or accounts * IMAGES_PER_MINUTE) * minutes)
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(
            simulate(accounts=accounts, images=images, images_per_second=images_per_second, sizing=sizing)
        )


def main() -> int:
    """Print a row for each backlog, and one for prod's rate; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=int, default=8, help="the minutes of work, or of prod's busiest hours")
    parser.add_argument(
        "--accounts", type=int, nargs="+", default=[1, 5], help="accounts before which there is a backlog"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    results = [
        run_simulation(
            accounts=accounts,
            minutes=arguments.minutes,
            images_per_second=images_per_second,
            sizing=Sizing(),
            seed=arguments.seed,
        )
        for accounts, images_per_second in (
            *((accounts, 0.0) for accounts in arguments.accounts),
            (PROD_ACCOUNTS, PROD_IMAGES_PER_SECOND),
        )
    ]
    if arguments.format == "json":
        print(json.dumps([asdict(result) for result in results]))
    else:
        table = Table(
            title=f"images before Content Understanding, {Sizing().instances} instances; 0 a second: a backlog"
        )
        for name in asdict(results[0]):
            table.add_column(name.replace("_percent", " %").replace("_", " "), justify="right")
        for result in results:
            table.add_row(*(f"{value:,}" for value in asdict(result).values()))
        Console(width=None if sys.stdout.isatty() else 110).print(table)
        print(
            f"goals: use at least {USE_PERCENT:g} %, refused at most {REFUSED_PERCENT:g} %, within the limits, poison 0"
        )
    return 0 if all(result.good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
