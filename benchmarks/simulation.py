"""A backlog before a pool of Vision accounts, in virtual time, with the pool and rate limiter of the function code.

Each instance of the app has a rate limiter for each account and knows nothing of the others. An account answers so many
calls a second and a burst of as many, and refuses the rest with 429 and Retry-After 1 (a token bucket; how Azure counts
is not documented). A call takes 0.5 to 1 s, a refusal 50 ms, everything around it 130 ms an image.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from classifier.analyzers.account_pool import AccountPool
from classifier.domain.errors import ThrottledError
from classifier.domain.rate_limiter import Quota
from common.domain.errors import RetryLaterError
from rich.console import Console
from rich.table import Table

from benchmarks.outages import (
    CALLS_PERCENT,
    SERVICES,
    TIME_RATIO,
    Account,
    Outage,
    Sizing,
    VirtualTime,
    simulate_outage,
)

_CALL_SECONDS = (0.5, 1.0)
_REFUSAL_SECONDS = 0.05
_BEFORE_SECONDS = 0.08
_AFTER_SECONDS = 0.05
_RETRY_AFTER_SECONDS = 1.0
# The goals.
_USE_PERCENT = 90
_THROTTLED_PERCENT = 5


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a backlog. `use` is the part of what the accounts could have answered."""

    accounts: int
    images: int
    calls: int
    hours: float
    use_percent: float
    throttled_percent: float
    put_back: int
    poison: int

    @property
    def good(self) -> bool:
        """Whether the goals are met."""
        return self.use_percent >= _USE_PERCENT and self.throttled_percent <= _THROTTLED_PERCENT and self.poison == 0


class Backlog:
    """What is left to do, and what has been done."""

    def __init__(self, images: int) -> None:
        self.waiting = images
        self.calls = self.throttled = self.put_back = self.processed = 0


async def _instance(backlog: Backlog, pool: AccountPool[Account]) -> None:
    """One message at a time, until none is left; each by the pool that ships."""
    loop = asyncio.get_running_loop()

    async def send(account: Account) -> None:
        backlog.calls += 1
        if not account.answers(loop.time()):
            backlog.throttled += 1
            await asyncio.sleep(_REFUSAL_SECONDS)
            raise ThrottledError("429", retry_after_seconds=_RETRY_AFTER_SECONDS)
        await asyncio.sleep(random.uniform(*_CALL_SECONDS))  # noqa: S311 (a simulation)

    while backlog.waiting:
        backlog.waiting -= 1
        await asyncio.sleep(_BEFORE_SECONDS)
        try:
            pool.check_capacity()
            await pool.call(send)
        except RetryLaterError as error:
            backlog.put_back += 1
            await asyncio.sleep(error.retry_after_seconds)
            backlog.waiting += 1
            continue
        backlog.processed += 1
        await asyncio.sleep(_AFTER_SECONDS)


def simulate(*, accounts: int, images: int, instances: int, at_once: int, rate: float, seed: int) -> Result:
    """Works a backlog off."""
    random.seed(seed)
    backlog = Backlog(images)
    services = [Account(rate) for _ in range(accounts)]
    quota = Quota(calls_per_second=rate, instances=instances)

    async def run() -> float:
        loop = asyncio.get_running_loop()
        pools = [AccountPool(services, quota, clock=loop.time) for _ in range(instances)]
        await asyncio.gather(*(_instance(backlog, pool) for pool in pools for _ in range(at_once)))
        return loop.time()

    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        end = runner.run(run())
    return Result(
        accounts=accounts,
        images=backlog.processed,
        calls=backlog.calls,
        hours=round(end / 3600, 2),
        use_percent=round(100 * backlog.processed / (end * rate * accounts), 1),
        throttled_percent=round(100 * backlog.throttled / backlog.calls, 1),
        put_back=backlog.put_back,
        # Whatever was neither answered nor put back would have been an exception, and in the end poison.
        poison=images - backlog.processed,
    )


def outage(service: str, sizing: Sizing, *, seed: int) -> Outage:
    """Ten minutes without a service."""
    random.seed(seed)
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(simulate_outage(service, sizing))


def _table(title: str, rows: Sequence[Result] | Sequence[Outage]) -> None:
    printed = Table(title=title)
    for name in asdict(rows[0]):
        printed.add_column(name.replace("_percent", " %").replace("_", " "), justify="right")
    for row in rows:
        printed.add_row(*(value if isinstance(value, str) else f"{value:,}" for value in asdict(row).values()))
    Console(width=None if sys.stdout.isatty() else 110).print(printed)


def main() -> int:
    """Print a row for each size of the pool, and one for each service's outage; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--instances", type=int, default=40)
    parser.add_argument("--at-once", type=int, default=1, help="messages that an instance works on at a time")
    parser.add_argument("--rate", type=float, default=10, help="calls a second that one account answers")
    parser.add_argument("--accounts", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument(
        "--size-divisor",
        type=int,
        choices=(1, 2, 4, 8),
        default=1,
        help="divide prod's rate, accounts and instances in the outages",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # each analysis that was not cached in an outage
    results = [
        simulate(
            accounts=accounts,
            images=arguments.images,
            instances=arguments.instances,
            at_once=arguments.at_once,
            rate=arguments.rate,
            seed=arguments.seed,
        )
        for accounts in arguments.accounts
    ]
    sizing = Sizing().divided_by(arguments.size_divisor)
    outages = [outage(service, sizing, seed=arguments.seed) for service in SERVICES]
    if arguments.format == "json":
        report = {"backlogs": [asdict(row) for row in results], "outages": [asdict(row) for row in outages]}
        print(json.dumps(report))
    else:
        _table(
            f"{arguments.images} images, {arguments.instances} instances, {arguments.rate:g} calls/s an account",
            results,
        )
        print(f"goals: use at least {_USE_PERCENT} %, throttled at most {_THROTTLED_PERCENT} %, poison 0")
        _table(f"ten minutes without a service, at {sizing.images_per_second:.1f} images a second", outages)
        print(f"goals: calls at most {CALLS_PERCENT:g} % of normal, ratio at most {TIME_RATIO}, poison and failed 0")
    return 0 if all(row.good for row in (*results, *outages)) else 1


if __name__ == "__main__":
    sys.exit(main())
