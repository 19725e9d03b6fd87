"""Records, leases and the checkpoint with a Cosmos DB container in memory."""

import asyncio
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.utils import CaseInsensitiveDict
from azure.cosmos import CosmosDict
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from classifier.adapters.cosmos import (
    CosmosAnalysisCache,
    CosmosCheckpointStore,
    CosmosContainer,
    CosmosRecordRepository,
)
from classifier.adapters.service_errors import ServiceBoundary
from classifier.domain.circuit_breaker import CircuitBreaker
from classifier.domain.errors import ConcurrencyError, ConfigurationError, LeasedError, RetryLaterError
from classifier.domain.metrics import collect_metrics
from classifier.domain.models import Analysis, AnalysisLease, Versioned
from classifier.domain.timeouts import ANALYSIS_LEASE_SECONDS

ANALYSIS = Analysis(analyzer="a", api_version="1", model_version="m", findings={"tags": []})


class Answered:
    """A response of the service, as its errors hold it."""

    def __init__(self, status: int, **headers: str) -> None:
        self.status_code, self.reason, self.headers = status, "", headers

    def text(self) -> str:
        return ""


def refusal(kind: type[CosmosHttpResponseError], status: int | None = None, **headers: str) -> CosmosHttpResponseError:
    """As the SDK raises it: with headers, and without a call of the response hook."""
    response: Any = Answered(status or 0, **{"x-ms-request-charge": "1.5", **headers})
    error: Any = kind(status_code=status, response=response)
    error.headers = response.headers
    return error


def container(items: "Items", breaker: CircuitBreaker | None = None) -> CosmosContainer:
    return CosmosContainer(items, ServiceBoundary("Cosmos DB", breaker))  # type: ignore[arg-type]


