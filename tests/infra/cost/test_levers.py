"""Levers: what each saves, that a change which costs more is not one, and the commitment tiers."""

from typing import Any

import pytest

from infra.config.cost.levers import Lever, find_levers
from infra.config.cost.vision import commitment_cost
from infra.core.analysis import Feature
from tests.support.cost_workloads import committed_prices, workload

PRICES = committed_prices()


def levers(**changes: Any) -> dict[str, Lever]:
    return {lever.change: lever for lever in find_levers(workload(**changes), PRICES)}


def test_the_levers_of_half_a_million_images() -> None:
    """1,325 USD for tags, objects and people, 1,500 for read and caption; see docs/cost.md.

    Without tags: a million transactions instead of one and a half, of which the last half costs 0.65.
    """
    by_change = levers(images_per_month=500_000, image_retention_days=90, record_retention_days=90)
    assert by_change["features: without tags"].saving_high == pytest.approx(325.0)
    assert by_change["features: without read"].saving_high == pytest.approx(750.0)
    assert by_change["commitment tier for read, 1 account(s): 375 USD a month"].saving_low == pytest.approx(375.0)
    cache = by_change["10 % more images whose content was analyzed within cacheDays"]
    # 150,000 transactions of group 1 at 0.65, 100,000 of group 2 at 1.50.
    assert cache.saving_low == pytest.approx(97.5 + 150.0)
    # 60 days of 500,000 records of 5.2 KB at 0.25 for a GB; 60 of analyses of 4 KB.
    assert by_change["recordRetentionDays: 30"].saving_high == pytest.approx(5.2 * 0.25, abs=0.03)
    assert by_change["cacheDays: 30"].saving_high == pytest.approx(4.0 * 0.25, abs=0.03)
    # 100 GB at 0.0208, and 2/3 of the pages that reconcile lists: 300 to 100 pages in each of 2,920 runs.
    assert by_change["imageRetentionDays: 30"].saving_low == pytest.approx(
        2.08 + 2.92 + 584_000 * 0.5 * 2 * 0.000026, abs=0.01
    )


def test_the_largest_saving_comes_first() -> None:
    savings = [lever.largest_saving for lever in find_levers(workload(images_per_month=500_000), PRICES)]
    assert savings == sorted(savings, reverse=True)
    assert savings[0] > 100


def test_a_change_that_can_only_cost_more_is_no_lever() -> None:
    by_change = levers(images_per_month=500_000)
    assert not [change for change in by_change if "copyClassified" in change or "networkAccess" in change]
    assert all(lever.largest_saving > 0 for lever in by_change.values())


def test_deletion_after_30_days_can_cost_more_than_it_saves() -> None:
    """A deletion's event and message cost more than the storage of the image, if retention raises events."""
    lever = levers(images_per_month=10_000_000, image_retention_days=None)["imageRetentionDays: 30"]
    assert lever.saving_low > 0
    assert lever.saving_high < lever.saving_low


@pytest.mark.parametrize(
    ("changes", "change"),
    [
        ({"zone_redundant": True}, "zoneRedundant: false"),
        ({"private_networking": True}, "networkAccess: public"),
        ({"copy_classified": True}, "copyClassified: false"),
        ({"log_retention_days": 365}, "logRetentionDays: 30"),
        ({"image_retention_days": 365}, "imageRetentionDays: 30"),
        ({}, "publishResults: false"),
        ({}, "no diagnostic settings for storage logs (no setting)"),
    ],
)
def test_a_setting_that_costs_is_a_lever(changes: dict[str, Any], change: str) -> None:
    assert levers(images_per_month=5_000_000, **changes)[change].largest_saving > 0


def test_the_only_feature_is_no_lever() -> None:
    assert not [change for change in levers(features=("tags",)) if change.startswith("features")]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (1, 375.0),
        (500_000, 375.0),
        (500_001, 1_200.0),
        (2_000_001, 4_200.0),
        # Two accounts of up to eight million each.
        (7_000_000, 2 * 4_200.0),
        (50_000_000, 8 * 4_200.0),
    ],
)
def test_each_account_has_the_cheapest_tier_that_includes_its_images(images: int, expected: float) -> None:
    assert commitment_cost(workload(images_per_month=images), PRICES) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"features": ("tags", "caption")}, "only text recognition has commitment tiers"),
        ({"custom_vision": True}, "it is not Vision"),
        ({"images_per_month": 10_000_000, "vision_calls_per_second": 100}, "no tier with a price includes so many"),
    ],
)
def test_there_may_be_no_commitment_tier(changes: dict[str, Any], reason: str) -> None:
    assert commitment_cost(workload(**changes), PRICES) is None, reason


@pytest.mark.parametrize("features", [("read",), ("tags", "read", "caption")])
def test_a_commitment_tier_replaces_the_price_of_read_alone(features: tuple[Feature, ...]) -> None:
    """At 400,000 images read costs 600 USD, the tier 375."""
    by_change = levers(images_per_month=400_000, features=features)
    assert by_change["commitment tier for read, 1 account(s): 375 USD a month"].saving_high == pytest.approx(225.0)
