"""The event log beside the preview: policy violations, outputs, cost estimates, app settings."""

import json
from typing import Any

import pytest

from checks.plan.app_settings import expand_app_settings
from checks.plan.cost import CostEstimate, compare_cost, read_cost_comparison
from checks.plan.event_log import EventLog, Outputs, PolicyViolation, read_event_log
from checks.plan.preview import Diagnostic, PlanInputError
from checks.plan.properties import PropertyChange
from checks.plan.report import create_report
from tests.support.plan_builder import STACK_URN, preview_of

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}


def violation(level: str, resource: str = "a") -> PolicyViolation:
    return PolicyViolation(message="m", policy_name="p", enforcement_level=level, resource_urn=resource)


def log_of(*events: dict[str, Any]) -> EventLog:
    return read_event_log("\n".join(json.dumps(event) for event in events).encode())


@pytest.mark.parametrize(("level", "failed"), [("mandatory", True), ("advisory", False), ("warning", False)])
def test_a_violation_of_a_mandatory_policy_alone_is_a_failure(level: str, failed: bool) -> None:
    assert create_report(preview_of(), event_log=EventLog(policy_violations=[violation(level)])).failed is failed


def test_a_violation_that_is_logged_twice_is_one() -> None:
    event = {"policyEvent": {"message": "m", "policyName": "p", "enforcementLevel": "mandatory", "resourceUrn": "a"}}
    other = {"policyEvent": {**event["policyEvent"], "resourceUrn": "b"}}
    log = log_of(event, {"sequence": 1, "cancelEvent": {}}, event, other)
    assert log.policy_violations == [violation("mandatory"), violation("mandatory", "b")]


