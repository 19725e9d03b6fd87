"""Each example, run without an engine: what it registers, that the policy rules hold, and that nothing is secret."""

import json
import re
import runpy
from typing import Any, override

import pytest
import yaml
from pulumi.runtime import mocks, set_all_config

from policy.secrets import NO_SECRETS
from tests.policy.test_rules import policy_resources, violations
from tests.support.pulumi_recorder import ROOT, SUBSCRIPTION, Recorder, record, run_program

EXAMPLES = ROOT / "examples"
TOPIC_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-imgpipe-dev/providers/Microsoft.EventGrid/topics/evgt-x"
RESULT_SUBSCRIBER = {
    "topicResourceGroup": "rg-imgpipe-dev",
    "topicName": "evgt-x",
    "consumerObjectId": "99999999-8888-4777-8666-555555555555",
}


class RecorderWithTopic(Recorder):
    """A recorder that knows the result topic of another stack."""

    @override
    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if args.token != "azure-native:eventgrid:getTopic":
            return super().call(args)
        assert args.args == {"resourceGroupName": "rg-imgpipe-dev", "topicName": "evgt-x"}
        return {"id": TOPIC_ID, "identity": {"type": "SystemAssigned", "principalId": "topic-principal"}}, []


def run_example(name: str, config: dict[str, str] | None = None) -> Recorder:
    """Run an example with the defaults of its Pulumi.yaml, overridden by `config`, and record it."""
    project = yaml.safe_load((EXAMPLES / name / "Pulumi.yaml").read_text())
    defaults = {key: schema["default"] for key, schema in project["config"].items() if "default" in schema}
    values = defaults | (config or {})
    set_all_config(
        {
            f"{project['name']}:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
        }
    )
    program = EXAMPLES / name / "__main__.py"
    return record(lambda: runpy.run_path(str(program)), recorder=RecorderWithTopic(), project=project["name"])


@pytest.fixture(scope="module")
def one_component() -> Recorder:
    return run_example("one-component")


@pytest.fixture(scope="module")
def private_network() -> Recorder:
    return run_example("private-network")


@pytest.fixture(scope="module")
def subscribe_to_results() -> Recorder:
    return run_example("subscribe-to-results", RESULT_SUBSCRIBER)


@pytest.fixture(scope="module")
def custom_vision() -> Recorder:
    """The main program with the stack file of the example, and the uploaders and tags of the stack `dev`."""
    stack = yaml.safe_load((EXAMPLES / "custom-vision/Pulumi.custom-vision.yaml").read_text())
    return run_program("dev", {key.removeprefix("image-pipeline:"): value for key, value in stack["config"].items()})


def azure_resources(recorder: Recorder) -> set[tuple[str, str]]:
    """Type without the provider's name, and logical name, of every resource but components."""
    return {
        (resource.kind, resource.name)
        for resource in recorder.resources
        if not resource.type.startswith("image-pipeline:")
    }


def test_one_component_creates_storage_and_its_logs(one_component: Recorder) -> None:
    assert azure_resources(one_component) == {
        ("resources:ResourceGroup", "resource-group"),
        ("storage:StorageAccount", "photos-account"),
        ("storage:BlobContainer", "photos-container"),
        ("storage:BlobContainer", "photos-deadletter"),
        ("storage:Queue", "photos-queue"),
        ("storage:Queue", "photos-poison-queue"),
        ("storage:ManagementPolicy", "photos-lifecycle"),
        ("operationalinsights:Workspace", "telemetry-workspace"),
        ("applicationinsights:Component", "telemetry-insights"),
        ("monitor:DiagnosticSetting", "diagnostics-photos-blob"),
        ("monitor:DiagnosticSetting", "diagnostics-photos-queue"),
    }
    assert one_component.outputs == {
        "photosEndpoint": "https://photos-account.blob.core.windows.net/",
        "photosContainer": "photos-container",
    }


