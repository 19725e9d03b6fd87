"""Levers: what a month would cost less with other settings, or with other images."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from infra.config.cost.estimate import estimate_cost
from infra.config.cost.price_list import PriceList
from infra.config.cost.vision import analyzer_usage, commitment_cost
from infra.config.cost.workload import Workload

# Retention that the levers compare with, in days.
_SHORT_RETENTION_DAYS = 30
# Share of images with content that was analyzed before, in percent.
_CACHE_HIT_STEP = 10
# Savings below this are no reason to change anything, in USD.
_SMALLEST_SAVING = 0.005


@dataclass(frozen=True, kw_only=True)
class Lever:
    """One change and what it would save in a month, in USD; a negative saving is an additional cost.

    The savings differ where the estimate's assumptions do: retention costs the messages of its deletions, if there are
    any.

    Attributes:
        change: The change, as a setting where there is one.
        saving_low: Difference of the low estimates.
        saving_high: Difference of the high estimates.
    """

    change: str
    saving_low: float
    saving_high: float

    @property
    def largest_saving(self) -> float:
        """The larger of both savings."""
        return max(self.saving_low, self.saving_high)


def find_levers(workload: Workload, prices: PriceList) -> list[Lever]:
    """Return the changes that can save something, the largest saving first. Each is compared with no other change."""
    present_estimate = estimate_cost(workload, prices)
    levers: list[Lever] = []
    for change, changed_workload in _changes(workload):
        changed_estimate = estimate_cost(changed_workload, prices)
        levers.append(
            Lever(
                change=change,
                saving_low=present_estimate.low - changed_estimate.low,
                saving_high=present_estimate.high - changed_estimate.high,
            )
        )
    levers.extend(_commitment_levers(workload, prices))
    effective = [lever for lever in levers if lever.largest_saving >= _SMALLEST_SAVING]
    return sorted(effective, key=lambda lever: lever.largest_saving, reverse=True)


def _changes(workload: Workload) -> Iterator[tuple[str, Workload]]:
    if len(workload.features) > 1 and not workload.custom_vision:
        for feature in workload.features:
            remaining = tuple(other for other in workload.features if other != feature)
            yield f"features: without {feature}", replace(workload, features=remaining)
    cache_hits = min(100.0, workload.cache_hit_percent + _CACHE_HIT_STEP)
    yield (
        f"{_CACHE_HIT_STEP} % more images whose content was analyzed within cacheDays",
        replace(workload, cache_hit_percent=cache_hits),
    )
    days = _SHORT_RETENTION_DAYS
    if workload.image_retention_days is None or workload.image_retention_days > days:
        yield f"imageRetentionDays: {days}", replace(workload, image_retention_days=days)
    if workload.record_retention_days is None or workload.record_retention_days > days:
        yield f"recordRetentionDays: {days}", replace(workload, record_retention_days=days)
    if workload.cache_days > days:
        yield f"cacheDays: {days}", replace(workload, cache_days=days)
    if workload.log_retention_days > days:
        yield f"logRetentionDays: {days}", replace(workload, log_retention_days=days)
    yield "no diagnostic settings for storage logs (no setting)", replace(workload, storage_logs=False)
    yield "publishResults: false", replace(workload, publish_results=False)
    yield "copyClassified: false", replace(workload, copy_classified=False)
    yield "zoneRedundant: false", replace(workload, zone_redundant=False)
    yield "networkAccess: public", replace(workload, private_networking=False)


def _commitment_levers(workload: Workload, prices: PriceList) -> Iterator[Lever]:
    """The commitment tiers of `read`, compared with its transactions at pay-as-you-go prices."""
    commitment = commitment_cost(workload, prices)
    if commitment is None:
        return
    present_cost = _analyzer_cost(workload, prices)
    without_read = tuple(feature for feature in workload.features if feature != "read")
    cost_of_others = _analyzer_cost(replace(workload, features=without_read), prices)
    saving = present_cost - cost_of_others - commitment
    yield Lever(
        change=f"commitment tier for read, {workload.sizing.vision_accounts} account(s): {commitment:,.0f} USD a month",
        saving_low=saving,
        saving_high=saving,
    )


def _analyzer_cost(workload: Workload, prices: PriceList) -> float:
    return sum(prices.cost(usage.meter, usage.high) for usage in analyzer_usage(workload))
