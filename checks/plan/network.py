"""Changes after which a resource can be reached from more networks than before.

Compared are the inputs that state from where Azure accepts requests, by their names: azure-native spells them alike for
all types. An input that is missing counts as the value that Azure then assumes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from checks.plan.changes import Action, StepPair
from checks.plan.properties import ABSENT, text_of

# How far each value of an input opens a resource, in lower case. Other values open it as far as the last one here.
# https://learn.microsoft.com/azure/templates/microsoft.storage/storageaccounts, and the pages of the other types.
_CLOSED_FIRST: dict[str, tuple[str, ...]] = {
    "publicNetworkAccess": ("disabled", "securedbyperimeter", "enabled"),
    "defaultAction": ("deny", "allow"),
    "ipSecurityRestrictionsDefaultAction": ("deny", "allow"),
    "scmIpSecurityRestrictionsDefaultAction": ("deny", "allow"),
    "bypass": ("none", "azureservices"),
    "networkAclBypass": ("none", "azureservices"),
    "allowBlobPublicAccess": ("false", "true"),
    "isVirtualNetworkFilterEnabled": ("true", "false"),
    "publicAccess": ("none", "blob", "container"),
}
# The inputs whose missing value is the first one of their row; that of all others is the last.
_CLOSED_IF_MISSING = frozenset({"publicAccess"})
# Lists of rules; a rule allows access unless its `action` or `access` is Deny.
_RULES = frozenset(
    {
        "inboundIpRules",
        "ipRules",
        "ipSecurityRestrictions",
        "networkAclBypassResourceIds",
        "resourceAccessRules",
        "scmIpSecurityRestrictions",
        "securityRules",
        "virtualNetworkRules",
    }
)
# Lists that, while they are empty, restrict nothing: type and name of the input.
_EMPTY_ALLOWS_ALL = frozenset(
    {
        ("cosmosdb:DatabaseAccount", "ipRules"),
        ("eventgrid:Topic", "inboundIpRules"),
        ("web:WebApp", "ipSecurityRestrictions"),
        ("web:WebApp", "scmIpSecurityRestrictions"),
    }
)


class NetworkOpening(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One input with which a resource can be reached from more networks.

    Attributes:
        type: Type token, without `azure-native:`.
        name: Logical name.
        path: Path of the input.
        before: The value as text; empty if there was none.
        after: The value as text; empty if there is none.
    """

    type: str
    name: str
    path: str
    before: str
    after: str


def find_network_openings(pairs: Sequence[StepPair]) -> list[NetworkOpening]:
    """Return what opens resources that exist, in the order of the preview. A resource that is created opens nothing."""
    return [
        NetworkOpening(type=pair.type, name=pair.name, path=path, before=text_of(before), after=text_of(after))
        for pair in pairs
        if pair.action in {Action.UPDATE, Action.REPLACE}
        for path, before, after in _openings(pair.type, "", pair.before.inputs, pair.after.inputs)
    ]


def _openings(
    resource_type: str, path: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Path, value before and value after of each input that opens the resource."""
    for name in sorted(before.keys() | after.keys()):
        inner_path = f"{path}.{name}" if path else name
        old = before.get(name)
        new = after.get(name)
        if name in _CLOSED_FIRST:
            opens = _openness(name, new) > _openness(name, old)
        elif name in _RULES:
            opens = _rules_open(old, new, empty_allows_all=(resource_type, name) in _EMPTY_ALLOWS_ALL)
        else:
            opens = False
            yield from _openings(resource_type, inner_path, _mapping(old), _mapping(new))
        if opens:
            yield inner_path, old, new


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _openness(name: str, value: object) -> int:
    values = _CLOSED_FIRST[name]
    if value is None:
        return 0 if name in _CLOSED_IF_MISSING else len(values) - 1
    text = text_of(value).lower()
    return values.index(text) if text in values else len(values) - 1


def _rules_open(before: object, after: object, *, empty_allows_all: bool) -> bool:
    old = _rules(before)
    new = _rules(after)
    if empty_allows_all and not (old and new):
        return bool(old)
    added = [rule for rule in new if rule not in old]
    removed = [rule for rule in old if rule not in new]
    return any(not _denies(rule) for rule in added) or any(_denies(rule) for rule in removed)


def _rules(value: object) -> list[object]:
    """The rules of a list; a value that is known after the deployment only is a rule that nothing equals."""
    if isinstance(value, list):
        return cast("list[object]", value)
    return [] if text_of(value) == ABSENT else [value]


def _denies(rule: object) -> bool:
    fields = _mapping(rule)
    return "Deny" in {fields.get("action"), fields.get("access")}
