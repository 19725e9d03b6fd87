"""Log Analytics workspace and Application Insights."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import applicationinsights, operationalinsights

from infra.core.context import DeploymentContext, Scope


class Telemetry(pulumi.ComponentResource):
    """A Log Analytics workspace, and Application Insights that accepts telemetry of Entra identities only."""

    workspace: operationalinsights.Workspace
    insights: applicationinsights.Component
    insights_scope: Scope

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        retention_days: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:Telemetry", name, {}, opts)
        self.workspace = operationalinsights.Workspace(
            f"{name}-workspace",
            workspace_name=context.names.resource_name("log"),
            resource_group_name=context.resource_group_name,
            location=context.location,
            sku=operationalinsights.WorkspaceSkuArgs(name=operationalinsights.WorkspaceSkuNameEnum.PER_GB2018),
            retention_in_days=retention_days,
            features=operationalinsights.WorkspaceFeaturesArgs(disable_local_auth=True),
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.insights = applicationinsights.Component(
            f"{name}-insights",
            resource_name_=context.names.resource_name("appi"),
            resource_group_name=context.resource_group_name,
            location=context.location,
            kind="web",
            application_type=applicationinsights.ApplicationType.WEB,
            ingestion_mode=applicationinsights.IngestionMode.LOG_ANALYTICS,
            workspace_resource_id=self.workspace.id,
            disable_local_auth=True,
            tags=context.tags,
            # They grant nothing while local authentication is off, but a scan for keys would report them: encrypted.
            opts=pulumi.ResourceOptions(
                parent=self, additional_secret_outputs=["connectionString", "instrumentationKey"]
            ),
        )
        self.insights_scope = Scope(name=f"{name}-insights", id=self.insights.id)
        self.register_outputs({"workspace": self.workspace.id, "insights": self.insights.id})
