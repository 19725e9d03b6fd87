"""Records, leases and the checkpoint with a Cosmos DB container in memory."""

import asyncio
import json
import logging
import uuid
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
    CosmosRecordRepository,
)
from classifier.domain.errors import LeasedError
from classifier.domain.events import Message
from classifier.domain.models import AnalysisLease
from classifier.domain.records import create_record, describe_unread_blob
from classifier.domain.watermark import Watermark
from common.adapters.cosmos import CosmosContainer
from common.adapters.service_errors import ServiceBoundary
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import ConcurrencyError, ConfigurationError, RetryLaterError
from common.domain.findings import Findings
from common.domain.metrics import collect_metrics
from common.domain.models import Analysis, Reason, Versioned
from common.domain.record import ImageRecord, RecordStatus
from common.domain.timeouts import ANALYSIS_LEASE_SECONDS
from msgspec.structs import replace

from tests.support.in_memory_services import NOW, as_json, message

ANALYSIS = Analysis(analyzer="a", api_version="1", model_version="m", findings=Findings(tags=()))


def record(record_id: str = "1", *, attempts: int = 1) -> ImageRecord:
    parsed = Message.parse(message())
    failed = create_record(
        parsed,
        attempt=attempts,
        status=RecordStatus.FAILED,
        blob=describe_unread_blob(parsed.event, "e1"),
        started=NOW,
        finished=NOW,
        reason=Reason(code="C", sentence="why", measured=None, limit=None),
    )
    return replace(failed, id=record_id)


class FakeResponse:
    """A response of the service, as its errors hold it."""

    def __init__(self, status: int, **headers: str) -> None:
        self.status_code, self.reason, self.headers = status, "", headers

    def text(self) -> str:
        return ""


def refusal(kind: type[CosmosHttpResponseError], status: int | None = None, **headers: str) -> CosmosHttpResponseError:
    """As the SDK raises it: with headers, and without a call of the response hook."""
    response: Any = FakeResponse(status or 0, **{"x-ms-request-charge": "1.5", **headers})
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
        # As the service: what is stored is JSON.
        self.items[item["id"]] = json.loads(json.dumps(item)) | {"_etag": str(self.writes)}
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
        headers = CaseInsensitiveDict({"x-ms-request-charge": "1"})
        response_hook(headers, None)
        return CosmosDict(self.items[item_id], response_headers=headers)

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
        await records.put(record(), None)
        first = await records.get("1")
        assert first is not None
        assert first == Versioned(record(), "1")
        await records.put(record(attempts=2), first)
        for write in (records.put(record(), None), records.put(record(), first), records.delete("1", first)):
            with pytest.raises(ConcurrencyError):
                await write
        second = await records.get("1")
        assert second is not None
        assert second == Versioned(record(attempts=2), "2")
        await records.delete("1", second)
        assert await records.get("1") is None
        with pytest.raises(ConcurrencyError):
            await records.put(record(), second)

    with collect_metrics() as metrics:
        asyncio.run(run())
    # Two writes at 7.5, two reads that found something at 1, and five refusals at 1.5: those are charged too.
    assert metrics["requestUnits"] == 2 * 7.5 + 2 * 1 + 5 * 1.5


def test_a_container_that_is_missing_is_no_race_but_a_configuration_error() -> None:
    items = Items()
    items.missing = True
    with pytest.raises(ConfigurationError):
        asyncio.run(CosmosRecordRepository(container(items)).put(record(), None))
    with pytest.raises(ConfigurationError):
        asyncio.run(CosmosAnalysisCache(container(items)).get_or_lease("key"))


def test_whether_a_record_exists_is_asked_of_the_primary_and_changes_nothing() -> None:
    async def run() -> None:
        items = Items()
        records = CosmosRecordRepository(container(items))
        assert not await records.exists("1")
        await records.put(record(), None)
        assert await records.exists("1")
        assert await records.get("1") is not None

    asyncio.run(run())


