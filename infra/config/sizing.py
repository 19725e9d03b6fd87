"""Sizing: derives throughput, accounts and instances from the images per month and their peak factor; arithmetic."""

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from infra.config.throughput import (
    MAX_RU_CEILING,
    ContainerSizing,
    create_ru,
    load_ru,
    read_ru,
    replace_ru,
    size_container,
)
from infra.core.analysis import VISUAL_FEATURES, Feature
from infra.core.errors import SizingError

DAYS_PER_MONTH = 30
_SECONDS_PER_MONTH = DAYS_PER_MONTH * 24 * 3600
# Duration of a call to Vision: 0.5 to 1 s; the upper figure, so that the accounts are fully used (docs/decisions/0015).
_SECONDS_PER_CALL = 1
# An analysis, and a record of it, as JSON; 2 to 4 KB with the default features. Embeddings are 1,024 numbers of about
# 20 characters, each with a comma.
_ANALYSIS_KB = 4
_EMBEDDING_KB = 21
# A lease on an analysis is less than 1 KB: id, holder and expiry (functions/pipeline/classifier/adapters/cosmos.py).
_LEASE_KB = 1
# The result of adult content detection.
_SAFETY_KB = 1
# Of a record, its time, status and category are indexed, and its labels: about seventeen. Two composite indexes have an
# entry each, and the full-text index about thirty words of caption and labels; what those cost is not documented, and
# is taken to be the same.
_INDEXED_TERMS = 20 + 2 + 30
# How often `reconcile` loads a record to count those of its day: every hour of that day, on the average from its noon
# on, and as an older day about every two weeks, for a year.
_COUNTS_PER_RECORD = 12 + 2 + 24
# Beside the record itself: three tenths of it for the indexed terms, or for the vector, which the index keeps as
# numbers of four bytes.
RECORD_INDEX_SHARE = 0.3
# What is kept without a limit is counted for a year: later growth is for the next change of sizes.
DEFAULT_RETENTION_DAYS = 365
# The lowest maximum that every Flex Consumption app accepts, and the highest that any does.
# https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#considerations
_INSTANCES_LOW = 40
_INSTANCES_HIGH = 1000
# For all Flex Consumption apps of a subscription in a region: 250 cores, of 2,048 MB each.
# https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#regional-subscription-memory-quotas
_QUOTA_MB = 512_000
_MB_PER_CORE = 2048
# Accounts of one kind that a subscription may have in a region:
# https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-ai-services-limits
_QUOTA_ACCOUNTS = 100
# The queue trigger takes at most 32 messages at once; 16 is its default:
# https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json
_BATCH_HIGH = 16
# Enough for the largest batch: an image of up to 20 MB is held twice while its pieces are joined, and sent in slices,
# so 16 of them take 16 * 60 MB, and the host and the worker some 500 MB. `make throughput` measures what 24 take.
# 512 MB exists too, with a quarter of a core: too little beside the host (docs/decisions/0015).
_INSTANCE_MEMORY_MB = 2048
# The API app: the lowest maximum, which is far more than callers with limited rates need; and one core, as with 512 MB,
# a quarter of one, an instance would start four times as slowly.
# https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#instance-sizes
API_MAXIMUM_INSTANCES = _INSTANCES_LOW
API_INSTANCE_MEMORY_MB = 2048


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """Sizes for a workload.

    Attributes:
        average_rate: Images per second.
        peak_rate: Images per second in the busiest hours.
        vision_accounts: Number of Azure AI Vision accounts.
        images: The Cosmos DB container of records.
        analyses: The Cosmos DB container of analyses.
        record_days: Days of records that the storage of `images` allows for.
        maximum_instances: Instances that the function app may scale out to.
        instance_memory_mb: Memory of an instance.
        batch_size: Messages that an instance processes at the same time.
    """

    average_rate: float
    peak_rate: float
    vision_accounts: int
    images: ContainerSizing
    analyses: ContainerSizing
    record_days: int
    maximum_instances: int
    instance_memory_mb: int
    batch_size: int

    def to_dict(self) -> dict[str, Any]:
        """The figures by name; those of a container are nested below its name."""
        return asdict(self)


