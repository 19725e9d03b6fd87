"""What opens a resource to more networks, and what does not."""

from typing import Any

import pytest

from checks.plan.changes import collect_pairs
from checks.plan.network import find_network_openings
from tests.support.plan_builder import preview_of, state, step

ADDRESS = {"value": "192.0.2.1", "action": "Allow"}
DENIED = {"ipAddress": "192.0.2.0/24", "action": "Deny"}


def opened(type_: str, before: dict[str, Any], after: dict[str, Any], op: str = "update") -> list[str]:
    """The paths that open a resource."""
    change = step(op, "r", before=state(type_, before), after=state(type_, after))
    return [item.path for item in find_network_openings(collect_pairs(preview_of(change)))]


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        ("storage:StorageAccount", {"publicNetworkAccess": "Disabled"}, {"publicNetworkAccess": "Enabled"}),
        ("storage:StorageAccount", {"publicNetworkAccess": "SecuredByPerimeter"}, {"publicNetworkAccess": "Enabled"}),
        ("storage:StorageAccount", {"publicNetworkAccess": "Disabled"}, {}),
        ("storage:StorageAccount", {"allowBlobPublicAccess": False}, {"allowBlobPublicAccess": True}),
        ("storage:BlobContainer", {"publicAccess": "None"}, {"publicAccess": "Blob"}),
        ("storage:BlobContainer", {}, {"publicAccess": "Container"}),
        ("cosmosdb:DatabaseAccount", {"isVirtualNetworkFilterEnabled": True}, {}),
        ("cosmosdb:DatabaseAccount", {"ipRules": [ADDRESS]}, {"ipRules": []}),
        ("cosmosdb:DatabaseAccount", {"networkAclBypass": "None"}, {"networkAclBypass": "AzureServices"}),
        ("storage:StorageAccount", {}, {"ipRules": [ADDRESS]}),
        ("eventgrid:Topic", {"inboundIpRules": [{"ipMask": "192.0.2.1"}]}, {}),
        ("web:WebApp", {"ipSecurityRestrictions": [DENIED, ADDRESS]}, {"ipSecurityRestrictions": [ADDRESS]}),
        ("network:NetworkSecurityGroup", {"securityRules": []}, {"securityRules": [{"access": "Allow"}]}),
    ],
)
def test_an_input_that_opens_a_resource(type_: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert opened(type_, before, after) == [next(iter(before | after))]
    assert opened(type_, before, after, op="replace") == [next(iter(before | after))]


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        ("storage:StorageAccount", {"publicNetworkAccess": "Enabled"}, {"publicNetworkAccess": "Disabled"}),
        ("storage:StorageAccount", {}, {"publicNetworkAccess": "Enabled"}),
        ("storage:StorageAccount", {"publicNetworkAccess": "enabled"}, {"publicNetworkAccess": "Enabled"}),
        ("storage:StorageAccount", {"ipRules": [ADDRESS]}, {"ipRules": []}),
        ("storage:BlobContainer", {"publicAccess": "Blob"}, {}),
        ("cosmosdb:DatabaseAccount", {"ipRules": []}, {"ipRules": [ADDRESS]}),
        ("cosmosdb:DatabaseAccount", {}, {"isVirtualNetworkFilterEnabled": False}),
        ("web:WebApp", {"ipSecurityRestrictions": [ADDRESS]}, {"ipSecurityRestrictions": [ADDRESS, DENIED]}),
        ("storage:StorageAccount", {"tags": {"a": "1"}}, {"tags": {"a": "2"}}),
    ],
)
def test_an_input_that_opens_nothing(type_: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert opened(type_, before, after) == []


def test_inputs_inside_others_are_found_by_their_path() -> None:
    before = {"properties": {"publicNetworkAccess": "Disabled", "networkAcls": {"defaultAction": "Deny"}}}
    after = {"properties": {"publicNetworkAccess": "Enabled", "networkAcls": {"defaultAction": "Allow"}}}
    assert opened("cognitiveservices:Account", before, after) == [
        "properties.networkAcls.defaultAction",
        "properties.publicNetworkAccess",
    ]


def test_a_resource_that_is_created_opens_nothing() -> None:
    created = step("create", "r", after=state("storage:StorageAccount", {"publicNetworkAccess": "Enabled"}))
    assert find_network_openings(collect_pairs(preview_of(created))) == []


def test_a_value_that_is_not_known_before_the_deployment_opens_a_resource() -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert opened("storage:StorageAccount", {"publicNetworkAccess": "Disabled"}, {"publicNetworkAccess": unknown}) == [
        "publicNetworkAccess"
    ]
    assert opened("storage:StorageAccount", {"ipRules": [ADDRESS]}, {"ipRules": unknown}) == ["ipRules"]
