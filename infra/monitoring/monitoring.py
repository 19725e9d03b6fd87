"""Monitoring of the pipeline: diagnostic settings, alerts, workbook and budget."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from infra.core.context import DeploymentContext, DiagnosticTarget, Scope
from infra.monitoring.alerts import Alerts
from infra.monitoring.budget import Budget
from infra.monitoring.diagnostics import DiagnosticSettings
from infra.monitoring.workbook import Workbook


class Monitoring(pulumi.ComponentResource):
    """Diagnostic settings, alerts, a workbook and a monthly budget.

    Args:
        name: Logical name.
        context: Where the component deploys.
        workspace_id: ARM id of the Log Analytics workspace.
        diagnostic_targets: Resources whose logs and metrics go to the workspace.
        event_topic_id: ARM id of the Event Grid system topic.
        cosmos_account_id: ARM id of the Cosmos DB account.
        shadow: A successor is in the shadow, and has alerts of its own.
        models: The analyzer deploys a model of Foundry, which Azure retires one day.
        budget_scope: What the budget is for.
        monthly_budget: Cost of a month, in the subscription's currency.
        email: Recipient of notifications; None notifies the owners of the subscription.
    """

    diagnostics: DiagnosticSettings
    alerts: Alerts
    workbook: Workbook
    budget: Budget

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        workspace_id: pulumi.Input[str],
        diagnostic_targets: Sequence[DiagnosticTarget],
        event_topic_id: pulumi.Input[str],
        cosmos_account_id: pulumi.Input[str],
        shadow: bool = False,
        models: bool = False,
        budget_scope: Scope,
        monthly_budget: int,
        email: str | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:Monitoring", name, {}, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        self.diagnostics = DiagnosticSettings(
            f"{name}-diagnostics",
            workspace_id=workspace_id,
            targets=diagnostic_targets,
            opts=child_opts,
        )
        self.alerts = Alerts(
            f"{name}-alerts",
            context=context,
            workspace_id=workspace_id,
            event_topic_id=event_topic_id,
            cosmos_account_id=cosmos_account_id,
            shadow=shadow,
            models=models,
            email=email,
            opts=child_opts,
        )
        self.workbook = Workbook(
            f"{name}-workbook",
            context=context,
            workspace_id=workspace_id,
            opts=child_opts,
        )
        self.budget = Budget(
            f"{name}-budget",
            scope=budget_scope,
            amount=monthly_budget,
            action_group_id=self.alerts.action_group.id,
            opts=child_opts,
        )
        self.register_outputs({"actionGroup": self.alerts.action_group.id})
