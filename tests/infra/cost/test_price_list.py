"""Price lists: the sum over tiers, what a list must have, and the committed rows."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.config.cost.meters import ALL_METERS, LOG_INGESTION, VISION_GROUP_1, Meter
from infra.config.cost.price_list import PriceList, create_price_list, load_price_list, units_per_price
from infra.core.errors import PriceListError
from tests.conftest import ROOT
from tests.support.cost_workloads import committed_prices, price_row

READS = Meter(service_name="Storage", product_name="Blobs", sku_name="Hot", meter_name="Reads", unit_of_measure="1K")
COMMITTED = json.loads((ROOT / "prices/eastus.json").read_text())


def three_tiers() -> PriceList:
    """Prices of 0.0 up to 5,000 reads, 2.0 for a thousand up to 10,000, and 1.0 above."""
    return create_price_list(
        "eastus",
        [
            price_row(minimum=10, price=1.0),
            price_row(minimum=0, price=0.0),
            price_row(minimum=5, price=2.0),
        ],
    )


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [(0, 0.0), (5_000, 0.0), (6_000, 2.0), (10_000, 10.0), (10_500, 10.5), (20_000, 20.0)],
)
def test_each_part_of_a_quantity_has_the_price_of_its_tier(quantity: float, expected: float) -> None:
    assert three_tiers().cost(READS, quantity) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("1K", 1_000),
        ("10K", 10_000),
        ("100K", 100_000),
        ("1M", 1_000_000),
        ("10", 10),
        ("1 GB", 1),
        ("1 GB/Month", 1),
        ("1 GB Second", 1),
        ("1/Month", 1),
        ("1 Hour", 1),
    ],
)
def test_units_of_measure(unit: str, expected: int) -> None:
    assert units_per_price(unit) == expected


@pytest.mark.parametrize("unit", ["", "GB", "1KB", "K", "1.5 GB"])
def test_an_unknown_unit_of_measure_is_an_error(unit: str) -> None:
    with pytest.raises(PriceListError, match="unit of measure"):
        units_per_price(unit)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([price_row(minimum=1)], "must begin at 0"),
        ([price_row(), price_row(price=2.0)], "must begin at 0 and differ"),
        ([price_row(currencyCode="EUR")], "currencyCode"),
        ([price_row(status="guessed")], "status"),
        ([{"meterName": "Reads"}], "retailPrice"),
        ([price_row(retrieved="soon")], "retrieved"),
    ],
)
def test_a_wrong_row_is_an_error(rows: list[object], text: str) -> None:
    with pytest.raises(PriceListError, match=text):
        create_price_list("eastus", rows)


def test_a_meter_without_a_price_is_an_error_that_says_what_to_do() -> None:
    prices = create_price_list("eastus", [price_row()])
    with pytest.raises(PriceListError, match=r"Image Analysis Group 1 Transactions.*make prices"):
        prices.cost(VISION_GROUP_1, 1)


def test_a_unit_of_another_size_is_another_meter() -> None:
    """A row in another unit must not be multiplied as if it were in the expected one."""
    prices = create_price_list("eastus", [price_row(unitOfMeasure="10K")])
    with pytest.raises(PriceListError, match="has no price"):
        prices.cost(READS, 1)


def test_a_region_with_a_file_has_its_own_prices_and_others_those_of_eastus(tmp_path: Path) -> None:
    (tmp_path / "eastus.json").write_text(json.dumps([price_row(price=1.0)]))
    (tmp_path / "northeurope.json").write_text(json.dumps([price_row(price=3.0)]))
    assert load_price_list(tmp_path, "northeurope").cost(READS, 1_000) == 3.0
    other = load_price_list(tmp_path, "uksouth")
    assert (other.region, other.cost(READS, 1_000)) == ("eastus", 1.0)


def test_regions_and_age_of_the_prices_of_some_meters() -> None:
    writes = replace(READS, meter_name="Writes")
    endpoints = replace(READS, meter_name="Endpoints")
    prices = create_price_list(
        "eastus",
        [
            price_row(retrieved="2026-10-01"),
            price_row("Writes", armRegionName="westus", retrieved="2026-09-01"),
            price_row("Endpoints", armRegionName="Global", retrieved="2026-01-01"),
        ],
    )
    assert prices.other_regions([READS]) == []
    assert prices.other_regions([READS, writes, endpoints]) == ["westus"]
    assert prices.oldest([READS]) == date(2026, 10, 1)
    assert prices.oldest([READS, writes]) == date(2026, 9, 1)


def test_the_committed_list_has_every_meter_and_no_other() -> None:
    assert committed_prices().rows.keys() == set(ALL_METERS)


@pytest.mark.parametrize("row", COMMITTED, ids=lambda row: f"{row['meterName']} {row['tierMinimumUnits']}")
def test_every_committed_price_has_a_source_and_none_claims_to_be_fetched_that_was_not(row: dict[str, object]) -> None:
    """A row of the API has an id and a start; a quoted one lacks at least the start."""
    assert ("effectiveStartDate" in row) is (row["status"] == "fetched")
    assert "https://" in str(row["source"])
    assert row["unitPrice"] == row["retailPrice"]


def test_some_committed_prices() -> None:
    """As docs/cost.md has them."""
    prices = committed_prices()
    vision = [(tier.tier_minimum_units, tier.retail_price) for tier in prices.tiers(VISION_GROUP_1)]
    assert vision == [(0, 1.0), (1_000, 0.65), (10_000, 0.6), (100_000, 0.4)]
    assert prices.cost(VISION_GROUP_1, 150_000_000) == pytest.approx(80_850.0)
    assert prices.cost(LOG_INGESTION, 5) == 0.0
    assert prices.cost(LOG_INGESTION, 6) == pytest.approx(2.3)


@given(meter=st.sampled_from(ALL_METERS), data=st.data())
def test_a_cost_is_continuous_at_the_border_of_every_tier(meter: Meter, data: st.DataObject) -> None:
    prices = committed_prices()
    tier = data.draw(st.sampled_from(prices.tiers(meter)))
    units = units_per_price(meter.unit_of_measure)
    border = tier.tier_minimum_units * units
    highest_price = max(row.retail_price for row in prices.tiers(meter))
    step = data.draw(st.floats(0, 1))
    before = prices.cost(meter, max(0.0, border - step))
    after = prices.cost(meter, border + step)
    assert 0 <= after - before <= 2 * step * highest_price / units + 1e-6


@given(meter=st.sampled_from(ALL_METERS), quantities=st.tuples(st.floats(0, 1e12), st.floats(0, 1e12)))
def test_more_of_a_meter_never_costs_less(meter: Meter, quantities: tuple[float, float]) -> None:
    prices = committed_prices()
    fewer, more = sorted(quantities)
    assert prices.cost(meter, fewer) <= prices.cost(meter, more) + 1e-6
