"""What is stored in Cosmos DB, for how long a lease holds, and what an operation that is refused means."""

import asyncio
import uuid
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosHttpResponseError,
    CosmosResourceNotFoundError,
)
from classifier.adapters.cosmos import CosmosAnalysisCache, CosmosCheckpointStore, CosmosRecordRepository
from classifier.domain.errors import ConcurrencyError, LeasedError
from classifier.domain.metrics import collect_metrics
from classifier.domain.models import AnalysisLease

from tests.functions.adapters.test_cosmos import ANALYSIS, Items, Time, container, leases, refusal


def test_a_lease_holds_for_five_minutes_and_is_waited_for_three_times() -> None:
    async def run() -> None:
        items, time = Items(), Time()
        analyses = leases(items, time)
        assert isinstance(await analyses.get_or_lease("key"), AnalysisLease)
        lease = items.items["key"]
        assert {*lease} == {"id", "claimedBy", "claimedUntil", "_etag"}
        assert (lease["id"], lease["claimedUntil"]) == ("key", 1300)
        assert uuid.UUID(lease["claimedBy"]).version == 4
        with pytest.raises(LeasedError, match="the same content is being analyzed") as leased:
            await analyses.get_or_lease("key")
        assert time.slept == [0.5, 1.0, 2.0]
        assert leased.value.retry_after_seconds == 296.5

    asyncio.run(run())


@pytest.mark.parametrize(("seconds", "taken"), [(295, False), (300, True), (301, True)])
def test_a_lease_is_taken_over_from_its_end_on(seconds: float, *, taken: bool) -> None:
    async def run() -> None:
        items, time = Items(), Time()
        analyses = leases(items, time)
        first = await analyses.get_or_lease("key")
        time.now += seconds
        if taken:
            second = await analyses.get_or_lease("key")
            assert isinstance(second, AnalysisLease)
            assert second != first
            assert time.slept == []
        else:
            with pytest.raises(LeasedError) as leased:
                await analyses.get_or_lease("key")
            assert leased.value.retry_after_seconds == 1.5

    asyncio.run(run())


def test_a_stored_analysis_replaces_its_lease_and_a_released_one_leaves_nothing() -> None:
    async def run() -> None:
        items = Items()
        analyses = leases(items, Time())
        lease = await analyses.get_or_lease("key")
        assert isinstance(lease, AnalysisLease)
        await analyses.store(lease, ANALYSIS)
        assert items.items["key"] == ANALYSIS.to_item("key") | {"_etag": "2"}
        other = await analyses.get_or_lease("other")
        assert isinstance(other, AnalysisLease)
        await analyses.release(other)
        assert [*items.items] == ["key"]

    asyncio.run(run())


def test_of_two_who_find_an_expired_lease_only_one_gets_it() -> None:
    """The other one is refused under the ETag that both have read, and waits."""

    async def run() -> None:
        items, time = Items(), Time()
        analyses = leases(items, time)
        await analyses.get_or_lease("key")
        time.now += 400
        read = items.read_item

        async def overtaken(*arguments: Any, **options: Any) -> dict[str, Any]:
            found = dict(await read(*arguments, **options))
            items.read_item = read  # type: ignore[method-assign]
            assert isinstance(await leases(items, time).get_or_lease("key"), AnalysisLease)
            return found

        items.read_item = overtaken  # type: ignore[method-assign]
        with pytest.raises(LeasedError) as leased:
            await analyses.get_or_lease("key")
        assert (time.slept, leased.value.retry_after_seconds) == ([0.5, 1.0, 2.0], 296.5)

    asyncio.run(run())


def test_the_watermark_is_one_item_that_never_expires() -> None:
    items = Items()
    kept = asyncio.run(CosmosCheckpointStore(container(items)).store({"marker": "a"}, None))
    assert (kept.value, kept.etag) == ({"marker": "a"}, "1")
    assert items.items == {
        "reconcile-watermark": {"id": "reconcile-watermark", "watermark": {"marker": "a"}, "ttl": -1, "_etag": "1"}
    }


class Deletions(Items):
    """Notes under which ETag deletions are asked for; `accepts` deletes whatever it is."""

    def __init__(self, *, accepts: bool = False) -> None:
        super().__init__()
        self.etags: list[str] = []
        self.accepts = accepts

    async def delete_item(
        self, item_id: str, partition_key: str, *, etag: str, match_condition: MatchConditions, response_hook: Any
    ) -> None:
        self.etags.append(etag)
        if not self.accepts:
            await super().delete_item(
                item_id, partition_key, etag=etag, match_condition=match_condition, response_hook=response_hook
            )


def test_whether_a_record_exists_is_asked_by_a_deletion_that_cannot_succeed() -> None:
    items = Deletions()
    records = CosmosRecordRepository(container(items))
    assert asyncio.run(records.exists("1")) is False
    asyncio.run(records.put({"id": "1"}, None))
    assert asyncio.run(records.exists("1")) is True
    assert items.etags == ['"00000000-0000-0000-0000-000000000000"'] * 2
    with pytest.raises(AssertionError, match="1 was deleted under an ETag that no item has"):
        asyncio.run(CosmosRecordRepository(container(Deletions(accepts=True))).exists("1"))


@pytest.mark.parametrize("kind", [CosmosAccessConditionFailedError, CosmosResourceNotFoundError])
def test_a_write_that_is_refused_names_its_item(kind: type[CosmosHttpResponseError]) -> None:
    items = Items()
    if kind is CosmosAccessConditionFailedError:
        items.items["1"] = {"id": "1", "_etag": "9"}
    for call in (
        CosmosRecordRepository(container(items)).put({"id": "1"}, {"_etag": "8"}),
        CosmosRecordRepository(container(items)).delete({"id": "1", "_etag": "8"}),
    ):
        with pytest.raises(ConcurrencyError, match=r"^1$"):
            asyncio.run(call)


def test_a_container_that_is_missing_is_named_by_its_code() -> None:
    items = Items()
    items.missing = True
    with pytest.raises(Exception, match="the Cosmos DB container does not exist") as raised:
        asyncio.run(CosmosRecordRepository(container(items)).put({"id": "1"}, None))
    assert raised.value.code == "ContainerNotFound"  # type: ignore[attr-defined]


@pytest.mark.parametrize("headers", [None, {}])
def test_a_refusal_without_a_charge_costs_nothing(headers: dict[str, str] | None) -> None:
    items = Items()
    items.failure = refusal(CosmosResourceNotFoundError)
    items.failure.headers = headers
    with collect_metrics() as metrics:
        assert asyncio.run(CosmosAnalysisCache(container(items)).get("key")) is None
    assert metrics == {"requestUnits": 0}
