"""Cost estimate of the stack that is being deployed."""

from pathlib import Path

import pulumi

from infra.config.cost.estimate import CostEstimate, budget_warning, estimate_cost
from infra.config.cost.price_list import PriceList, load_price_list
from infra.config.cost.workload import create_workload
from infra.config.settings import Settings
from infra.monitoring.queries import log_alert_rules

_PRICES = Path(__file__).resolve().parents[1] / "prices"


def load_stack_prices(settings: Settings) -> PriceList:
    """Load the price list of the stack's region.

    Raises:
        PriceListError: A price list is wrong.
    """
    return load_price_list(_PRICES, settings.location)


def estimate_stack_cost(settings: Settings) -> CostEstimate:
    """Estimate what a month of the stack costs, and log a warning if that exceeds `monthlyBudget`.

    Raises:
        PriceListError: A price list is wrong, or lacks a meter.
    """
    rules = log_alert_rules(shadow=settings.shadow is not None, models=settings.deploys_model)
    workload = create_workload(settings, log_alert_rules=len(rules))
    estimate = estimate_cost(workload, load_stack_prices(settings))
    warning = budget_warning(estimate, monthly_budget=settings.monthly_budget)
    if warning is not None:
        pulumi.log.warn(warning)
    return estimate
