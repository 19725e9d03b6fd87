"""Each rule holds for the whole program, and a planted violation of it is caught by that rule alone."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from infra.core.rbac import BuiltInRole
from policy import roles, rules
from policy.known_types import KNOWN_TYPES
from policy.model import UNKNOWN, Resource, ResourceRule
from policy.rules import RULES
from tests.conftest import SUBSCRIPTION, Recorder, run_program
from tests.infra.test_components import UNTAGGABLE
from tests.infra.test_settings import FOUNDRY

Properties = dict[str, Any]


def ids_of_azure(value: Any) -> Any:
    """Recorded ids, `/<type>::<name>`, as ARM ids of resources in a group."""
    if isinstance(value, str) and value.startswith("/azure-native:"):
        kind, _, rest = value.removeprefix("/azure-native:").partition("::")
        name = {"resources:ResourceGroup": ""}.get(kind, f"/providers/Microsoft.X/databaseAccounts/{rest}")
        return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg{name}"
    if isinstance(value, dict):
        return {key: ids_of_azure(item) for key, item in value.items()}
    return [ids_of_azure(item) for item in value] if isinstance(value, list) else copy.deepcopy(value)


def not_yet_known(value: Any, *, inside: bool = False) -> Any:
    """What a preview knows of a value that other resources' outputs are part of."""
    if isinstance(value, dict):
        return {key: not_yet_known(item, inside=True) for key, item in value.items()}
    if isinstance(value, list):
        return [not_yet_known(item, inside=True) for item in value]
    return UNKNOWN if not inside or "azure-native:" in str(value) else value


def policy_resources(recorder: Recorder, *, preview: bool = False) -> list[Resource]:
    """The recorded program as the rules see it: deployed, or as far as a preview knows it."""
    resources = [
        Resource(
            urn=f"{resource.type}::{resource.name}",
            type=resource.kind,
            properties={
                name: not_yet_known(value)
                if preview and resource.property_dependencies.get(name)
                else ids_of_azure(value)
                for name, value in resource.inputs.items()
            },
            property_dependencies=resource.property_dependencies,
            dependencies=resource.dependencies,
            secret_outputs=resource.additional_secret_outputs,
        )
        for resource in recorder.resources
    ]
    return [*resources, Resource(urn="stack", type="pulumi:pulumi:Stack", properties=copy.deepcopy(recorder.outputs))]


def is_azures(resource: Resource) -> bool:
    return not resource.type.startswith(("pulumi", "image-pipeline:"))


def violations(resources: list[Resource]) -> dict[str, list[str]]:
    """Sentences by rule."""
    sentences_by_rule: dict[str, list[str]] = {}
    for rule in RULES:
        if isinstance(rule, ResourceRule):
            sentences = [sentence for item in resources if is_azures(item) for sentence in rule.check(item)]
        else:
            sentences = [sentence for _, sentence in rule.check(resources)]
        if sentences:
            sentences_by_rule[rule.name] = sentences
    return sentences_by_rule


@pytest.mark.parametrize("preview", [False, True], ids=["deployed", "previewed"])
@pytest.mark.parametrize("stack", ["dev", "prod", "prod_private"])
def test_the_program_breaks_no_rule(stack: str, request: pytest.FixtureRequest, *, preview: bool) -> None:
    recorder = request.getfixturevalue(stack)
    assert violations(policy_resources(recorder, preview=preview)) == {}


def put(kind: str, path: str, value: Any, name: str = "") -> Callable[[list[Resource]], None]:
    """Gives one resource of a type another value at a dotted path."""

    def plant(resources: list[Resource]) -> None:
        target = next(item for item in resources if item.type == kind and item.urn.endswith(name))
        holder: Any = target.properties
        *parents, last = path.split(".")
        for parent in parents:
            holder = holder[int(parent)] if parent.isdigit() else holder[parent]
        holder[last] = value

    return plant


def drop(kind: str, path: str) -> Callable[[list[Resource]], None]:
    return put(kind, path, None)


def remove(kind: str, name: str) -> Callable[[list[Resource]], None]:
    def plant(resources: list[Resource]) -> None:
        resources.remove(next(item for item in resources if item.type == kind and item.urn.endswith(f"::{name}")))

    return plant


def add(kind: str, properties: Properties) -> Callable[[list[Resource]], None]:
    def plant(resources: list[Resource]) -> None:
        resources.append(Resource(urn=f"{kind}::new", type=kind, properties=properties))

    return plant


