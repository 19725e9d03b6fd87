"""Azure's rules of virtual networks, private endpoints and private DNS; codes are Azure's where they are known."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

from emulator.core.resource_store import Properties, Resource, Resources
from emulator.core.virtual_networks import PRIVATE_LINK_ZONES, holders, network_of, subnet
from emulator.provider.errors import Refusal

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


def virtual_network(given: Properties) -> Findings:
    """Address ranges, delegations, and settings of subnets that the emulator does not have."""
    spaces = [IPv4Network(prefix) for prefix in (given.get("addressSpace") or {}).get("addressPrefixes") or ()]
    subnets: list[Properties] = given.get("subnets") or []
    for found in subnets:
        for extra in sorted(found.keys() - _SUBNET):
            yield f"subnets.{extra}", f"the emulator's subnets do not support {extra}"
        if not any(IPv4Network(found["addressPrefix"]).subnet_of(space) for space in spaces):
            yield "subnets.addressPrefix", f"NetcfgInvalidSubnet: subnet '{found['name']}' is not in the address space"
        for delegation in found.get("delegations") or ():
            if delegation["serviceName"] != _FLEX_DELEGATION:
                yield "subnets.delegations", f"the emulator knows the delegation {_FLEX_DELEGATION} only"
    for one, other in combinations(subnets, 2):
        if IPv4Network(one["addressPrefix"]).overlaps(IPv4Network(other["addressPrefix"])):
            yield "subnets.addressPrefix", f"NetcfgSubnetRangesOverlap: '{one['name']}' and '{other['name']}' overlap"


def private_endpoint(given: Properties) -> Findings:
    """One connection to one sub-resource, in a subnet that is named by its id."""
    connections: list[Properties] = given.get("privateLinkServiceConnections") or []
    if len(connections) != 1 or len(connections[0].get("groupIds") or ()) != 1:
        yield "privateLinkServiceConnections", "the emulator's private endpoints have one connection and one group id"
    for extra in sorted((given.get("subnet") or {}).keys() - {"id"}):
        yield (
            f"subnet.{extra}",
            "the emulator takes the id only; the rest differs after a refresh (pulumi-azure-native#1845)",
        )


def global_location(given: Properties) -> Findings:
    """Private DNS has no region."""
    if given.get("location") != "global":
        yield "location", f"LocationNotAvailableForResourceType: {given.get('location')!r}; it must be 'global'"


def check_creation(type_: str, given: Properties, resources: Resources) -> None:
    """Raises Refusal when what is deployed does not allow a new resource of this type, without `azure-native:`."""
    check = _CREATION.get(type_)
    if check is not None:
        check(given, resources)


def check_deletion(resource: Resource, resources: Resources) -> None:
    """Raises Refusal when what is deployed does not allow a resource to go."""
    match resource.type.removeprefix("azure-native:"):
        case "network:VirtualNetwork":
            for found in resource.inputs["subnets"]:
                for holder in holders(resources, f"{resource.id}/subnets/{found['name']}"):
                    raise Refusal(
                        f"InUseSubnetCannotBeDeleted: Subnet {found['name']} is in use by {holder} and cannot be"
                        " deleted. In order to delete the subnet, delete all the resources within the subnet."
                        " See aka.ms/deletesubnet."
                    )
        case "network:NetworkSecurityGroup":
            for network in resources.of_type("network:VirtualNetwork"):
                if resource.id.lower() in {found.lower() for found in _security_groups(network.inputs)}:
                    raise Refusal(
                        f"InUseNetworkSecurityGroupCannotBeDeleted: Network security group {resource.id} cannot be"
                        f" deleted because it is in use by the following resources: {network.id}."
                    )
        case "privatedns:PrivateZone":
            for link in resources.below(resource.id):
                raise Refusal(
                    "CannotDeleteResource: Cannot delete resource while nested resources exist. Some existing nested"
                    f" resource IDs include: '{link.id}'."
                )
        case _:
            return


def _new_virtual_network(given: Properties, resources: Resources) -> None:
    for group in _security_groups(given):
        _same_region(given, _existing(resources, group), "the virtual network")


def _new_private_endpoint(given: Properties, resources: Resources) -> None:
    subnet_id = given["subnet"]["id"]
    found = _existing_subnet(resources, subnet_id)
    if found.get("delegations"):
        raise Refusal(f"PrivateEndpointCreationNotAllowedAsSubnetIsDelegated: {subnet_id} is delegated")
    _same_region(given, _existing(resources, network_of(subnet_id)), "the private endpoint")
    connection = given["privateLinkServiceConnections"][0]
    target = resources.get(connection["privateLinkServiceId"])
    if target is None or target.type not in PRIVATE_LINK_ZONES:
        raise Refusal(f"InvalidPrivateLinkServiceId: {connection['privateLinkServiceId']} is no private link resource")
    groups = PRIVATE_LINK_ZONES[target.type]
    if connection["groupIds"][0] not in groups:
        raise Refusal(
            f"PrivateEndpointGroupIdInvalid: {connection['groupIds'][0]!r} is no group id of {target.id};"
            f" it must be {' or '.join(groups)}"
        )


def _new_zone_group(given: Properties, resources: Resources) -> None:
    endpoint = next(
        found
        for found in resources.of_type("network:PrivateEndpoint")
        if found.name.lower() == given["privateEndpointName"].lower()
    )
    # https://github.com/pulumi/pulumi-azure-native/issues/2179
    for other in resources.below(endpoint.id):
        raise Refusal(
            f"BadRequest: Cannot create more than one private dns zone groups in the private endpoint {endpoint.name};"
            f" {other.name} exists"
        )
    connection = endpoint.inputs["privateLinkServiceConnections"][0]
    target = _existing(resources, connection["privateLinkServiceId"])
    expected = PRIVATE_LINK_ZONES[target.type][connection["groupIds"][0]]
    for config in given["privateDnsZoneConfigs"]:
        zone = _existing(resources, config["privateDnsZoneId"])
        if zone.name != expected:
            raise Refusal(
                f"the record of {endpoint.name} would never be found in the zone {zone.name}: it belongs in {expected}"
            )


def _new_link(given: Properties, resources: Resources) -> None:
    network = _existing(resources, given["virtualNetwork"]["id"])
    for other in resources.of_type("privatedns:VirtualNetworkLink"):
        zone = other.id.split("/")[-3]
        if zone == given["privateZoneName"] and other.inputs["virtualNetwork"]["id"].lower() == network.id.lower():
            raise Refusal(
                "BadRequest: A virtual network cannot be linked to multiple zones with overlapping namespaces."
                f" {network.name} is linked to {zone} by {other.id} already."
            )


def _new_web_app(given: Properties, resources: Resources) -> None:
    subnet_id = given.get("virtualNetworkSubnetId")
    if not subnet_id:
        return
    found = _existing_subnet(resources, subnet_id)
    if [delegation["serviceName"] for delegation in found.get("delegations") or ()] != [_FLEX_DELEGATION]:
        raise Refusal(
            f"SubnetMissingRequiredDelegation: Subnet {subnet_id} requires any of the following delegation(s)"
            f" [{_FLEX_DELEGATION}] to reference service association link"
            f" {subnet_id}/serviceAssociationLinks/legionservicelink."
        )
    _same_region(given, _existing(resources, network_of(subnet_id)), "the function app")


def _existing(resources: Resources, resource_id: str) -> Resource:
    found = resources.get(resource_id)
    if found is None:
        raise Refusal(f"ResourceNotFound: {resource_id} does not exist")
    return found


def _existing_subnet(resources: Resources, subnet_id: str) -> Properties:
    found = subnet(resources, subnet_id)
    if found is None:
        raise Refusal(f"SubnetNotFound: {subnet_id} does not exist")
    return found


def _same_region(given: Properties, other: Resource, what: str) -> None:
    if given["location"] != other.inputs["location"]:
        raise Refusal(
            f"InvalidResourceReference: {what} is in {given['location']}, and {other.id} in {other.inputs['location']}"
        )


def _security_groups(given: Properties) -> list[str]:
    return [found["networkSecurityGroup"]["id"] for found in given["subnets"] if found.get("networkSecurityGroup")]


_CREATION: dict[str, Callable[[Properties, Resources], Any]] = {
    "network:VirtualNetwork": _new_virtual_network,
    "network:PrivateEndpoint": _new_private_endpoint,
    "network:PrivateDnsZoneGroup": _new_zone_group,
    "privatedns:VirtualNetworkLink": _new_link,
    "web:WebApp": _new_web_app,
}
