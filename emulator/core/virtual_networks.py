"""Virtual networks: which callers reach a service, from the internet and through private endpoints.

A private endpoint serves callers in its own network, if a DNS zone group adds its address to a private DNS zone that is
linked to that network. Without the record, the service's host name resolves to its public endpoint.
"""

import time
from collections.abc import Iterator, Mapping

from aiohttp import web

from emulator.core.resource_store import Properties, Resource, ResourceStore

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
# The zones of the host names of models and of Content Understanding, for accounts of Foundry:
# https://learn.microsoft.com/azure/foundry/how-to/configure-private-link
OPENAI_ZONE = "privatelink.openai.azure.com"
SERVICES_ZONE = "privatelink.services.ai.azure.com"
_FOUNDRY_ZONES = (OPENAI_ZONE, SERVICES_ZONE)
# Set by emulator/gateway/router.py: the ARM id of the virtual network that a request comes from.
ORIGIN_NETWORK = web.RequestKey("origin", str)
# Azure's own resource, which keeps the subnet of a Flex Consumption app in use for some time after the app is deleted.
ASSOCIATION_LINK = "azure-native:network:ServiceAssociationLink"
# Minutes on Azure: https://github.com/Azure/Azure-Functions/issues/2605
_RELEASE_SECONDS = 5


def private_link_zones(target: Resource, group: str) -> tuple[str, ...]:
    """The zones that a record of the sub-resource `group` of `target` belongs in."""
    is_foundry = target.inputs.get("kind") == "AIServices"
    return (PRIVATE_LINK_ZONES[target.type][group], *(_FOUNDRY_ZONES if is_foundry else ()))


def allows_network_access(
    resources: ResourceStore, target: Resource, group: str, request: web.Request, *, zone: str | None = None
) -> bool:
    """Whether the caller of a request can reach the sub-resource `group` of `target`.

    `zone` is the zone of the request's host name, if it is not that of the sub-resource.
    """
    if not is_public_access_disabled(target):
        return True
    origin = request.get(ORIGIN_NETWORK)
    return origin is not None and has_private_path(resources, origin, target, group, zone=zone)


def is_public_access_disabled(target: Resource) -> bool:
    """Whether the network rules refuse callers from the internet."""
    inputs = target.inputs
    properties: Properties = inputs.get("properties") or {}
    rules: Properties = inputs.get("networkRuleSet") or {}
    access = properties.get("publicNetworkAccess") or inputs.get("publicNetworkAccess")
    return access == "Disabled" or rules.get("defaultAction") == "Deny"


def trusts_azure_services(account: Resource) -> bool:
    """Whether the network rules of a storage account allow trusted Azure services.

    https://learn.microsoft.com/azure/storage/common/storage-network-security-limitations
    """
    rules: Properties = account.inputs.get("networkRuleSet") or {}
    return not is_public_access_disabled(account) or rules.get("bypass", "AzureServices") == "AzureServices"


def has_private_path(
    resources: ResourceStore, network_id: str, target: Resource, group: str, *, zone: str | None = None
) -> bool:
    """Whether callers in a virtual network resolve the name of `target`'s `group` to a private endpoint there."""
    zone_name = zone or PRIVATE_LINK_ZONES[target.type][group]
    for endpoint in resources.of_type("network:PrivateEndpoint"):
        connection = endpoint.inputs["privateLinkServiceConnections"][0]
        if (
            _same(connection["privateLinkServiceId"], target.id)
            and group in connection["groupIds"]
            and _same(network_of(endpoint.inputs["subnet"]["id"]), network_id)
            and any(_same(linked, zone_name) for linked in _zones_with_record(resources, endpoint, network_id))
        ):
            return True
    return False


def network_of(subnet_id: str) -> str:
    """The ARM id of a subnet's virtual network."""
    return subnet_id.rpartition("/subnets/")[0]


def subnet(resources: ResourceStore, subnet_id: str) -> Properties | None:
    """A subnet's inputs, or None when there is no such subnet."""
    network = resources.get(network_of(subnet_id))
    name = subnet_id.rpartition("/")[2]
    if network is None:
        return None
    return next((candidate for candidate in network.inputs["subnets"] if _same(candidate["name"], name)), None)


def subnet_users(resources: ResourceStore, subnet_id: str) -> list[str]:
    """The ids of what prevents the deletion of a subnet: service association links and private endpoints."""
    link = resources.get(_link_id(subnet_id))
    users: list[str] = []
    apps = [app for app in resources.of_type("web:WebApp") if _same(_app_subnet(app), subnet_id)]
    if apps or (link is not None and link.inputs["until"] > time.time()):
        users.append(_link_id(subnet_id))
    endpoints = resources.of_type("network:PrivateEndpoint")
    users.extend(endpoint.id for endpoint in endpoints if _same(endpoint.inputs["subnet"]["id"], subnet_id))
    return users


def association_links(resources: ResourceStore, subnet_id: str) -> list[str]:
    """The ids of the service association links of a subnet."""
    return [user for user in subnet_users(resources, subnet_id) if user == _link_id(subnet_id)]


def retain_association_link(resources: ResourceStore, app: Resource) -> None:
    """Keep the subnet of a deleted app in use for some seconds, as Azure does for minutes."""
    subnet_id = _app_subnet(app)
    if subnet_id:
        expiry = {"until": time.time() + _RELEASE_SECONDS}
        resources.put(Resource(id=_link_id(subnet_id), type=ASSOCIATION_LINK, inputs=expiry, outputs={}))


def _zones_with_record(resources: ResourceStore, endpoint: Resource, network_id: str) -> Iterator[str]:
    """The names of the zones with the endpoint's record that are linked to the network."""
    linked = {
        link.id.lower().partition("/virtualnetworklinks/")[0]
        for link in resources.of_type("privatedns:VirtualNetworkLink")
        if _same(link.inputs["virtualNetwork"]["id"], network_id)
    }
    for zone_group in resources.descendants(endpoint.id):
        for config in zone_group.inputs["privateDnsZoneConfigs"]:
            if config["privateDnsZoneId"].lower() in linked:
                yield config["privateDnsZoneId"].rpartition("/")[2]


def _link_id(subnet_id: str) -> str:
    return f"{subnet_id}/serviceAssociationLinks/legionservicelink"


def _app_subnet(app: Resource) -> str:
    return app.inputs.get("virtualNetworkSubnetId") or ""


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()
