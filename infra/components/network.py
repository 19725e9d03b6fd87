"""Network: a virtual network in which the function app reaches everything, and nobody else needs a public door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
from pulumi_azure_native import network, privatedns

from infra.components.resource_group import Place
from infra.dynamic.subnet_release_delay import SubnetReleaseDelay

# The zones that Azure's own names are looked up in, by sub-resource:
# https://learn.microsoft.com/azure/private-link/private-endpoint-dns
_ZONES: Mapping[str, str] = {
    "blob": "privatelink.blob.core.windows.net",
    "queue": "privatelink.queue.core.windows.net",
    "account": "privatelink.cognitiveservices.azure.com",
    "Sql": "privatelink.documents.azure.com",
    "topic": "privatelink.eventgrid.azure.net",
}


@dataclass(frozen=True, kw_only=True)
class Door:
    """Something to be reached privately: the `group` (sub-resource) of the resource with this ARM id."""

    name: str
    id: pulumi.Output[str]
    group: str


class PrivateNetwork(pulumi.ComponentResource):
    """A virtual network with two subnets, and a private endpoint with its DNS records for each of `doors`.

    `address_space` is cut in two: the lower half is the function app's, the upper half holds the endpoints.
    """

    vnet: network.VirtualNetwork
    # The function app depends on it: the network is then deleted only when Azure has released the app's subnet.
    app_subnet_release: SubnetReleaseDelay
    # Complete with their DNS records: what looks a name up after these finds the private address.
    endpoints: list[network.PrivateDnsZoneGroup]

    def __init__(
        self,
        name: str,
        *,
        place: Place,
        address_space: IPv4Network,
        doors: Sequence[Door],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:network:PrivateNetwork", name, {}, opts)
        self._name, self._place = name, place
        self.vnet = self._network(address_space)
        self.app_subnet_release = SubnetReleaseDelay(
            f"{name}-app-subnet-release", subnet_id=self.app_subnet_id, opts=pulumi.ResourceOptions(parent=self)
        )
        groups = sorted({door.group for door in doors})
        zones = {group: self._zone(group) for group in groups}
        self.endpoints = []
        for door in doors:
            self.endpoints.append(self._endpoint(door, *zones[door.group]))
        self.register_outputs({"network": self.vnet.id})

    @property
    def app_prerequisites(self) -> list[pulumi.Resource]:
        """What the function app depends on: made before it, and deleted after it."""
        return [*self.endpoints, self.app_subnet_release]

    @property
    def app_subnet_id(self) -> pulumi.Output[str]:
        """The subnet that a Flex Consumption app can be integrated with."""
        return self._subnet_id("app")

    def _subnet_id(self, subnet: str) -> pulumi.Output[str]:
        return pulumi.Output.concat(self.vnet.id, "/subnets/", subnet)

    def _network(self, address_space: IPv4Network) -> network.VirtualNetwork:
        place, child = self._place, pulumi.ResourceOptions(parent=self)
        rules = network.NetworkSecurityGroup(
            f"{self._name}-rules",
            network_security_group_name=place.names.local("nsg"),
            resource_group_name=place.resource_group_name,
            location=place.location,
            security_rules=[
                _inbound("https-from-the-network", 100, network.SecurityRuleAccess.ALLOW, "VirtualNetwork", "443"),
                _inbound("nothing-else", 4096, network.SecurityRuleAccess.DENY, "*", "*"),
            ],
            tags=place.tags,
            opts=child,
        )
        group = network.NetworkSecurityGroupArgs(id=rules.id)
        app, endpoints = address_space.subnets()
        # Security rules and routes apply to private endpoints; the SDK's default switches both off. On a subnet without
        # private endpoints the value has no effect, but the policy Deny-Subnet-Without-Penp of Azure Landing Zones
        # wants exactly this one on every subnet:
        # https://learn.microsoft.com/azure/private-link/disable-private-endpoint-network-policy
        policies = network.VirtualNetworkPrivateEndpointNetworkPolicies.ENABLED
        # The subnets are part of the network, and nothing else puts subnets into it (docs/decisions/0031).
        return network.VirtualNetwork(
            f"{self._name}-vnet",
            virtual_network_name=place.names.local("vnet"),
            resource_group_name=place.resource_group_name,
            location=place.location,
            address_space=network.AddressSpaceArgs(address_prefixes=[str(address_space)]),
            subnets=[
                network.SubnetArgs(
                    name="app",
                    address_prefix=str(app),
                    network_security_group=group,
                    private_endpoint_network_policies=policies,
                    # https://learn.microsoft.com/azure/azure-functions/flex-consumption-how-to#enable-virtual-network-integration
                    delegations=[network.DelegationArgs(name="flex", service_name="Microsoft.App/environments")],
                ),
                network.SubnetArgs(
                    name="endpoints",
                    address_prefix=str(endpoints),
                    network_security_group=group,
                    private_endpoint_network_policies=policies,
                    # A virtual machine put here would otherwise reach the internet from an address that Azure picks:
                    # https://learn.microsoft.com/azure/virtual-network/ip-services/default-outbound-access
                    # The subnet of the app is delegated, so the service that uses it manages outbound connections.
                    default_outbound_access=False,
                ),
            ],
            tags=place.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Azure Landing Zones attach a DDoS protection plan by policy (Enable-DDoS-VNET); the SDK always sends
                # enableDdosProtection: false, which would take it away again at the next change.
                ignore_changes=["enableDdosProtection", "ddosProtectionPlan"],
            ),
        )

    def _zone(self, group: str) -> tuple[privatedns.PrivateZone, privatedns.VirtualNetworkLink]:
        place, child = self._place, pulumi.ResourceOptions(parent=self)
        zone = privatedns.PrivateZone(
            f"{self._name}-{group.lower()}-zone",
            private_zone_name=_ZONES[group],
            resource_group_name=place.resource_group_name,
            location="global",
            tags=place.tags,
            opts=child,
        )
        link = privatedns.VirtualNetworkLink(
            f"{self._name}-{group.lower()}-link",
            virtual_network_link_name=place.names.local("link"),
            private_zone_name=zone.name,
            resource_group_name=place.resource_group_name,
            location="global",
            registration_enabled=False,
            virtual_network=privatedns.SubResourceArgs(id=self.vnet.id),
            tags=place.tags,
            opts=child,
        )
        return zone, link

    def _endpoint(
        self, door: Door, zone: privatedns.PrivateZone, link: privatedns.VirtualNetworkLink
    ) -> network.PrivateDnsZoneGroup:
        """A private endpoint and its DNS records, made after those of the previous door and deleted before them.

        Several at once in one subnet, or to one storage account, now and then fail for good with RetryableError or
        StorageAccountOperationInProgress: https://github.com/pulumi/pulumi-azure-native/issues/4509,
        https://github.com/hashicorp/terraform-provider-azurerm/pull/28112
        """
        place, label = self._place, f"{door.name}-{door.group.lower()}"
        endpoint = network.PrivateEndpoint(
            f"{self._name}-{label}",
            private_endpoint_name=place.names.local(f"pe-{label}"),
            resource_group_name=place.resource_group_name,
            location=place.location,
            # A plain dict on purpose: SubnetArgs adds network policies, which differ after a refresh
            # (https://github.com/pulumi/pulumi-azure-native/issues/1845).
            subnet={"id": self._subnet_id("endpoints")},
            private_link_service_connections=[
                network.PrivateLinkServiceConnectionArgs(
                    name=label, private_link_service_id=door.id, group_ids=[door.group]
                )
            ],
            tags=place.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.endpoints[-1:]),
        )
        return network.PrivateDnsZoneGroup(
            f"{self._name}-{label}-dns",
            private_dns_zone_group_name="default",
            private_endpoint_name=endpoint.name,
            resource_group_name=place.resource_group_name,
            private_dns_zone_configs=[
                network.PrivateDnsZoneConfigArgs(name=door.group.lower(), private_dns_zone_id=zone.id)
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[link]),
        )


def _inbound(
    name: str, priority: int, access: network.SecurityRuleAccess, source: str, port: str
) -> network.SecurityRuleArgs:
    return network.SecurityRuleArgs(
        name=name,
        priority=priority,
        direction=network.SecurityRuleDirection.INBOUND,
        access=access,
        protocol=network.SecurityRuleProtocol.TCP if port == "443" else network.SecurityRuleProtocol.ASTERISK,
        source_address_prefix=source,
        source_port_range="*",
        destination_address_prefix="*",
        destination_port_range=port,
    )