def output_event(urn: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    return {"resOutputsEvent": {"metadata": {"op": "same", "urn": urn, "old": old, "new": new}}}


def test_the_last_outputs_of_the_stack_and_of_each_component_are_read() -> None:
    component = "urn:pulumi:dev::p::image-pipeline:index:FunctionApp::app"
    resource = "urn:pulumi:dev::p::azure-native:storage:Queue::q"
    log = log_of(
        output_event(STACK_URN, {"outputs": {"a": 1}}, {"outputs": {"a": 1}}),
        output_event(resource, None, {"custom": True, "outputs": {"a": 1}}),
        output_event(component, None, {"outputs": {"site": "s"}}),
        output_event(STACK_URN, {"outputs": {"a": 1}}, {"outputs": {"a": 2}}),
    )
    assert log.outputs.keys() == {STACK_URN, component}
    assert log.stack_outputs == Outputs(before={"a": 1}, after={"a": 2})
    assert log.outputs[component] == Outputs(before={}, after={"site": "s"})
    assert EventLog().stack_outputs == Outputs()


def estimate(low: float, high: float, meters: dict[str, float] | None) -> CostEstimate:
    return CostEstimate(low=low, high=high, currency="USD", price_region="eastus", meters=meters)


def test_the_largest_difference_comes_first_and_less_than_a_cent_is_none() -> None:
    before = estimate(15, 17, {"a": 6, "b": 10, "c": 1, "gone": 0.5})
    after = estimate(10, 13, {"a": 7, "b": 5, "c": 1.004, "new": 0.75})
    comparison = compare_cost(before, after)
    assert [(meter.meter, meter.before, meter.after, meter.changes) for meter in comparison.meters] == [
        ("b", 10, 5, True),
        ("a", 6, 7, True),
        ("new", 0, 0.75, True),
        ("gone", 0.5, 0, True),
        ("c", 1, 1.004, False),
    ]


def test_before_the_first_deployment_every_meter_costs_nothing() -> None:
    comparison = compare_cost(None, estimate(3, 4, {"b": 4}))
    assert [(meter.meter, meter.before, meter.after) for meter in comparison.meters] == [("b", 0, 4)]


def test_what_release_0_2_0_has_deployed_does_not_say_its_cost_by_meter() -> None:
    before = {"estimatedMonthlyCost": {"low": 1, "high": 2, "currency": "USD", "priceRegion": "eastus"}}
    after = {"estimatedMonthlyCost": {**before["estimatedMonthlyCost"], "meters": {"b": 2}}}
    comparison = read_cost_comparison(before, after)
    assert comparison is not None
    assert [(meter.meter, meter.before, meter.after, meter.changes) for meter in comparison.meters] == [
        ("b", None, 2, True)
    ]


def test_a_stack_without_an_estimate_has_no_comparison() -> None:
    assert read_cost_comparison({}, {"functionApp": "f"}) is None


@pytest.mark.parametrize(
    ("after", "message"),
    [
        ({"low": 1}, "the stack output estimatedMonthlyCost is not a cost estimate: Object missing required field"),
        (
            {"low": 1, "high": 2, "currency": "EUR", "priceRegion": "x"},
            "the estimates are in USD and in EUR; they cannot be compared",
        ),
    ],
)
def test_a_wrong_estimate_is_an_error(after: dict[str, Any], message: str) -> None:
    before = {"low": 1, "high": 2, "currency": "USD", "priceRegion": "x"}
    with pytest.raises(PlanInputError, match=message):
        read_cost_comparison({"estimatedMonthlyCost": before}, {"estimatedMonthlyCost": after})


def test_a_preview_that_failed_has_no_cost() -> None:
    """The stack's outputs may be those of before."""
    output = {"estimatedMonthlyCost": {"low": 1, "high": 2, "currency": "USD", "priceRegion": "x", "meters": {}}}
    log = EventLog(outputs={STACK_URN: Outputs(before=output, after=output)})
    error = Diagnostic(severity="error", message="no")
    assert create_report(preview_of(), event_log=log).cost is not None
    assert create_report(preview_of(diagnostics=(error,)), event_log=log).cost is None


ALL = PropertyChange(path="siteConfig.appSettings", before="(secret)", after="(secret)")
OTHER = PropertyChange(path="tags", before="a", after="b")


def test_app_settings_that_change_are_named_and_those_that_are_secret_may_have_changed() -> None:
    outputs = Outputs(
        before={"appSettings": {"A": "1", "B": "2", "GONE": "3", "KEY": SECRET, "PLAIN": "text"}},
        after={"appSettings": {"A": "1", "B": "x", "NEW": "4", "KEY": SECRET, "PLAIN": SECRET}},
    )
    changes = expand_app_settings([OTHER, ALL], outputs)
    assert [(item.path, item.before, item.after) for item in changes] == [
        ("tags", "a", "b"),
        ("siteConfig.appSettings.B", "2", "x"),
        ("siteConfig.appSettings.GONE", "3", ""),
        ("siteConfig.appSettings.NEW", "", "4"),
        ("siteConfig.appSettings.PLAIN", "(not shown)", "(secret)"),
        ("siteConfig.appSettings.KEY", "(secret)", "(secret; may differ)"),
    ]


@pytest.mark.parametrize(
    "outputs",
    [
        pytest.param(Outputs(), id="no event log"),
        pytest.param(Outputs(before={"site": "s"}, after={"appSettings": {"A": "1"}}), id="release 0.2.0"),
        pytest.param(
            Outputs(before={"appSettings": {"A": "1"}}, after={"appSettings": SECRET["ciphertext"]}), id="all"
        ),
    ],
)
def test_app_settings_without_names_stay_one_secret(outputs: Outputs) -> None:
    assert expand_app_settings([ALL], outputs) == [ALL]


def test_app_settings_that_are_no_secret_are_left_alone() -> None:
    plain = PropertyChange(path="siteConfig.appSettings[A].value", before="1", after="2")
    assert expand_app_settings([plain], Outputs(before={"appSettings": {}}, after={"appSettings": {}})) == [plain]
