"""Each rule on resources of the test's own: every type and value of its tables, and its sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from policy.model import UNKNOWN, Resource, ResourceRule, StackRule
from policy.rules import RULES

BY_NAME = {rule.name: rule for rule in RULES}


def resource(kind: str, properties: Mapping[str, Any] | None = None, urn: str = "urn::it", **more: Any) -> Resource:
    return Resource(urn=urn, type=kind, properties=properties or {}, **more)


def at(path: str, value: Any) -> dict[str, Any]:
    """Properties that hold a value at a dotted path."""
    name, _, rest = path.partition(".")
    return {name: at(rest, value) if rest else value}


def about(rule: str, one: Resource) -> list[str]:
    """What a rule about one resource says."""
    rule_object = BY_NAME[rule]
    assert isinstance(rule_object, ResourceRule)
    return [*rule_object.check(one)]


def about_all(rule: str, resources: Sequence[Resource]) -> list[tuple[str, str]]:
    """What a rule about the stack says, by URN."""
    rule_object = BY_NAME[rule]
    assert isinstance(rule_object, StackRule)
    return [(violating.urn, sentence) for violating, sentence in rule_object.check(resources)]


def test_the_rules_have_these_names() -> None:
    assert list(BY_NAME) == [
        "local-auth-off",
        "tls-1-2",
        "no-public-blobs",
        "sign-in",
        "autoscale",
        "dead-letter",
        "tags",
        "diagnostic-settings",
        "roles-from-the-list",
        "roles-narrow",
        "roles-spelled-out",
        "no-secrets",
        "types-known",
        "subscription-after-roles",
        "custom-role-after-replication",
        "cosmos-one-by-one",
        "private-endpoints-one-by-one",
    ]
    assert len(RULES) == len(BY_NAME)
    assert all(rule.description.endswith(".") for rule in RULES)


STORAGE, COSMOS, TOPIC, SITE = "storage:StorageAccount", "cosmosdb:DatabaseAccount", "eventgrid:Topic", "web:WebApp"
# Rule, type, path, the values that are allowed, and others.
APPLICATION = "azuread:index/applicationRegistration:ApplicationRegistration"
SERVICE_PRINCIPAL = "azuread:index/servicePrincipal:ServicePrincipal"
LITERALS: list[tuple[str, str, str, list[Any], list[Any]]] = [
    ("sign-in", APPLICATION, "signInAudience", ["AzureADMyOrg"], ["AzureADMultipleOrgs"]),
    ("sign-in", APPLICATION, "implicitAccessTokenIssuanceEnabled", [False], [True]),
    ("sign-in", APPLICATION, "implicitIdTokenIssuanceEnabled", [False], [True]),
    ("sign-in", SERVICE_PRINCIPAL, "appRoleAssignmentRequired", [True], [False]),
    ("local-auth-off", STORAGE, "allowSharedKeyAccess", [False], [True]),
    ("local-auth-off", STORAGE, "isLocalUserEnabled", [False], [True]),
    ("local-auth-off", "cognitiveservices:Account", "properties.disableLocalAuth", [True], [False]),
    ("local-auth-off", COSMOS, "disableLocalAuth", [True], [False]),
    ("local-auth-off", COSMOS, "disableKeyBasedMetadataWriteAccess", [True], [False]),
    ("local-auth-off", "applicationinsights:Component", "disableLocalAuth", [True], [False]),
    ("local-auth-off", "operationalinsights:Workspace", "features.disableLocalAuth", [True], [False]),
    ("local-auth-off", TOPIC, "disableLocalAuth", [True], [False]),
    ("local-auth-off", "web:WebAppFtpAllowed", "allow", [False], [True]),
    ("local-auth-off", "web:WebAppScmAllowed", "allow", [False], [True]),
    ("tls-1-2", STORAGE, "minimumTlsVersion", ["TLS1_2", "TLS1_3"], ["TLS1_0", "TLS1_1"]),
    ("tls-1-2", STORAGE, "enableHttpsTrafficOnly", [True], [False]),
    ("tls-1-2", COSMOS, "minimalTlsVersion", ["Tls12"], ["Tls", "Tls11"]),
    ("tls-1-2", TOPIC, "minimumTlsVersionAllowed", ["1.2"], ["1.0", "1.1"]),
    ("tls-1-2", SITE, "httpsOnly", [True], [False]),
    ("tls-1-2", SITE, "siteConfig.minTlsVersion", ["1.2", "1.3"], ["1.0", "1.1"]),
    ("no-public-blobs", STORAGE, "allowBlobPublicAccess", [False], [True]),
    ("no-public-blobs", "storage:BlobContainer", "publicAccess", ["None"], ["Blob", "Container"]),
]


@pytest.mark.parametrize(("rule", "kind", "path", "allowed", "others"), LITERALS)
def test_a_setting_has_an_allowed_value_or_is_reported(
    rule: str, kind: str, path: str, allowed: list[Any], others: list[Any]
) -> None:
    good: dict[str, Any] = {}
    for other_rule, other_kind, other_path, other_allowed, _ in LITERALS:
        if (rule, kind) == (other_rule, other_kind) and path != other_path:
            good |= at(other_path, other_allowed[0])
    for value in allowed:
        assert about(rule, resource(kind, good | at(path, value))) == []
    for value in (*others, None, UNKNOWN, 0, 1, "true"):
        assert about(rule, resource(kind, good | at(path, value))) == [
            f"{path} is {value!r}; allowed: {' or '.join(map(repr, allowed))}"
        ]


@pytest.mark.parametrize("rule", ["local-auth-off", "tls-1-2", "no-public-blobs"])
def test_other_types_have_no_such_settings(rule: str) -> None:
    assert about(rule, resource("storage:Queue")) == []


SCALED = {"options": {"autoscaleSettings": {"maxThroughput": 1000}}}


@pytest.mark.parametrize("ceiling", [1000, 1000.0, 4000])
def test_a_container_that_scales_by_itself_is_allowed(ceiling: float) -> None:
    scaled = at("options.autoscaleSettings.maxThroughput", ceiling)
    assert about("autoscale", resource("cosmosdb:SqlResourceSqlContainer", scaled)) == []


@pytest.mark.parametrize("ceiling", [999, 0, None, UNKNOWN, "1000"])
def test_a_container_that_does_not_is_reported(ceiling: object) -> None:
    fixed = at("options.autoscaleSettings.maxThroughput", ceiling)
    assert about("autoscale", resource("cosmosdb:SqlResourceSqlContainer", fixed)) == [
        f"options.autoscaleSettings.maxThroughput is {ceiling!r}; it must be 1000 or more"
    ]


def test_a_fixed_throughput_is_reported_of_containers_and_databases() -> None:
    sentence = "options.throughput fixes the throughput; use options.autoscaleSettings"
    for throughput in (400, UNKNOWN):
        both = {"options": {"throughput": throughput, **SCALED["options"]}}
        assert about("autoscale", resource("cosmosdb:SqlResourceSqlContainer", both)) == [sentence]
        assert about("autoscale", resource("cosmosdb:SqlResourceSqlDatabase", both)) == [sentence]
    assert about("autoscale", resource("cosmosdb:SqlResourceSqlDatabase")) == []
    assert about("autoscale", resource("other:Type", {"options": {"throughput": 400}})) == []


@pytest.mark.parametrize("kind", ["eventgrid:SystemTopicEventSubscription", "eventgrid:EventSubscription"])
def test_a_subscription_keeps_dead_letters_in_one_of_two_ways(kind: str) -> None:
    for way in ("deadLetterDestination", "deadLetterWithResourceIdentity.deadLetterDestination"):
        assert about("dead-letter", resource(kind, at(way, {"endpointType": "StorageBlob"}))) == []
        for missing in (None, UNKNOWN):
            assert about("dead-letter", resource(kind, at(way, missing))) == [
                "events that cannot be delivered are lost: there is no dead-letter destination"
            ]
    assert about("dead-letter", resource("eventgrid:Topic")) == []


@pytest.mark.parametrize("tag", ["application", "environment"])
@pytest.mark.parametrize("value", [None, "", UNKNOWN, 5])
def test_both_tags_are_texts(tag: str, value: object) -> None:
    tags = {"application": "a", "environment": "e"}
    assert about("tags", resource(STORAGE, {"tags": tags})) == []
    assert about("tags", resource(STORAGE, {"tags": tags | {tag: value}})) == [
        f"the tag {tag} is {value!r}; every resource that can be tagged carries application and environment"
    ]


LOGGED = [COSMOS, STORAGE, "cognitiveservices:Account", "eventgrid:SystemTopic", TOPIC]


@pytest.mark.parametrize("kind", LOGGED)
def test_what_holds_data_has_a_diagnostic_setting_of_its_own(kind: str) -> None:
    one, other = resource(kind, urn="one"), resource(kind, urn="other")
    setting = resource("monitor:DiagnosticSetting", urn="s", property_dependencies={"resourceUri": frozenset({"one"})})
    unrelated = resource("monitor:MetricAlert", urn="m", property_dependencies={"resourceUri": frozenset({"other"})})
    workspace_only = resource(
        "monitor:DiagnosticSetting", urn="w", property_dependencies={"workspaceId": frozenset({"other"})}
    )
    assert about_all("diagnostic-settings", [one, other, setting, unrelated, workspace_only]) == [
        ("other", "it logs nothing: no diagnostic setting refers to it")
    ]


def test_what_holds_no_data_needs_none() -> None:
    assert about_all("diagnostic-settings", [resource("web:WebApp"), resource("storage:Queue")]) == []


ASSIGNMENT, DEFINITION = "authorization:RoleAssignment", "authorization:RoleDefinition"
ITEMS, ITEMS_DEFINITION = "cosmosdb:SqlResourceSqlRoleAssignment", "cosmosdb:SqlResourceSqlRoleDefinition"
ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "19e7f393-937e-4f77-808e-94535e297925": "Storage Queue Data Reader",
    "8a0f0c08-91a1-4084-bc3d-661d67233fed": "Storage Queue Data Message Processor",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "d5a91429-5739-47e2-a06b-3470a27159e7": "EventGrid Data Sender",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
REFUSED_ROLES = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Cognitive Services User": "a97b65f3-24c7-4388-baec-2e87135dc908",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
}
OWN = "11111111-AAAA-4111-8111-111111111111"
PATH = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/"


def assigned(guid: str) -> list[tuple[str, str]]:
    definition = resource(DEFINITION, {"roleDefinitionId": OWN.lower()}, urn="definition")
    assignment = resource(ASSIGNMENT, {"roleDefinitionId": f"{PATH}{guid}"}, urn="assignment")
    return about_all("roles-from-the-list", [definition, assignment])


@pytest.mark.parametrize("guid", [*ROLES, *(guid.upper() for guid in ROLES), OWN])
def test_a_role_from_the_list_or_of_the_stack_may_be_assigned(guid: str) -> None:
    assert assigned(guid) == []


@pytest.mark.parametrize("guid", [*REFUSED_ROLES.values(), ""])
def test_any_other_role_is_reported_with_the_list(guid: str) -> None:
    allowed = (
        "Cognitive Services Content Understanding Owner, Cognitive Services Content Understanding Reader,"
        " EventGrid Data Sender, Monitoring Metrics Publisher, Storage Blob Data Contributor, Storage Blob Data Owner,"
        " Storage Blob Data Reader, Storage Blob Delegator, Storage Queue Data Message Processor,"
        " Storage Queue Data Message Sender, Storage Queue Data Reader"
    )
    assert assigned(guid) == [
        ("assignment", f"roleDefinitionId is {PATH + guid!r}; allowed: {allowed}, and the stack's custom roles")
    ]


def test_a_deployed_role_is_known_by_its_name() -> None:
    deployed = resource(DEFINITION, {"name": OWN}, urn="definition")
    assignment = resource(ASSIGNMENT, {"roleDefinitionId": f"{PATH}{OWN}"}, urn="assignment")
    assert about_all("roles-from-the-list", [assignment, deployed]) == []


GROUP = "/subscriptions/s/resourceGroups/rg"


@pytest.mark.parametrize(
    "scope",
    [
        "/",
        "/subscriptions/s",
        "/subscriptions/s/",
        "/SUBSCRIPTIONS/S",
        GROUP,
        f"{GROUP}/",
        GROUP.lower(),
        "/providers/Microsoft.Management/managementGroups/all",
    ],
)
def test_a_role_on_what_holds_resources_is_too_wide(scope: str) -> None:
    assert about_all("roles-narrow", [resource(ASSIGNMENT, {"scope": scope}, urn="a")]) == [
        ("a", f"scope is {scope!r}; data roles are assigned on single resources, never on what contains them")
    ]


def test_a_role_on_a_resource_is_narrow() -> None:
    scope = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a"
    assert about_all("roles-narrow", [resource(ASSIGNMENT, {"scope": scope})]) == []
    assert about_all("roles-narrow", [resource("other:Type", {"scope": GROUP})]) == []


ACCOUNT = f"{GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/c"


def test_items_are_granted_on_a_container() -> None:
    for scope in (f"{ACCOUNT}/dbs/d/colls/c", f"{ACCOUNT}/dbs/d/colls/c".upper()):
        assert about_all("roles-narrow", [resource(ITEMS, {"scope": scope})]) == []
    for scope in (ACCOUNT, f"{ACCOUNT}/dbs/d", f"{ACCOUNT}/dbs/d/colls/c/x", "", "/dbs/d/colls/c"):
        assert about_all("roles-narrow", [resource(ITEMS, {"scope": scope}, urn="i")]) == [
            ("i", f"scope is {scope!r}; roles for items are assigned container by container")
        ]


@pytest.mark.parametrize(
    ("kind", "origins", "violations"),
    [
        (ASSIGNMENT, ["storage:Queue"], 0),
        (ASSIGNMENT, ["resources:ResourceGroup", "storage:Queue"], 0),
        (ASSIGNMENT, ["resources:ResourceGroup"], 1),
        (ASSIGNMENT, [], 1),
        (ITEMS, ["cosmosdb:DatabaseAccount", "cosmosdb:SqlResourceSqlContainer"], 0),
        (ITEMS, ["cosmosdb:DatabaseAccount", "cosmosdb:SqlResourceSqlDatabase"], 1),
        (ITEMS, [], 1),
    ],
)
def test_a_scope_that_is_not_known_yet_is_judged_by_its_sources(kind: str, origins: list[str], violations: int) -> None:
    others = [resource(source, urn=source) for source in origins]
    refers = {"scope": frozenset(origins), "principalId": frozenset({"somebody"})}
    granted = resource(kind, {"scope": UNKNOWN}, urn="granted", property_dependencies=refers)
    assert len(about_all("roles-narrow", [granted, *others])) == violations


READ = "Microsoft.Storage/storageAccounts/read"


@pytest.mark.parametrize("kind", [DEFINITION, ITEMS_DEFINITION])
def test_a_role_of_the_stack_spells_its_data_actions_out(kind: str) -> None:
    def reports(*permissions: Mapping[str, Any]) -> list[str]:
        return about("roles-spelled-out", resource(kind, {"permissions": [*permissions]}))

    assert reports({"actions": [], "dataActions": [READ]}, {"dataActions": [READ]}) == []
    assert reports({"actions": [READ], "dataActions": [READ]}) == [
        f"actions is ['{READ}']; custom roles of the stack must allow no management"
    ]
    for actions in ([READ, "Microsoft.Storage/*"], ["*"], [UNKNOWN], [5], None, UNKNOWN, READ):
        assert reports({"dataActions": [READ]}, {"dataActions": actions}) == [
            f"dataActions is {actions!r}; each must be spelled out, without *"
        ]
    for permissions in (None, UNKNOWN, {}):
        assert about("roles-spelled-out", resource(kind, {"permissions": permissions})) == [
            f"permissions is {permissions!r}; it must be a list that can be checked"
        ]


def test_other_types_have_no_permissions() -> None:
    assert about("roles-spelled-out", resource(ASSIGNMENT, {"permissions": [{"actions": ["*"]}]})) == []


KEY = "Ab+/" * 21 + "Xy" + "=="
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln"


@pytest.mark.parametrize(
    ("what", "texts"),
    [
        (
            "an account key",
            ["DefaultEndpointsProtocol=https;AccountKey=abc", "Endpoint=sb://x;SharedAccessKey=a", "accountkey=b"],
        ),
        (
            "a shared access signature",
            [
                "BlobEndpoint=https://x;SharedAccessSignature=sv",
                "sharedaccesssignature sr=x",
                "https://a/c?sv=1&sig=abc",
                "https://a/c?sig=abc",
                "x;sig=a",
                "x&SIG=a",
            ],
        ),
        ("a key of 64 bytes", [KEY, f"key: {KEY} "]),
        ("a token", [JWT, f"Bearer {JWT}"]),
        (
            "a password",
            ["Password=secret", "a;pwd = x", "x client_secret=y", "clientsecret=y", "ClientSecret=y", "a\npassword=b"],
        ),
        ("a private key", ["-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\nabc"]),
    ],
)
def test_each_kind_of_credential_is_recognized(what: str, texts: list[str]) -> None:
    for text in texts:
        for value in (text, [text], {"deep": ["x", {"deeper": text}]}):
            assert about_all("no-secrets", [resource(STORAGE, {"name": "x", "value": value}, urn="r")]) == [
                ("r", f"value holds {what}, which anyone with access to the state or the outputs can read")
            ], text


@pytest.mark.parametrize(
    "text",
    [
        "AccountKey",
        "design=abc",
        "?sig=",
        "?sig=&x",
        KEY[1:],
        f"A{KEY}",
        f"{KEY}=",
        f"{KEY}A",
        "eyJhbGciOiJSUzI1NiJ9",
        "eyJhbGciO.eyJzdWIiOi.c2ln",
        "nopassword=x",
        "password=",
        "password=;x",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
        "InstrumentationKey=00000000-0000-0000-0000-000000000000",
    ],
)
def test_what_only_looks_like_a_credential_is_none(text: str) -> None:
    assert about_all("no-secrets", [resource(STORAGE, {"value": text, "number": 5, "none": None})]) == []


def test_what_is_encrypted_or_pulumis_own_does_not_end_the_search() -> None:
    properties = {"hidden": KEY, "__provider": "AccountKey=", "_one": JWT, "last": KEY}
    reports = about_all("no-secrets", [resource(STORAGE, properties, urn="r", secret_outputs=frozenset({"hidden"}))])
    assert [sentence.partition(",")[0] for _, sentence in reports] == [
        "_one holds a token",
        "last holds a key of 64 bytes",
    ]


@pytest.mark.parametrize(
    "kind",
    [
        "pulumi:pulumi:Stack",
        "pulumi:providers:azure-native",
        "pulumi:providers:pulumi-python",
        "image-pipeline:index:ImageStorage",
        "pulumi-python:dynamic/image-pipeline:CodeDeployment",
        "storage:StorageAccount",
    ],
)
def test_a_known_type_is_let_through(kind: str) -> None:
    assert about_all("types-known", [resource(kind)]) == []


@pytest.mark.parametrize(
    "kind",
    [
        "pulumi:providers:random",
        "pulumi:pulumi:StackReference",
        "image-pipeline:index:ImageStorage:more",
        "xpulumi:pulumi:Stack",
        "pulumi-python:dynamic/other:Thing",
        "storage:Table",
        "",
    ],
)
def test_an_unknown_type_is_reported(kind: str) -> None:
    assert about_all("types-known", [resource(kind, urn="r"), resource("storage:Queue")]) == [
        (
            "r",
            (
                f"no rule was written with the type {kind} in mind; decide which rules it must hold, and add it to"
                " policy/known_types.py"
            ),
        )
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", {"b": {"c": 1}, "u": UNKNOWN, "t": "text"}),
        ("a.b", {"c": 1}),
        ("a.b.c", 1),
        ("a.x", None),
        ("a.x.c", None),
        ("a.t.c", None),
        ("a.u", UNKNOWN),
        ("a.u.c.d", UNKNOWN),
        ("x", None),
    ],
)
def test_a_value_at_a_path(path: str, value: object) -> None:
    value_at_path = resource("t", {"a": {"b": {"c": 1}, "u": UNKNOWN, "t": "text"}}).get(path)
    assert value_at_path == value


def test_what_is_not_known_says_so() -> None:
    assert repr(UNKNOWN) == "not known before it is deployed"
