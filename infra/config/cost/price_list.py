"""Price lists: rows of the Retail Prices API, and what a quantity costs by their tiers.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from infra.config.cost.meters import Meter
from infra.core.errors import PriceListError

# The region whose prices are used for a region that has no file of its own.
DEFAULT_REGION = "eastus"
# Units of a price: "10K" is ten thousand, "1 GB/Month" is one.
_UNIT_OF_MEASURE = re.compile(r"(\d+)([KM]?)(?:[ /].*)?")
_MULTIPLIERS = {"": 1, "K": 1_000, "M": 1_000_000}
_GLOBAL_REGION = "Global"


class PriceRow(BaseModel):
    """One row: the price of a meter from `tier_minimum_units` on. Fields that the estimate does not need are ignored.

    Attributes:
        service_name: Service of the meter.
        product_name: Product of the meter.
        sku_name: SKU of the meter.
        meter_name: Name of the meter.
        unit_of_measure: What one unit is, such as `10K`.
        tier_minimum_units: Units in a month from which on the price is valid.
        retail_price: Price of a unit, in `currency_code`.
        currency_code: Currency of the price.
        arm_region_name: Region that the price is for.
        status: `fetched` from the API, or `quoted` from what somebody else published.
        source: Where the price was read.
        retrieved: When the price was valid: date of the API's response, or of the quotation.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel)

    service_name: str
    product_name: str
    sku_name: str
    meter_name: str
    unit_of_measure: str
    tier_minimum_units: float
    retail_price: float
    currency_code: Literal["USD"]
    arm_region_name: str
    status: Literal["fetched", "quoted"]
    source: str
    retrieved: date

    @property
    def meter(self) -> Meter:
        """The meter of the row."""
        return Meter(
            service_name=self.service_name,
            product_name=self.product_name,
            sku_name=self.sku_name,
            meter_name=self.meter_name,
            unit_of_measure=self.unit_of_measure,
        )


@dataclass(frozen=True, kw_only=True)
class PriceList:
    """Prices for one region.

    Attributes:
        region: The region that the list was made for. Rows may be of other regions where no price for it was found.
        rows: The tiers of each meter, in the order of their minimum.
    """

    region: str
    rows: dict[Meter, tuple[PriceRow, ...]]

    def cost(self, meter: Meter, quantity: float) -> float:
        """Return what a month's `quantity` costs in USD: each part of it at the price of its tier.

        Args:
            meter: The meter.
            quantity: Single transactions, operations, GB or hours; not multiples such as thousands.

        Raises:
            PriceListError: The list has no price for the meter.
        """
        units = quantity / units_per_price(meter.unit_of_measure)
        tiers = self.tiers(meter)
        cost = 0.0
        for index, tier in enumerate(tiers):
            is_last = index == len(tiers) - 1
            end = units if is_last else min(units, tiers[index + 1].tier_minimum_units)
            cost += max(0.0, end - tier.tier_minimum_units) * tier.retail_price
        return cost

    def tiers(self, meter: Meter) -> tuple[PriceRow, ...]:
        """Return the rows of a meter.

        Raises:
            PriceListError: The list has no row for the meter.
        """
        tiers = self.rows.get(meter)
        if not tiers:
            raise PriceListError(f"prices/{self.region}.json has no price for {meter}; run `make prices`")
        return tiers

    def rows_of(self, meters: Iterable[Meter]) -> list[PriceRow]:
        """Return the rows of several meters."""
        return [row for meter in meters for row in self.tiers(meter)]

    def other_regions(self, meters: Iterable[Meter]) -> list[str]:
        """Return the regions, other than its own, that the prices of these meters are for."""
        regions = {row.arm_region_name for row in self.rows_of(meters)}
        return sorted(regions - {self.region, _GLOBAL_REGION})

    def oldest(self, meters: Iterable[Meter]) -> date:
        """Return the date of the oldest price of these meters."""
        return min(row.retrieved for row in self.rows_of(meters))


def units_per_price(unit_of_measure: str) -> int:
    """Return how many single units a price is for: 10,000 for `10K`.

    Raises:
        PriceListError: The unit of measure has another form.
    """
    match = _UNIT_OF_MEASURE.fullmatch(unit_of_measure)
    if match is None:
        raise PriceListError(f"{unit_of_measure!r} is no unit of measure such as 10K or 1 GB/Month")
    return int(match[1]) * _MULTIPLIERS[match[2]]


def create_price_list(region: str, rows: Collection[object]) -> PriceList:
    """Create a price list from rows as the Retail Prices API has them, with `status`, `source` and `retrieved`.

    Raises:
        PriceListError: A row lacks a field, or a meter has two prices for one tier, or none for its first units.
    """
    try:
        parsed = [PriceRow.model_validate(row) for row in rows]
    except ValidationError as error:
        raise PriceListError(f"a row of the price list of {region} is wrong: {error}") from error
    by_meter: dict[Meter, list[PriceRow]] = {}
    for row in parsed:
        by_meter.setdefault(row.meter, []).append(row)
    tiers: dict[Meter, tuple[PriceRow, ...]] = {}
    for meter, meter_rows in by_meter.items():
        meter_rows.sort(key=lambda row: row.tier_minimum_units)
        minimums = [row.tier_minimum_units for row in meter_rows]
        if minimums[0] != 0 or len(set(minimums)) != len(minimums):
            raise PriceListError(f"the tiers of {meter} in {region} must begin at 0 and differ: {minimums}")
        tiers[meter] = tuple(meter_rows)
    return PriceList(region=region, rows=tiers)


def load_price_list(folder: Path, location: str) -> PriceList:
    """Return the prices of `location` if `folder` has a file for it, and those of `DEFAULT_REGION` otherwise.

    Raises:
        PriceListError: The file is wrong.
    """
    region = location if (folder / f"{location}.json").exists() else DEFAULT_REGION
    return create_price_list(region, json.loads((folder / f"{region}.json").read_text()))
