"""Leases with a long-running operation, in a Cosmos DB container in memory."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from classifier.domain.errors import LeasedError
from classifier.domain.models import AnalysisLease, LongRunningOperation
from common.domain.errors import ConcurrencyError

from tests.functions.pipeline.adapters.test_cosmos import ANALYSIS, Items, Time, leases

OPERATION = LongRunningOperation(account="content1.services.ai.azure.com", id="op-1")


async def started(items: Items, time: Time) -> AnalysisLease:
    """Store an operation under a new lease, and return the lease as it was."""
    analyses = leases(items, time)
    lease = await analyses.get_or_lease("key")
    assert isinstance(lease, AnalysisLease)
    assert (lease.operation, await analyses.get("key")) == (None, None)
    await analyses.store_operation(lease, OPERATION)
    return lease


def test_an_operation_is_stored_in_its_lease_for_half_an_hour() -> None:
    async def run() -> None:
        items, time = Items(), Time()
        await started(items, time)
        item = items.items["key"]
        assert {name: item[name] for name in ("id", "claimedUntil", "operation", "startedOperations")} == {
            "id": "key",
            "claimedUntil": 2800,
            "operation": {"account": OPERATION.account, "id": "op-1", "startedAt": 1000},
            "startedOperations": 1,
        }

    asyncio.run(run())


@pytest.mark.parametrize("seconds", [0, 20, 100_000])
def test_every_worker_gets_the_operation_at_once_however_old_it_is(seconds: float) -> None:
    async def run() -> None:
        items, time = Items(), Time()
        await started(items, time)
        time.now += seconds
        analyses = leases(items, time)
        expected = AnalysisLease(
            key="key", etag="2", operation=OPERATION, operation_age_seconds=seconds, started_operations=1
        )
        assert await analyses.get("key") == await analyses.get_or_lease("key") == expected
        assert time.slept == []
        await analyses.store(expected, ANALYSIS)
        assert await analyses.get("key") == ANALYSIS

    asyncio.run(run())


def test_an_operation_is_not_stored_under_a_lease_that_was_lost() -> None:
    async def run() -> None:
        items, time = Items(), Time()
        lost_lease = await started(items, time)
        with pytest.raises(ConcurrencyError):
            await leases(items, time).store_operation(lost_lease, OPERATION)

    asyncio.run(run())


def test_the_operations_that_were_started_are_counted_from_lease_to_lease() -> None:
    """Whether a worker gives its lease back or ends without doing so."""

    async def run() -> None:
        items, time = Items(), Time()
        await started(items, time)
        analyses = leases(items, time)
        for number, gives_back in ((1, True), (2, False), (3, True)):
            lease = await analyses.get("key")
            assert isinstance(lease, AnalysisLease)
            assert lease.started_operations == number
            await analyses.release(lease)
            assert await analyses.get("key") is None
            taken = await analyses.get_or_lease("key")
            assert isinstance(taken, AnalysisLease)
            assert (taken.operation, taken.started_operations, time.slept) == (None, number, [])
            if gives_back:
                await analyses.release(taken)
            else:
                time.now += 301
            taken = await analyses.get_or_lease("key")
            assert isinstance(taken, AnalysisLease)
            assert taken.started_operations == number
            await analyses.store_operation(taken, OPERATION)

    asyncio.run(run())


def test_a_lease_whose_operations_do_not_count_any_more_is_deleted() -> None:
    async def run() -> None:
        items, time = Items(), Time()
        await started(items, time)
        lease = await leases(items, time).get("key")
        assert isinstance(lease, AnalysisLease)
        await leases(items, time).release(replace(lease, started_operations=0))
        assert items.items == {}

    asyncio.run(run())


@pytest.mark.parametrize("operation", [{}, None, {"account": 1, "id": "op", "startedAt": 1000}])
def test_a_lease_whose_operation_cannot_be_read_is_replaced(operation: Any) -> None:
    """Another version of the code may have written it."""

    async def run() -> None:
        items, time = Items(), Time()
        await started(items, time)
        items.items["key"]["operation"] = operation
        lease = await leases(items, time).get_or_lease("key")
        assert isinstance(lease, AnalysisLease)
        assert lease.operation is None

    asyncio.run(run())


def test_a_lease_of_an_earlier_version_of_the_code_has_no_operation() -> None:
    async def run() -> None:
        items, time = Items(), Time()
        await started(items, time)
        del items.items["key"]["operation"]
        analyses = leases(items, time)
        assert await analyses.get("key") is None
        with pytest.raises(LeasedError):
            await analyses.get_or_lease("key")

    asyncio.run(run())