@pytest.mark.parametrize("status", [408, 410, 429, 449, 500, 503])
def test_a_transient_answer_to_any_operation_is_one_error(status: int) -> None:
    items = Items()
    headers = {"x-ms-retry-after-ms": "2500"}
    items.failure = refusal(CosmosHttpResponseError, status, **headers)
    records, analyses = CosmosRecordRepository(container(items)), CosmosAnalysisCache(container(items))
    for call in (records.get("1"), records.put(record(), None), analyses.get_or_lease("k"), analyses.get("k")):
        with pytest.raises(RetryLaterError) as raised:
            asyncio.run(call)
        assert raised.value.retry_after_seconds == 2.5


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
    """A clock that advances only in `sleep`."""

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
        lost_lease = await analyses.get_or_lease("key")
        time.now += ANALYSIS_LEASE_SECONDS + 1
        taken = await analyses.get_or_lease("key")
        assert isinstance(lost_lease, AnalysisLease)
        assert isinstance(taken, AnalysisLease)
        await analyses.release(lost_lease)
        await analyses.store(lost_lease, ANALYSIS)
        with pytest.raises(LeasedError):
            await analyses.get_or_lease("key")
        await analyses.release(taken)
        assert isinstance(await analyses.get_or_lease("key"), AnalysisLease)

    asyncio.run(run())


def test_the_watermark_is_kept_and_does_not_expire() -> None:
    async def run() -> None:
        items = Items()
        checkpoints = CosmosCheckpointStore(container(items), lambda: "northeurope")
        assert await checkpoints.load() is None
        first = await checkpoints.store(Watermark(marker="a"), None)
        second = await checkpoints.store(Watermark(marker="b"), first)
        assert await checkpoints.load() == second == Versioned(Watermark(marker="b"), second.etag)
        for outdated in (None, first):
            with pytest.raises(ConcurrencyError):
                await checkpoints.store(Watermark(marker="c"), outdated)
        ((item),) = items.items.values()
        assert item["ttl"] == -1

    asyncio.run(run())


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
        assert as_json(items.items["key"]) == {
            "id": "key",
            "schemaVersion": 1,
            "analyzer": "a",
            "apiVersion": "1",
            "modelVersion": "m",
            "findings": {"tags": []},
            "exclusive": False,
            "_etag": "2",
        }
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
            item = dict(await read(*arguments, **options))
            items.read_item = read  # type: ignore[method-assign]
            assert isinstance(await leases(items, time).get_or_lease("key"), AnalysisLease)
            return item

        items.read_item = overtaken  # type: ignore[method-assign]
        with pytest.raises(LeasedError) as leased:
            await analyses.get_or_lease("key")
        assert (time.slept, leased.value.retry_after_seconds) == ([0.5, 1.0, 2.0], 296.5)

    asyncio.run(run())


def test_the_watermark_is_one_item_that_never_expires() -> None:
    items = Items()
    stored = asyncio.run(
        CosmosCheckpointStore(container(items), lambda: "northeurope").store(Watermark(marker="a"), None)
    )
    assert (stored.value, stored.etag) == (Watermark(marker="a"), "1")
    assert items.items == {
        "reconcile-watermark": {
            "id": "reconcile-watermark",
            "watermark": as_json(Watermark(marker="a")),
            "ttl": -1,
            "_etag": "1",
        }
    }


class Deletions(Items):
    """Records the ETag of each deletion; with `accepts` every deletion succeeds."""

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
    asyncio.run(records.put(record(), None))
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
        CosmosRecordRepository(container(items)).put(record(), Versioned(record(), "8")),
        CosmosRecordRepository(container(items)).delete("1", Versioned(record(), "8")),
    ):
        with pytest.raises(ConcurrencyError, match=r"^1$"):
            asyncio.run(call)


