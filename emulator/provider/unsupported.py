"""Inputs that Azure supports and the emulator does not: a preview accepts them, a deployment is refused."""

from collections.abc import Callable, Iterator
from typing import Any

from emulator.core.authorization import UNSUPPORTED_ACTIONS
from emulator.core.pki import REGIONS
from emulator.core.resource_store import Properties
from emulator.provider.validation import UNKNOWN
from schemas.azure_native.resource_type import ResourceType

# Features that the emulated Cosmos DB has.
_COSMOS_CAPABILITIES = frozenset({"EnableNoSQLVectorSearch", "EnableNoSQLFullTextSearch"})


def find_unsupported_inputs(resource_type: ResourceType, inputs: Properties) -> Iterator[tuple[str, str]]:
    """Every (property, reason) of inputs that would have no effect in the emulator."""
    for path, *allowed in _ONLY.get(resource_type.type, ()):
        value = _at(inputs, path)
        if value not in (None, *allowed, UNKNOWN):
            yield path, f"{value!r} would change nothing in the emulator; it must be {' or '.join(map(repr, allowed))}"
    check = _CHECKS.get(resource_type.type)
    if check is not None:
        yield from check(inputs)


def _at(inputs: Properties, path: str) -> Any:
    value: Any = inputs
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _blob_service(inputs: Properties) -> Iterator[tuple[str, str]]:
    for name in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        if _at(inputs, f"{name}.enabled"):
            yield name, "the emulator's storage has no soft delete; protectData must be false"


def _cosmos(inputs: Properties) -> Iterator[tuple[str, str]]:
    if any(location.get("isZoneRedundant") for location in inputs.get("locations") or ()):
        yield "locations", "the emulator has no availability zones; cosmosZoneRedundant must be false"
    for capability in inputs.get("capabilities") or ():
        if capability.get("name") not in _COSMOS_CAPABILITIES:
            yield "capabilities", f"the emulator's Cosmos DB does not support {capability}"


def _lifecycle(inputs: Properties) -> Iterator[tuple[str, str]]:
    """The emulator deletes block blobs below a prefix some days after their last modification, and nothing else."""
    for rule in (inputs.get("policy") or {}).get("rules") or ():
        definition = rule.get("definition") or {}
        days = _at(definition, "actions.baseBlob.delete.daysAfterModificationGreaterThan")
        prefixes = _at(definition, "filters.prefixMatch")
        supported = {
            "filters": {"blobTypes": ["blockBlob"], "prefixMatch": prefixes},
            "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": days}}},
        }
        if definition != supported or not prefixes or rule.get("enabled") is not True:
            yield (
                "policy",
                f"the emulator's storage does not support the lifecycle rule {rule.get('name')}: {definition}",
            )


def _role_definition(inputs: Properties) -> Iterator[tuple[str, str]]:
    for permission in inputs.get("permissions") or ():
        for action in sorted(set(permission.get("dataActions") or ()) & UNSUPPORTED_ACTIONS):
            yield "permissions.dataActions", f"the emulator has no service for {action}"


def _security_rules(inputs: Properties) -> Iterator[tuple[str, str]]:
    """Security rules are not evaluated, so only those are accepted that change nothing for callers in the network."""
    common = {"sourcePortRange": "*", "destinationAddressPrefix": "*", "direction": "Inbound"}
    https = {
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": "VirtualNetwork",
        "destinationPortRange": "443",
    }
    nothing = {"access": "Deny", "protocol": "*", "sourceAddressPrefix": "*", "destinationPortRange": "*"}
    rules: list[Properties] = sorted(inputs.get("securityRules") or (), key=lambda rule: rule["priority"])
    actual = [{key: value for key, value in rule.items() if key not in {"name", "priority"}} for rule in rules]
    if actual != [common | https, common | nothing]:
        yield (
            "securityRules",
            "the emulator does not evaluate security rules: they must be HTTPS from VirtualNetwork, and nothing else",
        )


def _topic(inputs: Properties) -> Iterator[tuple[str, str]]:
    if inputs.get("location") not in (*REGIONS, UNKNOWN):
        yield "location", f"the emulator's topics are in {', '.join(REGIONS)} only"


# The allowed values of inputs whose other values would have no effect.
_ONLY: dict[str, tuple[tuple[Any, ...], ...]] = {
    "azure-native:storage:StorageAccount": (
        ("publicNetworkAccess", "Enabled", "Disabled"),
        ("networkRuleSet.defaultAction", "Allow", "Deny"),
        ("networkRuleSet.bypass", "AzureServices", "None"),
        ("networkRuleSet.ipRules", None),
        ("networkRuleSet.virtualNetworkRules", None),
        ("networkRuleSet.resourceAccessRules", None),
        ("sku.name", "Standard_LRS"),
    ),
    "azure-native:storage:BlobContainer": (("publicAccess", "None"),),
    "azure-native:cosmosdb:DatabaseAccount": (
        ("publicNetworkAccess", "Enabled", "Disabled"),
        ("backupPolicy", None),
        ("enableMultipleWriteLocations", False),
    ),
    "azure-native:eventgrid:Topic": (("publicNetworkAccess", "Enabled", "Disabled"),),
    "azure-native:cognitiveservices:Account": (
        ("properties.publicNetworkAccess", "Enabled", "Disabled"),
        ("properties.networkAcls", None),
    ),
    "azure-native:network:VirtualNetwork": (("enableDdosProtection", False),),
    "azure-native:privatedns:VirtualNetworkLink": (("registrationEnabled", False),),
    "azure-native:web:AppServicePlan": (("zoneRedundant", False),),
    "azure-native:web:WebApp": (("publicNetworkAccess", "Enabled"),),
}
_CHECKS: dict[str, Callable[[Properties], Iterator[tuple[str, str]]]] = {
    "azure-native:cosmosdb:DatabaseAccount": _cosmos,
    "azure-native:storage:BlobServiceProperties": _blob_service,
    "azure-native:storage:ManagementPolicy": _lifecycle,
    "azure-native:authorization:RoleDefinition": _role_definition,
    "azure-native:eventgrid:Topic": _topic,
    "azure-native:network:NetworkSecurityGroup": _security_rules,
}
