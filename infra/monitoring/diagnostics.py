"""Diagnostic settings: send the logs and metrics of resources to the Log Analytics workspace."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import monitor

from infra.core.context import DiagnosticTarget


class DiagnosticSettings(pulumi.ComponentResource):
    """A diagnostic setting for each target; the workspace decides how long data is retained."""

    settings: list[monitor.DiagnosticSetting]

    def __init__(
        self,
        name: str,
        *,
        workspace_id: pulumi.Input[str],
        targets: Sequence[DiagnosticTarget],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:DiagnosticSettings", name, {}, opts)
        self.settings = [self._create_setting(f"{name}-{target.name}", workspace_id, target) for target in targets]
        self.register_outputs({"settings": [setting.id for setting in self.settings]})

    def _create_setting(
        self, name: str, workspace_id: pulumi.Input[str], target: DiagnosticTarget
    ) -> monitor.DiagnosticSetting:
        metrics: list[monitor.DiagnosticsMetricSettingsArgs] = []
        if target.metrics:
            metrics.append(monitor.DiagnosticsMetricSettingsArgs(category="AllMetrics", enabled=True))
        return monitor.DiagnosticSetting(
            name,
            name="to-workspace",
            resource_uri=target.resource_id,
            workspace_id=workspace_id,
            logs=[
                monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True)
                for category in target.log_categories
            ],
            metrics=metrics,
            opts=pulumi.ResourceOptions(parent=self),
        )
