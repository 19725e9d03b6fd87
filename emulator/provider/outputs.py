"""The outputs that Azure adds to a resource's inputs: host names, endpoints, identities."""

import uuid
from collections.abc import Callable

from emulator.core.identity import client_id, object_id
from emulator.core.resource_store import Properties, ResourceStore
from emulator.core.tenant import TENANT_ID
from emulator.provider.validation import UNKNOWN
from schemas.azure_native.resource_type import ResourceType


def resource_outputs(
    resource_type: ResourceType, inputs: Properties, resource_id: str, resources: ResourceStore
) -> Properties:
    """A resource's outputs: its inputs, its name, and what Azure adds for its type."""
    add = _BY_TYPE.get(resource_type.type)
    added = add(inputs, resource_id, resources) if add else {}
    if resource_type.id.endswith(("/ftp", "/scm")):
        return {**inputs, **added}
    return {**inputs, "name": resource_id.rsplit("/", 1)[1], **added}


def preview_outputs(resource_type: ResourceType, inputs: Properties) -> Properties:
    """The outputs of a preview: the inputs, and UNKNOWN for what Azure adds."""
    return {**inputs, **dict.fromkeys(("name", *_ADDED.get(resource_type.type, ())), UNKNOWN)}


def preview_update_outputs(resource_type: ResourceType, inputs: Properties, before: Properties) -> Properties:
    """The outputs of a preview of an update: as of a creation, but the name stays the same.

    azure-native keeps it, so that what lies in the resource is not shown as replaced: `stableOutputs` in `Update` of
    https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/provider/provider.go.
    """
    stable = {"name": before["name"]} if "name" in before else {}
    return preview_outputs(resource_type, inputs) | stable


def _identity(_inputs: Properties, resource_id: str, _resources: ResourceStore) -> Properties:
    return {"principalId": object_id(resource_id), "clientId": client_id(resource_id), "tenantId": TENANT_ID}


def _storage_account(inputs: Properties, _id: str, _resources: ResourceStore) -> Properties:
    name = inputs["accountName"]
    services = ("blob", "queue", "table", "file", "dfs", "web")
    return {"primaryEndpoints": {service: f"https://{name}.{service}.core.windows.net/" for service in services}}


def _system_topic(_inputs: Properties, resource_id: str, _resources: ResourceStore) -> Properties:
    identity = {"type": "SystemAssigned", "principalId": object_id(resource_id), "tenantId": TENANT_ID}
    return {"identity": identity}


def _topic(inputs: Properties, resource_id: str, resources: ResourceStore) -> Properties:
    host = f"{inputs['topicName']}.{inputs['location']}-1.eventgrid.azure.net"
    return {**_system_topic(inputs, resource_id, resources), "endpoint": f"https://{host}/api/events"}


def _vision(inputs: Properties, _id: str, _resources: ResourceStore) -> Properties:
    endpoint = f"https://{inputs['properties']['customSubDomainName']}.cognitiveservices.azure.com/"
    return {"properties": {**inputs["properties"], "endpoint": endpoint}}


def _cosmos(inputs: Properties, _id: str, _resources: ResourceStore) -> Properties:
    return {"documentEndpoint": f"https://{inputs['accountName']}.documents.azure.com:443/"}


def _insights(inputs: Properties, resource_id: str, _resources: ResourceStore) -> Properties:
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, resource_id.lower()))
    ingestion = f"https://{inputs['location']}-0.in.applicationinsights.azure.com/"
    return {
        "instrumentationKey": key,
        "connectionString": f"InstrumentationKey={key};IngestionEndpoint={ingestion}",
        "appId": key,
        "tenantId": TENANT_ID,
    }


def _web_app(inputs: Properties, _id: str, resources: ResourceStore) -> Properties:
    name = inputs["name"]
    identities: Properties = {}
    for identity_id in inputs["identity"].get("userAssignedIdentities", []):
        identity = resources.get(identity_id)
        if identity is None:
            raise LookupError(f"{identity_id} does not exist")
        identities[identity_id] = {key: identity.outputs[key] for key in ("principalId", "clientId")}
    return {
        "defaultHostName": f"{name}.azurewebsites.net",
        "hostNames": [f"{name}.azurewebsites.net"],
        "hostNameSslStates": [
            {"name": f"{name}.azurewebsites.net", "sslState": "Disabled", "hostType": "Standard"},
            {"name": f"{name}.scm.azurewebsites.net", "sslState": "Disabled", "hostType": "Repository"},
        ],
        "identity": {"type": "UserAssigned", "userAssignedIdentities": identities},
        "state": "Running",
    }


_BY_TYPE: dict[str, Callable[[Properties, str, ResourceStore], Properties]] = {
    "azure-native:managedidentity:UserAssignedIdentity": _identity,
    "azure-native:storage:StorageAccount": _storage_account,
    "azure-native:eventgrid:SystemTopic": _system_topic,
    "azure-native:eventgrid:Topic": _topic,
    "azure-native:cognitiveservices:Account": _vision,
    "azure-native:cosmosdb:DatabaseAccount": _cosmos,
    "azure-native:applicationinsights:Component": _insights,
    "azure-native:web:WebApp": _web_app,
}

_ADDED = {
    "azure-native:managedidentity:UserAssignedIdentity": ("principalId", "clientId", "tenantId"),
    "azure-native:storage:StorageAccount": ("primaryEndpoints",),
    "azure-native:eventgrid:SystemTopic": ("identity",),
    "azure-native:eventgrid:Topic": ("identity", "endpoint"),
    "azure-native:cognitiveservices:Account": ("properties",),
    "azure-native:cosmosdb:DatabaseAccount": ("documentEndpoint",),
    "azure-native:applicationinsights:Component": ("instrumentationKey", "connectionString", "appId", "tenantId"),
    "azure-native:web:WebApp": ("defaultHostName", "hostNames", "hostNameSslStates", "identity", "state"),
}
