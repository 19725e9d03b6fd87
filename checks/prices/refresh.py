"""Fetches the rows of every meter that the estimate uses, and compares them with those of the present price list."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import requests

from checks.prices.retail_prices_api import API_URL, fetch_rows, price_filter
from infra.config.cost.meters import ALL_METERS, GLOBAL_METERS, Meter
from infra.config.cost.price_list import PriceList

# A price that moves by more than this is probably that of another meter under the same name.
MOST_MOVED_PERCENT = 30
_GLOBAL_REGION = "Global"
# Fields of Meter, by the API's names.
_KEY_FIELDS = ("serviceName", "productName", "skuName", "meterName", "unitOfMeasure")

type Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """Rows for a price list, and what is wrong with them.

    Attributes:
        rows: In the order of the meters and their tiers.
        vanished: Meters of which the API has no row.
        moved: Prices that moved by more than `MOST_MOVED_PERCENT`, and tiers that are new or missing; one line each.
    """

    rows: list[Row]
    vanished: list[Meter]
    moved: list[str]


def refresh_prices(session: requests.Session, *, region: str, present: PriceList | None, today: date) -> Refresh:
    """Fetch the prices of a region.

    Args:
        session: Session for the requests.
        region: Azure region, such as northeurope.
        present: The list that the prices are compared with; None if the region has none.
        today: Date of the rows.

    Raises:
        RetailPricesError: A request failed.
    """
    available = _fetch_products(session, region)
    rows: list[Row] = []
    vanished: list[Meter] = []
    moved: list[str] = []
    for meter in ALL_METERS:
        tiers = _current_tiers(available.get(meter, ()), today)
        if not tiers:
            vanished.append(meter)
            continue
        if present is not None and meter in present.rows:
            moved.extend(_compare(meter, present, tiers))
        rows.extend({**row, "status": "fetched", "source": API_URL, "retrieved": today.isoformat()} for row in tiers)
    return Refresh(rows=rows, vanished=vanished, moved=moved)


def _fetch_products(session: requests.Session, region: str) -> dict[Meter, list[Row]]:
    """Fetch the rows of each product once, by meter."""
    # A dict keeps the order, which a set would not.
    queries: dict[tuple[str, str, str], None] = {}
    for meter in ALL_METERS:
        price_region = _GLOBAL_REGION if meter in GLOBAL_METERS else region
        queries[meter.service_name, meter.product_name, price_region] = None
    available: dict[Meter, list[Row]] = {}
    for service_name, product_name, price_region in queries:
        text = price_filter(service_name=service_name, product_name=product_name, region=price_region)
        for row in fetch_rows(session, text):
            available.setdefault(_meter(row), []).append(row)
    return available


def _meter(row: Row) -> Meter:
    service_name, product_name, sku_name, meter_name, unit_of_measure = (str(row.get(name)) for name in _KEY_FIELDS)
    return Meter(
        service_name=service_name,
        product_name=product_name,
        sku_name=sku_name,
        meter_name=meter_name,
        unit_of_measure=unit_of_measure,
    )


def _current_tiers(rows: Iterable[Row], today: date) -> list[Row]:
    """The rows that are in effect, the newest one of each tier, in the order of the tiers."""
    newest: dict[float, Row] = {}
    for row in rows:
        started = str(row["effectiveStartDate"])
        if row["type"] != "Consumption" or started[:10] > today.isoformat():
            continue
        minimum = float(row["tierMinimumUnits"])
        if minimum not in newest or started > str(newest[minimum]["effectiveStartDate"]):
            newest[minimum] = row
    return [newest[minimum] for minimum in sorted(newest)]


def _compare(meter: Meter, present: PriceList, tiers: Sequence[Row]) -> Iterator[str]:
    before = {row.tier_minimum_units: row.retail_price for row in present.tiers(meter)}
    after = {float(row["tierMinimumUnits"]): float(row["retailPrice"]) for row in tiers}
    for minimum in sorted(before.keys() | after.keys()):
        if _has_moved(before, after, minimum):
            yield (
                f"{meter.meter_name}, from {minimum:,.0f} units on:"
                f" {before.get(minimum, 'no tier')} before, {after.get(minimum, 'no tier')} now"
            )


def _has_moved(before: Mapping[float, float], after: Mapping[float, float], minimum: float) -> bool:
    if minimum not in before or minimum not in after:
        return True
    excess = abs(after[minimum] - before[minimum]) - before[minimum] * MOST_MOVED_PERCENT / 100
    # Without the error of binary fractions: the smallest prices are millionths of a dollar.
    return round(excess, 12) > 0
