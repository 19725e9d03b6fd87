"""Role checks: only what an assignment allows, at its scope and below, and nothing by being nearby."""

import pytest

from emulator.core.authorization import BUILT_IN, COSMOS, Authorization
from tests.emulator.conftest import ACCOUNT, CONTRIBUTOR, GROUP, READER, SENDER, Deployment

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
QUEUE_ADD = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action"
IMAGES = f"{ACCOUNT}/blobServices/default/containers/images"


@pytest.mark.parametrize(
    ("principal", "action", "scope", "allowed"),
    [
        ("alice", f"{BLOBS}/read", IMAGES, True),
        ("ALICE", f"{BLOBS}/read", IMAGES.upper(), True),
        ("alice", f"{BLOBS}/write", IMAGES, False),
        ("alice", f"{BLOBS}/read", f"{IMAGES}-2", False),
        ("alice", f"{BLOBS}/read", ACCOUNT, False),
        ("bob", f"{BLOBS}/read", IMAGES, False),
        ("alice", QUEUE_ADD, IMAGES, False),
        ("carol", f"{BLOBS}/delete", IMAGES, True),
        ("carol", f"{BLOBS}/tags/write", IMAGES, False),
    ],
)
def test_an_assignment_allows_its_actions_at_its_scope(
    deployment: Deployment, principal: str, action: str, scope: str, allowed: bool
) -> None:
    deployment.assign_role("alice", READER, IMAGES)
    deployment.assign_role("carol", CONTRIBUTOR, GROUP)
    assert Authorization(deployment.resources).allows(principal, action, scope) is allowed


def test_a_removed_assignment_allows_nothing(deployment: Deployment) -> None:
    assignment = deployment.assign_role("alice", READER, IMAGES)
    deployment.resources.remove(assignment.id)
    assert not Authorization(deployment.resources).allows("alice", f"{BLOBS}/read", IMAGES)


def test_a_message_sender_can_neither_read_nor_process() -> None:
    assert BUILT_IN[SENDER].data_actions == (QUEUE_ADD,)


def test_items_are_allowed_by_container_and_metadata_by_account(deployment: Deployment) -> None:
    account = deployment.add("cosmosdb:DatabaseAccount", resourceGroupName="rg", accountName="cosmos")
    role = deployment.add(
        "cosmosdb:SqlResourceSqlRoleDefinition",
        resourceGroupName="rg",
        accountName="cosmos",
        roleDefinitionId="r",
        permissions=[{"dataActions": [f"{COSMOS}/readMetadata", f"{COSMOS}/sqlDatabases/containers/items/read"]}],
    )
    deployment.add(
        "cosmosdb:SqlResourceSqlRoleAssignment",
        resourceGroupName="rg",
        accountName="cosmos",
        roleAssignmentId="a",
        principalId="alice",
        roleDefinitionId=role.id,
        scope=f"{account.id}/dbs/pipeline/colls/images",
    )
    allows = Authorization(deployment.resources).allows_cosmos
    items = f"{COSMOS}/sqlDatabases/containers/items"
    assert allows("alice", f"{COSMOS}/readMetadata", account.id, "")
    assert allows("alice", f"{items}/read", account.id, "/dbs/pipeline/colls/images")
    assert not allows("alice", f"{items}/create", account.id, "/dbs/pipeline/colls/images")
    assert not allows("alice", f"{items}/read", account.id, "/dbs/pipeline/colls/analyses")
    assert not allows("bob", f"{COSMOS}/readMetadata", account.id, "")
    assert not allows("alice", f"{COSMOS}/readMetadata", f"{account.id}2", "")
