"""Cosmos DB: records, cached analyses and the checkpoint of reconcile."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import msgspec
from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from common.adapters.service_errors import ServiceBoundary
from common.domain import metrics, timeouts
from common.domain.errors import ConcurrencyError, ConfigurationError
from common.domain.models import Analysis, Versioned
from common.domain.record import ImageRecord, StoredRecord

from classifier.adapters.cosmos_items import (
    AnalysisItem,
    CheckpointItem,
    LeaseItem,
    StoredItem,
    decode_analysis,
    lease_end,
)
from classifier.domain.errors import LeasedError
from classifier.domain.models import AnalysisLease
from classifier.domain.watermark import Watermark

_IF_MATCH = MatchConditions.IfNotModified
_CHANGED = (CosmosAccessConditionFailedError, CosmosResourceNotFoundError)
# No item has this ETag.
_NO_ETAG = '"00000000-0000-0000-0000-000000000000"'


def _charge(headers: Mapping[str, str], _body: object = None) -> None:
    metrics.add("requestUnits", float(headers.get("x-ms-request-charge", 0)))


class CosmosContainer:
    """Operations on the items of one container. Measures their charge and maps their errors."""

    def __init__(self, container: ContainerProxy, boundary: ServiceBoundary) -> None:
        self._container = container
        self._boundary = boundary

    async def read(self, item_id: str) -> StoredItem | None:
        """Return the item, or None."""
        try:
            with self._boundary:
                fields = await self._charged(self._container.read_item(item_id, item_id, response_hook=_charge))
                return StoredItem(fields=fields, etag=fields["_etag"])
        except CosmosResourceNotFoundError:
            return None

    async def write(self, item_id: str, item: msgspec.Struct, previous_etag: str | None) -> str:
        """Write an item. Needs no body of the response, so the client requests none (`composition`).

        Args:
            item_id: the id of the item.
            item: the new item.
            previous_etag: the ETag of the version that it replaces; None if there is none yet.

        Returns:
            The ETag of the new version.

        Raises:
            ConcurrencyError: the stored version is another one.
        """
        fields: dict[str, Any] = msgspec.to_builtins(item)
        try:
            with self._boundary:
                if previous_etag is None:
                    operation = self._container.create_item(fields, response_hook=_charge)
                else:
                    operation = self._container.replace_item(
                        item_id, fields, etag=previous_etag, match_condition=_IF_MATCH, response_hook=_charge
                    )
                response = await self._charged(operation)
        except CosmosResourceExistsError as error:
            raise ConcurrencyError(item_id) from error
        except _CHANGED as error:
            if previous_etag is None:
                raise ConfigurationError("ContainerNotFound", "the Cosmos DB container does not exist") from error
            raise ConcurrencyError(item_id) from error
        return response.get_response_headers()["etag"]

    async def delete(self, item_id: str, etag: str) -> None:
        """Delete this version of an item. Raises ConcurrencyError if the stored version is another one."""
        try:
            with self._boundary:
                await self._charged(
                    self._container.delete_item(
                        item_id, item_id, etag=etag, match_condition=_IF_MATCH, response_hook=_charge
                    )
                )
        except _CHANGED as error:
            raise ConcurrencyError(item_id) from error

    async def exists(self, item_id: str) -> bool:
        """Return whether the primary replica has an item: it answers an impossible delete with 404 or 412.

        A read with session consistency returns the session's own writes, and may lag behind those of other sessions:
        https://learn.microsoft.com/azure/cosmos-db/consistency-levels#session-consistency
        """
        try:
            with self._boundary:
                await self._charged(
                    self._container.delete_item(
                        item_id, item_id, etag=_NO_ETAG, match_condition=_IF_MATCH, response_hook=_charge
                    )
                )
        except CosmosAccessConditionFailedError:
            return True
        except CosmosResourceNotFoundError:
            return False
        raise AssertionError(f"{item_id} was deleted under an ETag that no item has")

    @staticmethod
    async def _charged[Response](operation: Awaitable[Response]) -> Response:
        """Await an operation. Errors are charged too, but the SDK calls its response hook for successes only."""
        try:
            return await operation
        except CosmosHttpResponseError as error:
            # The SDK leaves the type of an error's headers open.
            headers = cast("Mapping[str, str] | None", error.headers)  # pyright: ignore[reportUnknownMemberType]
            _charge(headers or {})
            raise


class CosmosRecordRepository:
    """`ports.RecordRepository` for the container `images`."""

    def __init__(self, container: CosmosContainer) -> None:
        self._container = container

    async def get(self, record_id: str) -> StoredRecord | None:
        """Implements `ports.RecordRepository.get`."""
        item = await self._container.read(record_id)
        return None if item is None else Versioned(item.decode(ImageRecord), item.etag)

    async def put(self, record: ImageRecord, previous: StoredRecord | None) -> None:
        """Implements `ports.RecordRepository.put`: creates, or replaces the version that was read."""
        await self._container.write(record.id, record, previous.etag if previous is not None else None)

    async def delete(self, record_id: str, previous: StoredRecord) -> None:
        """Implements `ports.RecordRepository.delete`."""
        await self._container.delete(record_id, previous.etag)

    async def exists(self, record_id: str) -> bool:
        """Implements `ports.RecordRepository.exists`."""
        return await self._container.exists(record_id)


class CosmosAnalysisCache:
    """`ports.AnalysisCache` for the container `analyses`, whose items have a time to live.

    A lease is an item with an expiry time. A worker takes over an expired lease by replacing its item, under its ETag,
    so that only one worker does. The previous owner then cannot store its analysis, and loses only the cache entry.
    """

    def __init__(
        self,
        container: CosmosContainer,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        poll_seconds: Sequence[float] = timeouts.ANALYSIS_POLL_SECONDS,
    ) -> None:
        self._container = container
        self._now = now
        self._sleep = sleep
        self._poll_seconds = poll_seconds

    async def get(self, key: str) -> Analysis | None:
        """Implements `ports.AnalysisCache.get`."""
        item = await self._container.read(key)
        return None if item is None else decode_analysis(item)

    async def get_or_lease(self, key: str) -> Analysis | AnalysisLease:
        """Implements `ports.AnalysisCache.get_or_lease`.

        An analysis takes about a second. While another worker makes it, this method polls for some seconds, with the
        image in memory; after that the message waits in the queue until the lease expires.
        """
        with contextlib.suppress(ConcurrencyError):
            return await self._acquire(key, None)
        remaining = 0.0
        for pause in (*self._poll_seconds, None):
            item = await self._container.read(key)
            analysis = None if item is None else decode_analysis(item)
            if analysis is not None:
                return analysis
            remaining = 0.0 if item is None else max(0.0, lease_end(item) - self._now())
            if remaining == 0:  # released, expired, held by a worker that has crashed, or an item that cannot be read
                with contextlib.suppress(ConcurrencyError):
                    return await self._acquire(key, None if item is None else item.etag)
            if pause is not None:
                await self._sleep(pause)
        raise LeasedError("the same content is being analyzed", retry_after_seconds=remaining)

    async def _acquire(self, key: str, previous_etag: str | None) -> AnalysisLease:
        expires_at = self._now() + timeouts.ANALYSIS_LEASE_SECONDS
        item = LeaseItem(id=key, owner=str(uuid.uuid4()), expires_at=expires_at)
        return AnalysisLease(key=key, etag=await self._container.write(key, item, previous_etag))

    async def store(self, lease: AnalysisLease, analysis: Analysis) -> None:
        """Implements `ports.AnalysisCache.store`."""
        item = AnalysisItem(
            id=lease.key,
            analyzer=analysis.analyzer,
            api_version=analysis.api_version,
            model_version=analysis.model_version,
            findings=analysis.findings,
            exclusive=analysis.exclusive,
        )
        with contextlib.suppress(ConcurrencyError):
            await self._container.write(lease.key, item, lease.etag)

    async def release(self, lease: AnalysisLease) -> None:
        """Implements `ports.AnalysisCache.release`."""
        with contextlib.suppress(ConcurrencyError):
            await self._container.delete(lease.key, lease.etag)


class CosmosCheckpointStore:
    """`ports.CheckpointStore`: one item in the container `analyses`, without a time to live."""

    _ID = "reconcile-watermark"

    def __init__(self, container: CosmosContainer) -> None:
        self._container = container

    async def load(self) -> Versioned[Watermark] | None:
        """Implements `ports.CheckpointStore.load`. One that cannot be read is replaced by a round over all blobs."""
        stored = await self._container.read(self._ID)
        if stored is None:
            return None
        item = stored.decode(CheckpointItem)
        return Versioned(item.watermark if item is not None else Watermark(), stored.etag)

    async def store(self, value: Watermark, previous: Versioned[Watermark] | None) -> Versioned[Watermark]:
        """Implements `ports.CheckpointStore.store`."""
        item = CheckpointItem(id=self._ID, watermark=value)
        previous_etag = previous.etag if previous is not None else None
        return Versioned(value, await self._container.write(self._ID, item, previous_etag))
