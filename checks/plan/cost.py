"""The cost of a stack by meter, before and after a change."""

import msgspec

from checks.plan.inputs import CostEstimate, CostLineItem
from checks.plan.preview import PlanInputError


class CostChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one meter costs in a month before and after a change; zero where the meter is not used."""

    service: str
    meter: str
    purpose: str
    low_before: float
    high_before: float
    low_after: float
    high_after: float

    @property
    def changes(self) -> bool:
        """Whether the change is at least a cent."""
        differences = (self.low_after - self.low_before, self.high_after - self.high_before)
        return any(abs(difference) >= 0.005 for difference in differences)


class CostComparison(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Cost by meter before and after a change, the largest difference first."""

    currency: str
    meters: list[CostChange]
    low_before: float
    high_before: float
    low_after: float
    high_after: float


def compare_cost(before: CostEstimate, after: CostEstimate) -> CostComparison:
    """Compare two estimates of the same currency.

    Raises:
        PlanInputError: The currencies differ.
    """
    if before.currency != after.currency:
        raise PlanInputError(f"the estimates are in {before.currency} and in {after.currency}; they cannot be compared")
    old = _by_meter(before)
    new = _by_meter(after)
    meters = [_change(key, old.get(key), new.get(key)) for key in old.keys() | new.keys()]
    meters.sort(key=lambda item: (-abs(item.high_after - item.high_before), item.service, item.meter, item.purpose))
    return CostComparison(
        currency=after.currency,
        meters=meters,
        low_before=sum(item.low for item in before.line_items),
        high_before=sum(item.high for item in before.line_items),
        low_after=sum(item.low for item in after.line_items),
        high_after=sum(item.high for item in after.line_items),
    )


def _by_meter(estimate: CostEstimate) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Low and high cost by service, meter and purpose; items of the same three are added up."""
    totals: dict[tuple[str, str, str], tuple[float, float]] = {}
    for item in estimate.line_items:
        key = _key(item)
        low, high = totals.get(key, (0.0, 0.0))
        totals[key] = (low + item.low, high + item.high)
    return totals


def _key(item: CostLineItem) -> tuple[str, str, str]:
    return (item.service, item.meter, item.purpose)


def _change(
    key: tuple[str, str, str], before: tuple[float, float] | None, after: tuple[float, float] | None
) -> CostChange:
    service, meter, purpose = key
    low_before, high_before = before or (0.0, 0.0)
    low_after, high_after = after or (0.0, 0.0)
    return CostChange(
        service=service,
        meter=meter,
        purpose=purpose,
        low_before=low_before,
        high_before=high_before,
        low_after=low_after,
        high_after=high_after,
    )
