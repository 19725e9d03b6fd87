"""Azure's rules of virtual networks, private endpoints and private DNS."""

from typing import Any

import grpc.aio
import pytest
from pulumi.runtime.proto import provider_pb2

from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.virtual_networks import ASSOCIATION_LINK, subnet_users
from emulator.provider.validation import UNKNOWN
from tests.emulator.conftest import ACCOUNT, GROUP, Deployment
from tests.emulator.provider.test_server import SITE, create, failures, talk

NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"
ZONES = f"{GROUP}/providers/Microsoft.Network/privateDnsZones"
BLOB_ZONE = "privatelink.blob.core.windows.net"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"
SUBNETS: list[dict[str, Any]] = [
    {
        "name": "app",
        "addressPrefix": "10.0.0.0/25",
        "networkSecurityGroup": {"id": NSG},
        "delegations": [{"name": "flex", "serviceName": "Microsoft.App/environments"}],
    },
    {"name": "endpoints", "addressPrefix": "10.0.0.128/25", "networkSecurityGroup": {"id": NSG}},
]
VNET: dict[str, Any] = {
    "virtualNetworkName": "vnet",
    "resourceGroupName": "rg",
    "location": "x",
    "addressSpace": {"addressPrefixes": ["10.0.0.0/24"]},
    "subnets": SUBNETS,
}


def endpoint(target: str = ACCOUNT, group: str = "blob", subnet: str = "endpoints", **more: Any) -> dict[str, Any]:
    return {
        "privateEndpointName": f"pe-{group}",
        "resourceGroupName": "rg",
        "location": "x",
        "subnet": {"id": f"{NETWORK}/subnets/{subnet}"},
        "privateLinkServiceConnections": [{"name": "c", "privateLinkServiceId": target, "groupIds": [group]}],
    } | more


def zone_group(zone: str = BLOB_ZONE, name: str = "default", group: str = "blob") -> dict[str, Any]:
    configs = [{"name": "blob", "privateDnsZoneId": f"{ZONES}/{zone}"}]
    return {
        "privateEndpointName": f"pe-{group}",
        "resourceGroupName": "rg",
        "privateDnsZoneGroupName": name,
        "privateDnsZoneConfigs": configs,
    }


def link(name: str = "link", zone: str = BLOB_ZONE, network: str = NETWORK) -> dict[str, Any]:
    return {
        "virtualNetworkLinkName": name,
        "privateZoneName": zone,
        "resourceGroupName": "rg",
        "location": "global",
        "registrationEnabled": False,
        "virtualNetwork": {"id": network},
    }


def site(subnet: str = "app", **more: Any) -> dict[str, Any]:
    return SITE | {"virtualNetworkSubnetId": f"{NETWORK}/subnets/{subnet}"} | more


@pytest.fixture
def network(deployment: Deployment) -> Deployment:
    """A storage account, a virtual network of two subnets, and two zones."""
    deployment.storage()
    deployment.add("network:NetworkSecurityGroup", networkSecurityGroupName="nsg", resourceGroupName="rg", location="x")
    deployment.add("network:VirtualNetwork", **VNET)
    for zone in (BLOB_ZONE, "privatelink.queue.core.windows.net"):
        deployment.add("privatedns:PrivateZone", privateZoneName=zone, resourceGroupName="rg", location="global")
    return deployment


def delete(resources: ResourceStore, resource_id: str) -> None:
    talk(resources, "Delete", provider_pb2.DeleteRequest(id=resource_id))


def subnets(*prefixes: str, **more: Any) -> dict[str, Any]:
    return VNET | {"subnets": [{"name": f"s{n}", "addressPrefix": prefix, **more} for n, prefix in enumerate(prefixes)]}


