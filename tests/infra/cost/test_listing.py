"""Usage by the runs of reconcile, which list the stored images: 2,920 runs a month, pages of 5,000 images."""

import pytest

from infra.config.cost.compute import function_usage
from infra.config.cost.meters import BLOB_LISTS, FLEX_EXECUTION_TIME
from infra.config.cost.storage import blob_usage
from tests.support.cost_workloads import workload


@pytest.mark.parametrize(
    ("images", "lists", "low", "high"),
    [
        # A run has a page, and is billed for a second. 2 GB for all times.
        (5_000, 2_920, (5_000 + 2_920) * 2, (2 * 5_000 + 2_920 + 2_500) * 2),
        # 1.5 pages in a run.
        (7_500, 4_380, (7_500 + 2_920) * 2, (2 * 7_500 + 2_920 + 3_750) * 2),
        # 200 pages of half a second.
        (1_000_000, 584_000, (1_000_000 + 292_000) * 2, (2 * 1_000_000 + 292_000 + 500_000) * 2),
        # A run ends after 840 pages, in 420 s.
        (5_000_000, 2_452_800, (5_000_000 + 1_226_400) * 2, (2 * 5_000_000 + 1_226_400 + 2_500_000) * 2),
    ],
)
def test_lists_and_execution_time_by_stored_images(images: int, lists: float, low: float, high: float) -> None:
    """Images are kept for a month: as many are deleted as are uploaded. An image takes 1 to 1.5 s, a deletion one."""
    stored = workload(images_per_month=images, image_retention_days=30, features=("tags",))
    usages = {usage.meter: (usage.low, usage.high) for usage in (*function_usage(stored), *blob_usage(stored))}
    assert usages[BLOB_LISTS] == (pytest.approx(lists), pytest.approx(lists))
    assert usages[FLEX_EXECUTION_TIME] == (pytest.approx(low), pytest.approx(high))
