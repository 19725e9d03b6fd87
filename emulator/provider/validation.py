"""Azure's validation of deployments: of inputs, also in a preview, and of what is deployed already, at creation."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from emulator.core.authorization import DATA_ACTIONS, Authorization
from emulator.core.resource_store import Properties, Resource, ResourceStore
from emulator.provider import network_rules
from emulator.provider.container_rules import check_container_creation, container_problems
from emulator.provider.errors import DeploymentError
from emulator.provider.event_subscriptions import check_delivery
from emulator.provider.model_deployments import deployment_problems
from emulator.provider.replication import check_replication
from schemas.azure_native.resource_type import ResourceType

# The engine's placeholder for a value that is not known yet (pulumi.runtime.rpc.UNKNOWN).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# A soft-deleted Vision account; not a resource type of azure-native.
DELETED_ACCOUNT = "azure-native:cognitiveservices:DeletedAccount"
# Names in ARM's errors for Flex Consumption apps (docs/decisions/0012).
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

# They exist with their account.
_IMPLICIT = re.compile("/(blob|queue)Services/default$")


def check_inputs(resource_type: ResourceType, inputs: Properties) -> Iterator[tuple[str, str]]:
    """Every (property, reason) for which the inputs would be refused; unknown values are not checked."""
    for missing in sorted(resource_type.required - inputs.keys()):
        yield missing, f"{resource_type.type} needs {missing}"
    for extra in sorted(inputs.keys() - resource_type.required - resource_type.optional):
        yield extra, f"the emulator does not support {extra} of {resource_type.type}"
    name = inputs.get(resource_type.name)
    if isinstance(name, str) and name != UNKNOWN and not re.fullmatch(resource_type.pattern, name):
        yield resource_type.name, f"{name!r} is not a legal name; it must match {resource_type.pattern}"
    check = _INPUT_RULES.get(resource_type.type)
    if check is not None:
        yield from check(inputs)


def check_creation(
    resource_type: ResourceType,
    inputs: Properties,
    resource_id: str,
    resources: ResourceStore,
    *,
    pending: frozenset[str],
) -> None:
    """Raise DeploymentError if the deployed resources do not allow this one.

    `pending` are the ids, in lower case, of role definitions and role assignments that are not replicated yet.
    """
    subscription = resource_id.split("/")[2]
    for template in resource_type.parents:
        parent = template.format(**inputs, subscription=subscription)
        if resources.get(_IMPLICIT.sub("", parent)) is None:
            raise DeploymentError(f"ParentResourceNotFound: {parent} does not exist")
    if resources.get(resource_id) is not None:
        raise DeploymentError(f"Conflict: {resource_id} exists already")
    for reference in _references(resource_type, inputs):
        if resources.get(reference) is None:
            raise DeploymentError(f"ResourceNotFound: {reference} does not exist")
    network_rules.check_creation(resource_type.type.removeprefix("azure-native:"), inputs, resources)
    if resource_type.type == "azure-native:cognitiveservices:Account":
        _check_name_is_free(inputs, resources)
    if resource_type.type == "azure-native:cosmosdb:SqlResourceSqlContainer":
        check_container_creation(inputs, resource_id, resources)
    if resource_type.type == "azure-native:authorization:RoleAssignment":
        _check_assignment_is_new(inputs, resources)
        if Authorization(resources).role(inputs["roleDefinitionId"]) is None:
            raise DeploymentError(
                f"RoleDefinitionDoesNotExist: the emulator does not have the role {inputs['roleDefinitionId']}"
            )
        check_replication(inputs, resources, pending)
        _check_is_assignable(inputs, resources)
    if resource_type.type == "azure-native:eventgrid:SystemTopicEventSubscription":
        check_delivery(inputs, resources, pending)


def _known(value: object) -> bool:
    return value is not None and UNKNOWN not in str(value)


def _storage_account(inputs: Properties) -> Iterator[tuple[str, str]]:
    if inputs.get("allowSharedKeyAccess") is not False:
        yield "allowSharedKeyAccess", "the emulator's storage has no account keys; it must be false"


def _local_auth_off(name: str, read: Callable[[Properties], Any]) -> Callable[[Properties], Iterator[tuple[str, str]]]:
    def rule(inputs: Properties) -> Iterator[tuple[str, str]]:
        value = read(inputs)
        if value is not True and value != UNKNOWN:
            yield name, "the emulated service has no keys; it must be true"

    return rule


def _role_definition(inputs: Properties) -> Iterator[tuple[str, str]]:
    for permission in inputs.get("permissions") or ():
        for extra in sorted(key for key, value in permission.items() if value and key != "dataActions"):
            yield f"permissions.{extra}", f"the emulator's custom roles have dataActions only, not {extra}"
        for action in sorted(set(permission.get("dataActions") or ()) - DATA_ACTIONS):
            yield "permissions.dataActions", f"InvalidActionOrNotAction: no service of the emulator has {action!r}"


def _role_assignment(inputs: Properties) -> Iterator[tuple[str, str]]:
    # Without a type, Azure looks it up.
    if inputs.get("principalType") not in {"ServicePrincipal", "User", "Group", UNKNOWN, None}:
        yield "principalType", f"{inputs.get('principalType')!r} is not a principal type"


def _web_app(inputs: Properties) -> Iterator[tuple[str, str]]:
    site_config: Properties = inputs.get("siteConfig") or {}
    for name in _NOT_ON_FLEX:
        if name in site_config:
            yield (
                f"siteConfig.{name}",
                f"51021: site configuration property {name} for Flex Consumption sites is invalid",
            )
    for extra in sorted(site_config.keys() - {"appSettings", "minTlsVersion", *_NOT_ON_FLEX}):
        yield f"siteConfig.{extra}", f"the emulator's function apps do not support siteConfig.{extra}"
    for setting in site_config.get("appSettings") or []:
        name = setting.get("name", "") if isinstance(setting, dict) else ""
        if _SETTINGS_NOT_ON_FLEX.fullmatch(name):
            yield "siteConfig.appSettings", f"the app setting {name} is not supported on Flex Consumption"
    runtime = (inputs.get("functionAppConfig") or {}).get("runtime")
    if runtime != {"name": "python", "version": "3.13"}:
        yield "functionAppConfig.runtime", f"the emulator runs python 3.13 only, not {runtime}"


def _event_subscription(inputs: Properties) -> Iterator[tuple[str, str]]:
    if inputs.get("eventDeliverySchema", "EventGridSchema") != "EventGridSchema":
        yield "eventDeliverySchema", "the emulator's Event Grid delivers EventGridSchema only"
    known = {"includedEventTypes", "subjectBeginsWith", "subjectEndsWith", "isSubjectCaseSensitive"}
    for extra in sorted(set(inputs.get("filter") or {}) - known):
        yield f"filter.{extra}", f"the emulator's Event Grid does not support the filter {extra}"
    for side, holder, endpoint_type in (
        ("destination", "deliveryWithResourceIdentity", "StorageQueue"),
        ("deadLetterDestination", "deadLetterWithResourceIdentity", "StorageBlob"),
    ):
        delivery: Properties = inputs.get(holder) or {}
        if delivery.get("identity") != {"type": "SystemAssigned"}:
            yield f"{holder}.identity", "the emulator's Event Grid delivers by system-assigned identity only"
        if (delivery.get(side) or {}).get("endpointType") != endpoint_type:
            yield f"{holder}.{side}", f"the emulator's Event Grid supports {endpoint_type} only"


def _cosmos_container(inputs: Properties) -> Iterator[tuple[str, str]]:
    if _known(inputs.get("resource")):
        yield from container_problems(inputs)


def _topic(inputs: Properties) -> Iterator[tuple[str, str]]:
    yield from _local_auth_off("disableLocalAuth", lambda inputs: inputs.get("disableLocalAuth"))(inputs)
    if inputs.get("inputSchema") != "CloudEventSchemaV1_0":
        yield "inputSchema", "the emulator's Event Grid topics support CloudEventSchemaV1_0 only"


_INPUT_RULES: dict[str, Callable[[Properties], Iterator[tuple[str, str]]]] = {
    "azure-native:storage:StorageAccount": _storage_account,
    "azure-native:cognitiveservices:Account": _local_auth_off(
        "properties.disableLocalAuth", lambda inputs: (inputs.get("properties") or {}).get("disableLocalAuth")
    ),
    "azure-native:cognitiveservices:Deployment": deployment_problems,
    "azure-native:cosmosdb:DatabaseAccount": _local_auth_off(
        "disableLocalAuth", lambda inputs: inputs.get("disableLocalAuth")
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


def _references(resource_type: ResourceType, inputs: Properties) -> Iterator[str]:
    """The ids in inputs that must be those of deployed resources."""
    match resource_type.type.removeprefix("azure-native:"):
        case "monitor:DiagnosticSetting":
            yield inputs["workspaceId"]
        case "monitor:ScheduledQueryRule":
            yield from (*inputs["scopes"], *(inputs.get("actions") or {}).get("actionGroups", ()))
        case "monitor:MetricAlert":
            yield from (*inputs["scopes"], *(action["actionGroupId"] for action in inputs.get("actions") or ()))
        case "applicationinsights:Workbook":
            yield inputs["sourceId"]
        case "authorization:RoleDefinition":
            yield from {inputs["scope"], *inputs["assignableScopes"]}
        case "consumption:Budget":
            for notification in (inputs.get("notifications") or {}).values():
                yield from notification.get("contactGroups") or ()
        case _:
            return


def check_assignments(definition: Resource, resources: ResourceStore) -> None:
    """Raise DeploymentError if a role definition to be deleted is still assigned.

    https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---unable-to-delete-a-custom-role
    """
    if definition.type != "azure-native:authorization:RoleDefinition":
        return
    for assignment in resources.of_type("authorization:RoleAssignment"):
        if assignment.inputs["roleDefinitionId"].rpartition("/")[2].lower() == definition.name.lower():
            raise DeploymentError(
                f"RoleDefinitionHasAssignments: There are existing role assignments referencing role {definition.name}"
            )


def _check_name_is_free(inputs: Properties, resources: ResourceStore) -> None:
    """Raise DeploymentError if a soft-deleted Vision account has the name.

    https://learn.microsoft.com/azure/ai-services/recover-purge-resources
    """
    for account in resources.of_type(DELETED_ACCOUNT.removeprefix("azure-native:")):
        if account.name.lower() == inputs["accountName"].lower():
            raise DeploymentError(f"FlagMustBeSetForRestore: {account.id} is soft-deleted; restore or purge it")


def _check_is_assignable(inputs: Properties, resources: ResourceStore) -> None:
    """Raise DeploymentError unless a custom role is assigned at or below its assignable scopes."""
    role = resources.find_by_name("authorization:RoleDefinition", inputs["roleDefinitionId"].rsplit("/", 1)[1])
    scope = inputs["scope"].lower()
    if role is None:
        return
    assignable_scopes = [wide.lower().rstrip("/") for wide in role.inputs["assignableScopes"]]
    if not any(f"{scope}/".startswith(f"{wide}/") for wide in assignable_scopes):
        raise DeploymentError(
            f"RoleAssignmentScopeNotAssignableToRoleDefinition: {role.inputs['roleName']} on {inputs['scope']}"
        )


def _check_assignment_is_new(inputs: Properties, resources: ResourceStore) -> None:
    triple = ("principalId", "roleDefinitionId", "scope")
    for other in resources.of_type("authorization:RoleAssignment"):
        if all(other.inputs[key].lower() == inputs[key].lower() for key in triple):
            raise DeploymentError(f"RoleAssignmentExists: the role assignment already exists as {other.name}")
