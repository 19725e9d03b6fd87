"""What holds for every component: parents, tags, names, outputs; and that another program can use them."""

import re
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import infra
from tests.conftest import SUBSCRIPTION, Recorder, record, run_program
from tests.infra.test_settings import CONTENT_UNDERSTANDING, FOUNDRY, SHADOW

UNTAGGABLE = {
    "storage:BlobContainer",
    "storage:Queue",
    "storage:BlobServiceProperties",
    "storage:ManagementPolicy",
    "eventgrid:SystemTopicEventSubscription",
    "cosmosdb:SqlResourceSqlDatabase",
    "cosmosdb:SqlResourceSqlContainer",
    "cosmosdb:SqlResourceSqlRoleDefinition",
    "cosmosdb:SqlResourceSqlRoleAssignment",
    "authorization:RoleAssignment",
    "authorization:RoleDefinition",
    "web:WebAppFtpAllowed",
    "web:WebAppScmAllowed",
    "monitor:DiagnosticSetting",
    "cognitiveservices:Deployment",
    "consumption:Budget",
    "network:PrivateDnsZoneGroup",
}
ADDRESSES = IPv4Network("10.0.0.0/24")
# Dynamic resources that join components, and so are part of none.
WITHOUT_PARENT = {
    "role-definition-delay",
    "role-assignment-delay",
    "code-deployment",
    "code-deployment-package-revision",
    "api-code-deployment",
    "api-code-deployment-package-revision",
}
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
        if resource.name not in WITHOUT_PARENT and resource not in prod_private.components:
            assert resource.parent in parents, resource.name


def content_analyzers() -> infra.ContentAnalyzers:
    analyzer = infra.create_content_understanding(
        "words",
        context=OTHER,
        model=infra.FoundryModel(),
        features=["tags"],
        categories=[],
        language="en",
        account_count=2,
        capacity_ktpm=10,
        calls_per_second=1,
        operations_per_second=3,
        maximum_instances=1,
    )
    return infra.ContentAnalyzers("definitions", context=OTHER, analyzer=analyzer, deployer=None, propagation_seconds=0)


def component_classes() -> set[str]:
    return {
        name
        for name, value in vars(infra).items()
        if isinstance(value, type) and issubclass(value, pulumi.ComponentResource)
    }


def test_every_component_is_used(dev: Recorder, prod_private: Recorder) -> None:
    components = [
        *dev.components,
        *prod_private.components,
        *run_program("dev", FOUNDRY).components,
        *run_program("dev", CONTENT_UNDERSTANDING).components,
        *run_program("dev", SHADOW).components,
    ]
    assert {component.type.rpartition(":")[2] for component in components} == component_classes()


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
    names = infra.Names(prefix=prefix, stack=stack, subscription_id=SUBSCRIPTION)
    context = infra.DeploymentContext(
        names=names,
        location="northeurope",
        resource_group_name="rg",
        tags={},
        private_networking=True,
        protect_data=True,
    )

    def program() -> None:
        group = infra.ResourceGroup("group", names=names, location="northeurope", tags={})
        host_storage = infra.HostStorage("host", context=context)
        image_storage = infra.ImageStorage("images", context=context)
        telemetry = infra.Telemetry("telemetry", context=context, retention_days=30)
        topic = infra.BlobEventTopic("topic", context=context, storage_account_id=image_storage.account.id)
        vision = infra.VisionAccounts("vision", context=context, count=1)
        database = cosmos_database("records", context)
        results = infra.ResultTopic("results", context=context)
        services: list[infra.AzureService] = [host_storage, image_storage, vision, database, results]
        infra.PrivateNetwork(
            "network",
            context=context,
            address_space=ADDRESSES,
            private_link_targets=[target for service in services for target in service.private_link_targets],
        )
        infra.BlobEventSubscription("subscription", context=context, topic=topic, storage=image_storage)
        infra.Monitoring(
            "monitoring",
            context=context,
            shadow=False,
            workspace_id=telemetry.workspace.id,
            diagnostic_targets=[],
            event_topic_id=topic.topic.id,
            cosmos_account_id=database.account.id,
            models=False,
            budget_scope=group.scope,
            monthly_budget=1,
            email=None,
        )

    for resource in record(program).cloud:
        if resource.kind in NAMED:
            key, pattern = NAMED[resource.kind]
            assert re.fullmatch(pattern, resource.inputs[key]), f"{resource.name}: {resource.inputs[key]}"


def cosmos_database(
    name: str, context: infra.DeploymentContext, opts: pulumi.ResourceOptions | None = None
) -> infra.CosmosDatabase:
    return infra.CosmosDatabase(
        name,
        context=context,
        images_max_ru=1000,
        analyses_max_ru=1000,
        analysis_retention_days=1,
        opts=opts,
    )


