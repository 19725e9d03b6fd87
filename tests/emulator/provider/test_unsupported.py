"""Inputs that Azure supports and the emulator does not: accepted in a preview, refused at deployment."""

from typing import Any

import grpc.aio
import pytest
from pulumi.runtime.proto import provider_pb2

from emulator.core.resource_store import ResourceStore
from emulator.provider import unsupported
from schemas.azure_native.resource_types import RESOURCE_TYPES
from tests.emulator.provider.test_server import STORAGE, struct, talk, urn

_SERVICES = "Microsoft.CognitiveServices/accounts"
BASE = {"accountName": "a", "resourceGroupName": "rg"}


def lifecycle(**filters: Any) -> dict[str, Any]:
    definition = {
        "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["images/"]} | filters,
        "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 30}}},
    }
    return {"policy": {"rules": [{"name": "r", "type": "Lifecycle", "enabled": True, "definition": definition}]}}


@pytest.mark.parametrize(
    ("type_", "inputs", "text"),
    [
        ("storage:StorageAccount", {"publicNetworkAccess": "SecuredByPerimeter"}, "must be 'Enabled' or 'Disabled'"),
        ("storage:StorageAccount", {"networkRuleSet": {"ipRules": [{"value": "1.2.3.4"}]}}, "must be None"),
        ("storage:StorageAccount", {"sku": {"name": "Standard_GZRS"}}, "must be 'Standard_LRS'"),
        ("storage:BlobContainer", {"publicAccess": "Blob"}, "must be 'None'"),
        ("storage:BlobServiceProperties", {"deleteRetentionPolicy": {"enabled": True}}, "no soft delete"),
        ("storage:BlobServiceProperties", {"containerDeleteRetentionPolicy": {"enabled": True}}, "no soft delete"),
        ("storage:ManagementPolicy", lifecycle(blobTypes=["appendBlob"]), "does not support the lifecycle rule r"),
        ("cosmosdb:DatabaseAccount", {"backupPolicy": {"type": "Continuous"}}, "must be None"),
        (
            "cosmosdb:DatabaseAccount",
            {"capabilities": [{"name": "EnableCassandra"}]},
            "does not support {'name': 'EnableCassandra'}",
        ),
        ("cosmosdb:DatabaseAccount", {"locations": [{"isZoneRedundant": True}]}, "no availability zones"),
        (
            "authorization:RoleDefinition",
            {"permissions": [{"dataActions": [f"{_SERVICES}/CustomVision/classify/iterations/image/nostore/action"]}]},
            "no service for Microsoft.CognitiveServices/accounts/CustomVision/",
        ),
        ("web:AppServicePlan", {"zoneRedundant": True}, "must be False"),
        ("web:WebApp", {"publicNetworkAccess": "Disabled"}, "must be 'Enabled'"),
        ("network:VirtualNetwork", {"enableDdosProtection": True}, "must be False"),
        ("network:NetworkSecurityGroup", {"securityRules": []}, "does not evaluate security rules"),
        ("privatedns:VirtualNetworkLink", {"registrationEnabled": True}, "must be False"),
    ],
)
def test_what_would_be_ignored_is_refused(type_: str, inputs: dict[str, Any], text: str) -> None:
    ((_, reason),) = unsupported.find_unsupported_inputs(RESOURCE_TYPES[f"azure-native:{type_}"], BASE | inputs)
    assert text in reason


def test_what_the_emulator_supports_is_not_refused() -> None:
    assert [
        *unsupported.find_unsupported_inputs(
            RESOURCE_TYPES["azure-native:storage:StorageAccount"], STORAGE | {"sku": {"name": "Standard_LRS"}}
        )
    ] == []
    assert [
        *unsupported.find_unsupported_inputs(
            RESOURCE_TYPES["azure-native:storage:ManagementPolicy"], BASE | lifecycle()
        )
    ] == []
    vector_search = {"capabilities": [{"name": "EnableNoSQLVectorSearch"}]}
    assert [
        *unsupported.find_unsupported_inputs(
            RESOURCE_TYPES["azure-native:cosmosdb:DatabaseAccount"], BASE | vector_search
        )
    ] == []


def test_planning_accepts_it_and_deploying_does_not(resources: ResourceStore) -> None:
    inputs = STORAGE | {"sku": {"name": "Standard_GZRS"}}
    request = provider_pb2.CheckRequest(urn=urn("storage:StorageAccount"), news=struct(inputs))
    assert [failure.property for failure in talk(resources, "Check", request).failures] == ["sku.name"]
    assert list(talk(resources, "Check", request, preview_only=True).failures) == []


def test_planning_changes_nothing(resources: ResourceStore) -> None:
    create = provider_pb2.CreateRequest(urn=urn("storage:StorageAccount"), properties=struct(STORAGE))
    delete = provider_pb2.DeleteRequest(id="/x", urn=urn("storage:StorageAccount"))
    for method, request in (("Create", create), ("Delete", delete)):
        with pytest.raises(grpc.aio.AioRpcError, match="previews only"):
            talk(resources, method, request, preview_only=True)
    assert list(resources) == []