STORAGE, SITE, COSMOS = "storage:StorageAccount", "web:WebApp", "cosmosdb:DatabaseAccount"
ASSIGNMENT, ITEMS = "authorization:RoleAssignment", "cosmosdb:SqlResourceSqlRoleAssignment"
CONTAINER, ROLE = "cosmosdb:SqlResourceSqlContainer", "authorization:RoleDefinition"
SUBSCRIBED, ITEMS_ROLE = "eventgrid:SystemTopicEventSubscription", "cosmosdb:SqlResourceSqlRoleDefinition"
ENDPOINT, TOPICS_ROLE = "network:PrivateEndpoint", "blob-event-topic-storage-queue-data-message-sender-on-images-queue"
DNS_GROUP = "azure-native:network:PrivateDnsZoneGroup"
WHERE = f"/subscriptions/{SUBSCRIPTION}"
COSMOS_ID = f"{WHERE}/resourceGroups/rg/providers/Microsoft.DocumentDB/databaseAccounts/c"
OWNER = f"{WHERE}/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
TAGGED = {"tags": {"application": "a", "environment": "e"}}
APPLICATION = "azuread:index/applicationRegistration:ApplicationRegistration"
SERVICE_PRINCIPAL = "azuread:index/servicePrincipal:ServicePrincipal"
PLANTED: list[tuple[str, Callable[[list[Resource]], None]]] = [
    ("sign-in", put(APPLICATION, "signInAudience", "AzureADMultipleOrgs")),
    ("sign-in", drop(APPLICATION, "signInAudience")),
    ("sign-in", put(APPLICATION, "implicitAccessTokenIssuanceEnabled", True)),
    ("sign-in", put(APPLICATION, "implicitIdTokenIssuanceEnabled", True)),
    ("sign-in", add(SERVICE_PRINCIPAL, {"clientId": "c"})),
    ("sign-in", add(SERVICE_PRINCIPAL, {"appRoleAssignmentRequired": False})),
    ("types-known", add("azuread:index/applicationPassword:ApplicationPassword", {})),
    ("local-auth-off", put(STORAGE, "allowSharedKeyAccess", True)),
    ("local-auth-off", drop(STORAGE, "allowSharedKeyAccess")),
    ("local-auth-off", put(STORAGE, "isLocalUserEnabled", 0)),
    ("local-auth-off", put("cognitiveservices:Account", "properties.disableLocalAuth", UNKNOWN)),
    ("local-auth-off", put(COSMOS, "disableLocalAuth", False)),
    ("local-auth-off", drop(COSMOS, "disableKeyBasedMetadataWriteAccess")),
    ("local-auth-off", drop("applicationinsights:Component", "disableLocalAuth")),
    ("local-auth-off", drop("operationalinsights:Workspace", "features")),
    ("local-auth-off", put("web:WebAppScmAllowed", "allow", True)),
    ("local-auth-off", put("web:WebAppFtpAllowed", "allow", True)),
    ("tls-1-2", put(STORAGE, "minimumTlsVersion", "TLS1_0")),
    ("tls-1-2", drop(STORAGE, "enableHttpsTrafficOnly")),
    ("tls-1-2", drop(COSMOS, "minimalTlsVersion")),
    ("tls-1-2", put(SITE, "httpsOnly", False)),
    ("tls-1-2", put(SITE, "siteConfig.minTlsVersion", "1.1")),
    ("no-public-blobs", put(STORAGE, "allowBlobPublicAccess", True)),
    ("no-public-blobs", put("storage:BlobContainer", "publicAccess", "Blob")),
    ("autoscale", put(CONTAINER, "options", {"throughput": 400, "autoscaleSettings": {"maxThroughput": 1000}})),
    ("autoscale", drop(CONTAINER, "options")),
    ("autoscale", put("cosmosdb:SqlResourceSqlDatabase", "options", {"throughput": 400})),
    ("dead-letter", drop(SUBSCRIBED, "deadLetterWithResourceIdentity")),
    ("dead-letter", put(SUBSCRIBED, "deadLetterWithResourceIdentity.deadLetterDestination", None)),
    ("tags", put(STORAGE, "tags", {"application": "image-pipeline"})),
    ("tags", drop("monitor:ActionGroup", "tags")),
    ("tags", put(SITE, "tags.environment", "")),
    ("diagnostic-settings", remove("monitor:DiagnosticSetting", "monitoring-diagnostics-records")),
    ("diagnostic-settings", remove("monitor:DiagnosticSetting", "monitoring-diagnostics-host-blob")),
    ("roles-from-the-list", put(ASSIGNMENT, "roleDefinitionId", OWNER)),
    ("roles-from-the-list", put(ASSIGNMENT, "roleDefinitionId", UNKNOWN)),
    ("roles-from-the-list", remove(ROLE, "vision-caller-role")),
    ("roles-narrow", put(ASSIGNMENT, "scope", f"{WHERE}/resourceGroups/rg")),
    ("roles-narrow", put(ASSIGNMENT, "scope", WHERE)),
    ("roles-narrow", put(ASSIGNMENT, "scope", "/providers/Microsoft.Management/managementGroups/all")),
    ("roles-narrow", put(ITEMS, "scope", COSMOS_ID)),
    ("roles-narrow", put(ITEMS, "scope", f"{COSMOS_ID}/dbs/pipeline")),
    ("roles-spelled-out", put(ROLE, "permissions.0.dataActions", ["Microsoft.Storage/*"])),
    ("roles-spelled-out", put(ROLE, "permissions.0.actions", ["Microsoft.Storage/storageAccounts/read"])),
    ("roles-spelled-out", put(ITEMS_ROLE, "permissions", UNKNOWN)),
    ("roles-spelled-out", drop(ROLE, "permissions.0.dataActions")),
    ("no-secrets", put("pulumi:pulumi:Stack", "imagesEndpoint", "DefaultEndpointsProtocol=https;AccountKey=abc")),
    ("no-secrets", put("pulumi:pulumi:Stack", "upload", "https://a.blob.core.windows.net/c?sv=1&sig=abc")),
    ("no-secrets", put("pulumi:pulumi:Stack", "key", "A" * 86 + "==")),
    ("no-secrets", put("pulumi:pulumi:Stack", "sizing", {"deep": ["eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln"]})),
    ("no-secrets", put(SITE, "siteConfig.appSettings", [{"name": "DB", "value": "Password=secret"}])),
    ("no-secrets", put(STORAGE, "primaryKey", "B" * 86 + "==")),
    ("types-known", add("keyvault:Vault", TAGGED)),
    ("types-known", add("random:index/randomPassword:RandomPassword", TAGGED)),
    ("types-known", add("pulumi-python:dynamic/other:Thing", TAGGED)),
]


