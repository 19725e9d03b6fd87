"""What each component registers as its outputs: `pulumi stack` and other programs see these."""

from typing import Any

import pulumi
import pytest

from tests.conftest import run_program


def test_components_register_these_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, dict[str, Any]] = {}
    register = pulumi.ComponentResource.register_outputs

    def note(component: pulumi.ComponentResource, outputs: dict[str, Any]) -> None:
        name = component._name

        def keep(values: dict[str, Any]) -> None:
            found[name] = values

        pulumi.Output.from_input(outputs).apply(keep)
        register(component, outputs)

    monkeypatch.setattr(pulumi.ComponentResource, "register_outputs", note)
    run_program("dev", {"networkAccess": "private"})
    # The stack is a component as well; its outputs are in test_sizing_figures.py and test_setting_variants.py.
    del found["image-pipeline-dev"]
    action_group = "/azure-native:monitor:ActionGroup::operations-alerts-group"
    diagnosed = ["host-blob", "images-blob", "images-queue", "records", "results", "topic", "vision-account-1"]
    settings = found["operations-diagnostics"].pop("settings")
    assert sorted(settings) == [
        f"/azure-native:monitor:DiagnosticSetting::operations-diagnostics-{name}" for name in diagnosed
    ]
    assert found == {
        "app": {"site": "app-site"},
        "foundation": {"resourceGroup": "foundation-group", "functionPrincipal": "function-principal"},
        "host": {"account": "host-account"},
        "images": {"account": "images-account"},
        "network": {"network": "/azure-native:network:VirtualNetwork::network-vnet"},
        "operations": {"actionGroup": action_group},
        "operations-alerts": {"actionGroup": action_group},
        "operations-budget": {"budget": "/azure-native:consumption:Budget::operations-budget"},
        "operations-dashboard": {"workbook": "/azure-native:applicationinsights:Workbook::operations-dashboard"},
        "operations-diagnostics": {},
        "records": {"endpoint": "https://records-account.documents.azure.com:443/", "database": "records-database"},
        "results": {"endpoint": "https://results.eventgrid.azure.net/api/events"},
        "route": {"subscription": "route"},
        "telemetry": {
            "workspace": "/azure-native:operationalinsights:Workspace::telemetry-workspace",
            "insights": "/azure-native:applicationinsights:Component::telemetry-insights",
        },
        "topic": {"topic": "topic"},
        "vision": {"endpoints": ["https://vision-account-1.cognitiveservices.azure.com/"]},
    }
