"""Private networking is one setting: every service has a private endpoint, and public endpoints are disabled."""

from ipaddress import IPv4Network
from itertools import pairwise
from typing import Any

from tests.conftest import Recorder, run_program

ZONES = {
    "blob": "privatelink.blob.core.windows.net",
    "queue": "privatelink.queue.core.windows.net",
    "account": "privatelink.cognitiveservices.azure.com",
    "Sql": "privatelink.documents.azure.com",
    "topic": "privatelink.eventgrid.azure.net",
}


def private_endpoints(recorder: Recorder) -> set[tuple[str, str]]:
    """The target and the sub-resource of each private endpoint."""
    return {
        (connection["privateLinkServiceId"].rpartition("::")[2], group)
        for endpoint in recorder.of_type("network:PrivateEndpoint")
        for connection in endpoint.inputs["privateLinkServiceConnections"]
        for group in connection["groupIds"]
    }


def test_every_service_that_the_app_uses_has_a_private_endpoint(prod_private: Recorder) -> None:
    assert private_endpoints(prod_private) == {
        ("api-function-host-account", "blob"),
        ("host-account", "blob"),
        ("images-account", "blob"),
        ("images-account", "queue"),
        ("records-account", "Sql"),
        ("results", "topic"),
        *((f"vision-account-{number}", "account") for number in range(1, 9)),
    }


def test_each_private_endpoint_has_the_dns_zone_of_its_service(prod_private: Recorder) -> None:
    zones = {zone.id: zone.inputs["privateZoneName"] for zone in prod_private.of_type("privatedns:PrivateZone")}
    assert set(zones.values()) == set(ZONES.values())
    endpoints = {
        endpoint.name: endpoint.inputs["privateLinkServiceConnections"][0]["groupIds"][0]
        for endpoint in prod_private.of_type("network:PrivateEndpoint")
    }
    groups = prod_private.of_type("network:PrivateDnsZoneGroup")
    assert len(groups) == len(endpoints)
    for group in groups:
        (config,) = group.inputs["privateDnsZoneConfigs"]
        assert zones[config["privateDnsZoneId"]] == ZONES[endpoints[group.inputs["privateEndpointName"]]]
    network = prod_private.one("network:VirtualNetwork", "network-vnet").id
    links = prod_private.of_type("privatedns:VirtualNetworkLink")
    assert {link.inputs["virtualNetwork"]["id"] for link in links} == {network}
    assert len(links) == len(zones)


def access(recorder: Recorder) -> dict[str, Any]:
    storage = {
        account.name: (account.inputs["publicNetworkAccess"], account.inputs["networkRuleSet"]["defaultAction"])
        for account in recorder.of_type("storage:StorageAccount")
    }
    vision = {
        account.inputs["properties"]["publicNetworkAccess"] for account in recorder.of_type("cognitiveservices:Account")
    }
    (topic,) = recorder.of_type("eventgrid:Topic")
    (cosmos,) = recorder.of_type("cosmosdb:DatabaseAccount")
    return {
        **storage,
        "vision": vision,
        "records": cosmos.inputs["publicNetworkAccess"],
        "results": topic.inputs["publicNetworkAccess"],
    }


def test_public_endpoints_are_disabled_except_for_trusted_services(prod_private: Recorder, prod: Recorder) -> None:
    assert access(prod_private) == {
        "api-function-host-account": ("Disabled", "Deny"),
        "host-account": ("Disabled", "Deny"),
        # Event Grid still delivers, as a trusted service.
        "images-account": ("Disabled", "Deny"),
        "vision": {"Disabled"},
        "records": "Disabled",
        "results": "Disabled",
    }
    account = prod_private.one("storage:StorageAccount", "images-account").inputs["networkRuleSet"]
    assert account == {"defaultAction": "Deny", "bypass": "AzureServices"}
    (topic,) = prod_private.of_type("eventgrid:SystemTopic")
    assert topic.inputs["identity"]["type"] == "SystemAssigned"
    assert access(prod) == {
        "api-function-host-account": ("Enabled", "Allow"),
        "host-account": ("Enabled", "Allow"),
        "images-account": ("Enabled", "Allow"),
        "vision": {"Enabled"},
        "records": "Enabled",
        "results": "Enabled",
    }


