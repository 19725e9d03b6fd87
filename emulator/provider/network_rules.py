"""Validation of virtual networks, private endpoints and private DNS, with Azure's error codes where they are known."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

from emulator.core.resource_store import Properties, Resource, ResourceStore
from emulator.core.virtual_networks import PRIVATE_LINK_ZONES, network_of, private_link_zones, subnet, subnet_users
from emulator.provider.errors import DeploymentError

# https://learn.microsoft.com/azure/azure-functions/flex-consumption-how-to#enable-virtual-network-integration
_FLEX_DELEGATION = "Microsoft.App/environments"
_SUBNET = {
    "name",
    "addressPrefix",
    "networkSecurityGroup",
    "delegations",
    "defaultOutboundAccess",
    "privateEndpointNetworkPolicies",
    "privateLinkServiceNetworkPolicies",
}

Findings = Iterator[tuple[str, str]]


def virtual_network(inputs: Properties) -> Findings:
    """Errors in address ranges and delegations, and inputs of subnets that the emulator does not support."""
    spaces = [IPv4Network(prefix) for prefix in (inputs.get("addressSpace") or {}).get("addressPrefixes") or ()]
    subnets: list[Properties] = inputs.get("subnets") or []
    for subnet_inputs in subnets:
        for extra in sorted(subnet_inputs.keys() - _SUBNET):
            yield f"subnets.{extra}", f"the emulator's subnets do not support {extra}"
        if not any(IPv4Network(subnet_inputs["addressPrefix"]).subnet_of(space) for space in spaces):
            yield (
                "subnets.addressPrefix",
                f"NetcfgInvalidSubnet: subnet '{subnet_inputs['name']}' is not in the address space",
            )
        for delegation in subnet_inputs.get("delegations") or ():
            if delegation["serviceName"] != _FLEX_DELEGATION:
                yield "subnets.delegations", f"the emulator supports the delegation {_FLEX_DELEGATION} only"
    for one, other in combinations(subnets, 2):
        if IPv4Network(one["addressPrefix"]).overlaps(IPv4Network(other["addressPrefix"])):
            yield "subnets.addressPrefix", f"NetcfgSubnetRangesOverlap: '{one['name']}' and '{other['name']}' overlap"


def private_endpoint(inputs: Properties) -> Findings:
    """Errors of a private endpoint, which must have one connection, one sub-resource, and a subnet given by id."""
    connections: list[Properties] = inputs.get("privateLinkServiceConnections") or []
    if len(connections) != 1 or len(connections[0].get("groupIds") or ()) != 1:
        yield "privateLinkServiceConnections", "the emulator's private endpoints have one connection and one group id"
    for extra in sorted((inputs.get("subnet") or {}).keys() - {"id"}):
        yield (
            f"subnet.{extra}",
            "the emulator takes the id only; the rest differs after a refresh (pulumi-azure-native#1845)",
        )


def global_location(inputs: Properties) -> Findings:
    """An error unless the location is `global`: private DNS has no region."""
    if inputs.get("location") != "global":
        yield "location", f"LocationNotAvailableForResourceType: {inputs.get('location')!r}; it must be 'global'"


def check_creation(type_: str, inputs: Properties, resources: ResourceStore) -> None:
    """Raise DeploymentError if the deployed resources do not allow a new one; `type_` is without `azure-native:`."""
    check = _CREATION.get(type_)
    if check is not None:
        check(inputs, resources)


def check_deletion(resource: Resource, resources: ResourceStore) -> None:
    """Raise DeploymentError if the deployed resources do not allow the deletion of a resource."""
    match resource.type.removeprefix("azure-native:"):
        case "network:VirtualNetwork":
            for subnet_inputs in resource.inputs["subnets"]:
                for user in subnet_users(resources, f"{resource.id}/subnets/{subnet_inputs['name']}"):
                    raise DeploymentError(
                        f"InUseSubnetCannotBeDeleted: Subnet {subnet_inputs['name']} is in use by {user} and cannot be"
                        " deleted. In order to delete the subnet, delete all the resources within the subnet."
                        " See aka.ms/deletesubnet."
                    )
        case "network:NetworkSecurityGroup":
            for network in resources.of_type("network:VirtualNetwork"):
                if resource.id.lower() in {group.lower() for group in _security_groups(network.inputs)}:
                    raise DeploymentError(
                        f"InUseNetworkSecurityGroupCannotBeDeleted: Network security group {resource.id} cannot be"
                        f" deleted because it is in use by the following resources: {network.id}."
                    )
        case "privatedns:PrivateZone":
            for link in resources.descendants(resource.id):
                raise DeploymentError(
                    "CannotDeleteResource: Cannot delete resource while nested resources exist. Some existing nested"
                    f" resource IDs include: '{link.id}'."
                )
        case _:
            return


def _new_virtual_network(inputs: Properties, resources: ResourceStore) -> None:
    for group in _security_groups(inputs):
        _same_region(inputs, _existing(resources, group), "the virtual network")


def _new_private_endpoint(inputs: Properties, resources: ResourceStore) -> None:
    subnet_id = inputs["subnet"]["id"]
    subnet_inputs = _existing_subnet(resources, subnet_id)
    if subnet_inputs.get("delegations"):
        raise DeploymentError(f"PrivateEndpointCreationNotAllowedAsSubnetIsDelegated: {subnet_id} is delegated")
    _same_region(inputs, _existing(resources, network_of(subnet_id)), "the private endpoint")
    connection = inputs["privateLinkServiceConnections"][0]
    target = resources.get(connection["privateLinkServiceId"])
    if target is None or target.type not in PRIVATE_LINK_ZONES:
        raise DeploymentError(
            f"InvalidPrivateLinkServiceId: {connection['privateLinkServiceId']} is not a private link resource"
        )
    groups = PRIVATE_LINK_ZONES[target.type]
    if connection["groupIds"][0] not in groups:
        raise DeploymentError(
            f"PrivateEndpointGroupIdInvalid: {connection['groupIds'][0]!r} is not a group id of {target.id};"
            f" it must be {' or '.join(groups)}"
        )


def _new_zone_group(inputs: Properties, resources: ResourceStore) -> None:
    endpoint = next(
        candidate
        for candidate in resources.of_type("network:PrivateEndpoint")
        if candidate.name.lower() == inputs["privateEndpointName"].lower()
    )
    # https://github.com/pulumi/pulumi-azure-native/issues/2179
    for other in resources.descendants(endpoint.id):
        raise DeploymentError(
            f"BadRequest: Cannot create more than one private dns zone groups in the private endpoint {endpoint.name};"
            f" {other.name} exists"
        )
    connection = endpoint.inputs["privateLinkServiceConnections"][0]
    target = _existing(resources, connection["privateLinkServiceId"])
    expected = private_link_zones(target, connection["groupIds"][0])
    for config in inputs["privateDnsZoneConfigs"]:
        zone = _existing(resources, config["privateDnsZoneId"])
        if zone.name not in expected:
            zones = " or ".join(expected)
            raise DeploymentError(
                f"the record of {endpoint.name} has no effect in the zone {zone.name}: it belongs in {zones}"
            )


def _new_link(inputs: Properties, resources: ResourceStore) -> None:
    network = _existing(resources, inputs["virtualNetwork"]["id"])
    for other in resources.of_type("privatedns:VirtualNetworkLink"):
        zone = other.id.split("/")[-3]
        if zone == inputs["privateZoneName"] and other.inputs["virtualNetwork"]["id"].lower() == network.id.lower():
            raise DeploymentError(
                "BadRequest: A virtual network cannot be linked to multiple zones with overlapping namespaces."
                f" {network.name} is linked to {zone} by {other.id} already."
            )


def _new_web_app(inputs: Properties, resources: ResourceStore) -> None:
    subnet_id = inputs.get("virtualNetworkSubnetId")
    if not subnet_id:
        return
    subnet_inputs = _existing_subnet(resources, subnet_id)
    if [delegation["serviceName"] for delegation in subnet_inputs.get("delegations") or ()] != [_FLEX_DELEGATION]:
        raise DeploymentError(
            f"SubnetMissingRequiredDelegation: Subnet {subnet_id} requires any of the following delegation(s)"
            f" [{_FLEX_DELEGATION}] to reference service association link"
            f" {subnet_id}/serviceAssociationLinks/legionservicelink."
        )
    _same_region(inputs, _existing(resources, network_of(subnet_id)), "the function app")


def _existing(resources: ResourceStore, resource_id: str) -> Resource:
    resource = resources.get(resource_id)
    if resource is None:
        raise DeploymentError(f"ResourceNotFound: {resource_id} does not exist")
    return resource


def _existing_subnet(resources: ResourceStore, subnet_id: str) -> Properties:
    inputs = subnet(resources, subnet_id)
    if inputs is None:
        raise DeploymentError(f"SubnetNotFound: {subnet_id} does not exist")
    return inputs


def _same_region(inputs: Properties, other: Resource, what: str) -> None:
    if inputs["location"] != other.inputs["location"]:
        raise DeploymentError(
            f"InvalidResourceReference: {what} is in {inputs['location']}, and {other.id} in {other.inputs['location']}"
        )


def _security_groups(inputs: Properties) -> list[str]:
    groups = [subnet_inputs.get("networkSecurityGroup") for subnet_inputs in inputs["subnets"]]
    return [group["id"] for group in groups if group]


_CREATION: dict[str, Callable[[Properties, ResourceStore], Any]] = {
    "network:VirtualNetwork": _new_virtual_network,
    "network:PrivateEndpoint": _new_private_endpoint,
    "network:PrivateDnsZoneGroup": _new_zone_group,
    "privatedns:VirtualNetworkLink": _new_link,
    "web:WebApp": _new_web_app,
}
