"""Resource types of virtual networks, private endpoints and private DNS."""

from schemas.azure_native.resource_type import RESOURCE_GROUP, define_resource_type

_NETWORK = f"{RESOURCE_GROUP}/providers/Microsoft.Network"
_ENDPOINT = f"{_NETWORK}/privateEndpoints/{{privateEndpointName}}"
_ZONE = f"{_NETWORK}/privateDnsZones/{{privateZoneName}}"
_LONG = r"[A-Za-z0-9][A-Za-z0-9._-]{0,78}[A-Za-z0-9_]"

NETWORKING = (
    define_resource_type(
        "network:NetworkSecurityGroup",
        f"{_NETWORK}/networkSecurityGroups/{{networkSecurityGroupName}}",
        name="networkSecurityGroupName",
        pattern=_LONG,
        required="location securityRules",
        optional="tags",
    ),
    define_resource_type(
        "network:VirtualNetwork",
        f"{_NETWORK}/virtualNetworks/{{virtualNetworkName}}",
        name="virtualNetworkName",
        pattern=_LONG,
        required="location addressSpace subnets",
        # The SDK adds the last two to every network.
        optional="tags enableDdosProtection enableVmProtection",
    ),
    define_resource_type(
        "network:PrivateEndpoint",
        _ENDPOINT,
        name="privateEndpointName",
        pattern=_LONG,
        required="location subnet privateLinkServiceConnections",
        optional="tags",
        replaces="subnet",
    ),
    define_resource_type(
        "network:PrivateDnsZoneGroup",
        f"{_ENDPOINT}/privateDnsZoneGroups/{{privateDnsZoneGroupName}}",
        name="privateDnsZoneGroupName",
        required="privateDnsZoneConfigs",
    ),
    define_resource_type(
        "privatedns:PrivateZone",
        _ZONE,
        name="privateZoneName",
        pattern=r"[a-z0-9-]+(\.[a-z0-9-]+)+",
        required="location",
        optional="tags",
    ),
    define_resource_type(
        "privatedns:VirtualNetworkLink",
        f"{_ZONE}/virtualNetworkLinks/{{virtualNetworkLinkName}}",
        name="virtualNetworkLinkName",
        pattern=_LONG,
        required="location registrationEnabled virtualNetwork",
        optional="tags",
    ),
)
