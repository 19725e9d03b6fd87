"""Dashboard: a page to look at."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from pulumi_azure_native import applicationinsights, operationalinsights

from infra.components.resource_group import Place
from infra.monitoring.queries import CHARTS


class Dashboard(pulumi.ComponentResource):
    """An Azure Monitor workbook: from images that arrive to what went wrong, over the time range chosen in it."""

    workbook: applicationinsights.Workbook

    def __init__(
        self,
        name: str,
        *,
        place: Place,
        workspace: operationalinsights.Workspace,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:operations:Dashboard", name, {}, opts)
        self.workbook = applicationinsights.Workbook(
            name,
            # Azure wants a GUID as the name.
            resource_name_=place.names.guid("workbook", name),
            resource_group_name=place.resource_group_name,
            location=place.location,
            kind=applicationinsights.WorkbookSharedTypeKind.SHARED,
            category="workbook",
            display_name=f"Image pipeline {place.names.deployment}",
            source_id=workspace.id,
            serialized_data=json.dumps(_pages()),
            tags=place.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"workbook": self.workbook.id})


def _pages() -> dict[str, Any]:
    """https://github.com/microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json."""
    range_parameter = {
        "id": "range", "version": "KqlParameterItem/1.0", "name": "Range", "type": 4, "isRequired": True,
        "value": {"durationMs": 86_400_000},
        "typeSettings": {"selectableValues": [{"durationMs": hours * 3_600_000} for hours in (1, 24, 168, 720)]},
    }  # fmt: skip
    parameters = {"version": "KqlParameterItem/1.0", "style": "pills", "parameters": [range_parameter]}
    charts = [
        {
            "type": 3,
            "name": chart.title,
            "content": {
                "version": "KqlItem/1.0", "title": chart.title, "query": chart.query, "queryType": 0, "size": 0,
                "resourceType": "microsoft.operationalinsights/workspaces", "timeContextFromParameter": "Range",
                "visualization": chart.visualization,
            },
        }
        for chart in CHARTS
    ]  # fmt: skip
    return {"version": "Notebook/1.0", "items": [{"type": 9, "name": "range", "content": parameters}, *charts]}
