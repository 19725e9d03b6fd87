"""Monthly cost budget."""

from __future__ import annotations

from datetime import UTC, datetime

import pulumi
from pulumi_azure_native import consumption

from infra.core.context import Scope


class Budget(pulumi.ComponentResource):
    """Monthly cost budget; notifies at 50, 80 and 100 % of actual cost, and at 100 % of forecast cost.

    Budgets do not stop spending.

    Args:
        name: Logical name, and name of the budget.
        scope: What the budget is for, such as a resource group.
        amount: Cost of a month, in the subscription's currency.
        action_group_id: ARM id of the action group that is notified.
    """

    budget: consumption.Budget

    def __init__(
        self,
        name: str,
        *,
        scope: Scope,
        amount: int,
        action_group_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:Budget", name, {}, opts)
        self.budget = consumption.Budget(
            name,
            budget_name=name,
            scope=scope.id,
            amount=amount,
            category=consumption.CategoryType.COST,
            time_grain=consumption.TimeGrainType.MONTHLY,
            # Azure accepts the first of the current month and nothing earlier; later runs leave it as it was.
            time_period=consumption.BudgetTimePeriodArgs(start_date=f"{datetime.now(UTC):%Y-%m}-01T00:00:00Z"),
            notifications={
                f"{threshold_type.value.lower()}-{percent}": consumption.NotificationArgs(
                    enabled=True,
                    operator=consumption.OperatorType.GREATER_THAN_OR_EQUAL_TO,
                    threshold=percent,
                    threshold_type=threshold_type,
                    # For the budget of a resource group, Azure requires an address or an action group; a role alone is
                    # not enough: https://learn.microsoft.com/rest/api/consumption/budgets/create-or-update#notification
                    contact_emails=[],
                    contact_groups=[action_group_id],
                )
                for percent, threshold_type in _notification_thresholds()
            },
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["timePeriod"]),
        )
        self.register_outputs({"budget": self.budget.id})


def _notification_thresholds() -> list[tuple[int, consumption.ThresholdType]]:
    """Percent of the budget, and of which cost."""
    return [
        (50, consumption.ThresholdType.ACTUAL),
        (80, consumption.ThresholdType.ACTUAL),
        (100, consumption.ThresholdType.ACTUAL),
        (100, consumption.ThresholdType.FORECASTED),
    ]