def test_the_private_network_has_an_endpoint_for_each_service(private_network: Recorder) -> None:
    assert azure_resources(private_network) == {
        ("resources:ResourceGroup", "resource-group"),
        ("storage:StorageAccount", "images-account"),
        ("storage:BlobContainer", "images-container"),
        ("storage:BlobContainer", "images-deadletter"),
        ("storage:Queue", "images-queue"),
        ("storage:Queue", "images-poison-queue"),
        ("storage:ManagementPolicy", "images-lifecycle"),
        ("cosmosdb:DatabaseAccount", "records-account"),
        ("cosmosdb:SqlResourceSqlDatabase", "records-database"),
        ("cosmosdb:SqlResourceSqlContainer", "records-images"),
        ("cosmosdb:SqlResourceSqlContainer", "records-analyses"),
        ("network:NetworkSecurityGroup", "network-rules"),
        ("network:VirtualNetwork", "network-vnet"),
        ("pulumi-python:dynamic/image-pipeline:SubnetReleaseDelay", "network-app-subnet-release"),
        ("privatedns:PrivateZone", "network-blob-zone"),
        ("privatedns:PrivateZone", "network-queue-zone"),
        ("privatedns:PrivateZone", "network-sql-zone"),
        ("privatedns:VirtualNetworkLink", "network-blob-link"),
        ("privatedns:VirtualNetworkLink", "network-queue-link"),
        ("privatedns:VirtualNetworkLink", "network-sql-link"),
        ("network:PrivateEndpoint", "network-images-blob"),
        ("network:PrivateEndpoint", "network-images-queue"),
        ("network:PrivateEndpoint", "network-records-sql"),
        ("network:PrivateDnsZoneGroup", "network-images-blob-dns"),
        ("network:PrivateDnsZoneGroup", "network-images-queue-dns"),
        ("network:PrivateDnsZoneGroup", "network-records-sql-dns"),
        ("operationalinsights:Workspace", "telemetry-workspace"),
        ("applicationinsights:Component", "telemetry-insights"),
        ("monitor:DiagnosticSetting", "diagnostics-images-blob"),
        ("monitor:DiagnosticSetting", "diagnostics-images-queue"),
        ("monitor:DiagnosticSetting", "diagnostics-records"),
    }
    for kind, name in (("storage:StorageAccount", "images-account"), ("cosmosdb:DatabaseAccount", "records-account")):
        assert private_network.one(kind, name).inputs["publicNetworkAccess"] == "Disabled"


def test_the_subscriber_creates_a_queue_roles_and_a_subscription(subscribe_to_results: Recorder) -> None:
    assert azure_resources(subscribe_to_results) == {
        ("resources:ResourceGroup", "resource-group"),
        ("storage:StorageAccount", "results-account"),
        ("storage:Queue", "results-queue"),
        ("storage:BlobContainer", "results-deadletter"),
        ("authorization:RoleAssignment", "result-topic-storage-queue-data-message-sender-on-results-queue"),
        ("authorization:RoleAssignment", "result-topic-storage-blob-data-contributor-on-results-deadletter"),
        ("authorization:RoleAssignment", "consumer-storage-queue-data-message-processor-on-results-queue"),
        ("pulumi-python:dynamic/image-pipeline:RoleAssignmentDelay", "role-assignment-delay"),
        ("eventgrid:EventSubscription", "results-to-queue"),
        ("operationalinsights:Workspace", "telemetry-workspace"),
        ("applicationinsights:Component", "telemetry-insights"),
        ("monitor:DiagnosticSetting", "diagnostics-results-blob"),
        ("monitor:DiagnosticSetting", "diagnostics-results-queue"),
    }


