"""Which blobs a round of reconcile looks up, and what it remembers for the next round."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from classifier.domain.models import BlobInfo
from classifier.domain.watermark import Watermark

from tests.support.in_memory_services import as_json

CUTOFF = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC)


def blob_info(name: str = "a", *, seconds: int = 0) -> BlobInfo:
    """A blob that was modified so many seconds after the cutoff."""
    return BlobInfo(name=name, etag="e", last_modified=CUTOFF + timedelta(seconds=seconds))


def text(seconds: int) -> str:
    return (CUTOFF + timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize(
    ("mark", "seconds", "looked_up"),
    [
        (Watermark(), 0, False),
        (Watermark(cutoff=text(0)), 0, True),
        (Watermark(cutoff=text(0)), 1, False),
        (Watermark(cutoff=text(0), verified=text(-60)), -60, True),
        (Watermark(cutoff=text(0), verified=text(-60)), -61, False),
        (Watermark(cutoff=text(0), verified=text(-60), remembered=("a",)), -61, True),
        (Watermark(cutoff=text(0), verified=text(-60), remembered=("b",)), -61, False),
        (Watermark(cutoff=text(0), verified=text(-60), backfill=True), -61, True),
        (Watermark(cutoff=text(0), verified=text(-60), backfill=True), 1, False),
        (Watermark(cutoff=text(0), verified=text(-60), remembered=("a",)), 1, False),
    ],
)
def test_which_blobs_a_round_looks_up(mark: Watermark, seconds: int, *, looked_up: bool) -> None:
    assert mark.includes(blob_info(seconds=seconds)) is looked_up


def test_what_is_missed_for_the_first_time_moves_the_next_round_back_to_it() -> None:
    mark = Watermark(cutoff=text(0), previous=text(-100))
    mark = mark.after_page([blob_info("b", seconds=-50), blob_info("a", seconds=-100), blob_info("c", seconds=-20)])
    assert (mark.earliest, mark.missed) == (text(-100), ())
    assert mark.after_page([blob_info("d", seconds=-10)]).earliest == text(-100)
    assert mark.after_page([]) == mark
    assert mark.after_round() == Watermark(verified=text(-100), previous=text(0))


def test_what_is_missed_again_is_remembered_by_name() -> None:
    mark = Watermark(cutoff=text(0), previous=text(-100), missed=("z",)).after_page([blob_info("a", seconds=-101)])
    assert (mark.earliest, mark.missed) == (None, ("z", "a"))
    assert mark.after_round() == Watermark(verified=text(0), previous=text(0), remembered=("z", "a"))


def test_two_hundred_names_are_remembered_and_the_rest_by_its_time() -> None:
    names = tuple(f"{number:03}" for number in range(199))
    mark = Watermark(cutoff=text(0), previous=text(-100), missed=names)
    mark = mark.after_page([blob_info("a", seconds=-101), blob_info("b", seconds=-102), blob_info("c", seconds=-103)])
    assert (len(mark.missed), mark.missed[-1], mark.earliest) == (200, "a", text(-103))


def test_a_backfill_leaves_what_the_rounds_know() -> None:
    mark = Watermark(
        marker="m",
        cutoff=text(0),
        verified=text(-1),
        previous=text(-2),
        remembered=("a",),
        earliest=text(-3),
        missed=("b",),
        backfill=True,
    )
    assert mark.after_page([blob_info()]) == mark
    assert mark.after_round() == Watermark(verified=text(-1), previous=text(-2), remembered=("a",))


def test_a_watermark_comes_back_out_of_json() -> None:
    mark = Watermark(marker="m", cutoff=text(0), remembered=("a",), missed=("b",), backfill=True)
    assert msgspec.convert(as_json(mark), Watermark) == mark
    assert as_json(Watermark()) == {
        "marker": None,
        "cutoff": None,
        "verified": None,
        "previous": None,
        "remembered": [],
        "earliest": None,
        "missed": [],
        "backfill": False,
        "database_region": None,
    }
    assert msgspec.convert({}, Watermark) == Watermark()
    assert msgspec.convert({"marker": "m", "of-another-version": 1}, Watermark) == Watermark(marker="m")


def test_a_checkpoint_of_another_write_region_starts_over() -> None:
    """A failover may have lost records that the checkpoint says are there."""
    mark = Watermark(
        marker="b",
        cutoff=text(0),
        verified=text(-60),
        previous=text(-60),
        remembered=("a",),
        earliest=text(-9),
        missed=("c",),
        database_region="northeurope",
    )
    assert mark.in_region("westeurope") == Watermark(database_region="westeurope")
    assert mark.in_region("northeurope") == mark


def test_a_backfill_starts_over_as_a_backfill() -> None:
    mark = Watermark(marker="b", cutoff=text(0), verified=text(-60), backfill=True, database_region="northeurope")
    assert mark.in_region("westeurope") == Watermark(cutoff=text(0), backfill=True, database_region="westeurope")


def test_a_checkpoint_from_before_regions_were_stored_goes_on() -> None:
    mark = Watermark(marker="b", cutoff=text(0), verified=text(-60))
    assert mark.in_region("northeurope") == Watermark(
        marker="b", cutoff=text(0), verified=text(-60), database_region="northeurope"
    )


@pytest.mark.parametrize("backfill", [False, True])
def test_the_region_is_remembered_after_a_round(*, backfill: bool) -> None:
    mark = Watermark(cutoff=text(0), backfill=backfill, database_region="northeurope")
    assert mark.after_round().database_region == "northeurope"
