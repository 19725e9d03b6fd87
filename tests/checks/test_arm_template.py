"""The ARM template has the types, names and properties that ARM has."""

import re
from typing import Any

import pytest

from checks.arm_template import ArmTemplate, AzureRecorder, _type_and_name, api_version, render_template
from schemas.azure_native.resource_types import RESOURCE_TYPES
from tests.conftest import SUBSCRIPTION, run_program

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-imgpipe-prod"


@pytest.fixture(scope="module")
def recorder() -> AzureRecorder:
    recorder = AzureRecorder()
    run_program("prod", {"networkAccess": "private"}, recorder)
    return recorder


@pytest.fixture(scope="module")
def document(recorder: AzureRecorder) -> ArmTemplate:
    return render_template(recorder.cloud)


def one(document: ArmTemplate, type_: str, name: str = "") -> dict[str, Any]:
    (resource,) = [item for item in document["resources"] if item["type"] == type_ and name in item["name"]]
    return resource


def test_every_resource_of_azure_is_in_the_template(document: ArmTemplate, recorder: AzureRecorder) -> None:
    assert len(document["resources"]) == len(recorder.cloud) > 100
    assert {resource.type for resource in recorder.cloud} <= RESOURCE_TYPES.keys()


def test_no_recorded_name_is_left_in_it(document: ArmTemplate) -> None:
    assert "azure-native:" not in str(document)
    assert len({(item["type"], item["name"], item.get("scope")) for item in document["resources"]}) == len(
        document["resources"]
    )


def test_types_and_versions_are_arms(document: ArmTemplate) -> None:
    for item in document["resources"]:
        assert re.fullmatch(r"Microsoft\.\w+(/[A-Za-z]+)+", item["type"]), item["type"]
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}(-preview)?", item["apiVersion"])
        # One part of the name for each part of the type behind the namespace.
        assert item["name"].count("/") == item["type"].count("/") - 1


def test_a_storage_account(document: ArmTemplate) -> None:
    account = one(document, "Microsoft.Storage/storageAccounts", "data")
    assert set(account) == {"type", "name", "apiVersion", "location", "tags", "sku", "kind", "properties"}
    assert account["apiVersion"] == "2024-01-01"
    assert account["sku"] == {"name": "Standard_GZRS"}
    assert account["properties"] == {
        "allowBlobPublicAccess": False,
        "allowCrossTenantReplication": False,
        "allowSharedKeyAccess": False,
        "defaultToOAuthAuthentication": True,
        "isLocalUserEnabled": False,
        "minimumTlsVersion": "TLS1_2",
        "networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny"},
        "publicNetworkAccess": "Disabled",
        "supportsHttpsTrafficOnly": True,
    }


def test_the_name_of_a_child_contains_its_parents_names(document: ArmTemplate) -> None:
    container = one(document, "Microsoft.Storage/storageAccounts/blobServices/containers", "/images")
    account = one(document, "Microsoft.Storage/storageAccounts", "data")
    assert container["name"] == f"{account['name']}/default/images"
    assert container["properties"] == {"publicAccess": "None"}


def test_the_name_of_a_diagnostic_setting_contains_the_resource_that_it_logs(document: ArmTemplate) -> None:
    setting = one(document, "Microsoft.Storage/storageAccounts/queueServices/providers/diagnosticsettings")
    assert setting["name"].endswith("/default/Microsoft.Insights/to-workspace")
    assert [log["category"] for log in setting["properties"]["logs"]] == ["StorageWrite"]
    assert setting["properties"]["workspaceId"].startswith(f"{GROUP}/providers/Microsoft.OperationalInsights/")


def test_a_role_assignment_has_a_scope(document: ArmTemplate) -> None:
    scopes = {item["scope"] for item in document["resources"] if item["type"].endswith("/roleAssignments")}
    queue = one(document, "Microsoft.Storage/storageAccounts/queueServices/queues", "/images-poison")
    assert any(scope.endswith("/queueServices/default/queues/images-poison") for scope in scopes)
    assert queue["name"].split("/")[0] in "".join(scopes)
    assert all(scope.startswith(f"{GROUP}/providers/") for scope in scopes)


def test_the_app_and_its_identity(document: ArmTemplate) -> None:
    site = one(document, "Microsoft.Web/sites", "func-imgpipe-prod")
    identity = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-imgpipe-prod"
    assert site["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
    assert site["properties"]["siteConfig"]["minTlsVersion"] == "1.2"
    assert site["properties"]["virtualNetworkSubnetId"].endswith("/virtualNetworks/vnet-imgpipe-prod/subnets/app")
    assert one(document, "Microsoft.Web/serverfarms", "asp-imgpipe-prod")["properties"]["zoneRedundant"] is True


def test_what_azure_native_does_not_flatten_is_not_nested_twice(document: ArmTemplate) -> None:
    vision = one(document, "Microsoft.CognitiveServices/accounts", "vision1")
    assert vision["properties"]["disableLocalAuth"] is True
    assert "properties" not in vision["properties"]


def test_properties_have_arms_names(document: ArmTemplate) -> None:
    insights = one(document, "Microsoft.Insights/components")
    assert {"Application_Type", "DisableLocalAuth", "WorkspaceResourceId"} <= insights["properties"].keys()


def test_a_path_is_split_into_type_and_name() -> None:
    assert _type_and_name("Microsoft.X/a/1/b/2/c/3") == ("Microsoft.X/a/b/c", "1/2/3")


def test_the_version_is_the_one_that_azure_native_uses() -> None:
    assert api_version("cosmosdb:DatabaseAccount") == "2025-10-15"
    assert api_version("monitor:ScheduledQueryRule") == "2025-01-01-preview"
