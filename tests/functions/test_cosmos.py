"""Records, claims and the watermark against a Cosmos DB container in memory."""

import asyncio
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.utils import CaseInsensitiveDict
from azure.cosmos import CosmosDict
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from classifier.adapters.cosmos import CLAIM_SECONDS, CosmosAnalyses, CosmosMemory, CosmosRecords
from classifier.adapters.wiring import BUDGET_SECONDS
from classifier.measures import measured
from classifier.models import Analysis, Claim
from classifier.ports import Later, Superseded
from classifier.reconcile import Kept

ANALYSIS = Analysis(analyzer="a", api_version="1", model_version="m", findings={"tags": []})


class Items:
    """A Cosmos DB container in memory, with ETags and charges; writes answer without a body, as is asked for."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.writes = 0
        self.missing = False

    def _store(self, item: dict[str, Any], hook: Any) -> CosmosDict:
        self.writes += 1
        self.items[item["id"]] = item | {"_etag": str(self.writes)}
        headers = CaseInsensitiveDict({"etag": str(self.writes), "x-ms-request-charge": "7.5"})
        hook(headers, None)
        return CosmosDict(None, response_headers=headers)

    def _match(self, item_id: str, etag: str, condition: MatchConditions) -> None:
        assert condition == MatchConditions.IfNotModified
        if item_id not in self.items:
            raise CosmosResourceNotFoundError
        if self.items[item_id]["_etag"] != etag:
            raise CosmosAccessConditionFailedError

    async def read_item(self, item_id: str, partition_key: str, response_hook: Any) -> dict[str, Any]:
        assert partition_key == item_id
        response_hook({}, None)
        if item_id not in self.items:
            raise CosmosResourceNotFoundError
        return self.items[item_id]

    async def create_item(self, item: dict[str, Any], response_hook: Any) -> CosmosDict:
        if self.missing:
            raise CosmosResourceNotFoundError
        if item["id"] in self.items:
            raise CosmosResourceExistsError
        return self._store(item, response_hook)

    async def replace_item(
        self, item_id: str, item: dict[str, Any], *, etag: str, match_condition: MatchConditions, response_hook: Any
    ) -> CosmosDict:
        self._match(item_id, etag, match_condition)
        return self._store(item, response_hook)

    async def delete_item(
        self, item_id: str, partition_key: str, *, etag: str, match_condition: MatchConditions, response_hook: Any
    ) -> None:
        assert partition_key == item_id
        self._match(item_id, etag, match_condition)
        response_hook({}, None)
        del self.items[item_id]


def test_a_record_is_created_replaced_and_deleted_under_its_etag_and_the_charge_is_counted() -> None:
    async def run() -> None:
        records = CosmosRecords(Items())  # type: ignore[arg-type]
        await records.put({"id": "1"}, None)
        first = await records.get("1")
        await records.put({"id": "1", "new": True}, first)
        for lost in (records.put({"id": "1"}, None), records.put({"id": "1"}, first), records.delete(first or {})):
            with pytest.raises(Superseded):
                await lost
        second = await records.get("1")
        assert second is not None
        assert second["new"]
        await records.delete(second)
        assert await records.get("1") is None
        with pytest.raises(Superseded):
            await records.put({"id": "1"}, second)

    with measured() as measures:
        asyncio.run(run())
    assert measures["requestUnits"] == 15


def test_a_container_that_is_missing_is_no_race() -> None:
    items = Items()
    items.missing = True
    with pytest.raises(CosmosResourceNotFoundError):
        asyncio.run(CosmosRecords(items).put({"id": "1"}, None))  # type: ignore[arg-type]
    with pytest.raises(CosmosResourceNotFoundError):
        asyncio.run(CosmosAnalyses(items).begin("key"))  # type: ignore[arg-type]


def test_one_of_two_gets_the_claim_and_the_other_gets_its_analysis() -> None:
    async def run() -> None:
        analyses = CosmosAnalyses(Items(), now=lambda: 1000.0)  # type: ignore[arg-type]
        claim = await analyses.begin("key")
        assert isinstance(claim, Claim)
        with pytest.raises(Later):
            await analyses.begin("key")
        await analyses.finish(claim, ANALYSIS)
        assert await analyses.begin("key") == ANALYSIS

    asyncio.run(run())


def test_a_claim_that_ran_out_is_taken_over_once_and_its_owner_loses_it() -> None:
    async def run() -> None:
        now = [1000.0]
        analyses = CosmosAnalyses(Items(), now=lambda: now[0])  # type: ignore[arg-type]
        lost = await analyses.begin("key")
        now[0] += CLAIM_SECONDS + 1
        taken = await analyses.begin("key")
        assert isinstance(lost, Claim)
        assert isinstance(taken, Claim)
        await analyses.release(lost)
        await analyses.finish(lost, ANALYSIS)
        with pytest.raises(Later):
            await analyses.begin("key")
        await analyses.release(taken)
        assert isinstance(await analyses.begin("key"), Claim)

    asyncio.run(run())


def test_a_claim_outlives_whoever_may_still_be_at_work() -> None:
    lease_seconds = 600
    assert lease_seconds > CLAIM_SECONDS > BUDGET_SECONDS


def test_the_watermark_is_kept_and_does_not_expire() -> None:
    async def run() -> None:
        items = Items()
        memory = CosmosMemory(items)  # type: ignore[arg-type]
        assert await memory.load() is None
        first = await memory.store({"marker": "a"}, None)
        second = await memory.store({"marker": "b"}, first)
        assert await memory.load() == second == Kept({"marker": "b"}, second.etag)
        for lost in (None, first):
            with pytest.raises(Superseded):
                await memory.store({"marker": "c"}, lost)
        ((item),) = items.items.values()
        assert item["ttl"] == -1

    asyncio.run(run())
