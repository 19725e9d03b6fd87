"""Who may do what, in the whole program: the recorded role assignments equal these tables."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.core.rbac import BuiltInRole
from tests.conftest import SUBSCRIPTION, Recorder, run_program
from tests.infra.test_settings import CONTENT_UNDERSTANDING, CUSTOM, FOUNDRY

USER = "99999999-8888-4777-8666-555555555555"
# Of the recorder.
SIGNED_IN = "deployer"
FUNCTION, API, TOPIC = "function-principal", "api-function-principal", "topic-principal"
ROLE_PREFIX = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/"


def scope(kind: str, name: str) -> str:
    return f"/azure-native:{kind}::{name}"


def granted(recorder: Recorder) -> set[tuple[str, str | None, str, str]]:
    roles = {role.value: role.name for role in BuiltInRole} | {
        role.inputs["roleDefinitionId"]: role.name for role in recorder.of_type("authorization:RoleDefinition")
    }
    assignments = recorder.of_type("authorization:RoleAssignment")
    assert all(assignment.inputs["roleDefinitionId"].startswith(ROLE_PREFIX) for assignment in assignments)
    assignments_by_scope = {
        (
            assignment.inputs["principalId"],
            assignment.inputs.get("principalType"),
            roles[assignment.inputs["roleDefinitionId"].removeprefix(ROLE_PREFIX)],
            assignment.inputs["scope"],
        )
        for assignment in assignments
    }
    assert len(assignments_by_scope) == len(assignments)
    return assignments_by_scope


def of_the_api(vision_accounts: int = 0) -> set[tuple[str, str | None, str, str]]:
    """What the API's identity gets; a role on each Vision account only with embeddings. And what the pipeline app gets
    to delete images for callers of the API."""
    service = "ServicePrincipal"
    container = scope("storage:BlobContainer", "images-container")
    return {
        (API, service, "STORAGE_BLOB_DATA_OWNER", scope("storage:StorageAccount", "api-function-host-account")),
        (API, service, "STORAGE_BLOB_DELEGATOR", scope("storage:StorageAccount", "images-account")),
        (API, service, "STORAGE_BLOB_DATA_READER", container),
        (API, service, "image-creator-role", container),
        (API, service, "MONITORING_METRICS_PUBLISHER", scope("applicationinsights:Component", "telemetry-insights")),
        *(
            (API, service, "text-vectorizer-role", scope("cognitiveservices:Account", f"vision-account-{number}"))
            for number in range(1, vision_accounts + 1)
        ),
        (FUNCTION, service, "image-deleter-role", container),
    }


def expected(vision_accounts: int = 1) -> set[tuple[str, str | None, str, str]]:
    service = "ServicePrincipal"
    return {
        (FUNCTION, service, "STORAGE_BLOB_DATA_OWNER", scope("storage:StorageAccount", "host-account")),
        (FUNCTION, service, "STORAGE_BLOB_DATA_READER", scope("storage:BlobContainer", "images-container")),
        (FUNCTION, service, "STORAGE_QUEUE_DATA_READER", scope("storage:Queue", "images-queue")),
        (FUNCTION, service, "queue-processor-role", scope("storage:Queue", "images-queue")),
        (FUNCTION, service, "dead-letter-processor-role", scope("storage:BlobContainer", "images-deadletter")),
        (FUNCTION, service, "STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR", scope("storage:Queue", "images-poison-queue")),
        (FUNCTION, service, "EVENTGRID_DATA_SENDER", scope("eventgrid:Topic", "results")),
        (FUNCTION, service, "STORAGE_QUEUE_DATA_MESSAGE_SENDER", scope("storage:Queue", "images-poison-queue")),
        (
            FUNCTION,
            service,
            "MONITORING_METRICS_PUBLISHER",
            scope("applicationinsights:Component", "telemetry-insights"),
        ),
        *(
            (FUNCTION, service, "vision-caller-role", scope("cognitiveservices:Account", f"vision-account-{number}"))
            for number in range(1, vision_accounts + 1)
        ),
        *of_the_api(),
        (TOPIC, service, "STORAGE_QUEUE_DATA_MESSAGE_SENDER", scope("storage:Queue", "images-queue")),
        (TOPIC, service, "STORAGE_BLOB_DATA_CONTRIBUTOR", scope("storage:BlobContainer", "images-deadletter")),
    }


def items_granted(recorder: Recorder) -> set[tuple[str, tuple[str, ...], str]]:
    roles = {role.id: role for role in recorder.of_type("cosmosdb:SqlResourceSqlRoleDefinition")}
    prefix = "Microsoft.DocumentDB/databaseAccounts/"
    return {
        (
            assignment.inputs["principalId"],
            tuple(
                sorted(
                    action.removeprefix(prefix).removeprefix("sqlDatabases/containers/")
                    for action in roles[assignment.inputs["roleDefinitionId"]].inputs["permissions"][0]["dataActions"]
                )
            ),
            assignment.inputs["scope"].partition("records-account")[2],
        )
        for assignment in recorder.of_type("cosmosdb:SqlResourceSqlRoleAssignment")
    }


EXPECTED_ITEMS = {
    (
        FUNCTION,
        ("items/create", "items/delete", "items/read", "items/replace", "readMetadata"),
        f"/dbs/records-database/colls/{container}",
    )
    for container in ("records-images", "records-analyses")
} | {
    (
        FUNCTION,
        ("executeQuery", "items/read", "readChangeFeed", "readMetadata"),
        "/dbs/records-database/colls/records-images",
    ),
    (
        API,
        ("executeQuery", "items/read", "readChangeFeed", "readMetadata"),
        "/dbs/records-database/colls/records-images",
    ),
}


def uploader(object_id: str, principal_type: str = "User") -> dict[str, str]:
    """A setting's principal."""
    return {"objectId": object_id, "principalType": principal_type}