class Items:
    """A Cosmos DB container in memory, with ETags and charges; writes answer without a body, as is asked for."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.writes = 0
        self.missing = False
        self.failure: Exception | None = None

    def _store(self, item: dict[str, Any], hook: Any) -> CosmosDict:
        self.writes += 1
        self.items[item["id"]] = item | {"_etag": str(self.writes)}
        headers = CaseInsensitiveDict({"etag": str(self.writes), "x-ms-request-charge": "7.5"})
        hook(headers, None)
        return CosmosDict(None, response_headers=headers)

    def _match(self, item_id: str, etag: str, condition: MatchConditions) -> None:
        assert condition == MatchConditions.IfNotModified
        if item_id not in self.items:
            raise refusal(CosmosResourceNotFoundError)
        if self.items[item_id]["_etag"] != etag:
            raise refusal(CosmosAccessConditionFailedError)

    async def read_item(self, item_id: str, partition_key: str, response_hook: Any) -> dict[str, Any]:
        assert partition_key == item_id
        self._fail()
        if item_id not in self.items:
            raise refusal(CosmosResourceNotFoundError)
        response_hook({"x-ms-request-charge": "1"}, None)
        return self.items[item_id]

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def create_item(self, item: dict[str, Any], response_hook: Any) -> CosmosDict:
        self._fail()
        if self.missing:
            raise refusal(CosmosResourceNotFoundError)
        if item["id"] in self.items:
            raise refusal(CosmosResourceExistsError)
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
        records = CosmosRecordRepository(container(Items()))
        await records.put({"id": "1"}, None)
        first = await records.get("1")
        await records.put({"id": "1", "new": True}, first)
        for lost in (records.put({"id": "1"}, None), records.put({"id": "1"}, first), records.delete(first or {})):
            with pytest.raises(ConcurrencyError):
                await lost
        second = await records.get("1")
        assert second is not None
        assert second["new"]
        await records.delete(second)
        assert await records.get("1") is None
        with pytest.raises(ConcurrencyError):
            await records.put({"id": "1"}, second)

    with collect_metrics() as metrics:
        asyncio.run(run())
    # Two writes at 7.5, two reads that found something at 1, and five refusals at 1.5: those are charged too.
    assert metrics["requestUnits"] == 2 * 7.5 + 2 * 1 + 5 * 1.5


def test_a_container_that_is_missing_is_no_race_but_a_configuration_error() -> None:
    items = Items()
    items.missing = True
    with pytest.raises(ConfigurationError):
        asyncio.run(CosmosRecordRepository(container(items)).put({"id": "1"}, None))
    with pytest.raises(ConfigurationError):
        asyncio.run(CosmosAnalysisCache(container(items)).get_or_lease("key"))


def test_whether_a_record_exists_is_asked_of_the_primary_and_changes_nothing() -> None:
    async def run() -> None:
        items = Items()
        records = CosmosRecordRepository(container(items))
        assert not await records.exists("1")
        await records.put({"id": "1"}, None)
        assert await records.exists("1")
        assert await records.get("1") is not None

    asyncio.run(run())


@pytest.mark.parametrize("status", [408, 410, 429, 449, 500, 503])
def test_a_transient_answer_to_any_operation_is_one_error(status: int) -> None:
    items = Items()
    headers = {"x-ms-retry-after-ms": "2500"}
    items.failure = refusal(CosmosHttpResponseError, status, **headers)
    records, analyses = CosmosRecordRepository(container(items)), CosmosAnalysisCache(container(items))
    for call in (records.get("1"), records.put({"id": "1"}, None), analyses.get_or_lease("k"), analyses.get("k")):
        with pytest.raises(RetryLaterError) as found:
            asyncio.run(call)
        assert found.value.retry_after_seconds == 2.5


def test_a_container_that_keeps_failing_is_not_called() -> None:
    items, breaker = Items(), CircuitBreaker("Cosmos DB", clock=lambda: 0.0)
    items.failure = refusal(CosmosHttpResponseError, 503)
    records = CosmosRecordRepository(container(items, breaker))
    for _ in range(3):
        with pytest.raises(RetryLaterError):
            asyncio.run(records.get("1"))
    items.failure = None
    with pytest.raises(RetryLaterError, match="is not called"):
        asyncio.run(records.get("1"))


class Time:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def leases(items: Items, time: Time) -> CosmosAnalysisCache:
    return CosmosAnalysisCache(container(items), now=time, sleep=time.sleep)


def test_one_of_two_gets_the_lease_and_the_other_waits_for_it_and_gets_its_analysis() -> None:
    async def run() -> None:
        time = Time()
        analyses = leases(Items(), time)
        lease = await analyses.get_or_lease("key")
        assert isinstance(lease, AnalysisLease)
        assert await analyses.get("key") is None
        with pytest.raises(LeasedError) as leased:
            await analyses.get_or_lease("key")
        assert leased.value.retry_after_seconds == ANALYSIS_LEASE_SECONDS - sum(time.slept)
        await analyses.store(lease, ANALYSIS)
        assert await analyses.get_or_lease("key") == await analyses.get("key") == ANALYSIS

    asyncio.run(run())


def test_an_analysis_that_takes_a_second_is_waited_for_in_place() -> None:
    async def run() -> None:
        time = Time()
        analyses = leases(Items(), time)
        lease = await analyses.get_or_lease("key")
        assert isinstance(lease, AnalysisLease)

        async def sleep(_seconds: float) -> None:
            await analyses.store(lease, ANALYSIS)

        time.sleep = sleep  # type: ignore[method-assign]
        other = leases(Items(), time)
        other._container = analyses._container
        assert await other.get_or_lease("key") == ANALYSIS

    asyncio.run(run())


def test_a_lease_that_was_released_meanwhile_is_had_at_once() -> None:
    async def run() -> None:
        time = Time()
        analyses = leases(Items(), time)
        first = await analyses.get_or_lease("key")
        assert isinstance(first, AnalysisLease)

        async def sleep(_seconds: float) -> None:
            await analyses.release(first)

        time.sleep = sleep  # type: ignore[method-assign]
        other = leases(Items(), time)
        other._container = analyses._container
        assert isinstance(await other.get_or_lease("key"), AnalysisLease)

    asyncio.run(run())


def test_a_lease_that_ran_out_is_taken_over_once_and_its_owner_loses_it() -> None:
    async def run() -> None:
        time = Time()
        analyses = leases(Items(), time)
        lost = await analyses.get_or_lease("key")
        time.now += ANALYSIS_LEASE_SECONDS + 1
        taken = await analyses.get_or_lease("key")
        assert isinstance(lost, AnalysisLease)
        assert isinstance(taken, AnalysisLease)
        await analyses.release(lost)
        await analyses.store(lost, ANALYSIS)
        with pytest.raises(LeasedError):
            await analyses.get_or_lease("key")
        await analyses.release(taken)
        assert isinstance(await analyses.get_or_lease("key"), AnalysisLease)

    asyncio.run(run())


def test_the_watermark_is_kept_and_does_not_expire() -> None:
    async def run() -> None:
        items = Items()
        checkpoints = CosmosCheckpointStore(container(items))
        assert await checkpoints.load() is None
        first = await checkpoints.store({"marker": "a"}, None)
        second = await checkpoints.store({"marker": "b"}, first)
        assert await checkpoints.load() == second == Versioned({"marker": "b"}, second.etag)
        for lost in (None, first):
            with pytest.raises(ConcurrencyError):
                await checkpoints.store({"marker": "c"}, lost)
        ((item),) = items.items.values()
        assert item["ttl"] == -1

    asyncio.run(run())
