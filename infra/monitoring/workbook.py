"""Azure Monitor workbook with the pipeline's charts."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from pulumi_azure_native import applicationinsights

from infra.core.context import DeploymentContext
from infra.monitoring.queries import CHARTS, Chart

_HOUR_MS = 3_600_000
_DEFAULT_RANGE_MS = 24 * _HOUR_MS
_SELECTABLE_RANGES_MS = (1 * _HOUR_MS, 24 * _HOUR_MS, 168 * _HOUR_MS, 720 * _HOUR_MS)


class Workbook(pulumi.ComponentResource):
    """An Azure Monitor workbook: uploads, invocations, queue, Vision, results and exceptions over one time range."""

    workbook: applicationinsights.Workbook

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        workspace_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:Workbook", name, {}, opts)
        self.workbook = applicationinsights.Workbook(
            name,
            # Azure requires a GUID as the name.
            resource_name_=context.names.guid("workbook", name),
            resource_group_name=context.resource_group_name,
            location=context.location,
            kind=applicationinsights.WorkbookSharedTypeKind.SHARED,
            category="workbook",
            display_name=f"Image pipeline {context.names.deployment_name}",
            source_id=workspace_id,
            serialized_data=json.dumps(_notebook()),
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"workbook": self.workbook.id})


def _notebook() -> dict[str, Any]:
    """Content of the workbook.

    https://github.com/microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json
    """
    range_parameter = {
        "id": "range",
        "version": "KqlParameterItem/1.0",
        "name": "Range",
        "type": 4,
        "isRequired": True,
        "value": {"durationMs": _DEFAULT_RANGE_MS},
        "typeSettings": {"selectableValues": [{"durationMs": duration} for duration in _SELECTABLE_RANGES_MS]},
    }
    parameters = {
        "type": 9,
        "name": "range",
        "content": {"version": "KqlParameterItem/1.0", "style": "pills", "parameters": [range_parameter]},
    }
    return {"version": "Notebook/1.0", "items": [parameters, *[_chart_item(chart) for chart in CHARTS]]}


def _chart_item(chart: Chart) -> dict[str, Any]:
    return {
        "type": 3,
        "name": chart.title,
        "content": {
            "version": "KqlItem/1.0",
            "title": chart.title,
            "query": chart.query,
            "queryType": 0,
            "size": 0,
            "resourceType": "microsoft.operationalinsights/workspaces",
            "timeContextFromParameter": "Range",
            "visualization": chart.visualization,
        },
    }
