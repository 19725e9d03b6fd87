"""Resource types of Azure Monitor, Application Insights and Cost Management."""

from schemas.azure_native.resource_type import GUID, RESOURCE_GROUP, define_resource_type

_INSIGHTS = f"{RESOURCE_GROUP}/providers/Microsoft.Insights"

MONITORING = (
    define_resource_type(
        "monitor:DiagnosticSetting",
        "{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}",
        name="name",
        required="workspaceId",
        optional="logs metrics",
    ),
    define_resource_type(
        "monitor:ActionGroup",
        f"{_INSIGHTS}/actionGroups/{{actionGroupName}}",
        name="actionGroupName",
        required="location groupShortName enabled",
        optional="tags emailReceivers armRoleReceivers",
    ),
    define_resource_type(
        "monitor:MetricAlert",
        f"{_INSIGHTS}/metricAlerts/{{ruleName}}",
        name="ruleName",
        required="location severity enabled scopes evaluationFrequency windowSize criteria",
        optional="tags description autoMitigate actions",
    ),
    define_resource_type(
        "monitor:ScheduledQueryRule",
        f"{_INSIGHTS}/scheduledQueryRules/{{ruleName}}",
        name="ruleName",
        required="location kind severity enabled scopes evaluationFrequency windowSize criteria",
        optional="tags description displayName autoMitigate skipQueryValidation actions",
        replaces="kind",
    ),
    define_resource_type(
        "applicationinsights:Workbook",
        f"{_INSIGHTS}/workbooks/{{resourceName}}",
        name="resourceName",
        pattern=GUID,
        required="location category displayName serializedData",
        optional="tags kind sourceId",
    ),
    define_resource_type(
        "consumption:Budget",
        "{scope}/providers/Microsoft.Consumption/budgets/{budgetName}",
        name="budgetName",
        required="amount category timeGrain timePeriod",
        optional="notifications",
    ),
)
