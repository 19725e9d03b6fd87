"""Leases with a long-running operation, in a Cosmos DB container in memory."""

import asyncio
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
        assert {name: item[name] for name in ("id", "claimedUntil", "operation")} == {
            "id": "key",
            "claimedUntil": 2800,
            "operation": {"account": OPERATION.account, "id": "op-1", "startedAt": 1000},
        }

    asyncio.run(run())


@pytest.mark.parametrize("seconds", [0, 20, 100_000])
def test_every_worker_gets_the_operation_at_once_however_old_it_is(seconds: float) -> None:
    async def run() -> None:
        items, time = Items(), Time()
        await started(items, time)
        time.now += seconds
        analyses = leases(items, time)
        expected = AnalysisLease(key="key", etag="2", operation=OPERATION, operation_age_seconds=seconds)
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