@pytest.mark.parametrize(
    ("type_", "inputs", "property_", "reason"),
    [
        ("network:VirtualNetwork", subnets("10.0.1.0/25"), "subnets.addressPrefix", "NetcfgInvalidSubnet"),
        (
            "network:VirtualNetwork",
            subnets("10.0.0.0/24", "10.0.0.128/25"),
            "subnets.addressPrefix",
            "NetcfgSubnetRangesOverlap: 's0' and 's1'",
        ),
        (
            "network:VirtualNetwork",
            subnets("10.0.0.0/25", delegations=[{"serviceName": "Microsoft.Web/serverFarm"}]),
            "subnets.delegations",
            "Microsoft.App/environments only",
        ),
        (
            "network:VirtualNetwork",
            subnets("10.0.0.0/25", natGateway={"id": "/x"}),
            "subnets.natGateway",
            "do not support natGateway",
        ),
        (
            "network:PrivateEndpoint",
            endpoint(subnet="s") | {"subnet": {"id": "/s", "privateEndpointNetworkPolicies": "Disabled"}},
            "subnet.privateEndpointNetworkPolicies",
            "pulumi-azure-native#1845",
        ),
        (
            "network:PrivateEndpoint",
            endpoint(privateLinkServiceConnections=[]),
            "privateLinkServiceConnections",
            "one connection",
        ),
        (
            "privatedns:PrivateZone",
            {"privateZoneName": BLOB_ZONE, "resourceGroupName": "rg", "location": "westeurope"},
            "location",
            "LocationNotAvailableForResourceType",
        ),
    ],
)
def test_inputs_that_are_refused(
    resources: ResourceStore, type_: str, inputs: dict[str, Any], property_: str, reason: str
) -> None:
    assert reason in failures(resources, type_, inputs)[property_]


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        ("network:VirtualNetwork", VNET),
        ("network:PrivateEndpoint", endpoint()),
        ("network:PrivateEndpoint", endpoint(target=UNKNOWN) | {"subnet": {"id": UNKNOWN}}),
        ("privatedns:VirtualNetworkLink", link()),
    ],
)
def test_good_inputs_are_accepted(resources: ResourceStore, type_: str, inputs: dict[str, Any]) -> None:
    assert failures(resources, type_, inputs) == {}


@pytest.mark.parametrize(
    ("type_", "inputs", "reason"),
    [
        ("network:VirtualNetwork", VNET | {"virtualNetworkName": "v2", "location": "y"}, "InvalidResourceReference"),
        (
            "network:VirtualNetwork",
            VNET | {"virtualNetworkName": "v2", "subnets": [SUBNETS[0] | {"networkSecurityGroup": {"id": "/no"}}]},
            "ResourceNotFound: /no",
        ),
        ("network:PrivateEndpoint", endpoint(subnet="none"), "SubnetNotFound"),
        ("network:PrivateEndpoint", endpoint(subnet="app"), "PrivateEndpointCreationNotAllowedAsSubnetIsDelegated"),
        ("network:PrivateEndpoint", endpoint(target="/no"), "InvalidPrivateLinkServiceId"),
        ("network:PrivateEndpoint", endpoint(target=NSG), "InvalidPrivateLinkServiceId"),
        ("network:PrivateEndpoint", endpoint(group="Sql"), "'Sql' is not a group id .* must be blob or queue"),
        ("network:PrivateEndpoint", endpoint(location="y"), "InvalidResourceReference"),
        ("privatedns:VirtualNetworkLink", link(network="/no"), "ResourceNotFound: /no"),
        ("web:WebApp", site(subnet="none"), "SubnetNotFound"),
        ("web:WebApp", site(subnet="endpoints"), "SubnetMissingRequiredDelegation"),
        ("web:WebApp", site(location="y"), "InvalidResourceReference"),
    ],
)
def test_creations_that_are_refused(network: Deployment, type_: str, inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=reason):
        create(network.resources, type_, inputs)


