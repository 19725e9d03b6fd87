"""What the components make of Azure's answers, and of answers that Azure should not give."""

from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

import infra
from infra.app import _repository_host
from infra.events import _principal_id
from tests.conftest import SUBSCRIPTION, record
from tests.infra.test_components import SIZING


def state(host_type: str, name: str | None) -> Any:
    return SimpleNamespace(host_type=host_type, name=name)


def test_the_deployment_service_is_the_named_repository_host() -> None:
    states = [state("Standard", "app.example"), state("Repository", None), state("Repository", "scm.example")]
    assert _repository_host(states) == "scm.example"


@pytest.mark.parametrize("states", [None, [], [state("Standard", "app.example")], [state("Repository", "")]])
def test_an_app_without_a_deployment_service_is_an_error(states: Any) -> None:
    with pytest.raises(ValueError, match="Azure named no deployment"):
        _repository_host(states)


def test_a_topics_principal_is_that_of_its_identity() -> None:
    identity: Any = SimpleNamespace(principal_id="p")
    assert _principal_id(identity) == "p"


@pytest.mark.parametrize("identity", [None, SimpleNamespace(principal_id=None)])
def test_a_topic_without_an_identity_is_an_error(identity: Any) -> None:
    with pytest.raises(ValueError, match="gave the system topic no identity"):
        _principal_id(identity)


def test_a_role_that_nobody_gets_is_not_defined() -> None:
    context = infra.Place(
        names=infra.Names(prefix="other", stack="test", subscription_id=SUBSCRIPTION),
        location="westeurope",
        resource_group_name="rg",
        tags={},
    )
    granted: list[Any] = []

    def program() -> None:
        records = infra.Records("records", place=context, sizing=SIZING, cache_days=1)
        granted.extend(records.allow([], infra.READ_RECORDS, on=[records.images], role="reader"))
        granted.extend(records.definitions)

    recorder = record(program)
    assert granted == []
    assert recorder.of_type("cosmosdb:SqlResourceSqlRoleDefinition") == []


def test_a_grant_of_a_custom_role_waits_for_its_definition_even_without_a_delay() -> None:
    names = infra.Names(prefix="other", stack="test", subscription_id=SUBSCRIPTION)

    def program() -> None:
        scope = infra.Scope(name="here", id=pulumi.Output.from_input("/here"))
        user = infra.principal_from_setting(infra.DirectoryPrincipal(object_id="id", principal_type="Group"))
        role = infra.custom_role(names, "my-role", ["Some/action", "Some/other"], within=scope, also=["/there"])
        infra.grant(names, user, role, on=scope)
        infra.grant(names, user, infra.Role.STORAGE_BLOB_DATA_READER, on=scope)

    recorder = record(program)
    definition = recorder.one("authorization:RoleDefinition", "my-role-role")
    assert definition.inputs == {
        "roleDefinitionId": names.guid("role", "my-role"),
        "roleName": f"my-role-other-test-{names.unique}",
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
    assert {role.name: role.value for role in infra.Role} == {
        "STORAGE_BLOB_DATA_OWNER": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "STORAGE_BLOB_DATA_CONTRIBUTOR": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "STORAGE_BLOB_DATA_READER": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "STORAGE_QUEUE_DATA_READER": "19e7f393-937e-4f77-808e-94535e297925",
        "STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR": "8a0f0c08-91a1-4084-bc3d-661d67233fed",
        "STORAGE_QUEUE_DATA_MESSAGE_SENDER": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
        "EVENTGRID_DATA_SENDER": "d5a91429-5739-47e2-a06b-3470a27159e7",
        "MONITORING_METRICS_PUBLISHER": "3913510d-42f4-4e42-8a64-420c390055eb",
    }
