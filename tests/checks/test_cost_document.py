"""docs/cost.md: the calculation by hand and the sample profiles are those of the estimate, line by line."""

import json
import re

import pytest

from checks.cost import __main__ as command
from infra.config.cost.estimate import estimate_cost
from infra.config.cost.workload import create_workload
from infra.config.settings import Settings
from infra.monitoring.queries import LOG_ALERT_RULES
from tests.conftest import ROOT, configuration
from tests.support.cost_workloads import committed_prices

DOCUMENT = (ROOT / "docs/cost.md").read_text()
# Meter, low, high: calculated by hand from the prices and counts that the document states.
STAGING = [
    ("Image Analysis Group 1 Transactions", 1_325.00, 1_325.00),
    ("Image Analysis Group 2 Transactions", 1_500.00, 1_500.00),
    ("On Demand Execution Time", 176.18, 215.18),
    ("On Demand Total Executions", 1.10, 1.30),
    ("AP1 100 RUs", 17.52, 17.52),
    ("Data Stored", 3.45, 3.45),
    ("Hot LRS Data Stored", 3.12, 3.12),
    ("Hot LRS Write Operations", 2.50, 2.50),
    ("Hot Read Operations", 0.40, 0.80),
    ("LRS List and Create Container Operations", 4.38, 4.38),
    ("LRS Class 1 Operations", 0.60, 1.20),
    ("Class 2 Operations", 0.20, 0.93),
    ("Standard Operations", 0.54, 1.44),
    ("Analytics Logs Data Ingestion", 19.58, 43.29),
    ("Analytics Logs Data Retention", 0.00, 0.00),
    ("Alerts System Log Monitored at 5 Minute Frequency", 10.50, 10.50),
    ("Alerts Metric Monitored", 0.00, 0.00),
]


def test_the_estimate_of_staging_is_the_calculation_by_hand() -> None:
    settings = Settings.parse(configuration("staging"))
    workload = create_workload(settings, log_alert_rules=len(LOG_ALERT_RULES))
    estimate = estimate_cost(workload, committed_prices())
    actual = [(item.usage.meter.meter_name, item.low, item.high) for item in estimate.line_items]
    assert [name for name, _, _ in actual] == [name for name, _, _ in STAGING]
    for (_, low, high), (name, expected_low, expected_high) in zip(actual, STAGING, strict=True):
        assert low == pytest.approx(expected_low, abs=0.005), name
        assert high == pytest.approx(expected_high, abs=0.005), name
    assert estimate.low == pytest.approx(3_065.07, abs=0.005)
    assert estimate.high == pytest.approx(3_130.60, abs=0.005)


def test_the_document_has_the_same_figures() -> None:
    section = DOCUMENT.partition("## A calculation by hand")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| [^|]* \| ([\d,.]+) \| ([\d,.]+) \|$", section, re.MULTILINE)
    parsed = [(name, float(low.replace(",", "")), float(high.replace(",", ""))) for name, low, high in rows]
    assert parsed == STAGING


def test_the_document_has_the_total() -> None:
    assert re.search(r"^\| \*\*Total\*\* \| \| 3,065\.07 \| 3,130\.60 \|$", DOCUMENT, re.MULTILINE)


def test_the_document_has_the_three_sample_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", "staging", "--format", "json"]) == 0
    profiles = json.loads(capsys.readouterr().out)["profiles"]
    assert {name: profile["imagesPerMonth"] for name, profile in profiles.items()} == {
        "small": 5_000,
        "medium": 500_000,
        "large": 50_000_000,
    }
    section = DOCUMENT.partition("## Three sample profiles")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([\d,.]+) \| ([\d,.]+) \| ([\d,.]+) \|$", section, re.MULTILINE)
    expected = [
        (meter, *(f"{profile['meters'][meter]:,.2f}" for profile in profiles.values()))
        for meter in profiles["small"]["meters"]
    ]
    totals = ("**Total**", *(f"{profile['high']:,.2f}" for profile in profiles.values()))
    assert rows == [*expected, totals]
    assert totals == ("**Total**", "58.72", "3,130.60", "168,488.25")


def test_the_table_of_analyzers_is_that_of_staging(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stack", "staging", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = re.findall(
        r"^\| `([a-z-]+)`[^|]*\| ([^|]*) \| ([^|]*) ?\| ([\d. to]+) \| ([\d. to]+) \|$", DOCUMENT, re.MULTILINE
    )
    assert [(name, features, missing.strip(), cost, total) for name, features, missing, cost, total in rows] == [
        (
            item["analyzer"],
            ", ".join(item["features"]),
            ", ".join(item["missingFeatures"]),
            _both(item["analyzerLow"], item["analyzerHigh"]),
            _both(item["totalLow"], item["totalHigh"]),
        )
        for item in report["analyzers"]
    ]


def _both(low: float, high: float) -> str:
    texts = (f"{low:.2f}", f"{high:.2f}")
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)
