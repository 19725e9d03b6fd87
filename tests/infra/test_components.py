"""What holds for every component: parents, tags, names, outputs; and that another program can use them."""

import re
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pulumi_azure_native import managedidentity

import infra
from infra.config.sizing import derive
from tests.conftest import SUBSCRIPTION, Recorder, configuration, record, run_program

UNTAGGABLE = {
    "storage:BlobContainer", "storage:Queue", "storage:BlobServiceProperties", "storage:ManagementPolicy",
    "eventgrid:SystemTopicEventSubscription", "cosmosdb:SqlResourceSqlDatabase", "cosmosdb:SqlResourceSqlContainer",
    "cosmosdb:SqlResourceSqlRoleDefinition", "cosmosdb:SqlResourceSqlRoleAssignment", "authorization:RoleAssignment",
    "authorization:RoleDefinition", "web:WebAppFtpAllowed", "web:WebAppScmAllowed", "monitor:DiagnosticSetting",
    "consumption:Budget", "network:PrivateDnsZoneGroup",
}  # fmt: skip
ADDRESSES = IPv4Network("10.0.0.0/24")
SIZING = derive(images_per_month=1, peak_factor=1, vision_calls_per_second=10)
# Grants, and what waits for them or ships code to them, are between components, and so in none of them.
BETWEEN = {"authorization:RoleAssignment", "authorization:RoleDefinition"}
BETWEEN_NAMES = {"custom-roles-delay", "grants-in-force", "release", "release-package"}
# The input that names a resource of this type, and Azure's rule for it:
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
NAMED: dict[str, tuple[str, str]] = {
    "resources:ResourceGroup": ("resourceGroupName", r"[-\w.()]{0,89}[-\w()]"),
    "managedidentity:UserAssignedIdentity": ("resourceName", r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}"),
    "operationalinsights:Workspace": ("workspaceName", r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]"),
    "applicationinsights:Component": ("resourceName", r"[^%&\\?/]{1,254}[^%&\\?/ .]"),
    "storage:StorageAccount": ("accountName", r"[a-z0-9]{3,24}"),
    "storage:BlobContainer": ("containerName", r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*"),
    "storage:Queue": ("queueName", r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*"),
    "eventgrid:SystemTopic": ("systemTopicName", r"[A-Za-z0-9-]{3,128}"),
    "eventgrid:Topic": ("topicName", r"[A-Za-z0-9-]{3,50}"),
    "eventgrid:SystemTopicEventSubscription": ("eventSubscriptionName", r"[A-Za-z0-9-]{3,64}"),
    "cognitiveservices:Account": ("accountName", r"[A-Za-z0-9][A-Za-z0-9-]{1,62}[A-Za-z0-9]"),
    "cosmosdb:DatabaseAccount": ("accountName", r"[a-z0-9][a-z0-9-]{1,42}[a-z0-9]"),
    "web:AppServicePlan": ("name", r"[A-Za-z0-9-]{1,60}"),
    "web:WebApp": ("name", r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]"),
    "monitor:ActionGroup": ("actionGroupName", r"[^:<>+/&%\\?|]{1,259}[^:<>+/&%\\?| .]"),
    "monitor:MetricAlert": ("ruleName", r"[^*#&+:<>?@%{}\\/|]{1,259}[^*#&+:<>?@%{}\\/| .]"),
    "monitor:ScheduledQueryRule": ("ruleName", r"[^*<>%{}&:\\?/#|]{1,259}[^*<>%{}&:\\?/#| .]"),
    "consumption:Budget": ("budgetName", r"[A-Za-z0-9_-]{1,63}"),
    "network:VirtualNetwork": ("virtualNetworkName", r"[A-Za-z0-9][\w.-]{0,62}\w"),
    "network:NetworkSecurityGroup": ("networkSecurityGroupName", r"[A-Za-z0-9][\w.-]{0,78}\w"),
    "network:PrivateEndpoint": ("privateEndpointName", r"[A-Za-z0-9][\w.-]{0,62}\w"),
    "privatedns:VirtualNetworkLink": ("virtualNetworkLinkName", r"[A-Za-z0-9][\w.-]{0,78}\w"),
}


def test_every_component_registers_its_outputs(prod_private: Recorder) -> None:
    assert [component.name for component in prod_private.components if not component.outputs_registered] == []


def test_every_resource_has_its_component_as_parent(prod_private: Recorder) -> None:
    parents = {f"{component.type}::{component.name}": component for component in prod_private.components}
    for resource in prod_private.resources:
        between = resource.kind in BETWEEN or resource.name in BETWEEN_NAMES
        if not between and resource not in prod_private.components:
            assert resource.parent in parents, resource.name


def component_classes() -> set[str]:
    return {
        name
        for name, value in vars(infra).items()
        if isinstance(value, type) and issubclass(value, pulumi.ComponentResource)
    }


def test_every_component_is_used(prod_private: Recorder) -> None:
    assert {component.type.rpartition(":")[2] for component in prod_private.components} == component_classes()


def test_what_can_be_tagged_is_tagged() -> None:
    recorder = run_program("dev", {"networkAccess": "private"})
    tags = {"application": "image-pipeline", "environment": "dev", "cost-center": "sandbox"}
    for resource in recorder.cloud:
        if resource.kind not in UNTAGGABLE:
            assert resource.inputs["tags"] == tags, resource.name
        else:
            assert "tags" not in resource.inputs


@settings(max_examples=2)
@example("abcdefghij", "a-long.Stack_name-0123456789")
@given(st.from_regex(r"[a-z][a-z0-9]{1,9}", fullmatch=True), st.sampled_from(["dev", "a-long.Stack_name-0123456789"]))
def test_every_name_is_legal_whatever_the_prefix(prefix: str, stack: str) -> None:
    place = infra.Place(
        names=infra.Names(prefix=prefix, stack=stack, subscription_id=SUBSCRIPTION),
        location="northeurope", resource_group_name="rg", tags={}, private=True, protect_data=True,
    )  # fmt: skip

    def program() -> None:
        host, images = infra.HostStorage("host", place=place), infra.ImageStorage("images", place=place)
        telemetry = infra.Telemetry("telemetry", place=place, retention_days=30)
        topic = infra.ImageTopic("topic", place=place, source=images)
        vision = infra.VisionPool("vision", place=place, count=1)
        records = infra.Records("records", place=place, sizing=SIZING, cache_days=1)
        doors = [*host.doors, *images.doors, *vision.doors, *records.doors]
        infra.PrivateNetwork("network", place=place, address_space=ADDRESSES, doors=doors)
        infra.ImageRoute("route", place=place, topic=topic, storage=images, after=[])
        infra.ResultsTopic("results", place=place)
        infra.Operations(
            "operations", place=place, group=host.scope, telemetry=telemetry, topic=topic, records=records, sources=[],
            email=None, monthly_budget=1,
        )  # fmt: skip

    for resource in record(program).cloud:
        if resource.kind in NAMED:
            key, pattern = NAMED[resource.kind]
            assert re.fullmatch(pattern, resource.inputs[key]), f"{resource.name}: {resource.inputs[key]}"


def test_every_named_type_is_checked(prod_private: Recorder) -> None:
    fixed = {  # named by a GUID, by Azure, or by what they belong to
        "applicationinsights:Workbook", "authorization:RoleAssignment", "authorization:RoleDefinition",
        "cosmosdb:SqlResourceSqlContainer", "cosmosdb:SqlResourceSqlDatabase", "cosmosdb:SqlResourceSqlRoleAssignment",
        "cosmosdb:SqlResourceSqlRoleDefinition", "monitor:DiagnosticSetting", "network:PrivateDnsZoneGroup",
        "privatedns:PrivateZone", "storage:BlobServiceProperties", "storage:ManagementPolicy", "web:WebAppFtpAllowed",
        "web:WebAppScmAllowed",
    }  # fmt: skip
    assert {resource.kind for resource in prod_private.cloud} == NAMED.keys() | fixed


OTHER = infra.Place(
    names=infra.Names(prefix="other", stack="test", subscription_id=SUBSCRIPTION),
    location="westeurope", resource_group_name="rg-of-somebody-else", tags={"owner": "them"},
)  # fmt: skip


def something() -> pulumi.Output[str]:
    return pulumi.Output.from_input("/subscriptions/x/something")


def storage() -> infra.ImageStorage:
    return infra.ImageStorage("photos", place=OTHER)


def more() -> infra.ImageStorage:
    return infra.ImageStorage("more", place=OTHER)


def topic() -> infra.ImageTopic:
    return infra.ImageTopic("said", place=OTHER, source=storage())


def telemetry() -> infra.Telemetry:
    return infra.Telemetry("seen", place=OTHER, retention_days=30)


def records() -> infra.Records:
    return infra.Records("kept", place=OTHER, sizing=SIZING, cache_days=1)


def app() -> infra.FunctionApp:
    me = managedidentity.UserAssignedIdentity(
        "me", resource_group_name=OTHER.resource_group_name, tags={"owner": "them"}
    )
    return infra.FunctionApp(
        "run", place=OTHER, identity=me,
        host=infra.HostStorage("state", place=OTHER), telemetry=telemetry(), settings={"A": "b"},
        sizing=SIZING,
    )  # fmt: skip


ALONE: dict[str, Callable[[], pulumi.ComponentResource]] = {
    "Telemetry": telemetry,
    "HostStorage": lambda: infra.HostStorage("state", place=OTHER),
    "ImageStorage": storage,
    "ImageTopic": topic,
    "ImageRoute": lambda: infra.ImageRoute("way", place=OTHER, topic=topic(), storage=more(), after=[]),
    "ResultsTopic": lambda: infra.ResultsTopic("told", place=OTHER),
    "VisionPool": lambda: infra.VisionPool("eyes", place=OTHER, count=2),
    "Records": records,
    "FunctionApp": app,
    "PrivateNetwork": lambda: infra.PrivateNetwork(
        "inside", place=OTHER, address_space=ADDRESSES, doors=[infra.Door(name="x", id=something(), group="blob")]
    ),
    "Diagnostics": lambda: infra.Diagnostics(
        "logs", workspace=telemetry().workspace, sources=[infra.Source(name="x", id=something(), logs=("Audit",))]
    ),
    "Alerts": lambda: infra.Alerts(
        "calls", place=OTHER, workspace=telemetry().workspace, topic="t", records="r", email="a@b.example"
    ),
    "Dashboard": lambda: infra.Dashboard("page", place=OTHER, workspace=telemetry().workspace),
    "Budget": lambda: infra.Budget("limit", on=infra.Scope(name="x", id=something()), amount=5, tell="group-id"),
    "Operations": lambda: infra.Operations(
        "ops", place=OTHER, group=infra.Scope(name="x", id=something()), telemetry=telemetry(), topic=topic(),
        records=records(), sources=[], email=None, monthly_budget=1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("component", sorted(ALONE))
def test_each_component_is_usable_by_another_program(component: str) -> None:
    recorder = record(ALONE[component])
    assert component in {found.type.rpartition(":")[2] for found in recorder.components}
    groups = {resource.inputs.get("resourceGroupName", OTHER.resource_group_name) for resource in recorder.cloud}
    assert groups == {OTHER.resource_group_name}
    for resource in recorder.cloud:
        if resource.kind not in UNTAGGABLE:
            assert resource.inputs["tags"] == {"owner": "them"}


def test_the_foundation_makes_a_place_out_of_settings_alone() -> None:
    settings = infra.Settings.parse(configuration("prod", {"networkAccess": "private", "tags": {"a": "b"}}).get)
    places: list[infra.Place] = []
    recorder = record(lambda: places.append(infra.Foundation("base", settings=settings).place), "prod")
    assert [resource.name for resource in recorder.cloud] == ["base-group", "base-identity"]
    (place,) = places
    assert place.tags == {"application": "image-pipeline", "environment": "prod", "a": "b"}
    assert (place.private, place.protect_data) == (True, True)
    assert (place.zone_redundant, place.cosmos_zone_redundant) == (True, True)


def test_no_component_is_left_out() -> None:
    assert {*ALONE, "Foundation"} == component_classes()


def test_another_program_composes_two_of_them_twice() -> None:
    """An archive in two regions: images and records, under components and names of its own, and a grant."""
    made: dict[str, Any] = {}

    class Archive(pulumi.ComponentResource):
        def __init__(self, name: str, place: infra.Place) -> None:
            super().__init__("archive:index:Archive", name)
            child = pulumi.ResourceOptions(parent=self)
            self.images = infra.ImageStorage(f"{name}-images", place=place, retention_days=7, opts=child)
            self.records = infra.Records(
                f"{name}-records", place=place, sizing=SIZING, cache_days=1, opts=child
            )  # fmt: skip
            self.register_outputs({})

    def program() -> None:
        for region in ("westeurope", "eastus"):
            names = infra.Names(prefix=f"ar{region[:4]}", stack="test", subscription_id=SUBSCRIPTION)
            place = infra.Place(names=names, location=region, resource_group_name=f"rg-{region}", tags={"r": region})
            archive = Archive(region, place)
            reader = infra.principal_from_setting(
                infra.DirectoryPrincipal(
                    object_id="99999999-8888-4777-8666-555555555555", principal_type="ServicePrincipal"
                )
            )
            infra.grant(names, reader, infra.Role.STORAGE_BLOB_DATA_READER, on=archive.images.images_scope)
            archive.records.allow([reader], infra.READ_RECORDS, on=[archive.records.images], role="reader")
            made[region] = archive

    recorder = record(program)
    accounts = recorder.of_type("storage:StorageAccount")
    assert {account.inputs["location"] for account in accounts} == made.keys() == {"westeurope", "eastus"}
    assert len({account.inputs["accountName"] for account in accounts}) == 2
    assert len(recorder.of_type("cosmosdb:SqlResourceSqlContainer")) == 4
    grants = recorder.of_type("authorization:RoleAssignment")
    assert {grant.inputs["scope"].rpartition("::")[2] for grant in grants} == {
        "westeurope-images-container", "eastus-images-container",
    }  # fmt: skip
    assert len(recorder.of_type("cosmosdb:SqlResourceSqlRoleAssignment")) == 2
