"""Cost estimate of the stack that is being deployed."""

from pathlib import Path

import pulumi

from infra.config.cost.estimate import CostEstimate, budget_warning, estimate_cost
from infra.config.cost.price_list import load_price_list
from infra.config.cost.workload import create_workload
from infra.config.settings import Settings
from infra.monitoring.queries import log_alert_rules

_PRICES = Path(__file__).resolve().parents[1] / "prices"


def estimate_stack_cost(settings: Settings) -> CostEstimate:
    """Estimate what a month of the stack costs, and log a warning if that exceeds `monthlyBudget`.

    Raises:
        PriceListError: A price list is wrong, or lacks a meter.
    """
    workload = create_workload(settings, log_alert_rules=len(log_alert_rules(models=settings.deploys_model)))
    estimate = estimate_cost(workload, load_price_list(_PRICES, settings.location))
    warning = budget_warning(estimate, monthly_budget=settings.monthly_budget)
    if warning is not None:
        pulumi.log.warn(warning)
    return estimate
