"""The agreement report: means with intervals, floors, cost, and what is printed."""

import json
from typing import Any, cast

import pytest
from rich.console import Console

from client.agreement import command, comparisons
from client.agreement.command import print_report, run_agreement
from client.agreement.comparisons import Comparison, ShadowInfo, newest_pair, parse_shadow
from client.agreement.report import create_report
from client.agreement.statistics import bootstrap_mean, percentile, wilson_share
from client.errors import ClientError

OUTPUT: dict[str, Any] = {
    "analyzer": "foundry-vision",
    "percent": 20.0,
    "container": "comparisons",
    "peakRate": 2.0,
    "imagesPerSecond": 2.5,
    "prices": [
        {"metric": "inputTokens", "per": 1_000_000, "usd": 0.75},
        {"metric": "outputTokens", "per": 1_000_000, "usd": 4.5},
    ],
    "minImages": 2,
    "minLabelPercent": 0,
    "minCategoryPercent": 0,
    "minCaptionPercent": 0,
    "maxTextErrorPercent": 100,
}


def shadow(**changes: Any) -> ShadowInfo:
    return parse_shadow("dev", OUTPUT | changes)


def comparison(name: str = "a.jpg", **changes: Any) -> Comparison:
    item = {
        "comparedAt": "2026-11-29T00:00:00+00:00",
        "blobName": name,
        "format": "JPEG",
        "main": {
            "fingerprint": "main/1",
            "modelVersion": "m",
            "labels": ["Cat", "sofa"],
            "category": "cat",
            "caption": "a cat",
            "text": "STOP",
        },
        "successor": {
            "fingerprint": "successor/1",
            "modelVersion": "gpt",
            "labels": ["cat", "dog"],
            "category": "cat",
            "caption": "a dog",
            "text": "STEP",
        },
        "outcome": "classified",
        "reason": None,
        "labelAgreement": 0.5,
        "sameCategory": True,
        "captionAgreement": 0.5,
        "textErrorRate": 0.25,
        "latencyMs": 2_000,
        "inputTokens": 1_000,
        "outputTokens": 100,
    }
    return cast("Comparison", item | changes)


REJECTED: dict[str, Any] = {
    "outcome": "rejected",
    "reason": "ContentFiltered",
    "labelAgreement": None,
    "sameCategory": None,
    "captionAgreement": None,
    "textErrorRate": None,
    "latencyMs": 1,
    "inputTokens": None,
    "outputTokens": None,
}


def test_the_interval_of_a_mean_contains_it_and_narrows_with_the_sample() -> None:
    few, many = bootstrap_mean([0.0, 1.0] * 20), bootstrap_mean([0.0, 1.0] * 500)
    assert few is not None
    assert many is not None
    assert few.mean == many.mean == 0.5
    assert 0.3 < few.low < 0.45 < 0.55 < few.high < 0.7
    # 1.96 standard errors of a coin that was tossed a thousand times: 3.1 %.
    assert many.low == pytest.approx(0.469, abs=0.005)
    assert many.high == pytest.approx(0.531, abs=0.005)
    assert bootstrap_mean([]) is None
    constant = bootstrap_mean([0.7] * 10)
    assert constant is not None
    assert (round(constant.low, 6), round(constant.high, 6)) == (0.7, 0.7)


def test_the_interval_of_a_share_is_wilsons() -> None:
    """The figures of Wikipedia's calculators for 8 of 10, and the ends."""
    share = wilson_share(8, 10)
    assert share is not None
    assert (round(share.low, 4), round(share.high, 4)) == (0.4902, 0.9433)
    all_of_them = wilson_share(5, 5)
    assert all_of_them is not None
    assert (round(all_of_them.low, 4), all_of_them.high) == (0.5655, 1.0)
    assert wilson_share(0, 0) is None


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.95, 4), (0.0, 1), (1.0, 4)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([4, 1, 3, 2], share) == value
    assert percentile([], share) is None


def test_the_report_has_means_shares_cost_and_latency() -> None:
    items = [comparison(), comparison("b.jpg", latencyMs=4_000, format="PNG"), comparison("c.jpg", **REJECTED)]
    report = create_report(items, shadow())
    assert report.images == 3
    assert report.outcomes == {"classified": 2, "rejected: ContentFiltered": 1}
    means = {name: None if estimate is None else estimate.mean for name, estimate in report.means.items()}
    assert means == {"labels": 0.5, "category": 1.0, "caption": 0.5, "text error": 0.25}
    assert {name: (estimate.count, estimate.mean) for name, estimate in report.labels.items()} == {
        "cat": (2, 1.0),
        "sofa": (2, 0.0),
        "dog": (2, 0.0),
    }
    assert {name: (estimate.count, estimate.mean) for name, estimate in report.categories.items()} == {"cat": (2, 1.0)}
    assert {name: estimate.count for name, estimate in report.formats.items()} == {"JPEG": 1, "PNG": 1}
    # 1,000 * 0.75 / 1,000,000 + 100 * 4.5 / 1,000,000 for an image.
    assert report.cost_per_thousand == pytest.approx(1.2)
    assert (report.latency_p50_ms, report.latency_p95_ms) == (2_000, 4_000)
    assert (report.images_per_second, report.quota_per_second) == (2.0, 2.5)
    assert report.missed == []
    assert not report.emulated


