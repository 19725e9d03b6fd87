"""Provisioned throughput: requests beyond a container's RU/s are refused with 429, if the faults file asks for it.

Each physical partition has an equal part of the container's RU/s:
https://learn.microsoft.com/azure/cosmos-db/partitioning-overview#physical-partitions
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from emulator.core.faults import Faults
from emulator.core.resource_store import Resource
from emulator.services.cosmos.items.charges import REJECTED, format_charge
from emulator.services.cosmos.items.container import container_key
from emulator.services.cosmos.items.errors import CosmosError

_TEXT = (
    "Request rate is large. More Request Units may be needed, so no changes were made. Please retry this request later."
    " Learn more: http://aka.ms/cosmosdb-error-429"
)


@dataclass
class _Use:
    """Request units that were used and are not yet made up for by time."""

    level: float
    at: float


class Throughput:
    """The use of each physical partition. `now` returns the time in seconds since 1970."""

    def __init__(self, faults: Faults, now: Callable[[], float], partitions: int) -> None:
        self._faults = faults
        self._now = now
        self._partitions = partitions
        self._uses: dict[tuple[str, int], _Use] = {}

    def admit(self, container: Resource, partition: int) -> None:
        """Raise CosmosError 429 if the partition has used more than its throughput."""
        limit = self._limit(container)
        if limit is None:
            return
        excess = self._use(container, partition, limit).level - limit
        if excess >= 0:
            milliseconds = math.floor(1000 * excess / limit) + 1
            raise CosmosError(
                429,
                "TooManyRequests",
                f'Message: {{"Errors":["{_TEXT}"]}}',
                sub_status=3200,
                headers={
                    "x-ms-retry-after-ms": str(milliseconds),
                    "x-ms-request-charge": format_charge(REJECTED),
                },
            )

    def spend(self, container: Resource, partition: int, charge: float) -> None:
        """Count the charge of a request."""
        limit = self._limit(container)
        if limit is not None:
            self._use(container, partition, limit).level += charge

    def _limit(self, container: Resource) -> float | None:
        """The RU/s of a partition, or None for no limit."""
        if not self._faults.limits_cosmos_throughput():
            return None
        options = container.inputs.get("options") or {}
        autoscale = options.get("autoscaleSettings") or {}
        throughput = autoscale.get("maxThroughput") or options.get("throughput")
        return None if throughput is None else throughput / self._partitions

    def _use(self, container: Resource, partition: int, limit: float) -> _Use:
        now = self._now()
        use = self._uses.setdefault((container_key(container), partition), _Use(level=0, at=now))
        use.level = max(use.level - (now - use.at) * limit, 0)
        use.at = now
        return use
