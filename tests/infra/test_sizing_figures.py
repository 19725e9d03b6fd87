"""Sizes as figures: what a workload takes exactly, where one figure becomes the next, and where it ends.

The figures are worked out by hand from the prices and limits that infra/config/sizing.py and
infra/config/throughput.py cite.
"""

from typing import Any

import pytest

from infra.config.sizing import Sizing, derive_sizing, quota_warnings
from infra.config.throughput import ContainerSizing, create_ru, read_ru, replace_ru, size_container
from infra.core.errors import SizingError

# Exactly one image a second over 30 days.
ONE_A_SECOND = 2_592_000


def sizing(**changes: Any) -> Sizing:
    defaults: dict[str, Any] = {"images_per_month": ONE_A_SECOND, "peak_factor": 10, "vision_calls_per_second": 10}
    return derive_sizing(**defaults | changes)


def container(max_ru: int, storage_gb: float, physical_partitions: int) -> ContainerSizing:
    return ContainerSizing(max_ru=max_ru, storage_gb=storage_gb, physical_partitions=physical_partitions)


def test_ten_images_a_second() -> None:
    assert sizing() == Sizing(
        average_rate=1.0,
        peak_rate=10.0,
        vision_accounts=1,
        # 31.5 million records of 4 KB and three tenths more for their index: ten RU/s for each of 164 GB.
        images=container(2000, 164.0, 4),
        # 7.8 million analyses of 4 KB.
        analyses=container(1000, 31.1, 1),
        record_days=365,
        maximum_instances=40,
        instance_memory_mb=2048,
        batch_size=1,
    )


def test_nothing_at_all_takes_the_least_that_there_is() -> None:
    least = container(1000, 0.0, 1)
    assert sizing(images_per_month=0) == Sizing(
        average_rate=0.0,
        peak_rate=0.0,
        vision_accounts=1,
        images=least,
        analyses=least,
        record_days=365,
        maximum_instances=40,
        instance_memory_mb=2048,
        batch_size=1,
    )


def test_embeddings_two_calls_and_short_retention() -> None:
    figures = sizing(
        peak_factor=100,
        vision_calls_per_second=7,
        calls_per_image=2,
        embeddings=True,
        record_retention_days=7,
        cache_days=3,
    )
    assert figures == Sizing(
        average_rate=1.0,
        peak_rate=100.0,
        # 200 calls a second at seven an account.
        vision_accounts=29,
        # 11.23 to create 25 KB, 0.2 for each of 52 terms, 2.19 for each of two reads, and 0.23 for each of 38 counts:
        # 34.75 for each of 100.
        images=container(4000, 19.7, 1),
        # For each call 4.95 for a lease, and 4.95 to replace it by a result of 4 KB (6.67) and one of 21 KB (11.23):
        # 37.7 for each of 100.
        analyses=container(4000, 6.5, 1),
        record_days=7,
        maximum_instances=40,
        instance_memory_mb=2048,
        # 203 calls under way on 40 instances.
        batch_size=6,
    )


def test_rates_are_rounded_to_four_digits() -> None:
    figures = sizing(images_per_month=123_456_789, peak_factor=3)
    assert (figures.average_rate, figures.peak_rate) == (47.6299, 142.8898)


@pytest.mark.parametrize(("images", "accounts"), [(ONE_A_SECOND, 1), (ONE_A_SECOND + 1, 2)])
def test_an_account_is_added_when_its_rate_is_exceeded(images: int, accounts: int) -> None:
    assert sizing(images_per_month=images).vision_accounts == accounts


@pytest.mark.parametrize(
    ("peak_factor", "instances", "batch"),
    [(40, 40, 1), (41, 40, 2), (80, 40, 2), (640, 40, 16), (641, 41, 16), (656, 41, 16), (657, 42, 16)],
)
def test_a_batch_grows_before_instances_are_added(peak_factor: int, instances: int, batch: int) -> None:
    figures = sizing(peak_factor=peak_factor, vision_calls_per_second=1)
    assert (figures.vision_accounts, figures.maximum_instances, figures.batch_size) == (peak_factor, instances, batch)


def test_records_of_no_set_age_are_stored_for_a_year() -> None:
    assert sizing(record_retention_days=None) == sizing(record_retention_days=365)
    assert sizing(cache_days=90) == sizing()


def test_a_thousand_instances_are_the_most() -> None:
    """16,000 images a second."""
    most = sizing(images_per_month=1000 * ONE_A_SECOND, peak_factor=16, record_retention_days=1, cache_days=1)
    assert (most.maximum_instances, most.batch_size) == (1000, 16)
    with pytest.raises(SizingError) as refusal:
        sizing(images_per_month=1001 * ONE_A_SECOND, peak_factor=16, record_retention_days=1, cache_days=1)
    assert str(refusal.value) == (
        "2594592000 images a month at 16 times the average are 16016 a second, which would take 1002 instances (at most"
        " 1000); 338000 RU/s for 1 days of records (450 GB) and 266000 RU/s for 1 days of analyses (346 GB), at most"
        " 1000000 for each without a support ticket"
    )


