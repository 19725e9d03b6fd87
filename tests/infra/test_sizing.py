"""Sizing: what the three profiles derive, and what holds for any."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.config.sizing import Sizing, derive_sizing, quota_warnings
from infra.core.errors import SizingError
from tests.conftest import run_program


@pytest.mark.parametrize(
    ("images_per_month", "record_retention_days", "expected"),
    [
        (5_000, 30, (1, 40, 2048, 1)),
        (500_000, 90, (1, 40, 2048, 1)),
        (50_000_000, None, (8, 40, 2048, 2)),
    ],
    ids=["dev", "staging", "prod"],
)
def test_the_three_profiles(
    images_per_month: int, record_retention_days: int | None, expected: tuple[int, ...]
) -> None:
    sizing = derive_sizing(
        images_per_month=images_per_month,
        peak_factor=4,
        vision_calls_per_second=10,
        record_retention_days=record_retention_days,
    )
    figures = (sizing.vision_accounts, sizing.maximum_instances, sizing.instance_memory_mb, sizing.batch_size)
    assert figures == expected


@pytest.mark.parametrize(
    ("images_per_month", "record_retention_days", "images", "analyses"),
    [
        (5_000, 30, (1000, 0.0, 1), (1000, 0.1, 1)),
        (500_000, 90, (1000, 7.8, 1), (1000, 6.0, 1)),
        # 600 million records of 5.2 KB with their index; 150 million analyses of 4 KB.
        (50_000_000, None, (32_000, 3163.3, 64), (6000, 600.0, 12)),
    ],
    ids=["dev", "staging", "prod"],
)
def test_storage_counts_in_the_containers_of_the_three_profiles(
    images_per_month: int,
    record_retention_days: int | None,
    images: tuple[float, ...],
    analyses: tuple[float, ...],
) -> None:
    sizing = derive_sizing(
        images_per_month=images_per_month,
        peak_factor=4,
        vision_calls_per_second=10,
        record_retention_days=record_retention_days,
    )
    assert tuple(asdict(sizing.images).values()) == images
    assert tuple(asdict(sizing.analyses).values()) == analyses


def test_each_container_gets_its_own_ceiling() -> None:
    """A record is indexed, read and counted; a lease is created and then replaced by its analysis."""
    busy = derive_sizing(
        images_per_month=100_000_000,
        peak_factor=20,
        vision_calls_per_second=100,
        record_retention_days=1,
        cache_days=1,
    )
    # 6.67 for 4 KB, 0.2 for each of 52 terms, 1.14 for each of two reads, 0.0452 for each of 38 counts; 4.95 for a
    # lease, twice, and 6.67.
    assert busy.images.max_ru == 17_000 == round(-(-busy.peak_rate * 21.0676 // 1000) * 1000)
    assert busy.analyses.max_ru == 13_000 == round(-(-busy.peak_rate * 16.57 // 1000) * 1000)
    recorder = run_program(
        "dev",
        {
            "imagesPerMonth": 100_000_000,
            "peakFactor": 20,
            "visionCallsPerSecond": 100,
            "recordRetentionDays": 1,
            "cacheDays": 1,
        },
    )
    for container, maximum in (("images", 17_000), ("analyses", 13_000)):
        options = recorder.one("cosmosdb:SqlResourceSqlContainer", f"records-{container}").inputs["options"]
        assert options == {"autoscaleSettings": {"maxThroughput": maximum}}


def test_records_without_a_retention_period_are_counted_for_a_year() -> None:
    without_limit, year = (
        derive_sizing(
            images_per_month=50_000_000, peak_factor=4, vision_calls_per_second=10, record_retention_days=days
        )
        for days in (None, 365)
    )
    assert without_limit == year
    assert without_limit.record_days == 365


def test_the_exported_table_says_what_the_containers_are_sized_for() -> None:
    table = run_program("prod").outputs["sizing"]
    assert table["record_days"] == 365
    assert table["images"] == {"max_ru": 32_000, "storage_gb": 3163.3, "physical_partitions": 64}
    assert table["analyses"] == {"max_ru": 6000, "storage_gb": 600.0, "physical_partitions": 12}


def test_embeddings_cost_more_units_and_storage() -> None:
    without, with_them = (
        derive_sizing(
            images_per_month=50_000_000,
            peak_factor=4,
            vision_calls_per_second=10,
            calls_per_image=2 if embeddings else 1,
            embeddings=embeddings,
            record_retention_days=1,
            cache_days=1,
        )
        for embeddings in (False, True)
    )
    # 11.23 for up to 32 KB instead of 6.67 for 4 KB.
    assert (without.images.max_ru, with_them.images.max_ru) == (2000, 3000)
    assert with_them.images.storage_gb / without.images.storage_gb == pytest.approx(25 / 4, rel=0.01)
    assert with_them.analyses.storage_gb > 6 * without.analyses.storage_gb


def test_a_busier_service_needs_fewer_accounts() -> None:
    slow, fast = (
        derive_sizing(images_per_month=50_000_000, peak_factor=4, vision_calls_per_second=rate).vision_accounts
        for rate in (10, 20)
    )
    assert (slow, fast) == (8, 4)


@pytest.mark.parametrize(
    ("images", "days", "sentence"),
    [
        (50_000_000_000, 1, "at most 1000"),
        # Few enough a second, and too many to keep for so long.
        (500_000_000, 3650, r"3650 days of records \(316333 GB\).* at most 1000000 for each without a support ticket"),
    ],
)
def test_what_no_single_deployment_can_do_is_refused(images: int, days: int, sentence: str) -> None:
    with pytest.raises(SizingError, match=sentence):
        derive_sizing(images_per_month=images, peak_factor=10, vision_calls_per_second=10, record_retention_days=days)


def test_what_a_subscription_starts_with_needs_no_request() -> None:
    sizing = derive_sizing(images_per_month=50_000_000, peak_factor=4, vision_calls_per_second=10)
    assert quota_warnings(sizing, location="northeurope", own_accounts=True, api_app=False) == []


def large(images_per_month: int = 1_000_000_000, vision_calls_per_second: int = 10) -> Sizing:
    return derive_sizing(
        images_per_month=images_per_month,
        peak_factor=4,
        vision_calls_per_second=vision_calls_per_second,
        record_retention_days=30,
    )


def test_more_vision_accounts_than_a_subscription_may_have_are_a_warning() -> None:
    (warning,) = quota_warnings(large(), location="northeurope", own_accounts=True, api_app=False)
    assert "155 Vision accounts are needed" in warning
    assert "100 of one kind in northeurope. Request more by a support ticket" in warning
    assert quota_warnings(large(), location="northeurope", own_accounts=False, api_app=False) == []


def test_more_memory_than_the_regional_quota_is_a_warning() -> None:
    sizing = large(images_per_month=4_000_000_000, vision_calls_per_second=100)
    (warning,) = quota_warnings(sizing, location="northeurope", own_accounts=True, api_app=False)
    assert "388 instances of 2048 MB are 794624 MB" in warning
    assert "512000 MB (250 cores) by default" in warning
    assert "Request 388 cores in northeurope by a support ticket" in warning


@given(
    st.integers(0, 10**9), st.integers(1, 20), st.integers(1, 50), st.booleans(), st.integers(1, 90), st.integers(1, 90)
)
def test_the_figures_are_azures_and_suffice(
    images: int, peak_factor: int, calls: int, embeddings: bool, record_days: int, cache_days: int
) -> None:
    sizing = derive_sizing(
        images_per_month=images,
        peak_factor=peak_factor,
        vision_calls_per_second=calls,
        embeddings=embeddings,
        record_retention_days=record_days,
        cache_days=cache_days,
    )
    assert sizing.vision_accounts * calls >= sizing.peak_rate - 0.001
    assert sizing.maximum_instances * sizing.batch_size >= sizing.vision_accounts * calls
    assert 40 <= sizing.maximum_instances <= 1000
    assert 1 <= sizing.batch_size <= 16
    for container, least_ru in ((sizing.images, 12.95), (sizing.analyses, 16.57)):
        assert container.max_ru % 1000 == 0
        assert 1000 <= container.max_ru <= 1_000_000
        assert container.max_ru >= sizing.peak_rate * least_ru - 0.1
        # What Azure would raise the maximum to by itself, or refuse to go below.
        assert container.max_ru >= (container.storage_gb - 0.1) * 10
        assert container.physical_partitions >= container.max_ru / 10_000
        assert container.physical_partitions * 50 >= container.storage_gb - 0.1


@given(st.integers(0, 10**8), st.integers(0, 10**8), st.integers(1, 10))
def test_more_images_never_need_less(one: int, other: int, peak_factor: int) -> None:
    fewer, more = (
        derive_sizing(images_per_month=images, peak_factor=peak_factor, vision_calls_per_second=10)
        for images in sorted((one, other))
    )
    assert fewer.vision_accounts <= more.vision_accounts
    assert fewer.maximum_instances * fewer.batch_size <= more.maximum_instances * more.batch_size
    for small, big in ((fewer.images, more.images), (fewer.analyses, more.analyses)):
        assert small.max_ru <= big.max_ru
        assert small.storage_gb <= big.storage_gb
        assert small.physical_partitions <= big.physical_partitions


@given(st.integers(1, 10**8), st.integers(1, 3650), st.integers(1, 3650))
def test_keeping_longer_never_needs_less(images: int, one: int, other: int) -> None:
    shorter, longer = (
        derive_sizing(images_per_month=images, peak_factor=1, vision_calls_per_second=10, record_retention_days=days)
        for days in sorted((one, other))
    )
    assert shorter.images.max_ru <= longer.images.max_ru
    assert shorter.analyses == longer.analyses


def test_safety_and_embeddings_are_calls_of_their_own() -> None:
    one, three = (
        derive_sizing(
            images_per_month=50_000_000, peak_factor=4, vision_calls_per_second=10, calls_per_image=calls, cache_days=1
        )
        for calls in (1, 3)
    )
    assert (one.vision_accounts, three.vision_accounts) == (8, 24)
    assert one.images == three.images
    # 16.57 units an image, and 14.85 more for each further call: the lease, and a result of 1 KB that replaces it.
    assert (one.analyses.max_ru, three.analyses.max_ru) == (2000, 4000)
    # 4 KB an image, and 1 KB more for each further call.
    assert (one.analyses.storage_gb, three.analyses.storage_gb) == (6.7, 10.0)