# Whom the stack `local` lets upload (stacks/Pulumi.local.yaml).
LAPTOPS_USER = "00000000-0000-4000-8000-00000000a11c"


def of_an_uploader(user: str) -> tuple[set[tuple[str, str, str, str]], set[tuple[str, tuple[str, ...], str]]]:
    """What a user who may upload gets: one role on the images' container, and reading records. Nothing else."""
    return (
        {(user, "User", "image-uploader-role", scope("storage:BlobContainer", "images-container"))},
        {(user, ("items/read", "readMetadata"), "/dbs/records-database/colls/records-images")},
    )


@pytest.mark.parametrize("mode", ["public", "private"])
@pytest.mark.parametrize(
    ("stack", "accounts", "users"),
    [("local", 1, [LAPTOPS_USER]), ("dev", 1, []), ("dev", 1, [USER]), ("staging", 1, []), ("prod", 8, [])],
)
def test_the_grants_are_exactly_these(stack: str, accounts: int, users: list[str], mode: str) -> None:
    recorder = run_program(stack, {"networkAccess": mode, "uploaders": [*map(uploader, users)]})
    roles, items = expected(accounts), set(EXPECTED_ITEMS)
    for user in users:
        more_roles, more_items = of_an_uploader(user)
        roles, items = roles | more_roles, items | more_items
    assert granted(recorder) == roles
    assert items_granted(recorder) == items


@pytest.mark.parametrize(
    ("principal_type", "prefix"), [("User", "user"), ("Group", "group"), ("ServicePrincipal", "service-principal")]
)
def test_an_uploader_is_granted_roles_with_the_type_that_the_setting_states(principal_type: str, prefix: str) -> None:
    recorder = run_program("dev", {"uploaders": [uploader(USER, principal_type)]})
    assignment = recorder.one("authorization:RoleAssignment", f"{prefix}-{USER}-image-uploader-on-images-container")
    assert (assignment.inputs["principalId"], assignment.inputs["principalType"]) == (USER, principal_type)
    items = recorder.one("cosmosdb:SqlResourceSqlRoleAssignment", f"{prefix}-{USER}-reader-of-records-images")
    assert items.inputs["principalId"] == USER


BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
MESSAGES = "Microsoft.Storage/storageAccounts/queueServices/queues/messages"
SERVICES = "Microsoft.CognitiveServices/accounts"


@pytest.mark.parametrize(
    ("config", "more", "fewer"),
    [
        ({"publishResults": False}, set(), {"EVENTGRID_DATA_SENDER"}),
        ({"copyClassified": True}, {("STORAGE_BLOB_DATA_CONTRIBUTOR", "images-classified")}, set()),
        ({"trigger": "schedule"}, set(), set()),
        (
            {"analyzer": "custom-vision", "customVision": CUSTOM, "features": ["tags"]},
            {("vision-caller-role", "roses")},
            {"vision-caller-role"},
        ),
        (FOUNDRY, {("vision-caller-role", "foundry-account")}, {"vision-caller-role"}),
        (
            CONTENT_UNDERSTANDING,
            {
                ("CONTENT_UNDERSTANDING_READER", "content-understanding-1-account"),
                ("CONTENT_UNDERSTANDING_OWNER", "content-understanding-1-account"),
            },
            {"vision-caller-role"},
        ),
    ],
    # A set has another order in each process, and the processes of pytest-xdist compare the names of tests.
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value)[:40],
)
def test_a_setting_changes_its_own_grant_and_no_other(
    config: dict[str, Any], more: set[tuple[str, str]], fewer: set[str]
) -> None:
    assignments_by_scope = {
        (role, re.split("::|/", where)[-1]) for *_, role, where in granted(run_program("dev", config))
    }
    usual = {(role, where.rpartition("::")[2]) for *_, role, where in expected() if role not in fewer}
    assert assignments_by_scope == usual | more