def test_what_is_charged_for_each_image_counts_in_the_cost() -> None:
    prices = [*OUTPUT["prices"], {"metric": "images", "per": 1_000, "usd": 2.0}]
    report = create_report([comparison(), comparison("b.jpg")], shadow(prices=prices))
    assert report.cost_per_thousand == pytest.approx(1.2 + 2.0)


def test_the_images_that_agree_least_come_first() -> None:
    items = [comparison(f"{number:02}.jpg", labelAgreement=number / 30) for number in range(30)]
    report = create_report(items, shadow())
    assert [item.blob_name for item in report.disagreements] == [f"{number:02}.jpg" for number in range(20)]
    same = comparison(labelAgreement=1.0, captionAgreement=1.0, textErrorRate=0.0)
    assert create_report([same], shadow()).disagreements == []


@pytest.mark.parametrize(
    ("floors", "missed"),
    [
        ({}, []),
        ({"minImages": 3}, ["2 images were compared; at least 3 are required (minImages)"]),
        ({"minLabelPercent": 50}, []),
        ({"minLabelPercent": 51}, ["labels: 50.0% of at least 51 % (minLabelPercent)"]),
        ({"minCategoryPercent": 100}, []),
        ({"minCaptionPercent": 51}, ["caption: 50.0% of at least 51 % (minCaptionPercent)"]),
        ({"maxTextErrorPercent": 25}, []),
        ({"maxTextErrorPercent": 24}, ["text error: 25.0% of at most 24 % (maxTextErrorPercent)"]),
    ],
)
def test_floors_are_compared_with_the_means(floors: dict[str, int], missed: list[str]) -> None:
    assert create_report([comparison(), comparison("b.jpg")], shadow(**floors)).missed == missed


def test_a_floor_of_what_was_not_compared_is_missed() -> None:
    items = [comparison(captionAgreement=None, textErrorRate=None)] * 2
    report = create_report(items, shadow(minCaptionPercent=1, maxTextErrorPercent=99))
    assert report.missed == [
        "caption: nothing was compared of at least 1 % (minCaptionPercent)",
        "text error: nothing was compared of at most 99 % (maxTextErrorPercent)",
    ]


def test_without_comparisons_the_number_of_images_is_missed() -> None:
    report = create_report([], shadow())
    assert report.missed == ["0 images were compared; at least 2 are required (minImages)"]
    assert (report.cost_per_thousand, report.latency_p50_ms) == (None, None)


def test_only_the_newest_pair_of_analyzers_counts() -> None:
    other = comparison("old.jpg", main=comparison()["main"] | {"fingerprint": "main/0"})
    assert newest_pair([comparison(), other, comparison("b.jpg")]) == [comparison(), comparison("b.jpg")]
    assert newest_pair([]) == []


def test_a_stack_without_a_shadow_is_an_error() -> None:
    with pytest.raises(ClientError, match="dev has no successor in the shadow"):
        parse_shadow("dev", None)
    with pytest.raises(ClientError, match="has no 'minImages'; deploy it again"):
        parse_shadow("dev", {name: value for name, value in OUTPUT.items() if name != "minImages"})


def test_models_of_the_emulator_are_named_as_such() -> None:
    items = [comparison(successor=comparison()["successor"] | {"modelVersion": "emulated:gpt"})] * 2
    report = create_report(items, shadow())
    assert report.emulated
    console = Console(width=160, record=True, file=None, quiet=False)
    with console.capture() as printed:
        print_report(report, console)
    lines = printed.get().splitlines()
    assert lines[0].startswith("emulated: ")
    assert "2 images compared: 2 classified" in lines
    assert any("cost of a thousand images, by their tokens: 1.20 USD" in line for line in lines)


@pytest.mark.parametrize(("floor", "code"), [(0, 0), (51, 1)])
def test_the_command_fails_below_a_floor(
    floor: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = {"shadow": OUTPUT | {"minLabelPercent": floor}}
    monkeypatch.setattr(command, "read_raw_outputs", lambda _stack: outputs)
    monkeypatch.setattr(command, "parse_stack_outputs", lambda _stack, raw: raw)
    monkeypatch.setattr(command, "read_comparisons", lambda _outputs, container: [comparison()] * 2)
    assert run_agreement("dev", "json") == code
    assert json.loads(capsys.readouterr().out)["images"] == 2
    assert run_agreement("dev", "table") == code
    assert comparisons.parse_shadow("dev", outputs["shadow"]).container == "comparisons"