@pytest.mark.parametrize(
    "days",
    [{"record_retention_days": 1153, "cache_days": 1}, {"record_retention_days": 1, "cache_days": 1500}],
)
def test_a_million_units_are_the_most_for_each_container(days: dict[str, int]) -> None:
    """100 TB of records or of analyses, at ten units for each GB; few images a second."""
    most = sizing(images_per_month=500_000_000, peak_factor=1, **days)
    assert 1_000_000 in {most.images.max_ru, most.analyses.max_ru}
    longer = {name: number + (number > 1) for name, number in days.items()}
    with pytest.raises(SizingError, match="1001000 RU/s"):
        sizing(images_per_month=500_000_000, peak_factor=1, **longer)


def test_the_exported_table_has_every_figure() -> None:
    assert sizing().to_dict() == {
        "average_rate": 1.0,
        "peak_rate": 10.0,
        "vision_accounts": 1,
        "images": {"max_ru": 2000, "storage_gb": 164.0, "physical_partitions": 4},
        "analyses": {"max_ru": 1000, "storage_gb": 31.1, "physical_partitions": 1},
        "record_days": 365,
        "maximum_instances": 40,
        "instance_memory_mb": 2048,
        "batch_size": 1,
    }


def with_quotas(*, instances: int, accounts: int, api_app: bool = False) -> list[str]:
    least = container(1000, 0.0, 1)
    large = Sizing(
        average_rate=1.0,
        peak_rate=1.0,
        vision_accounts=accounts,
        images=least,
        analyses=least,
        record_days=1,
        maximum_instances=instances,
        instance_memory_mb=2048,
        batch_size=1,
    )
    return quota_warnings(large, location="northeurope", own_accounts=True, api_app=api_app)


def test_a_quota_that_is_just_enough_needs_no_request() -> None:
    assert with_quotas(instances=250, accounts=100) == []


def test_the_instances_of_the_api_app_count_too() -> None:
    assert with_quotas(instances=210, accounts=1, api_app=True) == []
    (warning,) = with_quotas(instances=211, accounts=1, api_app=True)
    assert warning.startswith(
        "imagesPerMonth: 211 instances of 2048 MB and 40 of 2048 MB of the API app are 514048 MB, and all Flex"
    )
    assert "Request 251 cores in northeurope" in warning


def test_what_exceeds_a_quota_says_what_to_request() -> None:
    assert with_quotas(instances=251, accounts=101) == [
        (
            "imagesPerMonth: 251 instances of 2048 MB are 514048 MB, and all Flex Consumption apps of a subscription in"
            " northeurope have 512000 MB (250 cores) by default; above that they stop scaling. Request 251 cores in"
            " northeurope by a support ticket: https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan"
            "#regional-subscription-memory-quotas"
        ),
        (
            "imagesPerMonth: 101 Vision accounts are needed, and a subscription may have 100 of one kind in"
            " northeurope. Request more by a support ticket, or a higher rate for each account (then raise"
            " visionCallsPerSecond): https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits"
            "#azure-ai-services-limits"
        ),
    ]


# https://learn.microsoft.com/azure/cosmos-db/understand-request-unit-consumption (2026-04-21)
@pytest.mark.parametrize(
    ("kilobytes", "read", "write"),
    [
        (0.5, 1.00, 4.95),
        (1, 1.00, 4.95),
        (1.5, 1.04, 6.29),
        (2, 1.04, 6.29),
        (3, 1.14, 6.67),
        (4, 1.14, 6.67),
        (5, 1.33, 7.04),
        (8, 1.33, 7.04),
        (9, 1.67, 9.52),
        (16, 1.67, 9.52),
        (17, 2.19, 11.23),
        (32, 2.19, 11.23),
        (33, 4.76, 22.67),
        (64, 4.76, 22.67),
    ],
)
def test_request_units_by_size(kilobytes: float, read: float, write: float) -> None:
    assert read_ru(kilobytes) == read
    assert create_ru(kilobytes) == write
    assert create_ru(kilobytes, 10) == pytest.approx(write + 2)
    assert replace_ru(1, kilobytes) == pytest.approx(4.95 + write)
    assert replace_ru(kilobytes, 4) == pytest.approx(write + 6.67)


@pytest.mark.parametrize(
    ("ru_per_second", "items", "expected"),
    [
        (0, 0, container(1000, 0.0, 1)),
        (1000, 0, container(1000, 0.0, 1)),
        (1000.1, 0, container(2000, 0.0, 1)),
        (10_000, 0, container(10_000, 0.0, 1)),
        (10_001, 0, container(11_000, 0.0, 2)),
        (0, 25_000_000, container(1000, 50.0, 1)),
        (0, 25_100_000, container(1000, 50.2, 2)),
        (0, 50_000_000, container(1000, 100.0, 2)),
        (0, 50_060_000, container(2000, 100.1, 3)),
        (3000.5, 100_000_000, container(4000, 200.0, 4)),
        (1500, 150_000_000, container(3000, 300.0, 6)),
    ],
)
def test_units_storage_and_partitions_of_a_container(
    ru_per_second: float, items: float, expected: ContainerSizing
) -> None:
    """Items of 1.6 KB, and a quarter more for their index: 2 KB each."""
    assert size_container(ru_per_second=ru_per_second, items=items, item_kb=1.6, index_share=0.25) == expected
