"""The estimate of the stack that is being deployed: the warning above the budget, and the stack output."""

import pulumi
import pytest

from infra import Settings, estimate_stack_cost
from tests.conftest import configuration, run_program


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Warnings that the program logs."""
    texts: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", texts.append)
    return texts


@pytest.mark.parametrize(("budget", "exceeded"), [(58, True), (59, False)])
def test_an_estimate_above_the_budget_is_a_warning(budget: int, exceeded: bool, warnings: list[str]) -> None:
    """A month of `dev` is estimated at 58.64 USD."""
    estimate = estimate_stack_cost(Settings.parse(configuration("dev", {"monthlyBudget": budget})))
    assert estimate.high == pytest.approx(58.64, abs=0.005)
    assert [text.partition(":")[0] for text in warnings] == (["monthlyBudget"] if exceeded else [])


@pytest.mark.parametrize("stack", ["local", "dev", "staging", "prod", "soak"])
def test_no_stack_exceeds_its_own_budget(stack: str, warnings: list[str]) -> None:
    estimate_stack_cost(Settings.parse(configuration(stack)))
    assert warnings == []


def test_the_program_warns_and_exports_the_total_and_what_each_meter_costs_at_most(warnings: list[str]) -> None:
    outputs = run_program("dev", {"monthlyBudget": 1}).outputs
    estimate = outputs["estimatedMonthlyCost"]
    meters = estimate.pop("meters")
    assert meters["Image Analysis Group 1 Transactions"] == 15.0
    assert meters["AP1 100 RUs"] == 17.52
    assert sum(meters.values()) == pytest.approx(58.64, abs=0.05)
    assert estimate == {
        "low": 58.11,
        "high": 58.64,
        "currency": "USD",
        "priceRegion": "eastus",
    }
    (warning,) = warnings
    assert "58 to 59 USD (list prices of eastus), which is more than the budget of 1" in warning