def derive_sizing(
    *,
    images_per_month: int,
    peak_factor: int,
    vision_calls_per_second: int,
    calls_per_image: int = 1,
    embeddings: bool = False,
    record_retention_days: int | None = None,
    cache_days: int = 90,
    shadow_share: float = 0.0,
) -> Sizing:
    """Derive the sizes for `images_per_month` when the busiest hours bring `peak_factor` times the average.

    All visual features are one call of Vision: they are billed one by one, and counted once; safety and embeddings are
    calls of their own. A share of the images is analyzed by a successor as well, with one call. Every image is counted
    as new, which is the most that Cosmos DB can have to do. What comes faster than the peak waits in the queue.

    Raises:
        SizingError: A limit of Azure would be exceeded.
    """
    average = images_per_month / _SECONDS_PER_MONTH
    peak = average * peak_factor
    accounts = max(1, math.ceil(peak * calls_per_image / vision_calls_per_second))
    # As many concurrent calls as keep every account busy (Little's law), and no more: more would only be throttled.
    concurrent_calls = accounts * vision_calls_per_second * _SECONDS_PER_CALL
    batch = min(_BATCH_HIGH, max(1, math.ceil(concurrent_calls / _INSTANCES_LOW)))
    instances = max(_INSTANCES_LOW, math.ceil(concurrent_calls / batch))
    item_kb = record_kb(embeddings=embeddings)
    record_days = record_retention_days or DEFAULT_RETENTION_DAYS
    images = size_container(
        ru_per_second=peak * (record_request_units(embeddings=embeddings) + shadow_share * read_ru(item_kb)),
        items=images_per_month * record_days / DAYS_PER_MONTH,
        item_kb=item_kb,
        index_share=RECORD_INDEX_SHARE,
    )
    result_kb = sum(_result_kb(calls_per_image=calls_per_image, embeddings=embeddings)) + shadow_share * _ANALYSIS_KB
    analysis_ru = analysis_request_units(calls_per_image=calls_per_image, embeddings=embeddings)
    # The shadow must not take throughput that the images need.
    analysis_ru += shadow_share * analysis_request_units(calls_per_image=1, embeddings=False)
    analyses = size_container(
        ru_per_second=peak * analysis_ru,
        items=images_per_month * cache_days / DAYS_PER_MONTH,
        item_kb=result_kb,
        index_share=0,
    )
    if instances > _INSTANCES_HIGH or max(images.max_ru, analyses.max_ru) > MAX_RU_CEILING:
        raise SizingError(
            f"{images_per_month} images a month at {peak_factor} times the average are {peak:.0f} a second, which would"
            f" take {instances} instances (at most {_INSTANCES_HIGH}); {images.max_ru} RU/s for {record_days} days of"
            f" records ({images.storage_gb:.0f} GB) and {analyses.max_ru} RU/s for {cache_days} days of analyses"
            f" ({analyses.storage_gb:.0f} GB), at most {MAX_RU_CEILING} for each without a support ticket"
        )
    return Sizing(
        average_rate=round(average, 4),
        peak_rate=round(peak, 4),
        vision_accounts=accounts,
        images=images,
        analyses=analyses,
        record_days=record_days,
        maximum_instances=instances,
        instance_memory_mb=_INSTANCE_MEMORY_MB,
        batch_size=batch,
    )


def record_request_units(*, embeddings: bool) -> float:
    """Request units in `images` for a new image.

    Its record is created once, read by `reconcile`, which looks for images without a record, read once by a client, and
    loaded to count the records of its day. Lists and searches come on top (docs/decisions/0043).
    """
    item_kb = record_kb(embeddings=embeddings)
    return create_ru(item_kb, _INDEXED_TERMS) + 2 * read_ru(item_kb) + _COUNTS_PER_RECORD * load_ru(item_kb)


def analysis_request_units(*, calls_per_image: int, embeddings: bool) -> float:
    """Request units in `analyses` for a new image: each call creates an item, its lease, which its result replaces."""
    sizes = _result_kb(calls_per_image=calls_per_image, embeddings=embeddings)
    return sum(create_ru(_LEASE_KB) + replace_ru(_LEASE_KB, size) for size in sizes)


def record_kb(*, embeddings: bool) -> int:
    """Size of a record in KB."""
    return _ANALYSIS_KB + (_EMBEDDING_KB if embeddings else 0)


def _result_kb(*, calls_per_image: int, embeddings: bool) -> list[int]:
    """Sizes of the results of an image's calls in KB."""
    sizes: list[int] = []
    if embeddings:
        sizes.append(_EMBEDDING_KB)
    if calls_per_image > len(sizes):
        sizes.append(_ANALYSIS_KB)
    return sizes + [_SAFETY_KB] * (calls_per_image - len(sizes))


def calls_per_image(features: Collection[Feature]) -> int:
    """Calls of Vision for an image: one for all visual features together, and one for each other feature."""
    calls = len(set(features) - set(VISUAL_FEATURES))
    if set(features) & set(VISUAL_FEATURES):
        calls += 1
    return max(1, calls)


def quota_warnings(sizing: Sizing, *, location: str, own_accounts: bool, api_app: bool) -> list[str]:
    """Return warnings for quotas that a stack exceeds, each with what to request.

    Both quotas can be raised, so none is an error here: above the memory quota apps stop scaling, and of the accounts
    Azure creates as many as the quota allows.

    Args:
        sizing: Sizes of the stack.
        location: Region of the stack.
        own_accounts: Whether the Vision accounts are the stack's own.
        api_app: Whether the API app is deployed, which shares the memory quota.
    """
    warnings: list[str] = []
    memory_mb = sizing.maximum_instances * sizing.instance_memory_mb
    instances = f"{sizing.maximum_instances} instances of {sizing.instance_memory_mb} MB"
    if api_app:
        memory_mb += API_MAXIMUM_INSTANCES * API_INSTANCE_MEMORY_MB
        instances += f" and {API_MAXIMUM_INSTANCES} of {API_INSTANCE_MEMORY_MB} MB of the API app"
    if memory_mb > _QUOTA_MB:
        warnings.append(
            f"imagesPerMonth: {instances} are {memory_mb} MB, and all Flex Consumption apps of a subscription in"
            f" {location} have {_QUOTA_MB} MB ({_QUOTA_MB // _MB_PER_CORE} cores) by default; above that they stop"
            f" scaling. Request {math.ceil(memory_mb / _MB_PER_CORE)} cores in {location} by a support ticket:"
            " https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#regional-subscription-memory-quotas"
        )
    if own_accounts and sizing.vision_accounts > _QUOTA_ACCOUNTS:
        warnings.append(
            f"imagesPerMonth: {sizing.vision_accounts} Vision accounts are needed, and a subscription may have"
            f" {_QUOTA_ACCOUNTS} of one kind in {location}. Request more by a support ticket, or a higher rate for each"
            " account (then raise visionCallsPerSecond):"
            " https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-ai-services-limits"
        )
    return warnings
