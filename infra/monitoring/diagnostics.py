"""Diagnostics: what Azure's services log goes to the workspace, where it can be asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import monitor, operationalinsights


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something that logs: its ARM id, the categories of its logs, and whether its metrics are wanted as well.

    https://learn.microsoft.com/azure/azure-monitor/reference/logs-index
    """

    name: str
    id: pulumi.Output[str]
    logs: tuple[str, ...]
    metrics: bool = False


class Diagnostics(pulumi.ComponentResource):
    """One diagnostic setting for each of `sources`, to `workspace`, which decides how long they are kept."""

    settings: list[monitor.DiagnosticSetting]

    def __init__(
        self,
        name: str,
        *,
        workspace: operationalinsights.Workspace,
        sources: Sequence[Source],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:diagnostics:Diagnostics", name, {}, opts)
        self.settings = [
            monitor.DiagnosticSetting(
                f"{name}-{source.name}",
                name="to-workspace",
                resource_uri=source.id,
                workspace_id=workspace.id,
                logs=[monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True) for category in source.logs],
                metrics=[monitor.DiagnosticsMetricSettingsArgs(category="AllMetrics", enabled=True)]
                if source.metrics
                else [],
                opts=pulumi.ResourceOptions(parent=self),
            )
            for source in sources
        ]
        self.register_outputs({"settings": [setting.id for setting in self.settings]})
