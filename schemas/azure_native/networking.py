"""Networking: its resource types; rules are in `network_rules`, and who reaches what in `local.virtual_networks`."""

from schemas.azure_native.resource_type import RESOURCE_GROUP, kind

_NETWORK = f"{RESOURCE_GROUP}/providers/Microsoft.Network"
_ENDPOINT = f"{_NETWORK}/privateEndpoints/{{privateEndpointName}}"
_ZONE = f"{_NETWORK}/privateDnsZones/{{privateZoneName}}"
_LONG = r"[A-Za-z0-9][A-Za-z0-9._-]{0,78}[A-Za-z0-9_]"

NETWORKING = (
    kind(
        "network:NetworkSecurityGroup",
        f"{_NETWORK}/networkSecurityGroups/{{networkSecurityGroupName}}",
        name="networkSecurityGroupName",
        pattern=_LONG,
        required="location securityRules",
        optional="tags",
    ),
    kind(
        "network:VirtualNetwork",
        f"{_NETWORK}/virtualNetworks/{{virtualNetworkName}}",
        name="virtualNetworkName",
        pattern=_LONG,
        required="location addressSpace subnets",
        # The last two are what the SDK adds to every network by itself.
        optional="tags enableDdosProtection enableVmProtection",
    ),
    kind(
        "network:PrivateEndpoint",
        _ENDPOINT,
        name="privateEndpointName",
        pattern=_LONG,
        required="location subnet privateLinkServiceConnections",
        optional="tags",
        replaces="subnet",
    ),
    kind(
        "network:PrivateDnsZoneGroup",
        f"{_ENDPOINT}/privateDnsZoneGroups/{{privateDnsZoneGroupName}}",
        name="privateDnsZoneGroupName",
        required="privateDnsZoneConfigs",
    ),
    kind(
        "privatedns:PrivateZone",
        _ZONE,
        name="privateZoneName",
        pattern=r"[a-z0-9-]+(\.[a-z0-9-]+)+",
        required="location",
        optional="tags",
    ),
    kind(
        "privatedns:VirtualNetworkLink",
        f"{_ZONE}/virtualNetworkLinks/{{virtualNetworkLinkName}}",
        name="virtualNetworkLinkName",
        pattern=_LONG,
        required="location registrationEnabled virtualNetwork",
        optional="tags",
    ),
)