def test_every_named_type_is_checked(prod_private: Recorder) -> None:
    fixed = {  # named by a GUID, by Azure, or by what they belong to
        "applicationinsights:Workbook",
        "authorization:RoleAssignment",
        "authorization:RoleDefinition",
        "cosmosdb:SqlResourceSqlContainer",
        "cosmosdb:SqlResourceSqlDatabase",
        "cosmosdb:SqlResourceSqlRoleAssignment",
        "cosmosdb:SqlResourceSqlRoleDefinition",
        "monitor:DiagnosticSetting",
        "network:PrivateDnsZoneGroup",
        "privatedns:PrivateZone",
        "storage:BlobServiceProperties",
        "storage:ManagementPolicy",
        "web:WebAppFtpAllowed",
        "web:WebAppScmAllowed",
    }
    assert {resource.kind for resource in prod_private.cloud} == NAMED.keys() | fixed


OTHER = infra.DeploymentContext(
    names=infra.Names(prefix="other", stack="test", subscription_id=SUBSCRIPTION),
    location="westeurope",
    resource_group_name="rg-of-another-program",
    tags={"owner": "them"},
)
PRINCIPAL = infra.Principal.from_setting(
    infra.DirectoryPrincipal(object_id="99999999-8888-4777-8666-555555555555", principal_type="ServicePrincipal")
)


def scope() -> infra.Scope:
    return infra.Scope(name="x", id=pulumi.Output.from_input("/subscriptions/x/something"))


def image_storage() -> infra.ImageStorage:
    return infra.ImageStorage("photos", context=OTHER)


def test_classified_images_are_not_copied_unless_asked_for() -> None:
    containers = record(image_storage).of_type("storage:BlobContainer")
    assert {container.inputs["containerName"] for container in containers} == {"images", "deadletter"}


def blob_event_subscription(opts: pulumi.ResourceOptions | None = None) -> infra.BlobEventSubscription:
    storage = image_storage()
    topic = infra.BlobEventTopic("uploads", context=OTHER, storage_account_id=storage.account.id)
    return infra.BlobEventSubscription("to-queue", context=OTHER, topic=topic, storage=storage, opts=opts)


def function_app(opts: pulumi.ResourceOptions | None = None) -> infra.FunctionApp:
    return infra.FunctionApp(
        "run",
        context=OTHER,
        identity=infra.FunctionIdentity("runner", context=OTHER).identity,
        host_storage=infra.HostStorage("state", context=OTHER),
        application_insights_connection_string="InstrumentationKey=x",
        app_settings={"A": "b"},
        python_version="3.13",
        maximum_instances=40,
        instance_memory_mb=2048,
        opts=opts,
    )


def custom_role() -> infra.CustomRoleDefinition:
    return infra.CustomRoleDefinition(
        "reader", context=OTHER, title="Reader", data_actions=["Microsoft.Storage/x/read"], scope=scope()
    )


def role_assignments() -> infra.RoleAssignments:
    access = infra.RoleAssignments("access", context=OTHER, principal=PRINCIPAL)
    access.assign(infra.BuiltInRole.STORAGE_BLOB_DATA_READER, scope())
    access.assign(custom_role(), scope())
    return access


def monitoring() -> infra.Monitoring:
    return infra.Monitoring(
        "ops",
        context=OTHER,
        shadow=False,
        workspace_id="workspace",
        diagnostic_targets=[],
        event_topic_id="topic",
        cosmos_account_id="account",
        models=True,
        budget_scope=scope(),
        monthly_budget=1,
        email=None,
    )


ALONE: dict[str, Callable[[], pulumi.ComponentResource]] = {
    "ResourceGroup": lambda: infra.ResourceGroup(
        "group", names=OTHER.names, location=OTHER.location, tags={"owner": "them"}
    ),
    "ApiRegistration": lambda: infra.ApiRegistration("sign-in", context=OTHER, assignees=()),
    "FunctionIdentity": lambda: infra.FunctionIdentity("runner", context=OTHER),
    "CustomRoleDefinition": custom_role,
    "RoleAssignments": role_assignments,
    "Telemetry": lambda: infra.Telemetry("logs", context=OTHER, retention_days=30),
    "HostStorage": lambda: infra.HostStorage("state", context=OTHER),
    "ImageStorage": image_storage,
    "ShadowQueue": lambda: infra.ShadowQueue("sample", context=OTHER, account=image_storage().account),
    "BlobEventTopic": lambda: infra.BlobEventTopic("uploads", context=OTHER, storage_account_id="account"),
    "BlobEventSubscription": blob_event_subscription,
    "ResultTopic": lambda: infra.ResultTopic("answers", context=OTHER),
    "VisionAccounts": lambda: infra.VisionAccounts("eyes", context=OTHER, count=2),
    "FoundryAccount": lambda: infra.FoundryAccount(
        "models", context=OTHER, location="swedencentral", models=[infra.FoundryModel()], capacities_ktpm=[10]
    ),
    "ContentAnalyzers": content_analyzers,
    "CosmosDatabase": lambda: cosmos_database("data", OTHER),
    "FunctionApp": function_app,
    "PrivateNetwork": lambda: infra.PrivateNetwork(
        "inside",
        context=OTHER,
        address_space=ADDRESSES,
        private_link_targets=[infra.PrivateLinkTarget(name="x", resource_id=scope().id, group_id="blob")],
    ),
    "DiagnosticSettings": lambda: infra.DiagnosticSettings(
        "logs",
        workspace_id="workspace",
        targets=[infra.DiagnosticTarget(name="x", resource_id=scope().id, log_categories=("Audit",))],
    ),
    "Alerts": lambda: infra.Alerts(
        "alerts",
        context=OTHER,
        shadow=False,
        workspace_id="workspace",
        event_topic_id="topic",
        cosmos_account_id="account",
        models=True,
        email="a@b.example",
    ),
    "Workbook": lambda: infra.Workbook("page", context=OTHER, workspace_id="workspace"),
    "Budget": lambda: infra.Budget("limit", scope=scope(), amount=5, action_group_id="group-id"),
    "Monitoring": monitoring,
}


