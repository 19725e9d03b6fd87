"""The categories of the photos that the installed packages ship, against the subjects that are known."""

from benchmarks.vision_accuracy import PHOTOS, measure, read_photos, summarize
from scripts.setup import build_models


def test_general_tags_make_more_categories_right_and_none_wrong() -> None:
    results = measure(read_photos(PHOTOS), build_models())
    before = summarize(results, "before")
    after = summarize(results, "after")
    assert before.photos >= 15
    assert after.right >= 10 > before.right
    assert after.wrong <= before.wrong
    assert [
        result.file for result in results if (result.before.outcome, result.after.outcome) == ("right", "wrong")
    ] == []
    # 1 ms, beside 140 ms of the models on a busy machine.
    assert after.rule_milliseconds < 0.2 * after.milliseconds