def test_the_topic_delivers_results_with_its_own_identity(subscribe_to_results: Recorder) -> None:
    subscription = subscribe_to_results.one("eventgrid:EventSubscription", "results-to-queue")
    assert subscription.inputs["scope"] == TOPIC_ID
    assert subscription.inputs["eventDeliverySchema"] == "CloudEventSchemaV1_0"
    delivery = subscription.inputs["deliveryWithResourceIdentity"]
    assert delivery == {
        "identity": {"type": "SystemAssigned"},
        "destination": {
            "endpointType": "StorageQueue",
            "resourceId": "/azure-native:storage:StorageAccount::results-account",
            "queueName": "results-queue",
        },
    }
    assert "destination" not in subscription.inputs
    delay = "pulumi-python:dynamic/image-pipeline:RoleAssignmentDelay::role-assignment-delay"
    assert delay in subscription.dependencies
    assignments = {
        resource.name: (resource.inputs["principalId"], resource.inputs["scope"])
        for resource in subscribe_to_results.of_type("authorization:RoleAssignment")
    }
    queue = "/azure-native:storage:Queue::results-queue"
    dead_letters = "/azure-native:storage:BlobContainer::results-deadletter"
    consumer = "99999999-8888-4777-8666-555555555555"
    assert assignments == {
        "result-topic-storage-queue-data-message-sender-on-results-queue": ("topic-principal", queue),
        "result-topic-storage-blob-data-contributor-on-results-deadletter": ("topic-principal", dead_letters),
        "consumer-storage-queue-data-message-processor-on-results-queue": (consumer, queue),
    }


def test_the_subscription_waits_for_both_roles_of_the_topic(subscribe_to_results: Recorder) -> None:
    delay = next(item for item in subscribe_to_results.resources if item.name == "role-assignment-delay")
    assert [entry["id"].rpartition("::")[2] for entry in delay.inputs["entries"]] == [
        "result-topic-storage-queue-data-message-sender-on-results-queue",
        "result-topic-storage-blob-data-contributor-on-results-deadletter",
    ]


def test_the_custom_vision_stack_has_no_vision_account_and_a_role_on_the_project(custom_vision: Recorder) -> None:
    assert custom_vision.of_type("cognitiveservices:Account") == []
    (assignment,) = [
        resource
        for resource in custom_vision.of_type("authorization:RoleAssignment")
        if resource.name == "function-vision-caller-on-custom-vision"
    ]
    assert assignment.inputs["scope"] == (
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-vision"
        "/providers/Microsoft.CognitiveServices/accounts/products"
    )


@pytest.mark.parametrize("preview", [False, True], ids=["deployed", "previewed"])
@pytest.mark.parametrize("example", ["one_component", "private_network", "subscribe_to_results", "custom_vision"])
def test_the_policy_rules_hold(example: str, request: pytest.FixtureRequest, *, preview: bool) -> None:
    assert violations(policy_resources(request.getfixturevalue(example), preview=preview)) == {}


def strings(value: Any) -> list[str]:
    """Every string in a value."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("example", ["one_component", "private_network", "subscribe_to_results", "custom_vision"])
def test_no_secret_is_in_the_inputs(example: str, request: pytest.FixtureRequest) -> None:
    recorder = request.getfixturevalue(example)
    assert list(NO_SECRETS.check(policy_resources(recorder))) == []
    secret = re.compile(r"(account|shared.?access).?key|sig=|password|connection.?string=", re.IGNORECASE)
    for resource in recorder.cloud:
        assert [text for text in strings(resource.inputs) if secret.search(text)] == [], resource.name


def test_every_example_is_covered_and_has_a_readme() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {"one-component", "private-network", "subscribe-to-results", "custom-vision"}
    for folder in folders:
        assert (EXAMPLES / folder / "README.md").is_file(), folder


def test_examples_use_the_virtual_environment_of_the_checkout() -> None:
    for name in ("one-component", "private-network", "subscribe-to-results"):
        project = yaml.safe_load((EXAMPLES / name / "Pulumi.yaml").read_text())
        assert project["runtime"] == {"name": "python", "options": {"virtualenv": "../../.venv"}}
