"""Virtual network, private endpoints and private DNS zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

import pulumi
from pulumi_azure_native import network, privatedns

from infra.core.context import DeploymentContext, PrivateLinkTarget
from infra.core.error_hooks import error_hooks
from infra.core.known_errors import PRIVATE_LINK_TARGET_NOT_READY
from infra.dynamic.subnet_release_delay import SubnetReleaseDelay

# Private DNS zones by group id (sub-resource):
# https://learn.microsoft.com/azure/private-link/private-endpoint-dns
_ZONES: Mapping[str, str] = {
    "blob": "privatelink.blob.core.windows.net",
    "queue": "privatelink.queue.core.windows.net",
    "account": "privatelink.cognitiveservices.azure.com",
    "Sql": "privatelink.documents.azure.com",
    "topic": "privatelink.eventgrid.azure.net",
}


class PrivateNetwork(pulumi.ComponentResource):
    """A virtual network with two subnets, and a private endpoint with DNS records for each target.

    Args:
        name: Logical name.
        context: Where the component deploys.
        address_space: Split in two: the lower half is the function app's subnet, the upper half that of the endpoints.
        private_link_targets: What the function app reaches through private endpoints.
    """

    vnet: network.VirtualNetwork
    # The function app depends on it, so that the network is deleted only after Azure has released the app's subnet.
    app_subnet_release: SubnetReleaseDelay
    # Each depends on its private endpoint: a name that is looked up afterwards has the private address.
    endpoints: list[network.PrivateDnsZoneGroup]

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        address_space: IPv4Network,
        private_link_targets: Sequence[PrivateLinkTarget],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:PrivateNetwork", name, {}, opts)
        self._label = name
        self._context = context
        self.vnet = self._create_virtual_network(address_space)
        self.app_subnet_release = SubnetReleaseDelay(
            f"{name}-app-subnet-release", subnet_id=self.app_subnet_id, opts=pulumi.ResourceOptions(parent=self)
        )
        zone_names = {target.group_id.lower(): _ZONES[target.group_id] for target in private_link_targets}
        for target in private_link_targets:
            zone_names |= {_zone_label(zone): zone for zone in target.more_zones}
        self._zones = {label: self._create_zone(label, zone_names[label]) for label in sorted(zone_names)}
        self.endpoints = []
        for target in private_link_targets:
            self.endpoints.append(self._create_endpoint(target))
        self.register_outputs({"network": self.vnet.id})

    @property
    def app_prerequisites(self) -> list[pulumi.Resource]:
        """What the function app must depend on: created before it, and deleted after it."""
        return [*self.endpoints, self.app_subnet_release]

    @property
    def app_subnet_id(self) -> pulumi.Output[str]:
        """The subnet that a Flex Consumption app can be integrated with."""
        return self._subnet_id("app")

    def _subnet_id(self, subnet: str) -> pulumi.Output[str]:
        return pulumi.Output.concat(self.vnet.id, "/subnets/", subnet)

    def _create_virtual_network(self, address_space: IPv4Network) -> network.VirtualNetwork:
        context = self._context
        security_group = network.NetworkSecurityGroup(
            f"{self._label}-rules",
            network_security_group_name=context.names.resource_name("nsg"),
            resource_group_name=context.resource_group_name,
            location=context.location,
            security_rules=[
                _inbound_rule(
                    name="https-from-the-network",
                    priority=100,
                    access=network.SecurityRuleAccess.ALLOW,
                    protocol=network.SecurityRuleProtocol.TCP,
                    source="VirtualNetwork",
                    port="443",
                ),
                _inbound_rule(
                    name="nothing-else",
                    priority=4096,
                    access=network.SecurityRuleAccess.DENY,
                    protocol=network.SecurityRuleProtocol.ASTERISK,
                    source="*",
                    port="*",
                ),
            ],
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        security_group_args = network.NetworkSecurityGroupArgs(id=security_group.id)
        app_subnet, endpoint_subnet = address_space.subnets()
        # Security rules and routes apply to private endpoints; the SDK's default switches both off. On a subnet without
        # private endpoints the value has no effect, but the policy Deny-Subnet-Without-Penp of Azure Landing Zones
        # wants exactly this one on every subnet:
        # https://learn.microsoft.com/azure/private-link/disable-private-endpoint-network-policy
        policies = network.VirtualNetworkPrivateEndpointNetworkPolicies.ENABLED
        # The subnets are part of the network, and nothing else puts subnets into it (docs/decisions/0031).
        return network.VirtualNetwork(
            f"{self._label}-vnet",
            virtual_network_name=context.names.resource_name("vnet"),
            resource_group_name=context.resource_group_name,
            location=context.location,
            address_space=network.AddressSpaceArgs(address_prefixes=[str(address_space)]),
            subnets=[
                network.SubnetArgs(
                    name="app",
                    address_prefix=str(app_subnet),
                    network_security_group=security_group_args,
                    private_endpoint_network_policies=policies,
                    # https://learn.microsoft.com/azure/azure-functions/flex-consumption-how-to#enable-virtual-network-integration
                    delegations=[network.DelegationArgs(name="flex", service_name="Microsoft.App/environments")],
                ),
                network.SubnetArgs(
                    name="endpoints",
                    address_prefix=str(endpoint_subnet),
                    network_security_group=security_group_args,
                    private_endpoint_network_policies=policies,
                    # A virtual machine put here would otherwise reach the internet from an address that Azure picks:
                    # https://learn.microsoft.com/azure/virtual-network/ip-services/default-outbound-access
                    # The subnet of the app is delegated, so the service that uses it manages outbound connections.
                    default_outbound_access=False,
                ),
            ],
            tags=context.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Azure Landing Zones attach a DDoS protection plan by policy (Enable-DDoS-VNET); the SDK always sends
                # enableDdosProtection: false, which would take it away again at the next change.
                ignore_changes=["enableDdosProtection", "ddosProtectionPlan"],
            ),
        )

    def _create_zone(
        self, zone_label: str, zone_name: str
    ) -> tuple[privatedns.PrivateZone, privatedns.VirtualNetworkLink]:
        """A private DNS zone, linked to the virtual network."""
        context = self._context
        zone = privatedns.PrivateZone(
            f"{self._label}-{zone_label}-zone",
            private_zone_name=zone_name,
            resource_group_name=context.resource_group_name,
            location="global",
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        link = privatedns.VirtualNetworkLink(
            f"{self._label}-{zone_label}-link",
            virtual_network_link_name=context.names.resource_name("link"),
            private_zone_name=zone.name,
            resource_group_name=context.resource_group_name,
            location="global",
            registration_enabled=False,
            virtual_network=privatedns.SubResourceArgs(id=self.vnet.id),
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return zone, link

    def _create_endpoint(self, target: PrivateLinkTarget) -> network.PrivateDnsZoneGroup:
        """A private endpoint and its DNS records, created after those of the previous target and deleted before them.

        Several at once in one subnet, or to one storage account, now and then fail for good with RetryableError or
        StorageAccountOperationInProgress: https://github.com/pulumi/pulumi-azure-native/issues/4509,
        https://github.com/hashicorp/terraform-provider-azurerm/pull/28112. It depends on all previous ones and not only
        on the last: when some are deleted, Pulumi orders them by their direct dependencies.
        """
        context = self._context
        label = f"{target.name}-{target.group_id.lower()}"
        zone_labels = [target.group_id.lower(), *map(_zone_label, target.more_zones)]
        endpoint = network.PrivateEndpoint(
            f"{self._label}-{label}",
            private_endpoint_name=context.names.resource_name(f"pe-{label}"),
            resource_group_name=context.resource_group_name,
            location=context.location,
            # A plain dict on purpose: SubnetArgs adds network policies, which differ after a refresh
            # (https://github.com/pulumi/pulumi-azure-native/issues/1845).
            subnet={"id": self._subnet_id("endpoints")},
            private_link_service_connections=[
                network.PrivateLinkServiceConnectionArgs(
                    name=label, private_link_service_id=target.resource_id, group_ids=[target.group_id]
                )
            ],
            tags=context.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*self.endpoints],
                hooks=error_hooks(f"{self._label}-{label}", PRIVATE_LINK_TARGET_NOT_READY),
            ),
        )
        return network.PrivateDnsZoneGroup(
            f"{self._label}-{label}-dns",
            private_dns_zone_group_name="default",
            private_endpoint_name=endpoint.name,
            resource_group_name=context.resource_group_name,
            private_dns_zone_configs=[
                network.PrivateDnsZoneConfigArgs(name=zone_label, private_dns_zone_id=self._zones[zone_label][0].id)
                for zone_label in zone_labels
            ],
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[self._zones[zone_label][1] for zone_label in zone_labels]
            ),
        )


def _zone_label(zone_name: str) -> str:
    """Part of the logical names of a zone: `openai` for `privatelink.openai.azure.com`."""
    return zone_name.removeprefix("privatelink.").removesuffix(".azure.com").replace(".", "-")


def _inbound_rule(
    *,
    name: str,
    priority: int,
    access: network.SecurityRuleAccess,
    protocol: network.SecurityRuleProtocol,
    source: str,
    port: str,
) -> network.SecurityRuleArgs:
    """A rule for inbound connections from `source` (an address prefix or a service tag) to `port`."""
    return network.SecurityRuleArgs(
        name=name,
        priority=priority,
        direction=network.SecurityRuleDirection.INBOUND,
        access=access,
        protocol=protocol,
        source_address_prefix=source,
        source_port_range="*",
        destination_address_prefix="*",
        destination_port_range=port,
    )
