"""Inputs beside the preview: policy violations, cost estimates."""

import json

import pytest

from checks.plan.cost import compare_cost
from checks.plan.inputs import CostEstimate, CostLineItem
from checks.plan.preview import PolicyViolation, read_policy_violations
from checks.plan.report import create_report
from tests.support.plan_builder import preview_of


def violation(level: str, resource: str = "a") -> PolicyViolation:
    return PolicyViolation(message="m", policy_name="p", enforcement_level=level, resource_urn=resource)


@pytest.mark.parametrize(("level", "failed"), [("mandatory", True), ("advisory", False), ("warning", False)])
def test_a_violation_of_a_mandatory_policy_alone_is_a_failure(level: str, failed: bool) -> None:
    assert create_report(preview_of(), policy_violations=[violation(level)]).failed is failed


def test_a_violation_that_is_logged_twice_is_one() -> None:
    event = {"policyEvent": {"message": "m", "policyName": "p", "enforcementLevel": "mandatory", "resourceUrn": "a"}}
    other = {"policyEvent": {**event["policyEvent"], "resourceUrn": "b"}}
    lines = [json.dumps(item) for item in (event, {"sequence": 1, "cancelEvent": {}}, event, other)]
    assert read_policy_violations("\n".join(lines).encode()) == [
        violation("mandatory"),
        violation("mandatory", "b"),
    ]


def item(meter: str, low: float, high: float) -> CostLineItem:
    return CostLineItem(service="s", meter=meter, low=low, high=high)


def test_costs_of_one_meter_are_added_up_and_the_largest_difference_comes_first() -> None:
    before = CostEstimate(line_items=[item("a", 1, 2), item("a", 3, 4), item("b", 10, 10), item("c", 1, 1)])
    after = CostEstimate(line_items=[item("a", 4, 7), item("b", 5, 5), item("c", 1.001, 1.004)])
    comparison = compare_cost(before, after)
    assert [(meter.meter, meter.high_before, meter.high_after, meter.changes) for meter in comparison.meters] == [
        ("b", 10, 5, True),
        ("a", 6, 7, True),
        ("c", 1, 1.004, False),
    ]
    assert (comparison.low_before, comparison.high_before, comparison.low_after, comparison.high_after) == (
        15,
        17,
        10.001,
        13.004,
    )


def test_a_meter_of_one_side_only_costs_nothing_on_the_other() -> None:
    comparison = compare_cost(CostEstimate(line_items=[item("a", 1, 2)]), CostEstimate(line_items=[item("b", 3, 4)]))
    assert [(meter.meter, meter.high_before, meter.high_after) for meter in comparison.meters] == [
        ("b", 0, 4),
        ("a", 2, 0),
    ]