@pytest.mark.parametrize(("rule", "plant"), PLANTED, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(PLANTED)])
def test_a_planted_violation_is_caught_by_its_rule_alone(
    rule: str, plant: Callable[[list[Resource]], None], dev: Recorder
) -> None:
    resources = policy_resources(dev)
    plant(resources)
    assert set(violations(resources)) == {rule}


ASSIGNMENT_DELAY = "pulumi-python:dynamic/image-pipeline:RoleAssignmentDelay"
DEFINITION_DELAY = "pulumi-python:dynamic/image-pipeline:RoleDefinitionDelay"


def forget(kind: str, name: str, *dependencies: str) -> Callable[[list[Resource]], None]:
    """Takes away what a resource depends on: everything of these types or with these logical names."""

    def without(urns: frozenset[str]) -> frozenset[str]:
        return frozenset(
            urn for urn in urns if not {urn.partition("::")[0], urn.rpartition("::")[2]} & set(dependencies)
        )

    def plant(resources: list[Resource]) -> None:
        (number,) = [
            number for number, item in enumerate(resources) if item.type == kind and item.urn.endswith(f"::{name}")
        ]
        target = resources[number]
        refers = {key: without(urns) for key, urns in target.property_dependencies.items()}
        resources[number] = replace(target, dependencies=without(target.dependencies), property_dependencies=refers)
        assert resources[number] != target

    return plant


