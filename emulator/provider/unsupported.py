"""What Azure does and the laptop does not: a stack with it can be planned here, and is refused when it is deployed."""

from collections.abc import Callable, Iterator
from typing import Any

from emulator.core.authorization import ELSEWHERE
from emulator.core.pki import REGIONS
from emulator.core.resource_store import Properties
from emulator.provider.validation import UNKNOWN
from schemas.azure_native.resource_type import Kind


def inputs(kind: Kind, given: Properties) -> Iterator[tuple[str, str]]:
    """Every (property, reason) that would be ignored if it were accepted."""
    if kind.type == "azure-native:storage:BlobServiceProperties":
        yield kind.name, "the laptop's storage has no soft delete; protectData must be false"
    for path, *allowed in _ONLY.get(kind.type, ()):
        value = _at(given, path)
        if value not in (None, *allowed, UNKNOWN):
            yield path, f"{value!r} would change nothing on the laptop; it must be {' or '.join(map(repr, allowed))}"
    check = _CHECKS.get(kind.type)
    if check is not None:
        yield from check(given)


def _at(given: Properties, path: str) -> Any:
    value: Any = given
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _cosmos(given: Properties) -> Iterator[tuple[str, str]]:
    if any(place.get("isZoneRedundant") for place in given.get("locations") or ()):
        yield "locations", "the laptop has no availability zones; cosmosZoneRedundant must be false"


def _lifecycle(given: Properties) -> Iterator[tuple[str, str]]:
    """The laptop deletes block blobs below a prefix so many days after they were last written, and nothing else."""
    for rule in (given.get("policy") or {}).get("rules") or ():
        definition = rule.get("definition") or {}
        days, prefixes = (
            _at(definition, "actions.baseBlob.delete.daysAfterModificationGreaterThan"),
            _at(definition, "filters.prefixMatch"),
        )
        only = {
            "filters": {"blobTypes": ["blockBlob"], "prefixMatch": prefixes},
            "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": days}}},
        }
        if definition != only or not prefixes or rule.get("enabled") is not True:
            yield "policy", f"the laptop's storage does not support the lifecycle rule {rule.get('name')}: {definition}"


def _vision_actions(given: Properties) -> Iterator[tuple[str, str]]:
    for permission in given.get("permissions") or ():
        for action in sorted(set(permission.get("dataActions") or ()) & ELSEWHERE):
            yield "permissions.dataActions", f"the laptop's Vision does not do {action}: leave that feature out"


def _security_rules(given: Properties) -> Iterator[tuple[str, str]]:
    """Security rules are not evaluated, so only those that change nothing for callers in the network are accepted."""
    everything = {"sourcePortRange": "*", "destinationAddressPrefix": "*", "direction": "Inbound"}
    https = {
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": "VirtualNetwork",
        "destinationPortRange": "443",
    }
    nothing = {"access": "Deny", "protocol": "*", "sourceAddressPrefix": "*", "destinationPortRange": "*"}
    rules: list[Properties] = sorted(given.get("securityRules") or (), key=lambda rule: rule["priority"])
    found = [{key: value for key, value in rule.items() if key not in {"name", "priority"}} for rule in rules]
    if found != [everything | https, everything | nothing]:
        yield (
            "securityRules",
            "the emulator does not evaluate security rules: they must be HTTPS from VirtualNetwork, and nothing else",
        )


def _topic(given: Properties) -> Iterator[tuple[str, str]]:
    if given.get("location") not in (*REGIONS, UNKNOWN):
        yield "location", f"the laptop's topics have names in {', '.join(REGIONS)} only"


# Another value would be ignored.
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
        ("capabilities", None),
    ),
    "azure-native:cosmosdb:SqlResourceSqlContainer": (("resource.vectorEmbeddingPolicy", None),),
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
    "azure-native:storage:ManagementPolicy": _lifecycle,
    "azure-native:authorization:RoleDefinition": _vision_actions,
    "azure-native:eventgrid:Topic": _topic,
    "azure-native:network:NetworkSecurityGroup": _security_rules,
}
