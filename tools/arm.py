"""Renders planned resources as an ARM template, so that tools that read ARM can judge them.

azure-native's inputs are ARM's, but for three things: `properties` is flattened, some names are its own, and the
resource's id is spread over inputs.
"""

import importlib
import inspect
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, override

from pulumi.runtime import mocks
from recorder import SUBSCRIPTION, Recorded, Recorder

from schemas.azure_native.resource_types import RESOURCE_TYPES

# What ARM has beside `properties`: https://learn.microsoft.com/azure/azure-resource-manager/templates/resource-declaration
_ENVELOPE = frozenset({"location", "tags", "sku", "kind", "identity", "zones"})
# Names that azure-native gives to properties (its schema's x-ms-client-name), by type.
_RENAMED: Mapping[str, Mapping[str, str]] = {
    "storage:StorageAccount": {
        "enableHttpsTrafficOnly": "supportsHttpsTrafficOnly",
        "networkRuleSet": "networkAcls",
    },
    "applicationinsights:Component": {
        "applicationType": "Application_Type",
        "ingestionMode": "IngestionMode",
        "workspaceResourceId": "WorkspaceResourceId",
        "disableLocalAuth": "DisableLocalAuth",
        "requestSource": "Request_Source",
    },
    "authorization:RoleDefinition": {"roleType": "type"},
}
_PARTS = re.compile(r"(?P<parent>.*)/providers/(?P<rest>[^/]+/[^/]+/.+)")


class AzureRecorder(Recorder):
    """A recorder whose resources have the ids and names that Azure would give them."""

    @override
    def identify(self, args: mocks.MockResourceArgs) -> tuple[str, str]:
        kind = RESOURCE_TYPES.get(args.typ)
        if kind is None:
            return super().identify(args)
        resource_id = kind.id.format(**args.inputs, subscription=SUBSCRIPTION)
        return resource_id, resource_id.rpartition("/")[2]


def template(resources: Iterable[Recorded]) -> dict[str, Any]:
    """An ARM template of what an AzureRecorder has recorded, in a stable order."""
    rendered = [_resource(found) for found in resources if found.type in RESOURCE_TYPES]
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": sorted(rendered, key=lambda resource: (resource["type"], resource["name"])),
    }


def _resource(found: Recorded) -> dict[str, Any]:
    kind = RESOURCE_TYPES[found.type]
    in_id = set(re.findall(r"\{(\w+)\}", kind.id))
    inputs = {name: value for name, value in found.inputs.items() if name not in in_id}
    renamed = _RENAMED.get(found.kind, {})
    envelope = {name: value for name, value in inputs.items() if name in _ENVELOPE}
    properties = {renamed.get(name, name): value for name, value in inputs.items() if name not in _ENVELOPE}
    # Cognitive Services is not flattened.
    properties |= properties.pop("properties", {})
    identities = envelope.get("identity", {}).get("userAssignedIdentities")
    if isinstance(identities, list):
        envelope["identity"] = envelope["identity"] | {"userAssignedIdentities": {name: {} for name in identities}}
    return {
        **_place(found),
        "apiVersion": api_version(found.kind),
        **envelope,
        "properties": properties,
    }


def _place(found: Recorded) -> dict[str, str]:
    """Type, name and, for a resource that extends another, scope, out of an ARM id."""
    parts = _PARTS.fullmatch(found.id)
    if parts is None:
        return {"type": "Microsoft.Resources/resourceGroups", "name": found.id.rpartition("/")[2]}
    type_, name = _type_and_name(parts["rest"])
    if "/providers/" not in parts["parent"]:
        return {"type": type_, "name": name}
    if type_.lower() == "microsoft.insights/diagnosticsettings":
        # The older way to write it, which is the one that checkov knows.
        extended, of = _type_and_name(parts["parent"].rpartition("/providers/")[2])
        return {"type": f"{extended}/providers/diagnosticsettings", "name": f"{of}/Microsoft.Insights/{name}"}
    return {"type": type_, "name": name, "scope": parts["parent"]}


def _type_and_name(rest: str) -> tuple[str, str]:
    """`Microsoft.X/a/1/b/2` as its type `Microsoft.X/a/b` and its name `1/2`."""
    namespace, *pairs = rest.split("/")
    return "/".join([namespace, *pairs[0::2]]), "/".join(pairs[1::2])


@cache
def api_version(kind: str) -> str:
    """The version that azure-native sends this type with, as its documentation says."""
    module, _, name = kind.partition(":")
    source = inspect.getsource(getattr(importlib.import_module(f"pulumi_azure_native.{module}"), name))
    found = re.search(r"Uses Azure REST API version (\d{4}-\d{2}-\d{2}(?:-preview)?)", source)
    if found is None:
        raise LookupError(f"azure-native does not say which API version it uses for {kind}")
    return found[1]