def test_a_container_that_is_missing_is_named_by_its_code() -> None:
    items = Items()
    items.missing = True
    with pytest.raises(Exception, match="the Cosmos DB container does not exist") as raised:
        asyncio.run(CosmosRecordRepository(container(items)).put(record(), None))
    assert raised.value.code == "ContainerNotFound"  # type: ignore[attr-defined]


@pytest.mark.parametrize("headers", [None, {}])
def test_a_refusal_without_a_charge_costs_nothing(headers: dict[str, str] | None) -> None:
    items = Items()
    items.failure = refusal(CosmosResourceNotFoundError)
    items.failure.headers = headers
    with collect_metrics() as metrics:
        assert asyncio.run(CosmosAnalysisCache(container(items)).get("key")) is None
    assert metrics == {"requestUnits": 0}


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({}, "missing required field"),
        ({"status": None}, "Expected `str`, got `null` - at `$.status`"),
        (as_json(record()) | {"status": "pending"}, "Invalid enum value 'pending' - at `$.status`"),
        (as_json(record()) | {"attempts": "1"}, "Expected `int`, got `str` - at `$.attempts`"),
        (as_json(record()) | {"blob": {}}, "missing required field"),
        (as_json(record()) | {"processedAt": "yesterday"}, "Invalid isoformat string: 'yesterday'"),
    ],
)
def test_an_item_that_is_no_record_is_there_and_has_no_value(
    caplog: pytest.LogCaptureFixture, item: dict[str, Any], problem: str
) -> None:
    """It is no error that could end a run: the image is analyzed again, and the item replaced under its ETag."""

    async def run() -> None:
        items = Items()
        items.items["1"] = item | {"id": "1", "_etag": "7"}
        records = CosmosRecordRepository(container(items))
        stored = await records.get("1")
        assert stored == Versioned(None, "7")
        await records.put(record(), stored)
        assert await records.get("1") == Versioned(record(), "1")

    asyncio.run(run())
    ((logger, level, line),) = caplog.record_tuples
    assert (logger, level) == ("common", logging.WARNING)
    assert line.startswith("the item 1 is no ImageRecord: ")
    assert problem in line


@pytest.mark.parametrize(
    "item",
    [
        {"findings": {"tags": None}, "analyzer": "a", "apiVersion": "1", "modelVersion": "m"},
        {"findings": {}},
        {"claimedUntil": "later"},
        {},
    ],
)
def test_an_item_that_is_no_analysis_and_no_lease_is_replaced(item: dict[str, Any]) -> None:
    async def run() -> None:
        items, time = Items(), Time()
        items.items["key"] = item | {"id": "key", "_etag": "7"}
        analyses = leases(items, time)
        assert await analyses.get("key") is None
        lease = await analyses.get_or_lease("key")
        assert isinstance(lease, AnalysisLease)
        assert time.slept == []
        await analyses.store(lease, ANALYSIS)
        assert await analyses.get("key") == ANALYSIS

    asyncio.run(run())


@pytest.mark.parametrize(
    "watermark",
    [
        None,
        "a",
        {"marker": 7},
        {"remembered": "a"},
        {"cutoff": "yesterday"},
        {"verified": "2026-01-02T03:04:05"},
        {"previous": ""},
        {"earliest": "2026-01-02"},
    ],
)
def test_a_checkpoint_that_cannot_be_read_is_replaced_by_a_round_over_everything(watermark: Any) -> None:
    async def run() -> None:
        items = Items()
        items.items["reconcile-watermark"] = {"id": "reconcile-watermark", "watermark": watermark, "_etag": "7"}
        checkpoints = CosmosCheckpointStore(container(items), lambda: "northeurope")
        stored = await checkpoints.load()
        assert stored == Versioned(Watermark(), "7")
        await checkpoints.store(Watermark(marker="a"), stored)
        assert await checkpoints.load() == Versioned(Watermark(marker="a"), "1")

    asyncio.run(run())
