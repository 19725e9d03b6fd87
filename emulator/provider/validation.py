"""Azure's rules that a deployment can break: inputs are checked at preview, what exists at creation."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from emulator.core.authorization import DATA_ACTIONS, Authorization
from emulator.core.resource_store import Properties, Resource, Resources
from emulator.provider import network_rules
from emulator.provider.errors import Refusal
from emulator.provider.event_subscriptions import check_delivery
from emulator.provider.replication import check_replication
from schemas.azure_native.resource_type import Kind

# What the engine sends in the place of a value that is not known yet (pulumi.runtime.rpc.UNKNOWN).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# What a deleted Vision account leaves behind; no resource type of Azure's.
DELETED_ACCOUNT = "azure-native:cognitiveservices:DeletedAccount"
# Names seen verbatim in ARM's refusals of Flex Consumption apps (docs/decisions/0012).
_NOT_ON_FLEX = (
    "netFrameworkVersion",
    "linuxFxVersion",
    "windowsFxVersion",
    "ftpsState",
    "use32BitWorkerProcess",
    "preWarmedInstanceCount",
    "functionsRuntimeScaleMonitoringEnabled",
    "functionAppScaleLimit",
    "alwaysOn",
)
# https://learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations
_SETTINGS_NOT_ON_FLEX = re.compile(
    "FUNCTIONS_WORKER_RUNTIME|WEBSITE_RUN_FROM_PACKAGE|SCM_DO_BUILD_DURING_DEPLOYMENT|ENABLE_ORYX_BUILD"
    "|WEBSITE_CONTENT.*|FUNCTIONS_EXTENSION_VERSION"
)


# They are there with the account, and nobody makes them.
_IMPLICIT = re.compile("/(blob|queue)Services/default$")


def inputs(kind: Kind, given: Properties) -> Iterator[tuple[str, str]]:
    """Every (property, reason) for which the inputs would be refused; unknown values are given the benefit of doubt."""
    for missing in sorted(kind.required - given.keys()):
        yield missing, f"{kind.type} needs {missing}"
    for extra in sorted(given.keys() - kind.required - kind.optional):
        yield extra, f"the laptop's stand-in for {kind.type} does not support {extra}"
    name = given.get(kind.name)
    if isinstance(name, str) and name != UNKNOWN and not re.fullmatch(kind.pattern, name):
        yield kind.name, f"{name!r} is not a legal name; it must match {kind.pattern}"
    check = _INPUT_RULES.get(kind.type)
    if check is not None:
        yield from check(given)


def creation(kind: Kind, given: Properties, resource_id: str, resources: Resources, *, pending: frozenset[str]) -> None:
    """Raises Refusal when what is already deployed does not allow this resource.

    `pending` are the ids, in lower case, of role definitions and role assignments that are not replicated yet.
    """
    subscription = resource_id.split("/")[2]
    for template in kind.parents:
        parent = template.format(**given, subscription=subscription)
        if resources.get(_IMPLICIT.sub("", parent)) is None:
            raise Refusal(f"ParentResourceNotFound: {parent} does not exist")
    if resources.get(resource_id) is not None:
        raise Refusal(f"Conflict: {resource_id} exists already")
    for reference in _references(kind, given):
        if resources.get(reference) is None:
            raise Refusal(f"ResourceNotFound: {reference} does not exist")
    network_rules.check_creation(kind.type.removeprefix("azure-native:"), given, resources)
    if kind.type == "azure-native:cognitiveservices:Account":
        _name_is_free(given, resources)
    if kind.type == "azure-native:authorization:RoleAssignment":
        _unique_assignment(given, resources)
        if Authorization(resources).role(given["roleDefinitionId"]) is None:
            raise Refusal(f"RoleDefinitionDoesNotExist: the laptop does not know the role {given['roleDefinitionId']}")
        check_replication(given, resources, pending)
        _is_assignable(given, resources)
    if kind.type == "azure-native:eventgrid:SystemTopicEventSubscription":
        check_delivery(given, resources, pending)


def _known(value: object) -> bool:
    return value is not None and UNKNOWN not in str(value)


def _storage_account(given: Properties) -> Iterator[tuple[str, str]]:
    if given.get("allowSharedKeyAccess") is not False:
        yield "allowSharedKeyAccess", "the laptop's storage has no account keys; it must be false"


def _local_auth_off(name: str, read: Callable[[Properties], Any]) -> Callable[[Properties], Iterator[tuple[str, str]]]:
    def rule(given: Properties) -> Iterator[tuple[str, str]]:
        value = read(given)
        if value is not True and value != UNKNOWN:
            yield name, "the laptop's service knows no keys; it must be true"

    return rule


def _role_definition(given: Properties) -> Iterator[tuple[str, str]]:
    for permission in given.get("permissions") or ():
        for extra in sorted(key for key, value in permission.items() if value and key != "dataActions"):
            yield f"permissions.{extra}", f"the laptop's custom roles have dataActions only, not {extra}"
        for action in sorted(set(permission.get("dataActions") or ()) - DATA_ACTIONS):
            yield "permissions.dataActions", f"InvalidActionOrNotAction: no service of the laptop asks for {action!r}"


def _role_assignment(given: Properties) -> Iterator[tuple[str, str]]:
    if given.get("principalType") not in {"ServicePrincipal", "User", "Group", UNKNOWN}:
        yield "principalType", f"{given.get('principalType')!r} is not a principal type that the laptop knows"


def _web_app(given: Properties) -> Iterator[tuple[str, str]]:
    site: Properties = given.get("siteConfig") or {}
    for name in _NOT_ON_FLEX:
        if name in site:
            yield (
                f"siteConfig.{name}",
                f"51021: site configuration property {name} for Flex Consumption sites is invalid",
            )
    for extra in sorted(site.keys() - {"appSettings", "minTlsVersion", *_NOT_ON_FLEX}):
        yield f"siteConfig.{extra}", f"the laptop's function apps do not support siteConfig.{extra}"
    for setting in site.get("appSettings") or []:
        name = setting.get("name", "") if isinstance(setting, dict) else ""
        if _SETTINGS_NOT_ON_FLEX.fullmatch(name):
            yield "siteConfig.appSettings", f"the app setting {name} is not supported on Flex Consumption"
    runtime = (given.get("functionAppConfig") or {}).get("runtime")
    if runtime != {"name": "python", "version": "3.13"}:
        yield "functionAppConfig.runtime", f"the laptop runs python 3.13 only, not {runtime}"


def _event_subscription(given: Properties) -> Iterator[tuple[str, str]]:
    if given.get("eventDeliverySchema", "EventGridSchema") != "EventGridSchema":
        yield "eventDeliverySchema", "the laptop's Event Grid delivers EventGridSchema only"
    known = {"includedEventTypes", "subjectBeginsWith", "subjectEndsWith", "isSubjectCaseSensitive"}
    for extra in sorted(set(given.get("filter") or {}) - known):
        yield f"filter.{extra}", f"the laptop's Event Grid does not support the filter {extra}"
    for side, holder, kind in (
        ("destination", "deliveryWithResourceIdentity", "StorageQueue"),
        ("deadLetterDestination", "deadLetterWithResourceIdentity", "StorageBlob"),
    ):
        part: Properties = given.get(holder) or {}
        if part.get("identity") != {"type": "SystemAssigned"}:
            yield f"{holder}.identity", "the laptop's Event Grid delivers by system-assigned identity only"
        if (part.get(side) or {}).get("endpointType") != kind:
            yield f"{holder}.{side}", f"the laptop's Event Grid knows only {kind} here"


def _cosmos_container(given: Properties) -> Iterator[tuple[str, str]]:
    resource: Properties = given.get("resource") or {}
    key: Properties = resource.get("partitionKey") or {}
    if len(key.get("paths", [])) != 1 or key.get("kind") != "Hash":
        yield "resource.partitionKey", "the laptop's Cosmos DB supports one partition key path, kind Hash"
    known = {"id", "partitionKey", "defaultTtl", "indexingPolicy", "vectorEmbeddingPolicy"}
    for extra in sorted(resource.keys() - known):
        yield f"resource.{extra}", f"the laptop's Cosmos DB does not support {extra}"


def _topic(given: Properties) -> Iterator[tuple[str, str]]:
    yield from _local_auth_off("disableLocalAuth", lambda given: given.get("disableLocalAuth"))(given)
    if given.get("inputSchema") != "CloudEventSchemaV1_0":
        yield "inputSchema", "the laptop's Event Grid topics take CloudEventSchemaV1_0 only"


_INPUT_RULES: dict[str, Callable[[Properties], Iterator[tuple[str, str]]]] = {
    "azure-native:storage:StorageAccount": _storage_account,
    "azure-native:cognitiveservices:Account": _local_auth_off(
        "properties.disableLocalAuth", lambda given: (given.get("properties") or {}).get("disableLocalAuth")
    ),
    "azure-native:cosmosdb:DatabaseAccount": _local_auth_off(
        "disableLocalAuth", lambda given: given.get("disableLocalAuth")
    ),
    "azure-native:cosmosdb:SqlResourceSqlContainer": _cosmos_container,
    "azure-native:eventgrid:Topic": _topic,
    "azure-native:authorization:RoleDefinition": _role_definition,
    "azure-native:authorization:RoleAssignment": _role_assignment,
    "azure-native:network:VirtualNetwork": network_rules.virtual_network,
    "azure-native:network:PrivateEndpoint": network_rules.private_endpoint,
    "azure-native:privatedns:PrivateZone": network_rules.global_location,
    "azure-native:privatedns:VirtualNetworkLink": network_rules.global_location,
    "azure-native:web:WebApp": _web_app,
    "azure-native:eventgrid:SystemTopicEventSubscription": _event_subscription,
}


def _references(kind: Kind, given: Properties) -> Iterator[str]:
    """The ids in inputs that Azure looks up."""
    match kind.type.removeprefix("azure-native:"):
        case "monitor:DiagnosticSetting":
            yield given["workspaceId"]
        case "monitor:ScheduledQueryRule":
            yield from (*given["scopes"], *(given.get("actions") or {}).get("actionGroups", ()))
        case "monitor:MetricAlert":
            yield from (*given["scopes"], *(action["actionGroupId"] for action in given.get("actions") or ()))
        case "applicationinsights:Workbook":
            yield given["sourceId"]
        case "authorization:RoleDefinition":
            yield from {given["scope"], *given["assignableScopes"]}
        case "consumption:Budget":
            for notification in (given.get("notifications") or {}).values():
                yield from notification.get("contactGroups") or ()
        case _:
            return


def check_assignments(definition: Resource, resources: Resources) -> None:
    """Raises Refusal when a role definition that is to be deleted is still assigned.

    https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---unable-to-delete-a-custom-role
    """
    if definition.type != "azure-native:authorization:RoleDefinition":
        return
    for assignment in resources.of_type("authorization:RoleAssignment"):
        if assignment.inputs["roleDefinitionId"].rpartition("/")[2].lower() == definition.name.lower():
            raise Refusal(
                f"RoleDefinitionHasAssignments: There are existing role assignments referencing role {definition.name}"
            )


def _name_is_free(given: Properties, resources: Resources) -> None:
    """https://learn.microsoft.com/azure/ai-services/recover-purge-resources."""
    for gone in resources.of_type(DELETED_ACCOUNT.removeprefix("azure-native:")):
        if gone.name.lower() == given["accountName"].lower():
            raise Refusal(f"FlagMustBeSetForRestore: {gone.id} is soft-deleted; restore or purge it")


def _is_assignable(given: Properties, resources: Resources) -> None:
    """A custom role can be granted at or below its assignable scopes."""
    role = resources.named("authorization:RoleDefinition", given["roleDefinitionId"].rsplit("/", 1)[1])
    scope = given["scope"].lower()
    if role is not None and not any(
        f"{scope}/".startswith(f"{wide.lower().rstrip('/')}/") for wide in role.inputs["assignableScopes"]
    ):
        raise Refusal(
            f"RoleAssignmentScopeNotAssignableToRoleDefinition: {role.inputs['roleName']} on {given['scope']}"
        )


def _unique_assignment(given: Properties, resources: Resources) -> None:
    triple = ("principalId", "roleDefinitionId", "scope")
    for other in resources.of_type("authorization:RoleAssignment"):
        if all(other.inputs[key].lower() == given[key].lower() for key in triple):
            raise Refusal(f"RoleAssignmentExists: the role assignment already exists as {other.name}")