@pytest.mark.parametrize("component", sorted(ALONE))
def test_each_component_is_usable_by_another_program(component: str) -> None:
    recorder = record(ALONE[component])
    assert component in {item.type.rpartition(":")[2] for item in recorder.components}
    own_group = OTHER.names.resource_name("rg") if component == "ResourceGroup" else OTHER.resource_group_name
    groups = {resource.inputs.get("resourceGroupName", own_group) for resource in recorder.cloud}
    # An app registration belongs to the tenant.
    assert groups == (set() if component == "ApiRegistration" else {own_group})
    for resource in recorder.cloud:
        if resource.kind not in UNTAGGABLE:
            assert resource.inputs["tags"] == {"owner": "them"}


def test_the_program_deploys_as_its_settings_state(prod_private: Recorder) -> None:
    (group,) = prod_private.of_type("resources:ResourceGroup")
    assert group.inputs["tags"] == {"application": "image-pipeline", "environment": "prod"}
    assert group.inputs["resourceGroupName"] == "rg-imgpipe-prod"
    identities = prod_private.of_type("managedidentity:UserAssignedIdentity")
    assert {identity.inputs["resourceName"] for identity in identities} == {"id-imgpipe-prod", "id-api-imgpipe-prod"}


def test_tags_of_the_settings_win() -> None:
    recorder = run_program("prod", {"tags": {"environment": "production", "a": "b"}})
    (group,) = recorder.of_type("resources:ResourceGroup")
    assert group.inputs["tags"] == {"application": "image-pipeline", "environment": "production", "a": "b"}


def test_no_component_is_left_out() -> None:
    assert ALONE.keys() == component_classes()


def test_what_relies_on_role_assignments_inherits_the_dependencies_of_its_component() -> None:
    """Pulumi would leave them with the component, which is no resource of Azure."""

    def program() -> None:
        group = infra.ResourceGroup("group", names=OTHER.names, location=OTHER.location, tags={})
        opts = pulumi.ResourceOptions(depends_on=[group.group])
        blob_event_subscription(opts)
        function_app(opts)

    recorder = record(program)
    for kind in ("eventgrid:SystemTopicEventSubscription", "web:WebApp"):
        (resource,) = recorder.of_type(kind)
        assert "azure-native:resources:ResourceGroup::group" in resource.dependencies


def test_another_program_composes_two_of_them_twice() -> None:
    """An archive in two regions: images and records, under components and names of its own, and role assignments."""
    archives: dict[str, Any] = {}

    class Archive(pulumi.ComponentResource):
        def __init__(self, name: str, context: infra.DeploymentContext) -> None:
            super().__init__("archive:index:Archive", name)
            child_opts = pulumi.ResourceOptions(parent=self)
            self.images = infra.ImageStorage(f"{name}-images", context=context, retention_days=7, opts=child_opts)
            self.database = cosmos_database(f"{name}-records", context, child_opts)
            self.register_outputs({})

    def program() -> None:
        for region in ("westeurope", "eastus"):
            names = infra.Names(prefix=f"ar{region[:4]}", stack="test", subscription_id=SUBSCRIPTION)
            context = infra.DeploymentContext(
                names=names, location=region, resource_group_name=f"rg-{region}", tags={"r": region}
            )
            archive = Archive(region, context)
            access = infra.RoleAssignments(f"{region}-access", context=context, principal=PRINCIPAL)
            access.assign(infra.BuiltInRole.STORAGE_BLOB_DATA_READER, archive.images.images_scope)
            archive.database.assign_data_role(
                "reader",
                data_actions=infra.RECORD_READER_DATA_ACTIONS,
                principals=[PRINCIPAL],
                containers=[archive.database.images],
            )
            archives[region] = archive

    recorder = record(program)
    accounts = recorder.of_type("storage:StorageAccount")
    assert {account.inputs["location"] for account in accounts} == archives.keys() == {"westeurope", "eastus"}
    assert len({account.inputs["accountName"] for account in accounts}) == 2
    assert len(recorder.of_type("cosmosdb:SqlResourceSqlContainer")) == 4
    assignments = recorder.of_type("authorization:RoleAssignment")
    assert {assignment.inputs["scope"].rpartition("::")[2] for assignment in assignments} == {
        "westeurope-images-container",
        "eastus-images-container",
    }
    assert len(recorder.of_type("cosmosdb:SqlResourceSqlRoleAssignment")) == 2
