"""The cost of a stack by meter, before and after a change.

The stack exports its estimate (`infra/config/cost`): what is deployed has the output before the change, and the preview
the output after it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from checks.plan.preview import PlanInputError

_OUTPUT = "estimatedMonthlyCost"


class CostEstimate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The stack output `estimatedMonthlyCost`.

    Attributes:
        low: Cost of a month under the more favorable assumptions.
        high: Cost of a month under the less favorable ones.
        currency: Code of ISO 4217.
        price_region: Region of the prices.
        meters: The high cost by meter; None in stacks that release 0.2.0 or an earlier one has deployed.
    """

    low: float
    high: float
    currency: str
    price_region: str
    meters: dict[str, float] | None = None


class CostChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one meter costs in a month, at most; zero where it is not used, and None where that is not known."""

    meter: str
    before: float | None
    after: float

    @property
    def changes(self) -> bool:
        """Whether the change is at least a cent, or not known."""
        return self.before is None or abs(self.after - self.before) >= 0.005


class CostComparison(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Cost before and after a change, by meter with the largest difference first.

    Attributes:
        before: The estimate of what is deployed; None if nothing is.
        after: The estimate after the change.
        meters: Each meter of either.
    """

    before: CostEstimate | None
    after: CostEstimate
    meters: list[CostChange]


def read_cost_comparison(before: Mapping[str, Any], after: Mapping[str, Any]) -> CostComparison | None:
    """Return the comparison of two estimates; None if the stack exports none.

    Args:
        before: The outputs of the deployed stack; empty if nothing is deployed.
        after: The outputs of the stack after the change.

    Raises:
        PlanInputError: An output is not an estimate, or they are of different currencies.
    """
    if _OUTPUT not in after:
        return None
    return compare_cost(_estimate(before) if _OUTPUT in before else None, _estimate(after))


def compare_cost(before: CostEstimate | None, after: CostEstimate) -> CostComparison:
    """Compare two estimates of the same currency.

    Args:
        before: The estimate of what is deployed; None if nothing is.
        after: The estimate after the change.

    Raises:
        PlanInputError: The currencies differ.
    """
    if before is not None and before.currency != after.currency:
        raise PlanInputError(f"the estimates are in {before.currency} and in {after.currency}; they cannot be compared")
    old = {} if before is None else before.meters
    new = after.meters or {}
    names = new.keys() | (old or {}).keys()
    meters = [
        CostChange(meter=name, before=None if old is None else old.get(name, 0.0), after=new.get(name, 0.0))
        for name in names
    ]
    meters.sort(key=lambda item: (-abs(item.after - (item.before or 0.0)), item.meter))
    return CostComparison(before=before, after=after, meters=meters)


def _estimate(outputs: Mapping[str, Any]) -> CostEstimate:
    try:
        return msgspec.convert(outputs[_OUTPUT], type=CostEstimate)
    except msgspec.ValidationError as error:
        raise PlanInputError(f"the stack output {_OUTPUT} is not a cost estimate: {error}") from error
