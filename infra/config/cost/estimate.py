"""The estimate: line items by meter, and their totals."""

from dataclasses import dataclass
from typing import Any

from infra.config.cost.compute import cosmos_usage, function_usage
from infra.config.cost.operations import monitoring_usage, network_usage
from infra.config.cost.price_list import PriceList
from infra.config.cost.storage import blob_usage, event_grid_usage, queue_usage
from infra.config.cost.usage import Usage
from infra.config.cost.vision import analyzer_usage
from infra.config.cost.workload import Workload


@dataclass(frozen=True, kw_only=True)
class LineItem:
    """What one meter costs in a month, in USD.

    Attributes:
        usage: The quantity.
        low: Cost of the low quantity.
        high: Cost of the high quantity.
    """

    usage: Usage
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """What a month costs at list prices, in USD.

    Attributes:
        line_items: One for each meter, in the order of the image's path.
        images_per_month: The images that the estimate is for.
        price_region: Region of the prices.
    """

    line_items: tuple[LineItem, ...]
    images_per_month: int
    price_region: str

    @property
    def low(self) -> float:
        """The total under the more favorable assumptions."""
        return sum(item.low for item in self.line_items)

    @property
    def high(self) -> float:
        """The total under the less favorable assumptions. This is the figure to plan with."""
        return sum(item.high for item in self.line_items)

    def to_dict(self) -> dict[str, Any]:
        """The totals and the high cost of each meter, rounded to cents, for a stack output.

        `checks.plan` compares the output before and after a change.
        """
        # An analyzer and a successor in the shadow may use the same meter.
        meters: dict[str, float] = {}
        for item in self.line_items:
            name = item.usage.meter.meter_name
            meters[name] = meters.get(name, 0.0) + item.high
        return {
            "low": round(self.low, 2),
            "high": round(self.high, 2),
            "currency": "USD",
            "priceRegion": self.price_region,
            "meters": {name: round(cost, 2) for name, cost in meters.items()},
        }


def estimate_cost(workload: Workload, prices: PriceList) -> CostEstimate:
    """Estimate what a month costs, when stored data has reached its age.

    Raises:
        PriceListError: The list has no price for a meter.
        SizingError: The workload exceeds a limit of Azure.
    """
    usages = [
        *analyzer_usage(workload),
        *function_usage(workload),
        *cosmos_usage(workload),
        *blob_usage(workload),
        *queue_usage(workload),
        *event_grid_usage(workload),
        *monitoring_usage(workload),
        *network_usage(workload),
    ]
    return CostEstimate(
        line_items=tuple(
            LineItem(
                usage=usage,
                low=prices.cost(usage.meter, usage.low),
                high=prices.cost(usage.meter, usage.high),
            )
            for usage in usages
        ),
        images_per_month=workload.images_per_month,
        price_region=prices.region,
    )


def budget_warning(estimate: CostEstimate, *, monthly_budget: int) -> str | None:
    """Return a warning if the estimate exceeds the budget; None otherwise.

    Args:
        estimate: The estimate, in USD.
        monthly_budget: The setting of that name, in the currency of the subscription.
    """
    if estimate.high <= monthly_budget:
        return None
    return (
        f"monthlyBudget: a month of {estimate.images_per_month} images is estimated at {estimate.low:,.0f} to"
        f" {estimate.high:,.0f} USD (list prices of {estimate.price_region}), which is more than the budget of"
        f" {monthly_budget:,}. `make cost` shows what it consists of, and what other settings would save"
    )
