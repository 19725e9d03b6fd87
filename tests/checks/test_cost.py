"""The report behind `make cost`: profiles, warnings about prices and budget, tables and JSON."""

import io
import json
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from checks.cost import __main__ as command
from checks.cost.report import CostReport, create_report, to_json
from checks.cost.tables import print_report
from infra.config.cost.meters import ALL_METERS
from infra.config.cost.price_list import PriceList, create_price_list
from infra.core.errors import PriceListError
from tests.support.cost_workloads import committed_prices, price_row, workload


def prices_of(region: str, **changes: Any) -> PriceList:
    """A list in which a unit of every meter costs a dollar."""
    rows = [
        price_row(
            meter.meter_name,
            serviceName=meter.service_name,
            productName=meter.product_name,
            skuName=meter.sku_name,
            unitOfMeasure=meter.unit_of_measure,
            **{"armRegionName": region, "status": "fetched", **changes},
        )
        for meter in ALL_METERS
    ]
    return create_price_list(region, rows)


def report_of(
    prices: PriceList, *, budget: int = 1_000_000, today: date = date(2026, 10, 2), **changes: Any
) -> CostReport:
    return create_report(stack="dev", workload=workload(**changes), monthly_budget=budget, prices=prices, today=today)


def test_the_analyzers_are_compared_for_the_features_that_they_have() -> None:
    report = report_of(committed_prices())
    rows = {cost.analyzer: cost for cost in report.analyzers}
    assert [*rows] == ["image-analysis", "custom-vision", "foundry-vision", "content-understanding"]
    # Three transactions of group 1 and two of group 2, at 1.00 and 1.50 dollars for a thousand.
    vision = rows["image-analysis"]
    assert (vision.analyzer_low, vision.analyzer_high, vision.missing) == (pytest.approx(6.0), pytest.approx(6.0), ())
    assert vision.total_high == pytest.approx(report.estimate.high / 5)
    assert rows["custom-vision"].features == ("tags",)
    foundry, understanding = rows["foundry-vision"], rows["content-understanding"]
    assert foundry.features == understanding.features == ("tags", "read", "caption")
    assert foundry.missing == understanding.missing == ("objects", "people")
    assert foundry.model == understanding.model == "gpt-5.4-mini 2026-03-17 (DataZoneStandard)"
    # 1,300 to 2,900 tokens at 0.825, 150 to 700 at 4.95 dollars for a million.
    assert (foundry.analyzer_low, foundry.analyzer_high) == (pytest.approx(1.815), pytest.approx(5.8575))
    # The fee, the pages, and answers without text: up to 400 tokens.
    assert understanding.analyzer_low == pytest.approx(1.815 + 2)
    assert understanding.analyzer_high == pytest.approx(2.3925 + 1.98 + 2)


@pytest.mark.parametrize(
    ("features", "analyzers"),
    [
        (("safety",), ["image-analysis"]),
        (("read",), ["image-analysis", "foundry-vision"]),
        (("caption",), ["image-analysis", "foundry-vision", "content-understanding"]),
    ],
)
def test_an_analyzer_that_has_none_of_the_features_is_left_out(features: Any, analyzers: list[str]) -> None:
    report = report_of(committed_prices(), features=features)
    assert [cost["analyzer"] for cost in to_json(report)["analyzers"]] == analyzers


def test_fetched_prices_of_the_own_region_give_no_warning() -> None:
    report = report_of(prices_of("northeurope"))
    assert report.warnings == []
    assert (report.price_region, report.prices_from, report.price_age_days) == ("northeurope", date(2026, 10, 1), 1)


def test_prices_of_another_region_are_a_warning_that_names_both() -> None:
    (warning,) = report_of(prices_of("eastus")).warnings
    assert "no price list of northeurope" in warning
    assert "those of eastus" in warning
    assert "make prices REGION=northeurope" in warning


def test_single_prices_of_another_region_are_a_warning_that_names_it() -> None:
    (warning,) = report_of(prices_of("northeurope", armRegionName="westus3")).warnings
    assert "westus3" in warning
    assert "prices/northeurope.json" in warning


def test_quoted_prices_are_a_warning_and_counted() -> None:
    report = report_of(prices_of("northeurope", status="quoted"))
    assert "quoted" in report.warnings[0]
    assert report.quoted_prices == len(report.estimate.line_items)


@pytest.mark.parametrize(("today", "old"), [(date(2026, 12, 30), False), (date(2026, 12, 31), True)])
def test_prices_are_old_after_90_days(today: date, old: bool) -> None:
    warnings = report_of(prices_of("northeurope"), today=today).warnings
    assert warnings == (["the oldest price is 91 days old; `make prices` fetches new ones"] if old else [])


def test_only_prices_that_are_used_make_the_list_old() -> None:
    """Custom Vision is not used by the stack, and its price is older than the others."""
    assert report_of(committed_prices()).prices_from == date(2026, 8, 4)


def test_an_estimate_above_the_budget_is_a_warning() -> None:
    (warning,) = report_of(prices_of("northeurope"), budget=1).warnings
    assert warning.startswith("monthlyBudget: a month of 5000 images")


