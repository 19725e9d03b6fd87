"""Telemetry: where logs and metrics go."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import applicationinsights, operationalinsights

from infra.components.resource_group import Place
from infra.core.rbac import Scope


class Telemetry(pulumi.ComponentResource):
    """A Log Analytics workspace, and Application Insights that accepts Entra identities only."""

    workspace: operationalinsights.Workspace
    insights: applicationinsights.Component
    # The Application Insights component.
    scope: Scope

    def __init__(
        self, name: str, *, place: Place, retention_days: int, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("image-pipeline:telemetry:Telemetry", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.workspace = operationalinsights.Workspace(
            f"{name}-workspace",
            workspace_name=place.names.local("log"),
            resource_group_name=place.resource_group_name,
            location=place.location,
            sku=operationalinsights.WorkspaceSkuArgs(name=operationalinsights.WorkspaceSkuNameEnum.PER_GB2018),
            retention_in_days=retention_days,
            features=operationalinsights.WorkspaceFeaturesArgs(disable_local_auth=True),
            tags=place.tags,
            opts=child,
        )
        self.insights = applicationinsights.Component(
            f"{name}-insights",
            resource_name_=place.names.local("appi"),
            resource_group_name=place.resource_group_name,
            location=place.location,
            kind="web",
            application_type=applicationinsights.ApplicationType.WEB,
            ingestion_mode=applicationinsights.IngestionMode.LOG_ANALYTICS,
            workspace_resource_id=self.workspace.id,
            disable_local_auth=True,
            tags=place.tags,
            # They open nothing while local auth is off, but a scan for keys would stop at them: keep them encrypted.
            opts=pulumi.ResourceOptions(
                parent=self, additional_secret_outputs=["connectionString", "instrumentationKey"]
            ),
        )
        self.scope = Scope(name=f"{name}-insights", id=self.insights.id)
        self.register_outputs({"workspace": self.workspace.id, "insights": self.insights.id})
