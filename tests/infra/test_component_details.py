"""Details of components: hosts and principals that Azure reports, and inputs of roles in another program."""

from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

import infra
from infra.components.event_grid import _principal_id
from infra.components.function_app import _scm_host
from tests.conftest import SUBSCRIPTION, record


def state(host_type: str, name: str | None) -> Any:
    return SimpleNamespace(host_type=host_type, name=name)


def test_the_deployment_service_is_the_named_scm_host() -> None:
    states = [state("Standard", "app.example"), state("Repository", None), state("Repository", "scm.example")]
    assert _scm_host(states) == "scm.example"


@pytest.mark.parametrize("states", [None, [], [state("Standard", "app.example")], [state("Repository", "")]])
def test_an_app_without_a_deployment_service_is_an_error(states: Any) -> None:
    with pytest.raises(ValueError, match=r"Azure reports no deployment \(SCM\) host"):
        _scm_host(states)


def test_a_topics_principal_is_that_of_its_identity() -> None:
    identity: Any = SimpleNamespace(principal_id="p")
    assert _principal_id(identity) == "p"


@pytest.mark.parametrize("identity", [None, SimpleNamespace(principal_id=None)])
def test_a_topic_without_an_identity_is_an_error(identity: Any) -> None:
    with pytest.raises(ValueError, match="created the system topic without an identity"):
        _principal_id(identity)


def other_context() -> infra.DeploymentContext:
    """The context of another program than this one's."""
    return infra.DeploymentContext(
        names=infra.Names(prefix="other", stack="test", subscription_id=SUBSCRIPTION),
        location="westeurope",
        resource_group_name="rg",
        tags={},
    )


def test_a_data_role_without_principals_is_not_defined() -> None:
    created: list[pulumi.Resource] = []

    def program() -> None:
        database = infra.CosmosDatabase(
            "records",
            context=other_context(),
            images_max_ru=1000,
            analyses_max_ru=1000,
            analysis_retention_days=1,
        )
        database.assign_data_role(
            "reader",
            data_actions=infra.RECORD_READER_DATA_ACTIONS,
            principals=[],
            containers=[database.images],
        )
        created.extend(database.role_assignments)
        created.extend(database.role_definitions)

    recorder = record(program)
    assert created == []
    assert recorder.of_type("cosmosdb:SqlResourceSqlRoleDefinition") == []
    assert recorder.of_type("cosmosdb:SqlResourceSqlRoleAssignment") == []


def test_an_assignment_of_a_custom_role_depends_on_its_definition_without_a_delay() -> None:
    context = other_context()
    names = context.names

    def program() -> None:
        scope = infra.Scope(name="here", id=pulumi.Output.from_input("/here"))
        group = infra.Principal.from_setting(infra.DirectoryPrincipal(object_id="id", principal_type="Group"))
        role = infra.CustomRoleDefinition(
            "my-role",
            context=context,
            title="My Role",
            data_actions=["Some/action", "Some/other"],
            scope=scope,
            more_assignable_scopes=["/there"],
        )
        access = infra.RoleAssignments("group-access", context=context, principal=group)
        access.assign(role, scope)
        access.assign(infra.BuiltInRole.STORAGE_BLOB_DATA_READER, scope)

    recorder = record(program)
    definition = recorder.one("authorization:RoleDefinition", "my-role-role")
    assert definition.inputs == {
        "roleDefinitionId": names.guid("role", "my-role"),
        "roleName": f"Image Pipeline My Role (other-test-{names.unique_suffix})",
        "description": "Some/action, Some/other; nothing else.",
        "roleType": "CustomRole",
        "scope": "/here",
        "assignableScopes": ["/here", "/there"],
        "permissions": [{"actions": [], "dataActions": ["Some/action", "Some/other"]}],
    }
    own = recorder.one("authorization:RoleAssignment", "group-id-my-role-on-here")
    assert own.inputs == {
        "roleAssignmentName": names.guid("group-id", names.guid("role", "my-role"), "here"),
        "principalId": "id",
        "principalType": "Group",
        "roleDefinitionId": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/"
        + names.guid("role", "my-role"),
        "scope": "/here",
    }
    assert own.dependencies == {"azure-native:authorization:RoleDefinition::my-role-role"}
    built_in = recorder.one("authorization:RoleAssignment", "group-id-storage-blob-data-reader-on-here")
    assert built_in.dependencies == frozenset()


# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
def test_the_built_in_roles_are_azures() -> None:
    assert {role.name: role.value for role in infra.BuiltInRole} == {
        "STORAGE_BLOB_DATA_OWNER": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "STORAGE_BLOB_DATA_CONTRIBUTOR": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "STORAGE_BLOB_DATA_READER": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "STORAGE_BLOB_DELEGATOR": "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
        "STORAGE_QUEUE_DATA_READER": "19e7f393-937e-4f77-808e-94535e297925",
        "STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR": "8a0f0c08-91a1-4084-bc3d-661d67233fed",
        "STORAGE_QUEUE_DATA_MESSAGE_SENDER": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
        "EVENTGRID_DATA_SENDER": "d5a91429-5739-47e2-a06b-3470a27159e7",
        "MONITORING_METRICS_PUBLISHER": "3913510d-42f4-4e42-8a64-420c390055eb",
        "CONTENT_UNDERSTANDING_READER": "379c52cb-64de-498c-8b5b-c6170d6c49d4",
        "CONTENT_UNDERSTANDING_OWNER": "4b42bd01-da42-4c92-9b07-15ea5bd6a602",
    }
