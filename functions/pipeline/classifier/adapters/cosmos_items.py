"""The items of the Cosmos DB containers, besides the records."""

import msgspec
from common.adapters.cosmos import StoredItem
from common.domain.models import SCHEMA_VERSION, Analysis

from classifier.domain.watermark import Watermark


class AnalysisItem(Analysis, frozen=True, kw_only=True, rename="camel"):
    """An analysis in the container `analyses`."""

    id: str
    schema_version: int = SCHEMA_VERSION


class OperationItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The long-running operation that makes an analysis, within its lease; times are in seconds since the epoch."""

    account: str
    id: str
    started_at: float


class LeaseItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A lease in the container `analyses`, in the place of its analysis."""

    id: str
    owner: str = msgspec.field(name="claimedBy")
    expires_at: float = msgspec.field(name="claimedUntil")
    # Leases of calls without long-running operations have none, and neither have those of earlier versions.
    operation: OperationItem | msgspec.UnsetType = msgspec.UNSET
    started_operations: int = msgspec.field(name="startedOperations", default=0)


class CheckpointItem(msgspec.Struct, frozen=True, kw_only=True):
    """The checkpoint of reconcile in the container `analyses`, without a time to live."""

    id: str
    watermark: Watermark
    ttl: int = -1


def decode_analysis(item: StoredItem) -> Analysis | None:
    """Return the analysis; None if the item is a lease, or cannot be read."""
    return item.decode(Analysis) if "findings" in item.fields else None


def decode_lease(item: StoredItem) -> LeaseItem | None:
    """Return the lease; None if the item is an analysis, or cannot be read."""
    return item.decode(LeaseItem) if "claimedUntil" in item.fields else None


def lease_end(item: StoredItem) -> float:
    """Return when the lease expires, in seconds since the epoch; 0 if the item is no lease."""
    lease = decode_lease(item)
    return lease.expires_at if lease is not None else 0.0
