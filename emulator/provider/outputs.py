"""What Azure answers beside the inputs: host names, endpoints, identities."""

import uuid
from collections.abc import Callable

from emulator.core.identity import TENANT, client_id, object_id
from emulator.core.resource_store import Properties, Resources
from emulator.provider.validation import UNKNOWN
from schemas.azure_native.resource_type import Kind


def outputs(kind: Kind, given: Properties, resource_id: str, resources: Resources) -> Properties:
    """The resource's outputs: its inputs, its name, and what Azure adds for its type."""
    add = _BY_TYPE.get(kind.type)
    extra = add(given, resource_id, resources) if add else {}
    named = {} if kind.id.endswith(("/ftp", "/scm")) else {"name": resource_id.rsplit("/", 1)[1]}
    return {**given, **named, **extra}


def planned(kind: Kind, given: Properties) -> Properties:
    """The outputs as a preview knows them: the inputs, and UNKNOWN for what Azure will add."""
    return {**given, **dict.fromkeys(("name", *_ADDED.get(kind.type, ())), UNKNOWN)}


def _identity(_given: Properties, resource_id: str, _resources: Resources) -> Properties:
    return {"principalId": object_id(resource_id), "clientId": client_id(resource_id), "tenantId": TENANT}


def _storage_account(given: Properties, _id: str, _resources: Resources) -> Properties:
    name = given["accountName"]
    services = ("blob", "queue", "table", "file", "dfs", "web")
    return {"primaryEndpoints": {service: f"https://{name}.{service}.core.windows.net/" for service in services}}


def _system_topic(_given: Properties, resource_id: str, _resources: Resources) -> Properties:
    identity = {"type": "SystemAssigned", "principalId": object_id(resource_id), "tenantId": TENANT}
    return {"identity": identity}


def _topic(given: Properties, resource_id: str, resources: Resources) -> Properties:
    host = f"{given['topicName']}.{given['location']}-1.eventgrid.azure.net"
    return {**_system_topic(given, resource_id, resources), "endpoint": f"https://{host}/api/events"}


def _vision(given: Properties, _id: str, _resources: Resources) -> Properties:
    endpoint = f"https://{given['properties']['customSubDomainName']}.cognitiveservices.azure.com/"
    return {"properties": {**given["properties"], "endpoint": endpoint}}


def _cosmos(given: Properties, _id: str, _resources: Resources) -> Properties:
    return {"documentEndpoint": f"https://{given['accountName']}.documents.azure.com:443/"}


def _insights(given: Properties, resource_id: str, _resources: Resources) -> Properties:
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, resource_id.lower()))
    ingestion = f"https://{given['location']}-0.in.applicationinsights.azure.com/"
    return {
        "instrumentationKey": key,
        "connectionString": f"InstrumentationKey={key};IngestionEndpoint={ingestion}",
        "appId": key,
        "tenantId": TENANT,
    }


def _web_app(given: Properties, _id: str, resources: Resources) -> Properties:
    name = given["name"]
    assigned: Properties = {}
    for identity_id in given["identity"].get("userAssignedIdentities", []):
        identity = resources.get(identity_id)
        if identity is None:
            raise LookupError(f"{identity_id} does not exist")
        assigned[identity_id] = {key: identity.outputs[key] for key in ("principalId", "clientId")}
    return {
        "defaultHostName": f"{name}.azurewebsites.net",
        "hostNames": [f"{name}.azurewebsites.net"],
        "hostNameSslStates": [
            {"name": f"{name}.azurewebsites.net", "sslState": "Disabled", "hostType": "Standard"},
            {"name": f"{name}.scm.azurewebsites.net", "sslState": "Disabled", "hostType": "Repository"},
        ],
        "identity": {"type": "UserAssigned", "userAssignedIdentities": assigned},
        "state": "Running",
    }


_BY_TYPE: dict[str, Callable[[Properties, str, Resources], Properties]] = {
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
