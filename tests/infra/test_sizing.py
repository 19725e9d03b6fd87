"""Sizing: what the seeds' three profiles derive, and what holds for any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sizing import SizingError, derive


@pytest.mark.parametrize(
    ("stack", "images_per_month", "peak_factor", "expected"),
    [
        ("dev", 5_000, 4, (1, 1000, 40, 2048, 1)),
        ("staging", 500_000, 4, (1, 1000, 40, 2048, 1)),
        ("prod", 50_000_000, 4, (8, 1000, 40, 2048, 2)),
    ],
)
def test_the_three_profiles(stack: str, images_per_month: int, peak_factor: int, expected: tuple[int, ...]) -> None:
    sizing = derive(images_per_month=images_per_month, peak_factor=peak_factor, vision_calls_per_second=10)
    figures = (
        sizing.vision_accounts, sizing.max_ru, sizing.maximum_instances, sizing.instance_memory_mb, sizing.batch_size,
    )  # fmt: skip
    assert figures == expected, stack


def test_a_busier_service_needs_fewer_accounts() -> None:
    slow, fast = (
        derive(images_per_month=50_000_000, peak_factor=4, vision_calls_per_second=rate).vision_accounts
        for rate in (10, 20)
    )
    assert (slow, fast) == (8, 4)


def test_what_no_single_deployment_can_do_is_refused() -> None:
    with pytest.raises(SizingError, match="at most 1000"):
        derive(images_per_month=50_000_000_000, peak_factor=10, vision_calls_per_second=10)


@given(st.integers(0, 10**9), st.integers(1, 20), st.integers(1, 50))
def test_the_figures_are_azures_and_suffice(images: int, peak_factor: int, calls: int) -> None:
    sizing = derive(images_per_month=images, peak_factor=peak_factor, vision_calls_per_second=calls)
    assert sizing.vision_accounts * calls >= sizing.peak_rate - 0.001
    assert sizing.maximum_instances * sizing.batch_size >= sizing.vision_accounts * calls
    assert 40 <= sizing.maximum_instances <= 1000
    assert sizing.max_ru % 1000 == 0
    assert sizing.max_ru >= sizing.peak_rate * 11 - 0.1
    assert 1 <= sizing.batch_size <= 16


@given(st.integers(0, 10**8), st.integers(0, 10**8), st.integers(1, 10))
def test_more_images_never_need_less(one: int, other: int, peak_factor: int) -> None:
    fewer, more = (
        derive(images_per_month=images, peak_factor=peak_factor, vision_calls_per_second=10)
        for images in sorted((one, other))
    )
    assert fewer.vision_accounts <= more.vision_accounts
    assert fewer.max_ru <= more.max_ru
    assert fewer.maximum_instances * fewer.batch_size <= more.maximum_instances * more.batch_size


def test_safety_and_embeddings_are_calls_of_their_own() -> None:
    one, three = (
        derive(images_per_month=50_000_000, peak_factor=4, vision_calls_per_second=10, calls_per_image=calls)
        for calls in (1, 3)
    )
    assert (one.vision_accounts, three.vision_accounts) == (8, 24)
    assert one.max_ru == three.max_ru
