"""Counts of records by day, and their sums."""

from common.domain.day_counts import MAX_NAMES, NamedCount, add_up, most_common


def test_sums_are_sorted_by_count_and_then_by_name() -> None:
    days = [{"dog": 1, "cat": 2}, {"cat": 1, "bird": 1, "ant": 3}]
    assert add_up(days) == (
        NamedCount(name="ant", count=3),
        NamedCount(name="cat", count=3),
        NamedCount(name="bird", count=1),
        NamedCount(name="dog", count=1),
    )


def test_the_rarest_names_of_a_day_are_left_out() -> None:
    counts = {f"label {number}": number for number in range(1, MAX_NAMES + 2)}
    assert list(most_common(counts)) == [f"label {number}" for number in range(MAX_NAMES + 1, 1, -1)]