ORDER: list[tuple[str, Callable[[list[Resource]], None], str]] = [
    ("subscription-after-roles", forget(SUBSCRIBED, "blob-event-subscription", ASSIGNMENT_DELAY), TOPICS_ROLE),
    ("subscription-after-roles", forget(ASSIGNMENT_DELAY, "role-assignment-delay", TOPICS_ROLE), TOPICS_ROLE),
    (
        "custom-role-after-replication",
        forget(ASSIGNMENT, "function-queue-processor-on-images-queue", DEFINITION_DELAY),
        "it assigns queue-processor-role without waiting until that is replicated",
    ),
    (
        "custom-role-after-replication",
        forget(DEFINITION_DELAY, "role-definition-delay", "queue-processor-role"),
        "let it depend on the delay behind the definition",
    ),
    ("cosmos-one-by-one", forget(CONTAINER, "records-analyses", "records-images"), "same time as records-images"),
    ("cosmos-one-by-one", forget(ITEMS, "function-writer-of-records-analyses", f"azure-native:{ITEMS}"), "412 "),
    ("private-endpoints-one-by-one", forget(ENDPOINT, "network-images-queue", DNS_GROUP), "RetryableError"),
]


@pytest.mark.parametrize(("rule", "plant", "sentence"), ORDER, ids=[f"{rule[0]}-{n}" for n, rule in enumerate(ORDER)])
@pytest.mark.parametrize("preview", [False, True], ids=["deployed", "previewed"])
def test_what_comes_too_early_is_caught_by_its_rule_alone_with_what_to_depend_on(
    rule: str, plant: Callable[[list[Resource]], None], sentence: str, prod_private: Recorder, *, preview: bool
) -> None:
    resources = policy_resources(prod_private, preview=preview)
    plant(resources)
    ((reported, sentences),) = violations(resources).items()
    assert reported == rule
    assert sentence in " ".join(sentences)
    assert "depend on" in sentences[0]


def test_a_topic_without_any_role_is_caught_too(dev: Recorder) -> None:
    resources = policy_resources(dev)
    resources[:] = [
        item for item in resources if not item.urn.rpartition("::")[2].startswith("blob-event-topic-storage")
    ]
    ((rule, sentences),) = violations(resources).items()
    assert rule == "subscription-after-roles"
    assert sentences[0].startswith("its topic's identity has no role")


def test_what_azure_answers_of_a_custom_role_is_recognized(dev: Recorder) -> None:
    """A deployed role definition has its GUID in `name`: `roleDefinitionId` is an input only."""
    resources = [
        replace(item, properties={"name": item.get("roleDefinitionId"), "permissions": item.get("permissions")})
        if item.type == ROLE
        else item
        for item in policy_resources(dev)
    ]
    assert violations(resources) == {}


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for rule, *_ in (*PLANTED, *ORDER)} == {rule.name for rule in RULES}


def test_a_preview_does_not_hide_a_role_on_the_group(dev: Recorder) -> None:
    """The scope is not known yet, but what it comes from is."""
    resources = policy_resources(dev, preview=True)
    target = next(item for item in resources if item.type == ASSIGNMENT)
    refers = {
        **target.property_dependencies,
        "scope": frozenset({"azure-native:resources:ResourceGroup::resource-group"}),
    }
    wide = Resource(urn=target.urn, type=target.type, properties=target.properties, property_dependencies=refers)
    assert "roles-narrow" in violations([*resources, wide])
    nowhere = Resource(urn=target.urn, type=target.type, properties=target.properties)
    assert "roles-narrow" in violations([*resources, nowhere])


def test_what_is_encrypted_may_be_a_secret() -> None:
    resource = Resource(
        urn="r",
        type="x:Y",
        properties={"key": "A" * 86 + "==", "__provider": "AccountKey="},
        secret_outputs=frozenset({"key"}),
    )
    assert violations([resource]).keys() == {"tags", "types-known"}


def test_the_list_of_roles_is_the_programs() -> None:
    assert roles.ALLOWED.keys() == {role.value for role in BuiltInRole}


def test_what_has_no_tags_is_agreed_on() -> None:
    assert rules._UNTAGGABLE - {"eventgrid:EventSubscription"} == UNTAGGABLE


def test_the_known_types_are_the_programs(dev: Recorder, prod: Recorder, prod_private: Recorder) -> None:
    used = {resource.kind for recorder in (dev, prod, prod_private) for resource in recorder.cloud}
    principal = {"objectId": "99999999-8888-4777-8666-555555555555", "principalType": "Group"}
    with_sign_in = run_program("dev", {"readers": [principal], "spaRedirectUris": ["https://images.example/"]})
    used |= {resource.type for resource in with_sign_in.resources if resource.type.startswith("azuread:")}
    used |= {resource.kind for resource in run_program("dev", FOUNDRY).cloud}
    of_examples = {"eventgrid:EventSubscription"}
    assert used | of_examples == KNOWN_TYPES
    assert used & of_examples == set()
