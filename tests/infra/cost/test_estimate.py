"""The estimate: its floor, its growth with the workload, the difference for a feature, and each service's figures."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.config.cost.estimate import CostEstimate, LineItem, budget_warning, estimate_cost
from infra.config.cost.meters import (
    BLOB_READS,
    BLOB_STORED_GZRS,
    BLOB_STORED_LRS,
    BLOB_WRITES_GZRS,
    BLOB_WRITES_LRS,
    COSMOS_AUTOSCALE,
    COSMOS_STORAGE,
    CUSTOM_VISION,
    EVENT_GRID,
    FLEX_ALWAYS_READY,
    FLEX_EXECUTION_TIME,
    FLEX_EXECUTIONS,
    GEO_REPLICATION,
    LOG_ALERTS,
    LOG_INGESTION,
    LOG_RETENTION,
    METRIC_ALERTS,
    PRIVATE_ENDPOINTS,
    PRIVATE_LINK_EGRESS,
    PRIVATE_LINK_INGRESS,
    QUEUE_CLASS_1,
    QUEUE_CLASS_2,
    VISION_GROUP_1,
    VISION_GROUP_2,
    VISION_VECTORIZE,
    Meter,
)
from infra.config.cost.usage import exact
from infra.core.analysis import FEATURES, VISUAL_FEATURES, Feature
from tests.support.cost_workloads import committed_prices, workload

PRICES = committed_prices()


def estimate(**changes: Any) -> CostEstimate:
    return estimate_cost(workload(**changes), PRICES)


def quantities(meter: Meter, **changes: Any) -> tuple[float, float] | None:
    """The low and the high quantity of a meter; None if the estimate does not have it."""
    for item in estimate(**changes).line_items:
        if item.usage.meter == meter:
            return item.usage.low, item.usage.high
    return None


def test_without_images_a_month_costs_the_fixed_floor() -> None:
    """Two containers of 100 RU/s and seven alert rules, less than a cent for lists; one idle instance if there is any.

    Cosmos DB: 2 * 1 * 730 h * 0.012 = 17.52. Alerts: 7 * 1.50 = 10.50. Lists: 2,920 / 10,000 * 0.05 = 0.0146.
    Polling, high only: 1,314,000 / 10,000 * 0.004 = 0.5256.
    """
    floor = estimate(images_per_month=0)
    assert floor.low == pytest.approx(28.0346)
    assert floor.high == pytest.approx(28.5602)


def test_without_images_there_are_no_requests_to_the_api() -> None:
    assert estimate(images_per_month=0, api_app=True).high == estimate(images_per_month=0).high


def test_the_floor_of_a_private_and_zone_redundant_stack() -> None:
    """Always-ready: 6 * 2 GB * 2,628,000 s * 0.000004 = 126.144. Endpoints: 6 * 730 h * 0.01 = 43.80.

    Two instances poll: 2 * 0.5256.
    """
    floor = estimate(images_per_month=0, private_networking=True, zone_redundant=True)
    assert floor.low == floor.high == pytest.approx(28.0346 + 1.0512 + 126.144 + 43.80)


@given(
    images=st.tuples(st.integers(0, 50_000_000), st.integers(0, 50_000_000)),
    features=st.sets(st.sampled_from(FEATURES), min_size=1),
    retention=st.sampled_from([None, 1, 30, 3650]),
    flags=st.fixed_dictionaries(
        {
            name: st.booleans()
            for name in (
                "publish_results",
                "copy_classified",
                "scheduled",
                "private_networking",
                "protect_data",
                "zone_redundant",
                "api_app",
            )
        }
    ),
)
def test_more_images_never_cost_less(
    images: tuple[int, int], features: set[Feature], retention: int | None, flags: dict[str, bool]
) -> None:
    fewer, more = (
        estimate(
            images_per_month=count,
            features=tuple(sorted(features)),
            image_retention_days=retention,
            record_retention_days=30,
            cache_days=30,
            **flags,
        )
        for count in sorted(images)
    )
    assert fewer.low <= more.low + 1e-6
    assert fewer.high <= more.high + 1e-6


# Each with the range of its setting; what costs more with a larger value.
GROWING: dict[str, st.SearchStrategy[float]] = {
    "peak_factor": st.integers(1, 100),
    "image_retention_days": st.integers(1, 3650),
    "record_retention_days": st.integers(1, 3650),
    "cache_days": st.integers(1, 3650),
    "log_retention_days": st.integers(30, 730),
    "log_alert_rules": st.integers(0, 50),
    "image_kb": st.floats(1, 20_000),
    "api_requests_per_image": st.floats(0, 1000),
}


@given(
    parameter=st.sampled_from(sorted(GROWING)),
    images=st.integers(0, 1_000_000),
    zone_redundant=st.booleans(),
    data=st.data(),
)
def test_a_larger_parameter_never_costs_less(
    parameter: str, images: int, zone_redundant: bool, data: st.DataObject
) -> None:
    values = data.draw(st.tuples(GROWING[parameter], GROWING[parameter]))
    smaller, larger = (
        estimate(
            images_per_month=images,
            zone_redundant=zone_redundant,
            protect_data=True,
            api_app=True,
            **{parameter: value},
        )
        for value in sorted(values)
    )
    assert smaller.low <= larger.low + 1e-6
    assert smaller.high <= larger.high + 1e-6


@given(
    images=st.integers(1, 10_000_000),
    features=st.sets(st.sampled_from(FEATURES), min_size=1),
    hits=st.tuples(st.floats(0, 100), st.floats(0, 100)),
)
def test_more_cache_hits_never_cost_more(images: int, features: set[Feature], hits: tuple[float, float]) -> None:
    fewer, more = (
        estimate(
            images_per_month=images,
            features=tuple(sorted(features)),
            record_retention_days=30,
            cache_hit_percent=percent,
        )
        for percent in sorted(hits)
    )
    assert more.low <= fewer.low + 1e-6
    assert more.high <= fewer.high + 1e-6


@given(
    images=st.integers(0, 20_000_000),
    features=st.sets(st.sampled_from(FEATURES), min_size=1),
    rates=st.tuples(st.integers(1, 100), st.integers(1, 100)),
    private=st.booleans(),
)
def test_accounts_that_accept_more_calls_never_cost_more(
    images: int, features: set[Feature], rates: tuple[int, int], private: bool
) -> None:
    """Fewer accounts do the same work: each has a private endpoint."""
    slower, faster = (
        estimate(
            images_per_month=images,
            features=tuple(sorted(features)),
            vision_calls_per_second=rate,
            private_networking=private,
            record_retention_days=30,
            cache_days=30,
        )
        for rate in sorted(rates)
    )
    assert faster.low <= slower.low + 1e-6
    assert faster.high <= slower.high + 1e-6


@given(
    images=st.integers(0, 10_000_000),
    features=st.sets(st.sampled_from(FEATURES), min_size=1),
    added=st.sampled_from(FEATURES),
)
def test_one_feature_more_never_costs_less(images: int, features: set[Feature], added: Feature) -> None:
    without, with_feature = (
        estimate(images_per_month=images, features=tuple(sorted(chosen)), record_retention_days=30, cache_days=30)
        for chosen in (features, features | {added})
    )
    assert without.low <= with_feature.low + 1e-6
    assert without.high <= with_feature.high + 1e-6


# Each costs more when it is on.
OPTIONS = (
    "publish_results",
    "copy_classified",
    "private_networking",
    "protect_data",
    "zone_redundant",
    "storage_logs",
    "api_app",
)


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_costs_something(option: str) -> None:
    common = {"images_per_month": 2_000_000, "image_retention_days": 30}
    without, with_option = (estimate(**common, **{option: value}) for value in (False, True))
    assert without.low < with_option.low
    assert without.high < with_option.high


def test_images_without_events_cost_less() -> None:
    assert estimate(images_per_month=2_000_000, scheduled=True).low < estimate(images_per_month=2_000_000).low


# In USD for 1,000 images, below the first border of each tier.
FEATURE_PRICES = {
    "tags": 1.0,
    "objects": 1.0,
    "people": 1.0,
    "smartCrops": 1.0,
    "read": 1.5,
    "caption": 1.5,
    "denseCaptions": 1.5,
}


@given(
    feature=st.sampled_from(VISUAL_FEATURES),
    others=st.sets(st.sampled_from(VISUAL_FEATURES), min_size=1),
    images=st.integers(0, 140_000),
)
def test_a_visual_feature_costs_its_price_for_each_image_and_nothing_else(
    feature: Feature, others: set[Feature], images: int
) -> None:
    """Seven features of 140,000 images are below a million transactions, where the next tier begins."""
    without = tuple(sorted(others - {feature}))
    if not without:
        return
    before = estimate(images_per_month=images, features=without)
    after = estimate(images_per_month=images, features=(*without, feature))
    difference = FEATURE_PRICES[feature] * images / 1000
    assert after.low - before.low == pytest.approx(difference, abs=1e-6)
    assert after.high - before.high == pytest.approx(difference, abs=1e-6)


def test_every_visual_feature_has_a_price_in_this_test() -> None:
    assert FEATURE_PRICES.keys() == set(VISUAL_FEATURES)


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (("tags",), {VISION_GROUP_1: 1000}),
        (("tags", "objects", "people", "smartCrops", "safety"), {VISION_GROUP_1: 5000}),
        (("read", "caption", "denseCaptions"), {VISION_GROUP_2: 3000}),
        (("embeddings",), {VISION_VECTORIZE: 1000}),
        (("tags", "read", "embeddings"), {VISION_GROUP_1: 1000, VISION_GROUP_2: 1000, VISION_VECTORIZE: 1000}),
    ],
)
def test_transactions_by_feature_group(features: tuple[Feature, ...], expected: dict[Meter, float]) -> None:
    groups = (VISION_GROUP_1, VISION_GROUP_2, VISION_VECTORIZE, CUSTOM_VISION)
    actual = {meter: quantities(meter, images_per_month=1000, features=features) for meter in groups}
    assert actual == {meter: (expected[meter],) * 2 if meter in expected else None for meter in groups}


def test_custom_vision_is_billed_by_predictions_and_has_no_account_of_the_stack() -> None:
    changes = {"images_per_month": 1000, "features": ("tags", "objects"), "custom_vision": True}
    assert quantities(CUSTOM_VISION, **changes) == (1000, 1000)
    assert quantities(VISION_GROUP_1, **changes) is None
    assert quantities(PRIVATE_ENDPOINTS, private_networking=True, **changes) == (5 * 730, 5 * 730)


def test_cached_images_are_not_analyzed() -> None:
    changes = {"images_per_month": 1000, "features": ("tags",), "cache_hit_percent": 25}
    assert quantities(VISION_GROUP_1, **changes) == (750, 750)


@pytest.mark.parametrize(
    ("meter", "changes", "expected"),
    [
        # 1 to 1.5 s for an image. The runs of reconcile list 2,433 pages of half a second, and end after 420 s. 2 GB.
        (FLEX_EXECUTION_TIME, {}, ((1_000_000 + 2_920 * 420) * 2, (1_500_000 + 2_920 * 420) * 2)),
        # Two more calls: 0.5 s + 3 * 0.5 s, or 0.5 s + 3 * 1 s.
        (
            FLEX_EXECUTION_TIME,
            {"features": ("tags", "safety", "embeddings")},
            ((2_000_000 + 2_920 * 420) * 2, (3_500_000 + 2_920 * 420) * 2),
        ),
        # A cached image is billed for a second, as its call is left out.
        (
            FLEX_EXECUTION_TIME,
            {"cache_hit_percent": 50},
            ((1_000_000 + 2_920 * 420) * 2, (750_000 + 500_000 + 2_920 * 420) * 2),
        ),
        # Three requests to the API for each image, a second each; four log rows each.
        (
            FLEX_EXECUTION_TIME,
            {"api_app": True, "api_requests_per_image": 3},
            ((4_000_000 + 2_920 * 420) * 2, (4_500_000 + 2_920 * 420) * 2),
        ),
        (FLEX_EXECUTIONS, {"api_app": True, "api_requests_per_image": 3}, (4_002_920, 4_002_920)),
        (FLEX_EXECUTIONS, {"api_app": False, "api_requests_per_image": 3}, (1_002_920, 1_002_920)),
        (LOG_INGESTION, {"api_app": True, "api_requests_per_image": 3}, (19.0146, 26.62044)),
        (FLEX_EXECUTIONS, {}, (1_002_920, 1_002_920)),
        (FLEX_EXECUTIONS, {"image_retention_days": 30}, (1_002_920, 2_002_920)),
        (FLEX_ALWAYS_READY, {}, None),
        (FLEX_ALWAYS_READY, {"zone_redundant": True}, (31_536_000, 31_536_000)),
        # 0.39 images a second need less than a tenth of 1,000 RU/s in both containers.
        (COSMOS_AUTOSCALE, {}, (2 * 730, 2 * 730)),
        (COSMOS_STORAGE, {"record_retention_days": 30, "cache_days": 30}, (5.2 + 4.0, 5.2 + 4.0)),
        (BLOB_STORED_LRS, {"image_retention_days": 60}, (200, 200)),
        (BLOB_STORED_LRS, {"image_retention_days": 60, "copy_classified": True}, (400, 400)),
        # 14 days of soft delete: 100 GB * 14 / 30.
        (BLOB_STORED_LRS, {"image_retention_days": 60, "protect_data": True}, (740 / 3, 740 / 3)),
        (BLOB_STORED_LRS, {"protect_data": True}, (100 * 365 / 30, 100 * 365 / 30)),
        (BLOB_STORED_LRS, {"zone_redundant": True}, None),
        (BLOB_STORED_GZRS, {"zone_redundant": True, "image_kb": 50}, (50 * 365 / 30, 50 * 365 / 30)),
        (BLOB_WRITES_LRS, {"copy_classified": True}, (2_000_000, 2_000_000)),
        (BLOB_WRITES_GZRS, {"zone_redundant": True}, (1_000_000, 1_000_000)),
        (BLOB_READS, {"image_retention_days": 30}, (2_000_000, 4_000_000)),
        (GEO_REPLICATION, {"zone_redundant": True}, (100, 100)),
        (GEO_REPLICATION, {}, None),
        (QUEUE_CLASS_1, {}, (3_000_000, 3_000_000)),
        (QUEUE_CLASS_1, {"image_retention_days": 30}, (3_000_000, 6_000_000)),
        (QUEUE_CLASS_2, {}, (1_000_000, 2_314_000)),
        (QUEUE_CLASS_2, {"zone_redundant": True}, (3_628_000, 3_628_000)),
        (EVENT_GRID, {}, (2_000_000, 3_000_000)),
        (EVENT_GRID, {"image_retention_days": 30}, (2_000_000, 5_000_000)),
        (EVENT_GRID, {"publish_results": False}, (1_000_000, 2_000_000)),
        (EVENT_GRID, {"scheduled": True}, (1_000_000, 1_000_000)),
        # 7 rows of a message, and 5 of each of 2,920 runs: 1,000 to 1,400 bytes each.
        (LOG_INGESTION, {}, (7.0146, 9.82044)),
        (LOG_INGESTION, {"image_retention_days": 30}, (7.0146, 19.62044)),
        (LOG_INGESTION, {"storage_logs": False}, (5.0146, 7.02044)),
        (LOG_INGESTION, {"copy_classified": True}, (8.0146, 11.22044)),
        (LOG_RETENTION, {"log_retention_days": 31}, (0, 0)),
        # 2 rows of storage for 59 days; those of the application are included for 90.
        (LOG_RETENTION, {"log_retention_days": 90}, (2 * 59 / 30, 2.8 * 59 / 30)),
        (
            LOG_RETENTION,
            {"log_retention_days": 120},
            (2 * 89 / 30 + 5.0146 * 30 / 30, 2.8 * 89 / 30 + 7.02044 * 30 / 30),
        ),
        (LOG_ALERTS, {"log_alert_rules": 5}, (5, 5)),
        (METRIC_ALERTS, {}, (3, 3)),
        (PRIVATE_ENDPOINTS, {}, None),
        (PRIVATE_ENDPOINTS, {"private_networking": True}, (6 * 730, 6 * 730)),
        (PRIVATE_ENDPOINTS, {"private_networking": True, "publish_results": False}, (5 * 730, 5 * 730)),
        (PRIVATE_LINK_INGRESS, {"private_networking": True, "cache_hit_percent": 20}, (80, 80)),
        (PRIVATE_LINK_INGRESS, {"private_networking": True, "features": ("tags", "safety")}, (200, 200)),
        (PRIVATE_LINK_EGRESS, {"private_networking": True, "cache_hit_percent": 20}, (100, 100)),
    ],
)
def test_quantities_of_a_million_images(
    meter: Meter, changes: dict[str, Any], expected: tuple[float, float] | None
) -> None:
    actual = quantities(meter, **{"images_per_month": 1_000_000} | changes)
    assert actual == (None if expected is None else pytest.approx(expected, rel=1e-12))


def test_cosmos_db_is_billed_for_the_peak_rate_at_most_and_the_average_rate_at_least() -> None:
    """25,920,000 images are 10 a second, 100 at the peak; a record costs 21.07 RU and an analysis 16.57."""
    low, high = quantities(
        COSMOS_AUTOSCALE,
        images_per_month=25_920_000,
        peak_factor=10,
        record_retention_days=1,
        cache_days=1,
    ) or (0, 0)
    # The maxima are 3,000 and 2,000 RU/s, so a tenth is 300 and 200: more than the average needs, less than the peak.
    assert low == pytest.approx((300 + 200) / 100 * 730)
    assert high == pytest.approx((21.0676 * 100 + 16.57 * 100) / 100 * 730)


@pytest.mark.parametrize(
    ("images", "hours"),
    [(1, 730), (25_920_000, 730 * 4)],
    ids=["one account", "four accounts"],
)
def test_every_vision_account_has_a_private_endpoint(images: int, hours: int) -> None:
    without_accounts = 5 * 730
    assert quantities(PRIVATE_ENDPOINTS, images_per_month=images, private_networking=True) == (
        without_accounts + hours,
        without_accounts + hours,
    )


def test_the_totals_are_the_sums_of_the_line_items() -> None:
    result = estimate(images_per_month=500_000, private_networking=True, zone_redundant=True)
    assert result.low == pytest.approx(sum(item.low for item in result.line_items))
    assert result.high == pytest.approx(sum(item.high for item in result.line_items))
    assert 0 < result.low < result.high


def test_an_estimate_within_the_budget_is_no_warning() -> None:
    result = estimate(images_per_month=500_000)
    assert budget_warning(result, monthly_budget=int(result.high) + 1) is None


def test_an_estimate_of_exactly_the_budget_is_no_warning() -> None:
    item = LineItem(usage=exact(CUSTOM_VISION, 50_000, "predictions"), low=100.0, high=100.0)
    result = CostEstimate(line_items=(item,), images_per_month=50_000, price_region="eastus")
    assert budget_warning(result, monthly_budget=100) is None
    assert budget_warning(result, monthly_budget=99) is not None


def test_an_estimate_above_the_budget_is_a_warning_with_both_figures() -> None:
    result = estimate(images_per_month=500_000)
    warning = budget_warning(result, monthly_budget=int(result.high))
    assert warning is not None
    for text in (
        "monthlyBudget",
        "500000 images",
        f"{result.low:,.0f} to {result.high:,.0f} USD",
        "eastus",
        "make cost",
    ):
        assert text in warning


@pytest.mark.parametrize("private", [False, True])
def test_no_two_line_items_have_the_same_meter_name(private: bool) -> None:
    """The stack output has one figure for each name."""
    items = estimate(
        images_per_month=5_000_000,
        features=FEATURES,
        private_networking=private,
        zone_redundant=True,
        protect_data=True,
    ).line_items
    names = [item.usage.meter.meter_name for item in items]
    assert sorted(set(names)) == sorted(names)


def test_the_stack_output_has_totals_and_meters_in_cents_and_says_whose_prices_they_are() -> None:
    output = estimate(images_per_month=0).to_dict()
    meters = output.pop("meters")
    assert {name: cost for name, cost in meters.items() if cost} == {
        "AP1 100 RUs": 17.52,
        "Alerts System Log Monitored at 5 Minute Frequency": 10.5,
        "Class 2 Operations": 0.53,
        "LRS List and Create Container Operations": 0.01,
    }
    assert output == {
        "low": 28.03,
        "high": 28.56,
        "currency": "USD",
        "priceRegion": "eastus",
    }
