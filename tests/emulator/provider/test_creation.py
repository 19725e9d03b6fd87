"""What is already deployed may not allow a resource: roles, references, names that are taken."""

from typing import Any

import grpc.aio
import pytest
from pulumi.runtime.proto import provider_pb2

from emulator.core.tenant import SUBSCRIPTION_ID
from tests.emulator.conftest import ACCOUNT, CONTRIBUTOR, GROUP, SENDER, Deployment
from tests.emulator.provider.test_server import create, talk


def test_the_same_role_twice_is_a_conflict(deployment: Deployment) -> None:
    deployment.storage()
    inputs = deployment.assign_role("p", SENDER, ACCOUNT).inputs
    with pytest.raises(grpc.aio.AioRpcError, match="RoleAssignmentExists"):
        create(
            deployment.resources,
            "authorization:RoleAssignment",
            inputs | {"roleAssignmentName": "00000000-0000-4000-8000-ffffffffffff"},
        )


def test_a_role_that_nobody_has_defined_cannot_be_granted(deployment: Deployment) -> None:
    deployment.storage()
    inputs = deployment.assign_role("p", SENDER, ACCOUNT).inputs | {
        "roleDefinitionId": "/x/11111111-0000-4000-8000-000000000000",
        "principalId": "q",
        "roleAssignmentName": "00000000-0000-4000-8000-ffffffffffff",
    }
    with pytest.raises(grpc.aio.AioRpcError, match="RoleDefinitionDoesNotExist"):
        create(deployment.resources, "authorization:RoleAssignment", inputs)
    guid = deployment.role("mine", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write")
    inputs |= {"roleDefinitionId": f"/x/{guid}"}
    other_group = deployment.add("resources:ResourceGroup", resourceGroupName="elsewhere", location="x")
    with pytest.raises(grpc.aio.AioRpcError, match="ScopeNotAssignable"):
        create(deployment.resources, "authorization:RoleAssignment", inputs | {"scope": other_group.id})
    assert create(deployment.resources, "authorization:RoleAssignment", inputs).id


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (
            "monitor:DiagnosticSetting",
            {"resourceUri": f"{ACCOUNT}/blobServices/default", "name": "d", "workspaceId": "/no"},
        ),
        ("monitor:MetricAlert", {"ruleName": "m", "resourceGroupName": "rg", "scopes": ["/no"]}),
        ("monitor:ScheduledQueryRule", {"ruleName": "m", "resourceGroupName": "rg", "scopes": ["/no"]}),
        (
            "monitor:MetricAlert",
            {"ruleName": "m", "resourceGroupName": "rg", "scopes": [ACCOUNT], "actions": [{"actionGroupId": "/no"}]},
        ),
        (
            "consumption:Budget",
            {"scope": ACCOUNT, "budgetName": "b", "notifications": {"n": {"contactGroups": ["/no"]}}},
        ),
    ],
)
def test_what_is_referred_to_must_exist(deployment: Deployment, type_: str, inputs: dict[str, Any]) -> None:
    deployment.storage()
    with pytest.raises(grpc.aio.AioRpcError, match="ResourceNotFound: /no does not exist"):
        create(deployment.resources, type_, inputs)


def test_the_name_of_a_deleted_vision_account_stays_taken(deployment: Deployment) -> None:
    deployment.storage()
    inputs = {
        "accountName": "eyes",
        "resourceGroupName": "rg",
        "location": "x",
        "kind": "ComputerVision",
        "sku": {},
        "properties": {"disableLocalAuth": True, "customSubDomainName": "eyes"},
    }
    resource = create(deployment.resources, "cognitiveservices:Account", inputs)
    talk(deployment.resources, "Delete", provider_pb2.DeleteRequest(id=resource.id))
    with pytest.raises(grpc.aio.AioRpcError, match=r"FlagMustBeSetForRestore: .*/deletedAccounts/eyes"):
        create(deployment.resources, "cognitiveservices:Account", inputs)


BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"


def subscription() -> dict[str, Any]:
    identity = {"type": "SystemAssigned"}
    queue = {"endpointType": "StorageQueue", "resourceId": ACCOUNT, "queueName": "images"}
    blob = {"endpointType": "StorageBlob", "resourceId": ACCOUNT, "blobContainerName": "deadletter"}
    return {
        "systemTopicName": "topic",
        "resourceGroupName": "rg",
        "eventSubscriptionName": "s",
        "filter": {},
        "deliveryWithResourceIdentity": {"identity": identity, "destination": queue},
        "deadLetterWithResourceIdentity": {"identity": identity, "deadLetterDestination": blob},
    }


def test_a_subscription_is_refused_until_the_topics_identity_holds_both_roles(deployment: Deployment) -> None:
    deployment.storage()
    topic = deployment.add(
        "eventgrid:SystemTopic", systemTopicName="topic", resourceGroupName="rg", source=ACCOUNT, location="x"
    )
    principal = topic.outputs["identity"]["principalId"]
    resource_type = "eventgrid:SystemTopicEventSubscription"
    with pytest.raises(grpc.aio.AioRpcError, match="messages/add/action"):
        create(deployment.resources, resource_type, subscription())
    deployment.assign_role(principal, SENDER, f"{ACCOUNT}/queueServices/default/queues/images")
    with pytest.raises(grpc.aio.AioRpcError, match="blobs/write"):
        create(deployment.resources, resource_type, subscription())
    deployment.assign_role(principal, CONTRIBUTOR, f"{ACCOUNT}/blobServices/default/containers/deadletter")
    assert create(deployment.resources, resource_type, subscription()).id.endswith("/eventSubscriptions/s")


def test_a_role_definition_has_an_id_of_the_subscription_and_stays_while_it_is_assigned(deployment: Deployment) -> None:
    """azure-native deletes it there, so a deployer with rights on the group alone cannot."""
    deployment.storage()
    guid = "11111111-0000-4000-8000-000000000001"
    inputs = {
        "scope": GROUP,
        "roleDefinitionId": guid,
        "roleName": "uploader",
        "assignableScopes": [GROUP],
        "permissions": [{"actions": [], "dataActions": [f"{BLOBS}/write"]}],
    }
    resource = create(deployment.resources, "authorization:RoleDefinition", inputs)
    assert resource.id == f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    assignment = deployment.assign_role("p", guid, ACCOUNT)
    with pytest.raises(grpc.aio.AioRpcError, match="RoleDefinitionHasAssignments"):
        talk(deployment.resources, "Delete", provider_pb2.DeleteRequest(id=resource.id))
    deployment.resources.remove(assignment.id)
    talk(deployment.resources, "Delete", provider_pb2.DeleteRequest(id=resource.id))
    assert deployment.resources.get(resource.id) is None


def test_a_role_is_defined_where_something_is(deployment: Deployment) -> None:
    inputs = {
        "scope": GROUP,
        "roleDefinitionId": "11111111-0000-4000-8000-000000000001",
        "roleName": "uploader",
        "assignableScopes": [GROUP],
        "permissions": [{"actions": [], "dataActions": []}],
    }
    with pytest.raises(grpc.aio.AioRpcError, match="ResourceNotFound"):
        create(deployment.resources, "authorization:RoleDefinition", inputs)
