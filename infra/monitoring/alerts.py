"""Alerts: who is told when something is wrong."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import monitor, operationalinsights

from infra.components.resource_group import Place
from infra.monitoring.queries import ALARMS, Alarm

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/privileged#owner
_OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


class Alerts(pulumi.ComponentResource):
    """Alerts on the `topic`, the Cosmos DB account `records` and all that `workspace` knows.

    They mail `email`, or, if that is None, the owners of the subscription.
    """

    group: monitor.ActionGroup

    def __init__(
        self,
        name: str,
        *,
        place: Place,
        workspace: operationalinsights.Workspace,
        topic: pulumi.Input[str],
        records: pulumi.Input[str],
        email: str | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:operations:Alerts", name, {}, opts)
        self._name, self._place = name, place
        self.group = self._action_group(email)
        for alarm in ALARMS:
            self._log_alert(alarm, workspace)
        self._metric_alert(
            "dead-letters", "Events could not be delivered; see deadletter/.", topic, "DeadLetteredCount"
        )
        self._metric_alert("dropped-events", "Events are lost: no dead letter either.", topic, "DroppedEventCount")
        self._metric_alert(
            "cosmos-throttled",
            "Cosmos DB refuses more than 100 requests in 15 minutes as too many: raise imagesPerMonth.",
            records,
            "TotalRequests",
            above=100,
            aggregation="Count",
            dimensions={"StatusCode": "429"},
        )
        self.register_outputs({"actionGroup": self.group.id})

    def _action_group(self, email: str | None) -> monitor.ActionGroup:
        mails, roles = monitor.MicrosoftCommonEmailReceiverArgs, monitor.ArmRoleReceiverArgs
        return monitor.ActionGroup(
            f"{self._name}-group",
            action_group_name=self._place.names.local("ag"),
            resource_group_name=self._place.resource_group_name,
            location="Global",
            group_short_name=self._place.names.prefix,
            enabled=True,
            email_receivers=[mails(name="alert-email", email_address=email, use_common_alert_schema=True)]
            if email
            else [],
            arm_role_receivers=[] if email else [roles(name="owners", role_id=_OWNER, use_common_alert_schema=True)],
            tags=self._place.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _log_alert(self, alarm: Alarm, workspace: operationalinsights.Workspace) -> None:
        monitor.ScheduledQueryRule(
            f"{self._name}-{alarm.name}",
            rule_name=self._place.names.local(alarm.name),
            resource_group_name=self._place.resource_group_name,
            location=self._place.location,
            kind=monitor.Kind.LOG_ALERT,
            display_name=alarm.text,
            description=alarm.text,
            severity=alarm.severity,
            enabled=True,
            scopes=[workspace.id],
            evaluation_frequency="PT5M",
            window_size=f"PT{alarm.minutes}M",
            criteria=monitor.ScheduledQueryRuleCriteriaArgs(
                all_of=[
                    monitor.ConditionArgs(
                        query=alarm.query,
                        time_aggregation=monitor.TimeAggregation.COUNT,
                        operator="GreaterThan",
                        threshold=0,
                        failing_periods=monitor.ConditionFailingPeriodsArgs(
                            number_of_evaluation_periods=1, min_failing_periods_to_alert=1
                        ),
                    )
                ]
            ),
            auto_mitigate=True,
            # A new workspace has no tables: Azure would refuse the query until the first image has come through.
            skip_query_validation=True,
            actions=monitor.ActionsArgs(action_groups=[self.group.id]),
            tags=self._place.tags,
            # Azure refuses to change a rule's scopes in place, which the provider tries; the rule's name is fixed.
            # https://github.com/pulumi/pulumi-azure-native/issues/4839
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["scopes"], delete_before_replace=True),
        )

    def _metric_alert(
        self,
        alarm: str,
        text: str,
        scope: pulumi.Input[str],
        metric: str,
        *,
        above: int = 0,
        aggregation: str = "Total",
        dimensions: dict[str, str] | None = None,
    ) -> None:
        """Metrics: https://learn.microsoft.com/azure/azure-monitor/reference/metrics-index."""
        monitor.MetricAlert(
            f"{self._name}-{alarm}",
            rule_name=self._place.names.local(alarm),
            resource_group_name=self._place.resource_group_name,
            location="global",
            description=text,
            severity=1,
            enabled=True,
            scopes=[scope],
            evaluation_frequency="PT5M",
            window_size="PT15M",
            criteria=monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs(
                odata_type="Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
                all_of=[
                    monitor.MetricCriteriaArgs(
                        criterion_type="StaticThresholdCriterion",
                        name=alarm,
                        metric_name=metric,
                        time_aggregation=aggregation,
                        operator=monitor.Operator.GREATER_THAN,
                        threshold=above,
                        dimensions=[
                            monitor.MetricDimensionArgs(name=name, operator="Include", values=[value])
                            for name, value in (dimensions or {}).items()
                        ],
                    )
                ],
            ),
            auto_mitigate=True,
            actions=[monitor.MetricAlertActionArgs(action_group_id=self.group.id)],
            tags=self._place.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
