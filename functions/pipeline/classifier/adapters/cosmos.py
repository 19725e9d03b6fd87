"""Cosmos DB: records, cached analyses and the checkpoint of reconcile."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from common.adapters.cosmos import CosmosContainer, CosmosRecordReader, StoredItem
from common.domain import timeouts
from common.domain.errors import ConcurrencyError
from common.domain.models import Analysis, Versioned
from common.domain.record import ImageRecord, StoredRecord

from classifier.adapters.cosmos_items import (
    AnalysisItem,
    CheckpointItem,
    LeaseItem,
    OperationItem,
    decode_analysis,
    decode_lease,
    lease_end,
)
from classifier.domain.errors import LeasedError
from classifier.domain.models import AnalysisLease, LongRunningOperation
from classifier.domain.watermark import Watermark


class CosmosRecordRepository(CosmosRecordReader):
    """`ports.RecordRepository` for the container `images`."""

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
    A lease with a long-running operation is never taken over: what becomes of the operation decides. The number of
    operations that were started is kept from lease to lease.
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

    async def get(self, key: str) -> Analysis | AnalysisLease | None:
        """Implements `ports.AnalysisCache.get`."""
        item = await self._container.read(key)
        return None if item is None else decode_analysis(item) or self._operation_lease(item)

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
            stored = None if item is None else decode_analysis(item) or self._operation_lease(item)
            if stored is not None:
                return stored
            remaining = 0.0 if item is None else max(0.0, lease_end(item) - self._now())
            if remaining == 0:  # released, expired, held by a worker that has crashed, or an item that cannot be read
                with contextlib.suppress(ConcurrencyError):
                    return await self._acquire(key, item)
            if pause is not None:
                await self._sleep(pause)
        raise LeasedError("the same content is being analyzed", retry_after_seconds=remaining)

    async def _acquire(self, key: str, previous: StoredItem | None) -> AnalysisLease:
        earlier = None if previous is None else decode_lease(previous)
        item = LeaseItem(
            id=key,
            owner=str(uuid.uuid4()),
            expires_at=self._now() + timeouts.ANALYSIS_LEASE_SECONDS,
            started_operations=0 if earlier is None else earlier.started_operations,
        )
        etag = await self._container.write(key, item, None if previous is None else previous.etag)
        return AnalysisLease(key=key, etag=etag, started_operations=item.started_operations)

    def _operation_lease(self, item: StoredItem) -> AnalysisLease | None:
        """Return the lease of a long-running operation; None if the item is none."""
        lease = decode_lease(item)
        if lease is None or isinstance(lease.operation, msgspec.UnsetType):
            return None
        return AnalysisLease(
            key=lease.id,
            etag=item.etag,
            operation=LongRunningOperation(account=lease.operation.account, id=lease.operation.id),
            operation_age_seconds=self._now() - lease.operation.started_at,
            started_operations=lease.started_operations,
        )

    async def store_operation(self, lease: AnalysisLease, operation: LongRunningOperation) -> None:
        """Implements `ports.AnalysisCache.store_operation`. Earlier versions of the code wait until the lease ends."""
        now = self._now()
        item = LeaseItem(
            id=lease.key,
            owner=str(uuid.uuid4()),
            expires_at=now + timeouts.OPERATION_SECONDS,
            operation=OperationItem(account=operation.account, id=operation.id, started_at=now),
            started_operations=lease.started_operations + 1,
        )
        await self._container.write(lease.key, item, lease.etag)

    async def store(self, lease: AnalysisLease, analysis: Analysis) -> None:
        """Implements `ports.AnalysisCache.store`."""
        item = AnalysisItem(
            id=lease.key,
            analyzer=analysis.analyzer,
            api_version=analysis.api_version,
            model_version=analysis.model_version,
            findings=analysis.findings,
            exclusive=analysis.exclusive,
            tokens=analysis.tokens,
        )
        with contextlib.suppress(ConcurrencyError):
            await self._container.write(lease.key, item, lease.etag)

    async def release(self, lease: AnalysisLease) -> None:
        """Implements `ports.AnalysisCache.release`. One with a count of operations becomes an expired one."""
        with contextlib.suppress(ConcurrencyError):
            if lease.started_operations == 0:
                await self._container.delete(lease.key, lease.etag)
                return
            item = LeaseItem(
                id=lease.key, owner=str(uuid.uuid4()), expires_at=0, started_operations=lease.started_operations
            )
            await self._container.write(lease.key, item, lease.etag)


class CosmosCheckpointStore:
    """`reconcile_ports.CheckpointStore`: one item in the container `analyses`, without a time to live."""

    _ID = "reconcile-watermark"

    def __init__(self, container: CosmosContainer, write_region: Callable[[], str]) -> None:
        self._container = container
        self._write_region = write_region

    @property
    def write_region(self) -> str:
        """Implements `reconcile_ports.CheckpointStore.write_region`."""
        return self._write_region()

    async def load(self) -> Versioned[Watermark] | None:
        """Implements `reconcile_ports.CheckpointStore.load`; one that cannot be read is replaced by a whole round."""
        stored = await self._container.read(self._ID)
        if stored is None:
            return None
        item = stored.decode(CheckpointItem)
        return Versioned(item.watermark if item is not None else Watermark(), stored.etag)

    async def store(self, value: Watermark, previous: Versioned[Watermark] | None) -> Versioned[Watermark]:
        """Implements `reconcile_ports.CheckpointStore.store`."""
        item = CheckpointItem(id=self._ID, watermark=value)
        previous_etag = previous.etag if previous is not None else None
        return Versioned(value, await self._container.write(self._ID, item, previous_etag))
