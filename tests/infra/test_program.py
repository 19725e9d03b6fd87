"""The whole program, recorded: what it grants, and what Azure's traps ask of it."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.roles import Role
from tests.conftest import ROOT, SUBSCRIPTION, Recorder, run_program

USER = "99999999-8888-4777-8666-555555555555"
FUNCTION, TOPIC = "function-principal", "topic-principal"
CONTRIBUTOR = "STORAGE_BLOB_DATA_CONTRIBUTOR"


def scope(kind: str, name: str) -> str:
    return f"/azure-native:{kind}::{name}"


def granted(recorder: Recorder) -> set[tuple[str, str, str, str]]:
    return {
        (
            assignment.inputs["principalId"],
            assignment.inputs["principalType"],
            Role(assignment.inputs["roleDefinitionId"].rsplit("/", 1)[1]).name,
            assignment.inputs["scope"],
        )
        for assignment in recorder.of_type("authorization:RoleAssignment")
    }


EXPECTED = {
    (FUNCTION, "ServicePrincipal", "STORAGE_BLOB_DATA_OWNER", scope("storage:StorageAccount", "host-account")),
    (FUNCTION, "ServicePrincipal", "STORAGE_BLOB_DATA_READER", scope("storage:BlobContainer", "images-container")),
    (FUNCTION, "ServicePrincipal", "STORAGE_QUEUE_DATA_READER", scope("storage:Queue", "images-queue")),
    (FUNCTION, "ServicePrincipal", "STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR", scope("storage:Queue", "images-queue")),
    (FUNCTION, "ServicePrincipal", "STORAGE_QUEUE_DATA_MESSAGE_SENDER", scope("storage:Queue", "images-poison-queue")),
    (FUNCTION, "ServicePrincipal", "COGNITIVE_SERVICES_USER", scope("cognitiveservices:Account", "vision-account-1")),
    (FUNCTION, "ServicePrincipal", "MONITORING_METRICS_PUBLISHER", scope("applicationinsights:Component", "insights")),
    (TOPIC, "ServicePrincipal", "STORAGE_QUEUE_DATA_MESSAGE_SENDER", scope("storage:Queue", "images-queue")),
    (
        TOPIC,
        "ServicePrincipal",
        "STORAGE_BLOB_DATA_CONTRIBUTOR",
        scope("storage:BlobContainer", "deadletter-container"),
    ),
}


def test_the_grants_are_exactly_these(dev: Recorder) -> None:
    assert granted(dev) == EXPECTED
    assert len(dev.of_type("authorization:RoleAssignment")) == len(EXPECTED)


def test_an_uploader_gets_exactly_one_more_grant_and_may_read_records() -> None:
    recorder = run_program("dev", {"uploaders": [USER]})
    images = scope("storage:BlobContainer", "images-container")
    assert granted(recorder) - EXPECTED == {(USER, "User", CONTRIBUTOR, images)}
    assert items_granted(recorder) == {
        *EXPECTED_ITEMS,
        (USER, ("items/read", "readMetadata"), "/dbs/database/colls/images-records"),
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
                    for permission in roles[assignment.inputs["roleDefinitionId"]].inputs["permissions"]
                    for action in permission["dataActions"]
                )
            ),
            assignment.inputs["scope"].removeprefix("/azure-native:cosmosdb:DatabaseAccount::cosmos-account"),
        )
        for assignment in recorder.of_type("cosmosdb:SqlResourceSqlRoleAssignment")
    }


_WRITE = ("items/create", "items/read", "items/replace", "readMetadata")
EXPECTED_ITEMS = {
    (FUNCTION, _WRITE, "/dbs/database/colls/images-records"),
    (FUNCTION, _WRITE, "/dbs/database/colls/analyses-records"),
}


def test_the_function_may_do_exactly_this_with_items(dev: Recorder) -> None:
    assert items_granted(dev) == EXPECTED_ITEMS


def test_no_service_accepts_keys(dev: Recorder) -> None:
    assert [account.inputs["allowSharedKeyAccess"] for account in dev.of_type("storage:StorageAccount")] == [False] * 2
    assert dev.one("cosmosdb:DatabaseAccount", "cosmos-account").inputs["disableLocalAuth"] is True
    assert dev.one("cognitiveservices:Account", "vision-account-1").inputs["properties"]["disableLocalAuth"] is True
    assert dev.one("applicationinsights:Component", "insights").inputs["disableLocalAuth"] is True
    for policy in ("WebAppFtpAllowed", "WebAppScmAllowed"):
        assert [resource.inputs["allow"] for resource in dev.of_type(f"web:{policy}")] == [False]


def test_flex_consumption_gets_nothing_that_it_refuses(dev: Recorder) -> None:
    site = dev.one("web:WebApp", "site").inputs
    assert set(site["siteConfig"]) == {"appSettings", "minTlsVersion"}
    names = [setting["name"] for setting in site["siteConfig"]["appSettings"]]
    assert not [name for name in names if name.startswith(("WEBSITE_", "FUNCTIONS_", "SCM_", "ENABLE_ORYX"))]
    assert len(names) == len(set(names))
    assert site["functionAppConfig"]["runtime"] == {"name": "python", "version": "3.13"}


def test_events_go_to_the_queue_by_identity_and_never_expire(dev: Recorder) -> None:
    subscription = dev.one("eventgrid:SystemTopicEventSubscription", "subscription").inputs
    delivery = subscription["deliveryWithResourceIdentity"]
    assert "destination" not in subscription
    assert delivery["identity"] == {"type": "SystemAssigned"}
    assert delivery["destination"]["queueMessageTimeToLiveInSeconds"] == -1
    assert (
        subscription["deadLetterWithResourceIdentity"]["deadLetterDestination"]["blobContainerName"]
        == "deadletter-container"
    )
    assert subscription["filter"]["subjectBeginsWith"].endswith("/containers/images-container/blobs/")
    assert subscription["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]


def test_the_poison_queue_is_the_one_that_the_host_will_look_for(dev: Recorder) -> None:
    queue, poison = (
        dev.one("storage:Queue", name).inputs["queueName"] for name in ("images-queue", "images-poison-queue")
    )
    assert poison == f"{queue}-poison"


def test_containers_scale_by_themselves_and_analyses_expire(dev: Recorder) -> None:
    for container in dev.of_type("cosmosdb:SqlResourceSqlContainer"):
        assert container.inputs["options"] == {"autoscaleSettings": {"maxThroughput": 1000}}
        assert container.inputs["resource"]["partitionKey"]["paths"] == ["/id"]
    assert (
        dev.one("cosmosdb:SqlResourceSqlContainer", "analyses-records").inputs["resource"]["defaultTtl"] == 90 * 86400
    )
    assert "defaultTtl" not in dev.one("cosmosdb:SqlResourceSqlContainer", "images-records").inputs["resource"]


def test_what_can_be_tagged_is_tagged(dev: Recorder) -> None:
    untaggable = {
        "storage:BlobContainer", "storage:Queue", "eventgrid:SystemTopicEventSubscription",
        "cosmosdb:SqlResourceSqlDatabase", "cosmosdb:SqlResourceSqlContainer", "cosmosdb:SqlResourceSqlRoleDefinition",
        "cosmosdb:SqlResourceSqlRoleAssignment", "authorization:RoleAssignment", "web:WebAppFtpAllowed",
        "web:WebAppScmAllowed",
    }  # fmt: skip
    tags = {"application": "image-pipeline", "environment": "dev", "cost-center": "sandbox"}
    for resource in dev.resources:
        kind = resource.type.removeprefix("azure-native:")
        if resource.type.startswith("azure-native:") and kind not in untaggable:
            assert resource.inputs["tags"] == tags, resource.name


def test_role_assignments_are_named_after_what_they_say(dev: Recorder) -> None:
    names = [assignment.inputs["roleAssignmentName"] for assignment in dev.of_type("authorization:RoleAssignment")]
    assert len(set(names)) == len(names)
    assert all(assignment.inputs["roleDefinitionId"].startswith(f"/subscriptions/{SUBSCRIPTION}/")
               for assignment in dev.of_type("authorization:RoleAssignment"))  # fmt: skip


@settings(max_examples=3)
@given(
    st.sampled_from(["northeurope", "eastus", "southeastasia"]),
    st.from_regex(r"[a-z][a-z0-9]{1,9}", fullmatch=True),
    st.lists(st.sampled_from(["tags", "objects", "people", "read", "smartCrops", "caption"]), min_size=1, unique=True),
)
def test_no_configuration_widens_what_is_granted(location: str, prefix: str, features: list[str]) -> None:
    recorder = run_program("dev", {"location": location, "namePrefix": prefix, "features": features})
    assert granted(recorder) == EXPECTED
    assert items_granted(recorder) == EXPECTED_ITEMS


@pytest.mark.parametrize(("stack", "accounts"), [("local", 1), ("dev", 1), ("staging", 1), ("prod", 8)])
def test_every_stack_is_whole_and_has_the_accounts_it_needs(stack: str, accounts: int) -> None:
    recorder = run_program(stack)
    assert len(recorder.of_type("cognitiveservices:Account")) == accounts
    vision = {item[3] for item in granted(recorder) if item[2] == "COGNITIVE_SERVICES_USER"}
    assert vision == {scope("cognitiveservices:Account", f"vision-account-{n}") for n in range(1, accounts + 1)}
    assert {
        item for item in granted(recorder) if item[2] != "COGNITIVE_SERVICES_USER" and item[0] in {FUNCTION, TOPIC}
    } == {item for item in EXPECTED if item[2] != "COGNITIVE_SERVICES_USER"}


def test_one_more_vision_account_changes_nothing_but_who_is_told_of_it() -> None:
    one, two = (run_program("dev", {"imagesPerMonth": images}) for images in (5_000, 10_000_000))
    before, after = ({(r.type, r.name): r.inputs for r in recorder.resources} for recorder in (one, two))
    assert {name for _, name in after.keys() - before.keys()} == {
        "vision-account-2", "function-cognitive-services-user-on-vision-account-2",
    }  # fmt: skip
    changed = {name for (kind, name) in before if before[kind, name] != after[kind, name]}
    assert changed == {"site", "grants-in-force"}


def test_every_setting_has_a_description_and_a_default() -> None:
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert all({"type", "description", "default"} <= entry.keys() for entry in schema.values())
