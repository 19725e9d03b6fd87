"""The report of a stack's cost: estimate, sample profiles, levers, and the age of the prices."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from checks.cost.analyzers import AnalyzerCost, analyzers_json, compare_analyzers
from infra.config.cost.estimate import CostEstimate, LineItem, budget_warning, estimate_cost
from infra.config.cost.levers import Lever, find_levers
from infra.config.cost.meters import Meter
from infra.config.cost.price_list import PriceList
from infra.config.cost.workload import Workload
from infra.core.errors import SizingError

# Images of a month in the sample cost profiles of Microsoft's image classification scenario, all of 100 KB:
# https://learn.microsoft.com/azure/architecture/ai-ml/idea/intelligent-apps-image-processing
PROFILES = {"small": 5_000, "medium": 500_000, "large": 50_000_000}
PROFILE_IMAGE_KB = 100.0
# Prices change about once a quarter.
_OLD_DAYS = 90


@dataclass(frozen=True, kw_only=True)
class CostReport:
    """Everything that `make cost` prints.

    Attributes:
        stack: The stack's name.
        workload: Its workload.
        price_region: Region of the prices.
        prices_from: Date of the oldest price that is used.
        price_age_days: Days since then.
        quoted_prices: Prices that are quoted instead of fetched from Azure's API.
        estimate: The stack's estimate.
        profiles: Estimates of the sample profiles with the stack's other settings; None where Azure's limits are
            exceeded.
        levers: What other settings would save.
        analyzers: What each analyzer would cost for the same images.
        warnings: What makes the estimate less reliable, and whether it exceeds the budget.
    """

    stack: str
    workload: Workload
    price_region: str
    prices_from: date
    price_age_days: int
    quoted_prices: int
    estimate: CostEstimate
    profiles: dict[str, CostEstimate | None]
    levers: list[Lever]
    analyzers: list[AnalyzerCost]
    warnings: list[str]


def create_report(*, stack: str, workload: Workload, monthly_budget: int, prices: PriceList, today: date) -> CostReport:
    """Create the report of a stack.

    Raises:
        PriceListError: The list has no price for a meter.
    """
    estimate = estimate_cost(workload, prices)
    meters = [item.usage.meter for item in estimate.line_items]
    prices_from = prices.oldest(meters)
    age_days = (today - prices_from).days
    warnings = _price_warnings(workload, prices, meters, age_days)
    over_budget = budget_warning(estimate, monthly_budget=monthly_budget)
    if over_budget is not None:
        warnings.append(over_budget)
    return CostReport(
        stack=stack,
        workload=workload,
        price_region=prices.region,
        prices_from=prices_from,
        price_age_days=age_days,
        quoted_prices=sum(row.status == "quoted" for row in prices.rows_of(meters)),
        estimate=estimate,
        profiles={name: _profile(workload, images, prices) for name, images in PROFILES.items()},
        levers=find_levers(workload, prices),
        analyzers=compare_analyzers(workload, prices),
        warnings=warnings,
    )


def _profile(workload: Workload, images: int, prices: PriceList) -> CostEstimate | None:
    try:
        return estimate_cost(replace(workload, images_per_month=images, image_kb=PROFILE_IMAGE_KB), prices)
    except SizingError:
        return None


def _price_warnings(workload: Workload, prices: PriceList, meters: list[Meter], age_days: int) -> list[str]:
    warnings: list[str] = []
    if prices.region != workload.location:
        warnings.append(
            f"there is no price list of {workload.location}: the prices are those of {prices.region}, and"
            f" {workload.location} may differ. `make prices REGION={workload.location}` fetches its own"
        )
    other_regions = prices.other_regions(meters)
    if other_regions:
        warnings.append(
            f"some prices in the list of {prices.region} are those of {', '.join(other_regions)}, as prices/"
            f"{prices.region}.json says"
        )
    if any(row.status == "quoted" for row in prices.rows_of(meters)):
        warnings.append("prices marked as quoted were not fetched from Azure's API; `make prices` fetches them")
    if age_days > _OLD_DAYS:
        warnings.append(f"the oldest price is {age_days} days old; `make prices` fetches new ones")
    return warnings


def to_json(report: CostReport) -> dict[str, Any]:
    """Return the report for programs; amounts are USD and not rounded."""
    return {
        "stack": report.stack,
        "location": report.workload.location,
        "imagesPerMonth": report.workload.images_per_month,
        "imageKb": report.workload.image_kb,
        "cacheHitPercent": report.workload.cache_hit_percent,
        "apiRequestsPerImage": report.workload.api_requests_per_image if report.workload.api_app else 0.0,
        "currency": "USD",
        "priceRegion": report.price_region,
        "pricesFrom": report.prices_from.isoformat(),
        "priceAgeDays": report.price_age_days,
        "quotedPrices": report.quoted_prices,
        "monthlyCost": {"low": report.estimate.low, "high": report.estimate.high},
        "lineItems": [_line_item_json(item, report.workload.images_per_month) for item in report.estimate.line_items],
        "profiles": {
            name: None if estimate is None else _profile_json(estimate) for name, estimate in report.profiles.items()
        },
        "levers": [
            {"change": lever.change, "savingLow": lever.saving_low, "savingHigh": lever.saving_high}
            for lever in report.levers
        ],
        "analyzers": analyzers_json(report.analyzers),
        "warnings": report.warnings,
    }


def _line_item_json(item: LineItem, images: int) -> dict[str, Any]:
    meter = item.usage.meter
    return {
        "serviceName": meter.service_name,
        "productName": meter.product_name,
        "meterName": meter.meter_name,
        "unitOfMeasure": meter.unit_of_measure,
        "purpose": item.usage.purpose,
        "quantityLow": item.usage.low,
        "quantityHigh": item.usage.high,
        "low": item.low,
        "high": item.high,
        "highPerImage": item.high / images,
    }


def _profile_json(estimate: CostEstimate) -> dict[str, Any]:
    return {
        "imagesPerMonth": estimate.images_per_month,
        "low": estimate.low,
        "high": estimate.high,
        "meters": {item.usage.meter.meter_name: item.high for item in estimate.line_items},
    }
