"""Action group, metric alerts and scheduled log query alerts."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import monitor

from infra.core.context import DeploymentContext
from infra.monitoring.queries import LogAlertRule, log_alert_rules

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/privileged#owner
_OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


class Alerts(pulumi.ComponentResource):
    """Alert rules of the pipeline, and the action group that they notify.

    Args:
        name: Logical name.
        context: Where the component deploys.
        workspace_id: ARM id of the Log Analytics workspace that the log alerts query.
        event_topic_id: ARM id of the Event Grid system topic.
        cosmos_account_id: ARM id of the Cosmos DB account.
        shadow: A successor is in the shadow, and has alerts of its own.
        models: The analyzer deploys a model of Foundry, which Azure retires one day.
        email: Recipient of notifications; None notifies the owners of the subscription.
    """

    action_group: monitor.ActionGroup

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        workspace_id: pulumi.Input[str],
        event_topic_id: pulumi.Input[str],
        cosmos_account_id: pulumi.Input[str],
        shadow: bool = False,
        models: bool = False,
        email: str | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:Alerts", name, {}, opts)
        self._label = name
        self._context = context
        self.action_group = self._create_action_group(email)
        for rule in log_alert_rules(shadow=shadow, models=models):
            self._create_log_alert(rule, workspace_id)
        self._create_metric_alert(
            "dead-letters",
            description="Events could not be delivered; see deadletter/.",
            resource_id=event_topic_id,
            metric="DeadLetteredCount",
        )
        self._create_metric_alert(
            "dropped-events",
            description="Events are lost: no dead letter either.",
            resource_id=event_topic_id,
            metric="DroppedEventCount",
        )
        self._create_metric_alert(
            "cosmos-throttled",
            description="Cosmos DB refuses more than 100 requests in 15 minutes as too many: raise imagesPerMonth.",
            resource_id=cosmos_account_id,
            metric="TotalRequests",
            threshold=100,
            aggregation="Count",
            dimensions={"StatusCode": "429"},
        )
        self.register_outputs({"actionGroup": self.action_group.id})

    def _create_action_group(self, email: str | None) -> monitor.ActionGroup:
        email_receivers: list[monitor.MicrosoftCommonEmailReceiverArgs] = []
        role_receivers: list[monitor.ArmRoleReceiverArgs] = []
        if email is not None:
            email_receivers.append(
                monitor.MicrosoftCommonEmailReceiverArgs(
                    name="alert-email", email_address=email, use_common_alert_schema=True
                )
            )
        else:
            role_receivers.append(
                monitor.ArmRoleReceiverArgs(name="owners", role_id=_OWNER, use_common_alert_schema=True)
            )
        return monitor.ActionGroup(
            f"{self._label}-group",
            action_group_name=self._context.names.resource_name("ag"),
            resource_group_name=self._context.resource_group_name,
            location="Global",
            group_short_name=self._context.names.prefix,
            enabled=True,
            email_receivers=email_receivers,
            arm_role_receivers=role_receivers,
            tags=self._context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_log_alert(self, rule: LogAlertRule, workspace_id: pulumi.Input[str]) -> None:
        monitor.ScheduledQueryRule(
            f"{self._label}-{rule.name}",
            rule_name=self._context.names.resource_name(rule.name),
            resource_group_name=self._context.resource_group_name,
            location=self._context.location,
            kind=monitor.Kind.LOG_ALERT,
            display_name=rule.description,
            description=rule.description,
            severity=rule.severity,
            enabled=True,
            scopes=[workspace_id],
            evaluation_frequency="PT5M",
            window_size=f"PT{rule.window_minutes}M",
            criteria=monitor.ScheduledQueryRuleCriteriaArgs(
                all_of=[
                    monitor.ConditionArgs(
                        query=rule.query,
                        time_aggregation=monitor.TimeAggregation.COUNT,
                        operator="GreaterThan",
                        threshold=0,
                        failing_periods=monitor.ConditionFailingPeriodsArgs(
                            number_of_evaluation_periods=1,
                            min_failing_periods_to_alert=1,
                        ),
                    )
                ]
            ),
            auto_mitigate=True,
            # A new workspace has no tables: Azure would refuse the query until the first image was processed.
            skip_query_validation=True,
            actions=monitor.ActionsArgs(action_groups=[self.action_group.id]),
            tags=self._context.tags,
            # Azure refuses to change a rule's scopes in place, which the provider tries; the rule's name is fixed.
            # https://github.com/pulumi/pulumi-azure-native/issues/4839
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["scopes"], delete_before_replace=True),
        )

    def _create_metric_alert(
        self,
        alert_name: str,
        *,
        description: str,
        resource_id: pulumi.Input[str],
        metric: str,
        threshold: int = 0,
        aggregation: str = "Total",
        dimensions: Mapping[str, str] | None = None,
    ) -> None:
        """Alert when a metric is above `threshold` within 15 minutes.

        Metrics: https://learn.microsoft.com/azure/azure-monitor/reference/metrics-index
        """
        monitor.MetricAlert(
            f"{self._label}-{alert_name}",
            rule_name=self._context.names.resource_name(alert_name),
            resource_group_name=self._context.resource_group_name,
            location="global",
            description=description,
            severity=1,
            enabled=True,
            scopes=[resource_id],
            evaluation_frequency="PT5M",
            window_size="PT15M",
            criteria=monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs(
                odata_type="Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
                all_of=[
                    monitor.MetricCriteriaArgs(
                        criterion_type="StaticThresholdCriterion",
                        name=alert_name,
                        metric_name=metric,
                        time_aggregation=aggregation,
                        operator=monitor.Operator.GREATER_THAN,
                        threshold=threshold,
                        dimensions=[
                            monitor.MetricDimensionArgs(name=name, operator="Include", values=[value])
                            for name, value in (dimensions or {}).items()
                        ],
                    )
                ],
            ),
            auto_mitigate=True,
            actions=[monitor.MetricAlertActionArgs(action_group_id=self.action_group.id)],
            tags=self._context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
