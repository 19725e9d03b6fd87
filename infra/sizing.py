"""Sizing: from how many images a month, and how unevenly they come, to the numbers that Azure wants; arithmetic."""

import math
from dataclasses import asdict, dataclass

_SECONDS_PER_MONTH = 30 * 24 * 3600
# A call takes 0.5 to 1 s; the slower figure, so that the accounts are kept busy (docs/decisions/0015).
_SECONDS_PER_CALL = 1
# Item of 2 to 4 KB with few indexed paths: up to 10 RU to create; a point read of a missing or small item: 1 RU.
# https://learn.microsoft.com/azure/cosmos-db/request-units
_RU_PER_IMAGE = 10 + 1
# Autoscale: a multiple of 1,000, at least 1,000; up to a million RU/s without a ticket.
# https://learn.microsoft.com/azure/cosmos-db/provision-throughput-autoscale
_RU_STEP, _RU_CEILING = 1000, 1_000_000
# The lowest ceiling that every Flex Consumption app accepts, and the highest that any does.
# https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#scale
_INSTANCES_LOW, _INSTANCES_HIGH = 40, 1000
# The queue trigger takes at most 32 messages at once; 16 is its default:
# https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json
_BATCH_HIGH = 16
# An image of up to 20 MB is held twice while its pieces are joined, and sent in slices; beside it the host and the
# worker. `make throughput` measures what 24 of them take.
_MB_PER_MESSAGE, _MB_BASE = 60, 500
# 512 MB exists too, with a quarter of a core: too little beside the host (docs/decisions/0015).
_MEMORY_MB = (2048, 4096)


class SizingError(ValueError):
    """More is asked for than one deployment can do; the text says where it ends."""


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """What a workload needs. Rates are images a second; `max_ru` is the autoscale ceiling of each container in RU/s."""

    average_rate: float
    peak_rate: float
    vision_accounts: int
    max_ru: int
    maximum_instances: int
    instance_memory_mb: int
    batch_size: int

    def table(self) -> dict[str, int | float]:
        """The figures by name."""
        return asdict(self)


def derive(
    *, images_per_month: int, peak_factor: int, vision_calls_per_second: int, calls_per_image: int = 1
) -> Sizing:
    """What `images_per_month` needs when the busiest hours bring `peak_factor` times the average.

    All visual features are one call of Vision: they are billed one by one, and counted once; safety and embeddings are
    calls of their own. What comes faster than the peak waits in the queue. Raises SizingError.
    """
    average = images_per_month / _SECONDS_PER_MONTH
    peak = average * peak_factor
    accounts = max(1, math.ceil(peak * calls_per_image / vision_calls_per_second))
    # As many calls under way as keep every account busy (Little's law), and no more: more would only be refused.
    at_once = accounts * vision_calls_per_second * _SECONDS_PER_CALL
    batch = min(_BATCH_HIGH, max(1, math.ceil(at_once / _INSTANCES_LOW)))
    instances = max(_INSTANCES_LOW, math.ceil(at_once / batch))
    max_ru = max(_RU_STEP, math.ceil(peak * _RU_PER_IMAGE / _RU_STEP) * _RU_STEP)
    if instances > _INSTANCES_HIGH or max_ru > _RU_CEILING:
        raise SizingError(
            f"{images_per_month} images a month at {peak_factor} times the average are {peak:.0f} a second, which would"
            f" take {instances} instances (at most {_INSTANCES_HIGH}) and {max_ru} RU/s (at most {_RU_CEILING})"
        )
    needed_mb = _MB_BASE + batch * _MB_PER_MESSAGE
    return Sizing(
        average_rate=round(average, 4),
        peak_rate=round(peak, 4),
        vision_accounts=accounts,
        max_ru=max_ru,
        maximum_instances=instances,
        instance_memory_mb=next(size for size in _MEMORY_MB if size >= needed_mb),
        batch_size=batch,
    )
