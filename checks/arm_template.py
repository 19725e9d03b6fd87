"""Renders recorded resources as an ARM template, for tools that read ARM templates.

azure-native's inputs are those of ARM, except that `properties` is flattened, that some properties have names of
azure-native's own, and that the parts of the resource id are inputs.
"""

import importlib
import inspect
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypedDict, cast, override

from pulumi.runtime import mocks

from schemas.azure_native.resource_types import RESOURCE_TYPES
from tests.support.pulumi_recorder import SUBSCRIPTION, RecordedResource, Recorder

type ArmResource = dict[str, Any]

# ARM's properties beside `properties`: https://learn.microsoft.com/azure/azure-resource-manager/templates/resource-declaration
_ENVELOPE = frozenset({"location", "tags", "sku", "kind", "identity", "zones"})
# ARM's names of properties that azure-native has renamed (x-ms-client-name in its schema), by type.
_ARM_NAMES: Mapping[str, Mapping[str, str]] = {
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
_RESOURCE_ID = re.compile(r"(?P<parent>.*)/providers/(?P<path>[^/]+/[^/]+/.+)")


# "$schema" is not an identifier, so the type is declared by a call.
ArmTemplate = TypedDict("ArmTemplate", {"$schema": str, "contentVersion": str, "resources": list[ArmResource]})


class AzureRecorder(Recorder):
    """A recorder whose resources have the ids and names that Azure would give them."""

    @override
    def identify(self, args: mocks.MockResourceArgs) -> tuple[str, str]:
        kind = RESOURCE_TYPES.get(args.typ)
        if kind is None:
            return super().identify(args)
        inputs = cast("Mapping[str, Any]", args.inputs)
        resource_id = kind.id.format(**inputs, subscription=SUBSCRIPTION)
        return resource_id, resource_id.rpartition("/")[2]


def render_template(resources: Iterable[RecordedResource]) -> ArmTemplate:
    """Return an ARM template of the resources of an AzureRecorder, sorted by type and name."""
    rendered = [_render_resource(resource) for resource in resources if resource.type in RESOURCE_TYPES]
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": sorted(rendered, key=lambda resource: (resource["type"], resource["name"])),
    }


def _render_resource(resource: RecordedResource) -> ArmResource:
    names_in_id = set(re.findall(r"\{(\w+)\}", RESOURCE_TYPES[resource.type].id))
    arm_names = _ARM_NAMES.get(resource.kind, {})
    envelope: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name, value in resource.inputs.items():
        if name in names_in_id:
            continue
        if name in _ENVELOPE:
            envelope[name] = value
        else:
            properties[arm_names.get(name, name)] = value
    # azure-native does not flatten the properties of Cognitive Services.
    properties |= properties.pop("properties", {})
    identity_ids = envelope.get("identity", {}).get("userAssignedIdentities")
    if isinstance(identity_ids, list):
        # azure-native takes a list of ids, ARM an object whose keys they are.
        identities = {identity_id: {} for identity_id in cast("list[str]", identity_ids)}
        envelope["identity"] = envelope["identity"] | {"userAssignedIdentities": identities}
    return {
        **_identification(resource.id),
        "apiVersion": api_version(resource.kind),
        **envelope,
        "properties": properties,
    }


def _identification(resource_id: str) -> dict[str, str]:
    """Return type, name and, for a resource that extends another, scope, as an ARM id contains them."""
    match = _RESOURCE_ID.fullmatch(resource_id)
    if match is None:
        return {"type": "Microsoft.Resources/resourceGroups", "name": resource_id.rpartition("/")[2]}
    type_, name = _type_and_name(match["path"])
    if "/providers/" not in match["parent"]:
        return {"type": type_, "name": name}
    if type_.lower() == "microsoft.insights/diagnosticsettings":
        # The older form, which is the one that checkov knows.
        extended_type, extended_name = _type_and_name(match["parent"].rpartition("/providers/")[2])
        return {
            "type": f"{extended_type}/providers/diagnosticsettings",
            "name": f"{extended_name}/Microsoft.Insights/{name}",
        }
    return {"type": type_, "name": name, "scope": match["parent"]}


def _type_and_name(path: str) -> tuple[str, str]:
    """Split `Microsoft.X/a/1/b/2` into its type `Microsoft.X/a/b` and its name `1/2`."""
    namespace, *pairs = path.split("/")
    type_ = "/".join([namespace, *pairs[0::2]])
    name = "/".join(pairs[1::2])
    return type_, name


@cache
def api_version(kind: str) -> str:
    """Return the API version that azure-native uses for a type such as `storage:Queue`.

    Raises:
        LookupError: The documentation of azure-native's class does not name it.
    """
    module, _, name = kind.partition(":")
    source = inspect.getsource(getattr(importlib.import_module(f"pulumi_azure_native.{module}"), name))
    match = re.search(r"Uses Azure REST API version (\d{4}-\d{2}-\d{2}(?:-preview)?)", source)
    if match is None:
        raise LookupError(f"azure-native does not say which API version it uses for {kind}")
    return match[1]
