"""What each component registers as its outputs: `pulumi stack` and other programs see these."""

from typing import Any

import pulumi
import pytest

from tests.conftest import run_program


def test_components_register_these_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: dict[str, dict[str, Any]] = {}
    original = pulumi.ComponentResource.register_outputs

    def note(component: pulumi.ComponentResource, outputs: dict[str, Any]) -> None:
        name = component._name

        def record(values: dict[str, Any]) -> None:
            recorded[name] = values

        pulumi.Output.from_input(outputs).apply(record)
        original(component, outputs)

    monkeypatch.setattr(pulumi.ComponentResource, "register_outputs", note)
    program = run_program("dev", {"networkAccess": "private"})
    site_config = program.one("web:WebApp", "app-site").inputs["siteConfig"]
    app_settings = recorded["app"].pop("appSettings")
    assert app_settings["PIPELINE_TRIGGER"] == "events"
    assert app_settings == {item["name"]: item["value"] for item in site_config["appSettings"]}
    api_site_config = program.one("web:WebApp", "api-app-site").inputs["siteConfig"]
    api_settings = recorded["api-app"].pop("appSettings")
    assert api_settings == {item["name"]: item["value"] for item in api_site_config["appSettings"]}
    # The stack is a component as well; its outputs are in test_sizing_figures.py and test_setting_variants.py.
    del recorded["image-pipeline-dev"]
    action_group = "/azure-native:monitor:ActionGroup::monitoring-alerts-group"
    targets = ["api-function-host-blob", "blob-event-topic", "host-blob", "images-blob", "images-queue", "records"]
    targets += ["results", "vision-account-1"]
    settings = recorded["monitoring-diagnostics"].pop("settings")
    assert sorted(settings) == [
        f"/azure-native:monitor:DiagnosticSetting::monitoring-diagnostics-{name}" for name in targets
    ]
    role_definition = "/azure-native:authorization:RoleDefinition::"
    assert recorded == {
        "api": {"clientId": "api-client"},
        "api-access": {},
        "api-app": {"site": "api-app-site"},
        "api-function": {"principalId": "api-function-principal"},
        "api-function-host": {"account": "api-function-host-account"},
        "app": {"site": "app-site"},
        "blob-event-subscription": {"subscription": "blob-event-subscription"},
        "blob-event-topic": {"topic": "blob-event-topic"},
        "dead-letter-processor": {"roleDefinitionId": f"{role_definition}dead-letter-processor-role"},
        "event-grid-access": {},
        "function": {"principalId": "function-principal"},
        "function-access": {},
        "host": {"account": "host-account"},
        "image-creator": {"roleDefinitionId": f"{role_definition}image-creator-role"},
        "image-deleter": {"roleDefinitionId": f"{role_definition}image-deleter-role"},
        "image-uploader": {"roleDefinitionId": f"{role_definition}image-uploader-role"},
        "images": {"account": "images-account"},
        "monitoring": {"actionGroup": action_group},
        "monitoring-alerts": {"actionGroup": action_group},
        "monitoring-budget": {"budget": "/azure-native:consumption:Budget::monitoring-budget"},
        "monitoring-diagnostics": {},
        "monitoring-workbook": {"workbook": "/azure-native:applicationinsights:Workbook::monitoring-workbook"},
        "network": {"network": "/azure-native:network:VirtualNetwork::network-vnet"},
        "queue-processor": {"roleDefinitionId": f"{role_definition}queue-processor-role"},
        "records": {"endpoint": "https://records-account.documents.azure.com:443/", "database": "records-database"},
        "resource-group": {"resourceGroup": "resource-group"},
        "results": {"endpoint": "https://results.eventgrid.azure.net/api/events"},
        "telemetry": {
            "workspace": "/azure-native:operationalinsights:Workspace::telemetry-workspace",
            "insights": "/azure-native:applicationinsights:Component::telemetry-insights",
        },
        "vision": {"endpoints": ["https://vision-account-1.cognitiveservices.azure.com/"]},
        "vision-caller": {"roleDefinitionId": f"{role_definition}vision-caller-role"},
    }
