"""The workload of a stack's settings, and that the counts in the estimate are those of the program."""

import re
from typing import Any

import pytest

from infra.config.cost.compute import function_usage
from infra.config.cost.meters import FLEX_ALWAYS_READY, LOG_ALERTS, METRIC_ALERTS, PRIVATE_ENDPOINTS
from infra.config.cost.operations import monitoring_usage, network_usage
from infra.config.cost.workload import Workload, create_workload
from infra.config.settings import Settings
from infra.monitoring.queries import LOG_ALERT_RULES
from tests.conftest import ROOT, configuration, run_program
from tests.support.cost_workloads import workload


def of_stack(stack: str, **changes: Any) -> Workload:
    settings = Settings.parse(configuration(stack, changes))
    return create_workload(settings, log_alert_rules=len(LOG_ALERT_RULES))


def test_the_workload_of_prod() -> None:
    assert of_stack("prod") == workload(
        images_per_month=50_000_000,
        log_retention_days=90,
        protect_data=True,
        zone_redundant=True,
        api_app=True,
        log_alert_rules=len(LOG_ALERT_RULES),
    )


def test_every_setting_that_the_estimate_depends_on_reaches_it() -> None:
    changed = of_stack(
        "dev",
        location="westeurope",
        imagesPerMonth=7,
        peakFactor=5,
        visionCallsPerSecond=20,
        features=["tags", "embeddings"],
        imageRetentionDays=11,
        recordRetentionDays=12,
        cacheDays=13,
        logRetentionDays=40,
        publishResults=False,
        copyClassified=True,
        trigger="schedule",
        networkAccess="private",
        protectData=True,
        zoneRedundant=True,
    )
    assert changed == Workload(
        location="westeurope",
        images_per_month=7,
        peak_factor=5,
        vision_calls_per_second=20,
        features=("tags", "embeddings"),
        custom_vision=False,
        image_retention_days=11,
        record_retention_days=12,
        cache_days=13,
        log_retention_days=40,
        publish_results=False,
        copy_classified=True,
        scheduled=True,
        private_networking=True,
        protect_data=True,
        zone_redundant=True,
        api_app=True,
        log_alert_rules=len(LOG_ALERT_RULES),
    )


def test_the_sizes_are_those_of_the_settings() -> None:
    settings = Settings.parse(configuration("prod", {"features": ["tags", "safety", "embeddings"]}))
    assert create_workload(settings, log_alert_rules=7).sizing == settings.sizing


def test_the_counts_of_alert_rules_are_those_of_the_program() -> None:
    recorder = run_program("dev")
    quantities = {usage.meter: usage.high for usage in monitoring_usage(of_stack("dev"))}
    assert quantities[LOG_ALERTS] == len(recorder.of_type("monitor:ScheduledQueryRule"))
    assert quantities[METRIC_ALERTS] == len(recorder.of_type("monitor:MetricAlert"))
    frequencies = {rule.inputs["evaluationFrequency"] for rule in recorder.of_type("monitor:ScheduledQueryRule")}
    assert frequencies == {"PT5M"}, "the meter is that of rules which run every five minutes"


@pytest.mark.parametrize(
    "changes",
    [{}, {"publishResults": False}, {"imagesPerMonth": 25_920_000, "recordRetentionDays": 30}],
    ids=["default", "no results", "several Vision accounts"],
)
def test_the_number_of_private_endpoints_is_that_of_the_program(changes: dict[str, Any]) -> None:
    private = {"networkAccess": "private", **changes}
    hours = {usage.meter: usage.high for usage in network_usage(of_stack("dev", **private))}[PRIVATE_ENDPOINTS]
    assert hours / 730 == len(run_program("dev", private).of_type("network:PrivateEndpoint"))


def test_always_ready_instances_are_those_of_the_function_groups() -> None:
    """Two instances for each group: all functions with an HTTP trigger are one group, each other function is its own.

    https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#per-function-scaling
    """
    triggers = re.findall(r"@blueprint\.(\w+)\(", (ROOT / "functions/pipeline/classifier/triggers.py").read_text())
    groups = {"http"} | {trigger for trigger in triggers if trigger != "route"}
    assert sorted(triggers) == ["queue_trigger", "route", "route", "route", "timer_trigger"]
    quantities = {usage.meter: usage.high for usage in function_usage(workload(zone_redundant=True))}
    # 2 GB, 730 hours.
    assert quantities[FLEX_ALWAYS_READY] == 2 * len(groups) * 2 * 730 * 3600
    # All functions of the API app have an HTTP trigger.
    with_api = {usage.meter: usage.high for usage in function_usage(workload(zone_redundant=True, api_app=True))}
    assert with_api[FLEX_ALWAYS_READY] == 2 * (len(groups) + 1) * 2 * 730 * 3600
