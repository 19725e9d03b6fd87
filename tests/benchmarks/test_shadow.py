"""500 images and 20 % of them in the shadow: what that changes, and what is paid (`make bench-shadow`)."""

import pytest

from benchmarks.shadow import Report, simulate


@pytest.fixture(scope="module")
def report() -> Report:
    return simulate(images=500, percent=20, seed=1)


def test_a_successor_that_fails_completely_changes_nothing_for_the_images(report: Report) -> None:
    usual, failing = report.rows[:2]
    assert report.unchanged
    assert (failing.classified, failing.poison) == (500, 0)
    assert (failing.median_ms, failing.p99_ms) == (usual.median_ms, usual.p99_ms)
    assert failing.paid_analyzer == usual.paid_analyzer == 500
    # Each of its messages was given up in the end, in the poison queue of the shadow.
    assert (failing.compared, failing.paid_successor) == (0, 0)
    assert failing.shadow_poison == failing.sampled == 105
    assert failing.failed_successor > 10 * failing.sampled


def test_the_sample_is_the_same_in_each_run(report: Report) -> None:
    assert report.same_sample
    assert report.rows[2].sampled == report.rows[2].compared == report.rows[2].paid_successor == 105


def test_the_cut_over_pays_nothing_for_what_was_in_the_shadow(report: Report) -> None:
    assert report.cut_over_paid == 0
    assert report.rows[3].paid_successor == 500
    assert report.rows[3].paid_analyzer == 500


def test_the_rollback_pays_nothing_and_restores_the_records(report: Report) -> None:
    assert report.rollback_paid == 0
    assert report.rollback_restored
    assert (report.rows[4].paid_analyzer, report.rows[4].paid_successor) == (500, 500)
    assert report.good