@pytest.mark.parametrize(
    ("config", "actions"),
    [
        ({"features": ["tags", "read"]}, ["ComputerVision/imageanalysis:analyze/action"]),
        ({"features": ["safety"]}, ["ComputerVision/analyze/action"]),
        (
            {"features": ["tags", "embeddings"]},
            ["ComputerVision/imageanalysis:analyze/action", "ComputerVision/retrieval:vectorizeimage/action"],
        ),
        (
            {"analyzer": "custom-vision", "customVision": CUSTOM, "features": ["tags"]},
            [
                "CustomVision/classify/iterations/image/nostore/action",
                "CustomVision.Prediction/classify/iterations/image/nostore/action",
            ],
        ),
        (FOUNDRY, ["OpenAI/deployments/chat/completions/action"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_vision_caller_may_call_what_the_features_need(config: dict[str, Any], actions: list[str]) -> None:
    (permission,) = (
        run_program("dev", config).one("authorization:RoleDefinition", "vision-caller-role").inputs["permissions"]
    )
    assert permission == {"actions": [], "dataActions": [f"{SERVICES}/{action}" for action in actions]}


def test_content_understanding_needs_no_role_of_the_programs_own() -> None:
    """The app analyzes and no more; only the deployer, a user in this table, defines the analyzer."""
    recorder = run_program("dev", CONTENT_UNDERSTANDING)
    assert "vision-caller-role" not in {role.name for role in recorder.of_type("authorization:RoleDefinition")}
    account = scope("cognitiveservices:Account", "content-understanding-1-account")
    assert {item for item in granted(recorder) if item[3] == account} == {
        (FUNCTION, "ServicePrincipal", "CONTENT_UNDERSTANDING_READER", account),
        (SIGNED_IN, None, "CONTENT_UNDERSTANDING_OWNER", account),
    }


def test_the_vision_caller_can_be_assigned_where_the_custom_vision_account_is() -> None:
    config = {"analyzer": "custom-vision", "customVision": CUSTOM, "features": ["tags"]}
    role = run_program("dev", config).one("authorization:RoleDefinition", "vision-caller-role").inputs
    assert role["assignableScopes"] == [
        scope("resources:ResourceGroup", "resource-group"),
        "/subscriptions/s/resourceGroups/rg",
    ]


def test_the_programs_own_roles_allow_exactly_one_thing_each(dev: Recorder) -> None:
    roles = {role.name: role.inputs for role in dev.of_type("authorization:RoleDefinition")}
    assert {name: role["permissions"] for name, role in roles.items()} == {
        "vision-caller-role": [
            {
                "actions": [],
                "dataActions": ["Microsoft.CognitiveServices/accounts/ComputerVision/imageanalysis:analyze/action"],
            }
        ],
        "image-uploader-role": [{"actions": [], "dataActions": [f"{BLOBS}/write"]}],
        "image-creator-role": [{"actions": [], "dataActions": [f"{BLOBS}/add/action"]}],
        "image-deleter-role": [{"actions": [], "dataActions": [f"{BLOBS}/delete"]}],
        "dead-letter-processor-role": [{"actions": [], "dataActions": [f"{BLOBS}/read", f"{BLOBS}/delete"]}],
        "queue-processor-role": [
            {
                "actions": [],
                "dataActions": [f"{MESSAGES}/process/action", f"{MESSAGES}/add/action", f"{MESSAGES}/write"],
            }
        ],
    }
    group = scope("resources:ResourceGroup", "resource-group")
    assert all(role["assignableScopes"] == [group] and role["scope"] == group for role in roles.values())


def test_a_role_of_the_programs_own_is_made_before_it_is_granted(dev: Recorder) -> None:
    assignment = dev.one("authorization:RoleAssignment", "function-vision-caller-on-vision-account-1")
    assert "azure-native:authorization:RoleDefinition::vision-caller-role" in assignment.dependencies


@settings(max_examples=3)
@given(
    st.sampled_from(["northeurope", "eastus", "southeastasia"]),
    st.from_regex(r"[a-z][a-z0-9]{1,9}", fullmatch=True),
    st.lists(st.sampled_from(["tags", "objects", "people", "read", "smartCrops", "caption"]), min_size=1, unique=True),
)
def test_no_configuration_widens_what_is_granted(location: str, prefix: str, features: list[str]) -> None:
    recorder = run_program("dev", {"location": location, "namePrefix": prefix, "features": features})
    assert granted(recorder) == expected()
    assert items_granted(recorder) == EXPECTED_ITEMS


@pytest.mark.parametrize("accounts", [1, 8])
def test_the_api_may_vectorize_texts_with_embeddings_only(accounts: int) -> None:
    stack = {1: "dev", 8: "prod"}[accounts]
    recorder = run_program(stack, {"features": ["tags", "embeddings"]})
    of_api = {assignment for assignment in granted(recorder) if assignment[0] == API}
    count = len(recorder.of_type("cognitiveservices:Account"))
    assert of_api == {assignment for assignment in of_the_api(count) if assignment[0] == API}
    (permission,) = recorder.one("authorization:RoleDefinition", "text-vectorizer-role").inputs["permissions"]
    assert permission == {"actions": [], "dataActions": [f"{SERVICES}/ComputerVision/retrieval:vectorizetext/action"]}


def test_without_sign_in_there_is_no_api_and_nobody_deletes_images() -> None:
    recorder = run_program("dev", {"signIn": "none"})
    assert granted(recorder) == expected() - of_the_api()
    assert items_granted(recorder) == {item for item in EXPECTED_ITEMS if item[0] != API}
    assert [app.name for app in recorder.of_type("web:WebApp")] == ["app-site"]


def test_the_api_and_the_pipeline_app_share_no_identity_plan_or_host_storage(dev: Recorder) -> None:
    """Whoever can write another app's package runs as that app."""
    sites = [dev.one("web:WebApp", name).inputs for name in ("app-site", "api-app-site")]
    for read in (
        lambda site: site["serverFarmId"],
        lambda site: site["identity"]["userAssignedIdentities"],
        lambda site: site["functionAppConfig"]["deployment"]["storage"]["value"],
        lambda site: site["name"],
    ):
        assert read(sites[0]) != read(sites[1])