def test_a_zone_group_needs_the_right_zone_and_is_the_only_one(network: Deployment) -> None:
    create(network.resources, "network:PrivateEndpoint", endpoint())
    with pytest.raises(grpc.aio.AioRpcError, match=r"ResourceNotFound: .*/none"):
        create(network.resources, "network:PrivateDnsZoneGroup", zone_group("none"))
    with pytest.raises(grpc.aio.AioRpcError, match=f"it belongs in {BLOB_ZONE}"):
        create(network.resources, "network:PrivateDnsZoneGroup", zone_group("privatelink.queue.core.windows.net"))
    create(network.resources, "network:PrivateDnsZoneGroup", zone_group())
    with pytest.raises(grpc.aio.AioRpcError, match="Cannot create more than one private dns zone groups"):
        create(network.resources, "network:PrivateDnsZoneGroup", zone_group(name="deployedByPolicy"))


def test_a_network_is_linked_to_a_zone_once(network: Deployment) -> None:
    create(network.resources, "privatedns:VirtualNetworkLink", link())
    with pytest.raises(grpc.aio.AioRpcError, match="overlapping namespaces"):
        create(network.resources, "privatedns:VirtualNetworkLink", link("again"))


def test_what_is_in_use_is_not_deleted(network: Deployment) -> None:
    endpoint_id = create(network.resources, "network:PrivateEndpoint", endpoint()).id
    link_id = create(network.resources, "privatedns:VirtualNetworkLink", link()).id
    with pytest.raises(grpc.aio.AioRpcError, match=r"InUseSubnetCannotBeDeleted: Subnet endpoints is in use by .*pe-b"):
        delete(network.resources, NETWORK)
    with pytest.raises(grpc.aio.AioRpcError, match="InUseNetworkSecurityGroupCannotBeDeleted"):
        delete(network.resources, NSG)
    with pytest.raises(grpc.aio.AioRpcError, match="nested resources exist"):
        delete(network.resources, f"{ZONES}/{BLOB_ZONE}")
    for resource_id in (endpoint_id, link_id, f"{ZONES}/{BLOB_ZONE}", NETWORK, NSG):
        delete(network.resources, resource_id)
        assert network.resources.get(resource_id) is None


def test_a_deleted_app_holds_its_subnet_for_a_while(network: Deployment) -> None:
    app_id = network.add("web:WebApp", **site()).id
    subnet_id = f"{NETWORK}/subnets/app"
    association = f"{subnet_id}/serviceAssociationLinks/legionservicelink"
    assert subnet_users(network.resources, subnet_id) == [association]
    delete(network.resources, app_id)
    with pytest.raises(
        grpc.aio.AioRpcError, match=f"InUseSubnetCannotBeDeleted: Subnet app is in use by {association}"
    ):
        delete(network.resources, NETWORK)
    network.resources.put(Resource(id=association, type=ASSOCIATION_LINK, inputs={"until": 0}, outputs={}))
    assert subnet_users(network.resources, subnet_id) == []
    delete(network.resources, NETWORK)
    assert network.resources.descendants(NETWORK) == []


@pytest.mark.parametrize(("kind", "is_accepted"), [("AIServices", True), ("ComputerVision", False)])
def test_only_an_account_of_foundry_has_the_zones_of_its_models(
    network: Deployment, kind: str, is_accepted: bool
) -> None:
    account = network.add(
        "cognitiveservices:Account",
        accountName="f",
        resourceGroupName="rg",
        location="x",
        kind=kind,
        properties={"customSubDomainName": "f"},
    )
    zone = "privatelink.openai.azure.com"
    network.add("privatedns:PrivateZone", privateZoneName=zone, resourceGroupName="rg", location="global")
    create(network.resources, "network:PrivateEndpoint", endpoint(target=account.id, group="account"))
    inputs = zone_group(zone, group="account")
    if is_accepted:
        create(network.resources, "network:PrivateDnsZoneGroup", inputs)
        return
    with pytest.raises(grpc.aio.AioRpcError, match=r"it belongs in privatelink\.cognitiveservices\.azure\.com"):
        create(network.resources, "network:PrivateDnsZoneGroup", inputs)
