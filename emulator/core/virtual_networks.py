"""Virtual networks: which callers a service lets in, from the internet and through private endpoints.

A private endpoint counts for callers in its own network, and only when a DNS zone group puts its address into a zone
that is linked to that network: without the record, the service's name leads to its public endpoint.
"""

import time
from collections.abc import Iterator, Mapping

from aiohttp import web

from emulator.core.resource_store import Properties, Resource, Resources

# The sub-resources of each type that a private endpoint can lead to, and the zone that its record belongs in:
# https://learn.microsoft.com/azure/private-link/private-endpoint-dns
PRIVATE_LINK_ZONES: Mapping[str, Mapping[str, str]] = {
    "azure-native:storage:StorageAccount": {
        "blob": "privatelink.blob.core.windows.net",
        "queue": "privatelink.queue.core.windows.net",
    },
    "azure-native:cosmosdb:DatabaseAccount": {"Sql": "privatelink.documents.azure.com"},
    "azure-native:cognitiveservices:Account": {"account": "privatelink.cognitiveservices.azure.com"},
    "azure-native:eventgrid:Topic": {"topic": "privatelink.eventgrid.azure.net"},
}
# Set by emulator/gateway/router.py: the ARM id of the virtual network that a request comes from.
ORIGIN = web.RequestKey("origin", str)
# Holds the subnet of a Flex Consumption app until some time after the app is deleted; no resource of the program's.
ASSOCIATION_LINK = "azure-native:network:ServiceAssociationLink"
# Minutes on Azure: https://github.com/Azure/Azure-Functions/issues/2605
_RELEASE_SECONDS = 5


def admits(resources: Resources, target: Resource, group: str, request: web.Request) -> bool:
    """Whether `target` lets in the caller of a request to its sub-resource `group`."""
    if not is_closed(target):
        return True
    origin = request.get(ORIGIN)
    return origin is not None and has_private_path(resources, origin, target, group)


def is_closed(target: Resource) -> bool:
    """Whether callers from the internet are refused."""
    given = target.inputs
    properties: Properties = given.get("properties") or {}
    rules: Properties = given.get("networkRuleSet") or {}
    access = properties.get("publicNetworkAccess") or given.get("publicNetworkAccess")
    return access == "Disabled" or rules.get("defaultAction") == "Deny"


def trusts_azure_services(account: Resource) -> bool:
    """Whether a storage account lets in Azure's trusted services, whatever its network rules say of others.

    https://learn.microsoft.com/azure/storage/common/storage-network-security-limitations
    """
    rules: Properties = account.inputs.get("networkRuleSet") or {}
    return not is_closed(account) or rules.get("bypass", "AzureServices") == "AzureServices"


def has_private_path(resources: Resources, network_id: str, target: Resource, group: str) -> bool:
    """Whether callers in a virtual network resolve the name of `target`'s `group` to a private endpoint there."""
    zone_name = PRIVATE_LINK_ZONES[target.type][group]
    for endpoint in resources.of_type("network:PrivateEndpoint"):
        connection = endpoint.inputs["privateLinkServiceConnections"][0]
        if (
            _same(connection["privateLinkServiceId"], target.id)
            and group in connection["groupIds"]
            and _same(network_of(endpoint.inputs["subnet"]["id"]), network_id)
            and any(_same(zone, zone_name) for zone in _zones_with_record(resources, endpoint, network_id))
        ):
            return True
    return False


def network_of(subnet_id: str) -> str:
    """The ARM id of a subnet's virtual network."""
    return subnet_id.rpartition("/subnets/")[0]


def subnet(resources: Resources, subnet_id: str) -> Properties | None:
    """A subnet's inputs, or None when there is no such subnet."""
    network = resources.get(network_of(subnet_id))
    name = subnet_id.rpartition("/")[2]
    if network is None:
        return None
    return next((found for found in network.inputs["subnets"] if _same(found["name"], name)), None)


def holders(resources: Resources, subnet_id: str) -> list[str]:
    """The ids of what keeps a subnet from being deleted: service association links and private endpoints."""
    link = resources.get(_link_id(subnet_id))
    apps = [site for site in resources.of_type("web:WebApp") if _same(_app_subnet(site), subnet_id)]
    held = [_link_id(subnet_id)] if apps or (link is not None and link.inputs["until"] > time.time()) else []
    endpoints = resources.of_type("network:PrivateEndpoint")
    return held + [endpoint.id for endpoint in endpoints if _same(endpoint.inputs["subnet"]["id"], subnet_id)]


def association_links(resources: Resources, subnet_id: str) -> list[str]:
    """The ids of the service association links of a subnet."""
    return [holder for holder in holders(resources, subnet_id) if holder == _link_id(subnet_id)]


def keep_association_link(resources: Resources, site: Resource) -> None:
    """After an app is deleted, its subnet stays in use for a while."""
    subnet_id = _app_subnet(site)
    if subnet_id:
        until = {"until": time.time() + _RELEASE_SECONDS}
        resources.put(Resource(id=_link_id(subnet_id), type=ASSOCIATION_LINK, inputs=until, outputs={}))


def _zones_with_record(resources: Resources, endpoint: Resource, network_id: str) -> Iterator[str]:
    """The names of the zones that hold the endpoint's record and are linked to the network."""
    linked = {
        link.id.lower().partition("/virtualnetworklinks/")[0]
        for link in resources.of_type("privatedns:VirtualNetworkLink")
        if _same(link.inputs["virtualNetwork"]["id"], network_id)
    }
    for zone_group in resources.below(endpoint.id):
        for config in zone_group.inputs["privateDnsZoneConfigs"]:
            if config["privateDnsZoneId"].lower() in linked:
                yield config["privateDnsZoneId"].rpartition("/")[2]


def _link_id(subnet_id: str) -> str:
    return f"{subnet_id}/serviceAssociationLinks/legionservicelink"


def _app_subnet(site: Resource) -> str:
    return site.inputs.get("virtualNetworkSubnetId") or ""


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()
