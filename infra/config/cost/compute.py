"""Usage of the function app, and of Cosmos DB."""

from infra.config.cost.meters import (
    COSMOS_AUTOSCALE,
    COSMOS_STORAGE,
    FLEX_ALWAYS_READY,
    FLEX_EXECUTION_TIME,
    FLEX_EXECUTIONS,
)
from infra.config.cost.usage import HOURS_PER_MONTH, RECONCILE_RUNS, Usage, exact
from infra.config.cost.workload import Workload
from infra.config.sizing import API_INSTANCE_MEMORY_MB, analysis_request_units, record_request_units

_SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600
_MB_PER_GB = 1024
# An execution is billed for at least a second, and then in steps of 100 ms:
# https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#billing
_SHORTEST_SECONDS = 1.0
# A call of the analyzer takes 0.5 to 1 s (docs/decisions/0015); reading the blob, the requests to Cosmos DB and the
# published event together about half a second. Messages that are processed at the same time share their instance's
# time, which is not counted: the time of large stacks is less.
_CALL_SECONDS_LOW = 0.5
_CALL_SECONDS_HIGH = 1.0
_OTHER_SECONDS = 0.5
# A chat completion about an image takes longer; a guess, which the metric visionMs replaces.
_COMPLETION_SECONDS_LOW = 2.0
_COMPLETION_SECONDS_HIGH = 6.0
# A zone-redundant plan has two always-ready instances for each function group: `http`, `classify` and `reconcile`
# (docs/decisions/0032). Their executions have a lower price and no free grant; both are neglected.
_ALWAYS_READY_INSTANCES = 6
# The function `shadow` is a group of its own.
_SHADOW_ALWAYS_READY_INSTANCES = 2
# The API app has the function group `http` alone.
_API_ALWAYS_READY_INSTANCES = 2
_API_MEMORY_GB = API_INSTANCE_MEMORY_MB / _MB_PER_GB
# A run of `reconcile` lists pages of 5,000 blobs, each in about half a second, and starts none after 420 seconds
# (functions/common/domain/timeouts.py).
_BLOBS_PER_PAGE = 5_000
_PAGE_SECONDS = 0.5
_RUN_SECONDS = 420.0
# Autoscale never goes below a tenth of the maximum:
# https://learn.microsoft.com/azure/cosmos-db/provision-throughput-autoscale#how-autoscale-provisioned-throughput-works
_AUTOSCALE_FLOOR = 0.1
# infra/components/cosmos.py: the container of comparisons, which a sample does not take beyond its lowest throughput.
_COMPARISONS_MAX_RU = 1000


def list_operations(workload: Workload) -> float:
    """Return the pages of blobs that `reconcile` lists in a month."""
    stored_images = workload.images_per_month * workload.stored_months
    pages = max(1.0, stored_images / _BLOBS_PER_PAGE)
    return RECONCILE_RUNS * min(pages, _RUN_SECONDS / _PAGE_SECONDS)