def test_the_app_joins_the_network_after_its_private_endpoints(prod_private: Recorder, prod: Recorder) -> None:
    site = prod_private.one("web:WebApp", "app-site")
    network = prod_private.one("network:VirtualNetwork", "network-vnet")
    assert site.inputs["virtualNetworkSubnetId"] == f"{network.id}/subnets/app"
    dns_zone_groups = {f"{group.type}::{group.name}" for group in prod_private.of_type("network:PrivateDnsZoneGroup")}
    assert dns_zone_groups <= site.dependencies
    (app, endpoints) = network.inputs["subnets"]
    assert [delegation["serviceName"] for delegation in app["delegations"]] == ["Microsoft.App/environments"]
    assert [subnet["privateEndpointNetworkPolicies"] for subnet in (app, endpoints)] == ["Enabled", "Enabled"]
    assert endpoints["defaultOutboundAccess"] is False
    assert all("networkSecurityGroup" in subnet for subnet in (app, endpoints))
    assert "virtualNetworkSubnetId" not in prod.one("web:WebApp", "app-site").inputs


def test_the_address_space_is_cut_in_two() -> None:
    recorder = run_program("dev", {"networkAccess": "private", "addressSpace": "192.168.8.0/22"})
    network = recorder.one("network:VirtualNetwork", "network-vnet").inputs
    whole = IPv4Network(network["addressSpace"]["addressPrefixes"][0])
    subnets = [IPv4Network(subnet["addressPrefix"]) for subnet in network["subnets"]]
    assert [str(whole), *map(str, subnets)] == ["192.168.8.0/22", "192.168.8.0/23", "192.168.10.0/23"]


def test_a_public_stack_has_no_network(prod: Recorder) -> None:
    assert [resource.name for resource in prod.resources if resource.kind.startswith(("network:", "privatedns:"))] == []


def test_private_endpoints_are_made_one_after_the_other(prod_private: Recorder) -> None:
    endpoints = prod_private.of_type("network:PrivateEndpoint")
    groups = {
        group.inputs["privateEndpointName"]: group for group in prod_private.of_type("network:PrivateDnsZoneGroup")
    }
    assert len(endpoints) > 2
    for before, after in pairwise(endpoints):
        previous = groups[before.name]
        assert f"{previous.type}::{previous.name}" in after.dependencies


def test_an_endpoint_names_its_subnet_and_nothing_else_of_it(prod_private: Recorder) -> None:
    network = prod_private.one("network:VirtualNetwork", "network-vnet")
    for endpoint in prod_private.of_type("network:PrivateEndpoint"):
        assert endpoint.inputs["subnet"] == {"id": f"{network.id}/subnets/endpoints"}


def test_the_subnet_of_the_app_is_released_before_the_network_is_deleted(prod_private: Recorder) -> None:
    (delay,) = [resource for resource in prod_private.resources if resource.kind.endswith("SubnetReleaseDelay")]
    network = prod_private.one("network:VirtualNetwork", "network-vnet")
    assert delay.inputs["subnet_id"] == f"{network.id}/subnets/app"
    assert f"{network.type}::{network.name}" in delay.dependencies
    assert f"{delay.type}::{delay.name}" in prod_private.one("web:WebApp", "app-site").dependencies


def test_ddos_protection_is_left_to_the_platform(prod_private: Recorder) -> None:
    network = prod_private.one("network:VirtualNetwork", "network-vnet")
    assert network.ignore_changes == ("enableDdosProtection", "ddosProtectionPlan")
