"""Monitoring: recorded and checked like everything else; on the laptop nothing is logged, and nobody is told."""

from schemas.azure_native.resource_type import GUID, RESOURCE_GROUP, kind

_INSIGHTS = f"{RESOURCE_GROUP}/providers/Microsoft.Insights"

MONITORING = (
    kind(
        "monitor:DiagnosticSetting",
        "{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}",
        name="name",
        required="workspaceId",
        optional="logs metrics",
    ),
    kind(
        "monitor:ActionGroup",
        f"{_INSIGHTS}/actionGroups/{{actionGroupName}}",
        name="actionGroupName",
        required="location groupShortName enabled",
        optional="tags emailReceivers armRoleReceivers",
    ),
    kind(
        "monitor:MetricAlert",
        f"{_INSIGHTS}/metricAlerts/{{ruleName}}",
        name="ruleName",
        required="location severity enabled scopes evaluationFrequency windowSize criteria",
        optional="tags description autoMitigate actions",
    ),
    kind(
        "monitor:ScheduledQueryRule",
        f"{_INSIGHTS}/scheduledQueryRules/{{ruleName}}",
        name="ruleName",
        required="location kind severity enabled scopes evaluationFrequency windowSize criteria",
        optional="tags description displayName autoMitigate skipQueryValidation actions",
        replaces="kind",
    ),
    kind(
        "applicationinsights:Workbook",
        f"{_INSIGHTS}/workbooks/{{resourceName}}",
        name="resourceName",
        pattern=GUID,
        required="location category displayName serializedData",
        optional="tags kind sourceId",
    ),
    kind(
        "consumption:Budget",
        "{scope}/providers/Microsoft.Consumption/budgets/{budgetName}",
        name="budgetName",
        required="amount category timeGrain timePeriod",
        optional="notifications",
    ),
)
