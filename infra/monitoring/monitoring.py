"""Operations: what a running pipeline needs beside itself: logs kept, alerts, a page to look at, and a budget."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pulumi
from pulumi_azure_native import consumption

from infra.components.cosmos import Records
from infra.components.event_grid import ImageTopic
from infra.components.resource_group import Place
from infra.core.rbac import Scope
from infra.monitoring.alerts import Alerts
from infra.monitoring.diagnostics import Diagnostics, Source
from infra.monitoring.telemetry import Telemetry
from infra.monitoring.workbook import Dashboard


class Budget(pulumi.ComponentResource):
    """What `on` is meant to cost in a month, at most; `tell`, an action group, hears of 50, 80 and 100 percent.

    And of 100 that are foreseen. It stops nothing: Azure's budgets never do.
    """

    budget: consumption.Budget

    def __init__(
        self,
        name: str,
        *,
        on: Scope,
        amount: int,
        tell: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:operations:Budget", name, {}, opts)
        steps = [(percent, consumption.ThresholdType.ACTUAL) for percent in (50, 80, 100)]
        self.budget = consumption.Budget(
            name,
            budget_name=name,
            scope=on.id,
            amount=amount,
            category=consumption.CategoryType.COST,
            time_grain=consumption.TimeGrainType.MONTHLY,
            # Azure takes the first of the current month and nothing earlier; later runs leave it as it was.
            time_period=consumption.BudgetTimePeriodArgs(start_date=f"{datetime.now(UTC):%Y-%m}-01T00:00:00Z"),
            notifications={
                f"{kind.value.lower()}-{percent}": consumption.NotificationArgs(
                    enabled=True,
                    operator=consumption.OperatorType.GREATER_THAN_OR_EQUAL_TO,
                    threshold=percent,
                    threshold_type=kind,
                    # Of a resource group's budget, Azure wants an address or a group; a role alone is not enough:
                    # https://learn.microsoft.com/rest/api/consumption/budgets/create-or-update#notification
                    contact_emails=[],
                    contact_groups=[tell],
                )
                for percent, kind in [*steps, (100, consumption.ThresholdType.FORECASTED)]
            },
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["timePeriod"]),
        )
        self.register_outputs({"budget": self.budget.id})


class Operations(pulumi.ComponentResource):
    """All of that: logs kept, somebody told, a page to look at, and a limit to the costs of `group`."""

    diagnostics: Diagnostics
    alerts: Alerts
    dashboard: Dashboard
    budget: Budget

    def __init__(
        self,
        name: str,
        *,
        place: Place,
        group: Scope,
        telemetry: Telemetry,
        topic: ImageTopic,
        records: Records,
        sources: Sequence[Source],
        email: str | None,
        monthly_budget: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:operations:Operations", name, {}, opts)
        child, workspace = pulumi.ResourceOptions(parent=self), telemetry.workspace
        self.diagnostics = Diagnostics(f"{name}-diagnostics", workspace=workspace, sources=sources, opts=child)
        self.alerts = Alerts(
            f"{name}-alerts",
            place=place,
            workspace=workspace,
            topic=topic.topic.id,
            records=records.account.id,
            email=email,
            opts=child,
        )
        self.dashboard = Dashboard(f"{name}-dashboard", place=place, workspace=workspace, opts=child)
        self.budget = Budget(f"{name}-budget", on=group, amount=monthly_budget, tell=self.alerts.group.id, opts=child)
        self.register_outputs({"actionGroup": self.alerts.group.id})