def test_the_sample_profiles_have_the_other_settings_of_the_stack() -> None:
    """Small, medium and large as in Microsoft's scenario; the figures of the medium one are those of docs/cost.md."""
    report = report_of(
        committed_prices(),
        images_per_month=77,
        image_kb=5000,
        image_retention_days=90,
        record_retention_days=90,
        api_app=True,
    )
    images = {name: estimate and estimate.images_per_month for name, estimate in report.profiles.items()}
    assert images == {"small": 5_000, "medium": 500_000, "large": 50_000_000}
    medium = report.profiles["medium"]
    assert medium is not None
    assert medium.high == pytest.approx(3130.60, abs=0.005)


def test_a_profile_over_azures_limits_has_no_figures() -> None:
    """50 million records of ten years are above a million RU/s."""
    report = report_of(committed_prices(), record_retention_days=3650, peak_factor=100, features=("embeddings",))
    assert report.profiles["large"] is None
    assert report.profiles["small"] is not None
    assert to_json(report)["profiles"]["large"] is None
    assert "over Azure's limits" in printed(report)


def test_a_missing_price_is_an_error() -> None:
    with pytest.raises(PriceListError, match="make prices"):
        report_of(create_price_list("eastus", [price_row()]))


def printed(report: CostReport) -> str:
    output = io.StringIO()
    print_report(report, Console(file=output, width=200))
    return output.getvalue()


def test_the_tables_have_every_line_item_the_total_the_levers_and_the_warnings() -> None:
    report = report_of(
        committed_prices(),
        images_per_month=500_000,
        image_retention_days=90,
        record_retention_days=90,
        api_app=True,
        api_requests_per_image=5,
    )
    text = printed(report)
    assert "dev: 500,000 images of 100 KB a month, with 5 requests to the API for each" in text
    for item in report.estimate.line_items:
        assert item.usage.meter.meter_name in text
    assert "3,065.07 to 3,130.60" in text
    # 3,130.60 / 500.
    assert "6.2612" in text
    assert "features: without read" in text
    assert "list prices of eastus; the oldest is of 2026-08-04" in text
    for warning in report.warnings:
        assert f"warning: {warning}" in text


def test_the_json_has_the_figures_of_the_tables() -> None:
    report = report_of(committed_prices(), images_per_month=500_000, image_retention_days=90, record_retention_days=90)
    content = json.loads(json.dumps(to_json(report)))
    assert content["monthlyCost"] == {"low": report.estimate.low, "high": report.estimate.high}
    assert sum(item["high"] for item in content["lineItems"]) == pytest.approx(report.estimate.high)
    group_1 = content["lineItems"][0]
    assert group_1["meterName"] == "Image Analysis Group 1 Transactions"
    assert (group_1["quantityHigh"], group_1["high"]) == (1_500_000, 1_325.0)
    assert group_1["highPerImage"] == pytest.approx(0.00265)
    assert content["profiles"]["medium"]["high"] == pytest.approx(report.estimate.high)
    assert content["levers"][0] == {"change": "features: without read", "savingLow": 750.0, "savingHigh": 750.0}
    assert (content["priceRegion"], content["pricesFrom"], content["currency"]) == ("eastus", "2026-08-04", "USD")
    assert content["warnings"] == report.warnings


@pytest.mark.parametrize("stack", ["local", "dev", "staging", "prod", "soak"])
def test_every_stack_has_an_estimate(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", stack, "--format", "json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["stack"] == stack
    assert 0 < content["monthlyCost"]["low"] <= content["monthlyCost"]["high"]


def test_the_command_prints_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", "dev"]) == 0
    assert "dev: 5,000 images of 100 KB a month" in capsys.readouterr().out


def test_image_size_and_cache_hits_can_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", "dev", "--format", "json", "--image-kb", "200", "--cache-hits", "50"]) == 0
    content = json.loads(capsys.readouterr().out)
    quantities = {item["meterName"]: item["quantityHigh"] for item in content["lineItems"]}
    assert quantities["Image Analysis Group 1 Transactions"] == 7_500
    # 5,000 images of 200 KB for 30 days.
    assert quantities["Hot LRS Data Stored"] == pytest.approx(1.0)


@pytest.mark.parametrize(("requests", "executions"), [("0", 12_920), ("2.5", 25_420)])
def test_requests_to_the_api_can_be_given(capsys: pytest.CaptureFixture[str], requests: str, executions: int) -> None:
    """2,920 runs of reconcile, 5,000 images, and their deletions."""
    assert command.main(["--stack", "dev", "--format", "json", "--api-requests", requests]) == 0
    content = json.loads(capsys.readouterr().out)
    quantities = {item["meterName"]: item["quantityHigh"] for item in content["lineItems"]}
    assert content["apiRequestsPerImage"] == float(requests)
    assert quantities["On Demand Total Executions"] == executions


@pytest.mark.parametrize(
    "arguments",
    [
        ["--stack", "test"],
        ["--image-kb", "0"],
        ["--cache-hits", "101"],
        ["--api-requests", "-1"],
        ["--api-requests", "nan"],
        ["--format", "xml"],
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        command.main(arguments)
    assert exit_info.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_wrong_settings_are_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "configuration", lambda stack: {"imagesPerMonth": -1})
    assert command.main(["--stack", "dev"]) == 1
    assert "error: the stack's configuration is wrong" in capsys.readouterr().err
