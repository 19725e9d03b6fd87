"""Workloads and price lists for tests of the cost estimate."""

from dataclasses import replace
from typing import Any

from infra.config.cost.price_list import PriceList, load_price_list
from infra.config.cost.workload import Workload
from tests.support.pulumi_recorder import ROOT

# The defaults of Pulumi.yaml, and seven log alert rules.
DEFAULTS = Workload(
    location="northeurope",
    images_per_month=5_000,
    peak_factor=4,
    vision_calls_per_second=10,
    features=("tags", "objects", "people", "read", "caption"),
    custom_vision=False,
    image_retention_days=None,
    record_retention_days=None,
    cache_days=90,
    log_retention_days=30,
    publish_results=True,
    copy_classified=False,
    scheduled=False,
    private_networking=False,
    protect_data=False,
    zone_redundant=False,
    api_app=False,
    log_alert_rules=7,
)


def workload(**changes: Any) -> Workload:
    """Return the default workload with some attributes changed."""
    return replace(DEFAULTS, **changes)


def committed_prices() -> PriceList:
    """Return the price list in prices/."""
    return load_price_list(ROOT / "prices", "eastus")


def price_row(meter_name: str = "Reads", *, minimum: float = 0, price: float = 1.0, **changes: Any) -> dict[str, Any]:
    """Return a row of a price list."""
    return {
        "serviceName": "Storage",
        "productName": "Blobs",
        "skuName": "Hot",
        "meterName": meter_name,
        "unitOfMeasure": "1K",
        "tierMinimumUnits": minimum,
        "retailPrice": price,
        "unitPrice": price,
        "currencyCode": "USD",
        "armRegionName": "eastus",
        "type": "Consumption",
        "status": "quoted",
        "source": "a page",
        "retrieved": "2026-10-01",
        **changes,
    }