def function_usage(workload: Workload) -> list[Usage]:
    """Return executions, execution time and always-ready instances of the Flex Consumption plans.

    A request to the API takes less than a second, which is the shortest time that is billed. Requests that an instance
    answers at the same time share it, which is not counted either.
    """
    sizing = workload.sizing
    memory_gb = sizing.instance_memory_mb / _MB_PER_GB
    analyzed = workload.analyzed_images
    cached_seconds = (workload.images_per_month - analyzed) * _SHORTEST_SECONDS
    call_low = _CALL_SECONDS_LOW
    call_high = _CALL_SECONDS_HIGH
    if workload.foundry is not None and not workload.content_understanding:
        call_low = _COMPLETION_SECONDS_LOW
        call_high = _COMPLETION_SECONDS_HIGH
    call_seconds_low = _OTHER_SECONDS + workload.calls_per_image * call_low
    call_seconds_high = _OTHER_SECONDS + workload.calls_per_image * call_high
    reconcile_seconds = max(RECONCILE_RUNS * _SHORTEST_SECONDS, list_operations(workload) * _PAGE_SECONDS)
    more_low, more_high = workload.more_deliveries
    other_seconds = cached_seconds + reconcile_seconds
    # A delivery that asks for a result takes less than the shortest time that is billed.
    seconds_low = analyzed * max(_SHORTEST_SECONDS, call_seconds_low) + more_low * _SHORTEST_SECONDS + other_seconds
    # A deletion's message takes no call. That retention raises deletion events was not verified: `low` has none.
    deletion_seconds = workload.deleted_images * _SHORTEST_SECONDS
    seconds_high = analyzed * call_seconds_high + more_high * _SHORTEST_SECONDS + other_seconds + deletion_seconds
    api_gb_seconds = workload.api_requests * _SHORTEST_SECONDS * _API_MEMORY_GB
    if workload.shadow is not None:
        seconds_low += workload.shadowed_images * (_OTHER_SECONDS + _COMPLETION_SECONDS_LOW)
        seconds_high += workload.shadowed_images * (_OTHER_SECONDS + _COMPLETION_SECONDS_HIGH)
    executions = workload.images_per_month + workload.shadowed_images + RECONCILE_RUNS + workload.api_requests
    purpose = "classify, reconcile, requests to the API" if workload.api_app else "classify and reconcile"
    usages = [
        Usage(
            meter=FLEX_EXECUTION_TIME,
            low=seconds_low * memory_gb + api_gb_seconds,
            high=seconds_high * memory_gb + api_gb_seconds,
            purpose=purpose,
        ),
        Usage(
            meter=FLEX_EXECUTIONS,
            low=executions + more_low,
            high=executions + more_high + workload.deleted_images,
            purpose=purpose,
        ),
    ]
    if workload.zone_redundant:
        baseline_gb = _ALWAYS_READY_INSTANCES * memory_gb
        if workload.shadow is not None:
            baseline_gb += _SHADOW_ALWAYS_READY_INSTANCES * memory_gb
        if workload.api_app:
            baseline_gb += _API_ALWAYS_READY_INSTANCES * _API_MEMORY_GB
        baseline = baseline_gb * _SECONDS_PER_MONTH
        usages.append(exact(FLEX_ALWAYS_READY, baseline, "always-ready instances of the zones"))
    return usages


def cosmos_usage(workload: Workload) -> list[Usage]:
    """Return throughput and storage of both containers.

    An hour is billed for the highest throughput that it reached. `low` has the average rate in every hour, `high` the
    peak rate; neither is below a tenth of the maximum.
    """
    sizing = workload.sizing
    image_ru = record_request_units(embeddings=workload.stores_embeddings)
    analysis_ru = analysis_request_units(
        calls_per_image=workload.calls_per_image, embeddings=workload.stores_embeddings
    )
    analysis_ru += workload.shadow_percent / 100 * analysis_request_units(calls_per_image=1, embeddings=False)
    floor_images = sizing.images.max_ru * _AUTOSCALE_FLOOR
    floor_analyses = sizing.analyses.max_ru * _AUTOSCALE_FLOOR
    floor_comparisons = 0.0 if workload.shadow is None else _COMPARISONS_MAX_RU * _AUTOSCALE_FLOOR
    low = max(floor_images, sizing.average_rate * image_ru) + max(floor_analyses, sizing.average_rate * analysis_ru)
    high = max(floor_images, sizing.peak_rate * image_ru) + max(floor_analyses, sizing.peak_rate * analysis_ru)
    return [
        Usage(
            meter=COSMOS_AUTOSCALE,
            low=(low + floor_comparisons) / 100 * HOURS_PER_MONTH,
            high=(high + floor_comparisons) / 100 * HOURS_PER_MONTH,
            purpose="images and analyses" if workload.shadow is None else "images, analyses and comparisons",
        ),
        exact(COSMOS_STORAGE, sizing.images.storage_gb + sizing.analyses.storage_gb, "records and analyses"),
    ]
