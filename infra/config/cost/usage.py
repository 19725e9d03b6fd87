"""Quantity of a meter in a month."""

from dataclasses import dataclass

from infra.config.cost.meters import Meter

# Azure's convention for prices by the hour: https://azure.microsoft.com/pricing/calculator/
HOURS_PER_MONTH = 730
# `reconcile` runs every 15 minutes by default (`reconcileSchedule`).
RECONCILE_RUNS = HOURS_PER_MONTH * 4


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a stack uses of a meter in a month.

    Attributes:
        meter: The meter.
        low: Quantity under the more favorable assumptions, in single units.
        high: Quantity under the less favorable ones; equal to `low` where nothing is assumed.
        purpose: What it is used for.
    """

    meter: Meter
    low: float
    high: float
    purpose: str


def exact(meter: Meter, quantity: float, purpose: str) -> Usage:
    """Return a usage that is the same under all assumptions."""
    return Usage(meter=meter, low=quantity, high=quantity, purpose=purpose)
