"""What Azure refuses because it comes too early, or while another operation is under way."""

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc.aio
import pulumi
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from emulator.core.faults import Faults
from emulator.core.resource_store import Resource
from emulator.core.tenant import SUBSCRIPTION_ID
from emulator.provider.protocol import serve
from emulator.provider.replication import Replication
from emulator.provider.server import Provider
from infra.core.error_hooks import KnownError, should_retry
from infra.core.known_errors import ACCOUNT_LOCKED, IDENTITY_REFUSED, NOT_REPLICATED, TERMS_NOT_ACCEPTED
from tests.emulator.conftest import ACCOUNT, CONTRIBUTOR, GROUP, SENDER, Deployment
from tests.emulator.provider.test_creation import subscription
from tests.emulator.provider.test_server import struct, urn

COSMOS = {"resourceGroupName": "rg", "accountName": "cosmos"}
CONTAINER = {
    "databaseName": "pipeline",
    "containerName": "images",
    "resource": {"id": "images", "partitionKey": {"paths": ["/id"]}},
    "options": {},
}
ROLE = {
    "roleDefinitionId": "00000000-0000-4000-8000-000000000001",
    "roleName": "reader",
    "type": "CustomRole",
    "assignableScopes": [],
    "permissions": [],
}
ROLE_ASSIGNMENT = {
    "roleAssignmentId": "00000000-0000-4000-8000-000000000002",
    "principalId": "p",
    "roleDefinitionId": "/r",
    "scope": "/s",
}
OTHER = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stother"
VNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"
WRITE = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"


class Clock:
    """Time that a test lets pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def cosmos(deployment: Deployment) -> Deployment:
    deployment.add("resources:ResourceGroup", resourceGroupName="rg", location="x")
    for account in ("cosmos", "other"):
        deployment.add("cosmosdb:DatabaseAccount", resourceGroupName="rg", accountName=account, location="x")
        deployment.add(
            "cosmosdb:SqlResourceSqlDatabase", resourceGroupName="rg", accountName=account, databaseName="pipeline"
        )
    return deployment


def creation(type_: str, inputs: dict[str, Any]) -> tuple[str, Any]:
    return "Create", provider_pb2.CreateRequest(urn=urn(type_), properties=struct(inputs))


def refusal(deployment: Deployment, first: tuple[str, Any], second: tuple[str, Any]) -> str:
    """What the second call is refused with while the first is under way; the empty text if it is not."""

    async def conversation() -> str:
        started, finish = asyncio.Event(), asyncio.Event()

        async def effect(_resource: Resource) -> None:
            if not started.is_set():
                started.set()
                await finish.wait()

        server, port = await serve(Provider(deployment.resources, activate=effect, deactivate=effect))
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            try:
                under_way = asyncio.ensure_future(getattr(stub, first[0])(first[1]))
                reached = asyncio.ensure_future(started.wait())
                await asyncio.wait({under_way, reached}, return_when=asyncio.FIRST_COMPLETED)
                assert not under_way.done(), under_way
                try:
                    await getattr(stub, second[0])(second[1])
                except grpc.aio.AioRpcError as error:
                    return error.details() or ""
                finally:
                    finish.set()
                    await under_way
                return ""
            finally:
                await server.stop(0)

    return asyncio.run(conversation())


def of_cosmos(account: str = "cosmos") -> list[tuple[str, Any]]:
    """One operation of each kind on an account."""
    base = {**COSMOS, "accountName": account}
    database = f"{GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/{account}/sqlDatabases/pipeline"
    news = {**base, "databaseName": "pipeline", "resource": {"id": "pipeline"}}
    update = provider_pb2.UpdateRequest(id=database, urn=urn("cosmosdb:SqlResourceSqlDatabase"), news=struct(news))
    return [
        creation("cosmosdb:SqlResourceSqlContainer", base | CONTAINER),
        creation("cosmosdb:SqlResourceSqlRoleDefinition", base | ROLE),
        creation("cosmosdb:SqlResourceSqlRoleAssignment", base | ROLE_ASSIGNMENT),
        ("Update", update),
        ("Delete", provider_pb2.DeleteRequest(id=database)),
    ]


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (1, 2), (2, 3), (3, 0), (4, 1), (0, 4)], ids=str)
def test_a_cosmos_account_takes_one_operation_at_a_time(cosmos: Deployment, first: int, second: int) -> None:
    answer = refusal(cosmos, of_cosmos()[first], of_cosmos()[second])
    assert 'Code="PreconditionFailed"' in answer
    assert "requires an exclusive lock on [cosmos]" in answer
    assert matches(ACCOUNT_LOCKED, answer)


def test_two_cosmos_accounts_do_not_wait_for_each_other(cosmos: Deployment) -> None:
    assert refusal(cosmos, of_cosmos()[0], of_cosmos("other")[0]) == ""


def test_a_lock_is_gone_with_its_operation_even_when_that_was_refused(cosmos: Deployment) -> None:
    role = of_cosmos()[1]
    assert answer_to(cosmos, *role) == ""
    assert "Conflict" in answer_to(cosmos, *role)
    assert answer_to(cosmos, *of_cosmos()[2]) == ""


@pytest.fixture
def network(deployment: Deployment) -> Deployment:
    deployment.storage()
    deployment.add("storage:StorageAccount", resourceGroupName="rg", accountName="stother", location="x")
    prefixes = {"endpoints": "10.0.0.0/25", "others": "10.0.0.128/25"}
    subnets = [{"name": name, "addressPrefix": prefix} for name, prefix in prefixes.items()]
    deployment.add(
        "network:VirtualNetwork",
        virtualNetworkName="vnet",
        resourceGroupName="rg",
        location="x",
        addressSpace={"addressPrefixes": ["10.0.0.0/24"]},
        subnets=subnets,
    )
    return deployment


def endpoint(name: str, subnet: str, target: str) -> tuple[str, Any]:
    connection = {"name": name, "privateLinkServiceId": target, "groupIds": ["blob"]}
    return creation(
        "network:PrivateEndpoint",
        {
            "privateEndpointName": name,
            "resourceGroupName": "rg",
            "location": "x",
            "subnet": {"id": f"{VNET}/subnets/{subnet}"},
            "privateLinkServiceConnections": [connection],
        },
    )


@pytest.mark.parametrize(
    ("subnet", "target", "detail"),
    [
        ("endpoints", OTHER, "RetryableErrorDueToAnotherOperation"),
        ("others", ACCOUNT.upper(), "StorageAccountOperationInProgress"),
    ],
)
def test_private_endpoints_in_one_subnet_or_of_one_storage_account_get_into_each_others_way(
    network: Deployment, subnet: str, target: str, detail: str
) -> None:
    answer = refusal(network, endpoint("first", "endpoints", ACCOUNT), endpoint("second", subnet, target))
    assert 'Status=429 Code="RetryableError"' in answer
    assert detail in answer


def test_private_endpoints_that_share_nothing_are_made_at_once(network: Deployment) -> None:
    assert refusal(network, endpoint("first", "endpoints", ACCOUNT), endpoint("second", "others", OTHER)) == ""


def answer_to(deployment: Deployment, method: str, request: Any, provider: Provider | None = None) -> str:
    """What a call is refused with, or the empty text."""

    async def conversation() -> str:
        server, port = await serve(provider or Provider(deployment.resources, activate=nothing, deactivate=nothing))
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            try:
                await getattr(provider_pb2_grpc.ResourceProviderStub(channel), method)(request)
            except grpc.aio.AioRpcError as error:
                return error.details() or ""
            finally:
                await server.stop(0)
            return ""

    return asyncio.run(conversation())


async def nothing(_resource: Resource) -> None:
    """No service has to follow."""


def matches(known: KnownError, error: str) -> bool:
    """Whether the program's hook would repeat the operation; it is not waited for."""

    async def would_retry() -> bool:
        args = pulumi.ErrorHookArgs(urn="u", id="", name="it", type="t", failed_operation="create", errors=[error])
        hook = asyncio.ensure_future(should_retry(args, known))
        await asyncio.sleep(0)
        waits = not hook.done()
        hook.cancel()
        return waits

    return asyncio.run(would_retry())


def definition(*actions: str) -> dict[str, Any]:
    permissions = [{"actions": [], "dataActions": [*actions]}]
    return {**ROLE, "scope": GROUP, "assignableScopes": [GROUP], "roleType": "CustomRole", "permissions": permissions}


def assignment(number: int) -> tuple[str, Any]:
    inputs = {
        "scope": ACCOUNT,
        "principalId": f"p{number}",
        "principalType": "User",
        "roleAssignmentName": f"00000000-0000-4000-8000-{number:012d}",
        "roleDefinitionId": f"/x/{ROLE['roleDefinitionId']}",
    }
    return creation("authorization:RoleAssignment", inputs)


def test_a_custom_role_can_be_assigned_once_it_is_replicated(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulumi.log.info", lambda _message: None)
    deployment.storage()
    clock = Clock()
    replication = Replication(clock=clock)
    provider = Provider(deployment.resources, activate=nothing, deactivate=nothing, replication=replication)
    inputs = {key: value for key, value in definition(WRITE).items() if key != "type"}
    assert answer_to(deployment, *creation("authorization:RoleDefinition", inputs), provider) == ""
    answer = answer_to(deployment, *assignment(1), provider)
    assert 'Code="RoleDefinitionDoesNotExist"' in answer
    assert "let the assignment depend on a delay after the definition" in answer
    assert matches(NOT_REPLICATED, answer)
    clock.now = 1.0
    assert answer_to(deployment, *assignment(1), provider) == ""
    changed = inputs | {"permissions": definition(WRITE.replace("write", "read"))["permissions"]}
    for number, news, is_refused in ((2, inputs | {"description": "d"}, False), (3, changed, True)):
        clock.now += 1
        request = provider_pb2.UpdateRequest(
            id=f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{ROLE['roleDefinitionId']}",
            urn=urn("authorization:RoleDefinition"),
            news=struct(news),
        )
        assert answer_to(deployment, "Update", request, provider) == ""
        assert ("RoleDefinitionDoesNotExist" in answer_to(deployment, *assignment(number), provider)) is is_refused


def test_event_grid_does_not_see_a_role_assignment_at_once(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulumi.log.info", lambda _message: None)
    deployment.storage()
    topic = deployment.add(
        "eventgrid:SystemTopic", systemTopicName="topic", resourceGroupName="rg", source=ACCOUNT, location="x"
    )
    clock = Clock()
    provider = Provider(
        deployment.resources, activate=nothing, deactivate=nothing, replication=Replication(clock=clock)
    )
    for number, (role, scope) in enumerate(
        ((SENDER, "queueServices/default/queues/images"), (CONTRIBUTOR, "blobServices/default/containers/deadletter"))
    ):
        inputs = {
            "scope": f"{ACCOUNT}/{scope}",
            "principalType": "ServicePrincipal",
            "roleDefinitionId": f"/x/{role}",
            "principalId": topic.outputs["identity"]["principalId"],
            "roleAssignmentName": f"00000000-0000-4000-8000-{number:012d}",
        }
        assert answer_to(deployment, *creation("authorization:RoleAssignment", inputs), provider) == ""
    request = creation("eventgrid:SystemTopicEventSubscription", subscription())
    answer = answer_to(deployment, *request, provider)
    assert "let the subscription depend on a delay after the assignment" in answer
    assert matches(IDENTITY_REFUSED, answer)
    clock.now = 1.0
    assert answer_to(deployment, *request, provider) == ""


def test_a_subscription_without_the_terms_learns_where_to_accept_them(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.storage()
    vision = {
        "accountName": "eyes",
        "resourceGroupName": "rg",
        "location": "x",
        "kind": "ComputerVision",
        "sku": {},
        "properties": {"disableLocalAuth": True, "customSubDomainName": "eyes"},
    }
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps({"termsNotAccepted": 1}))
    provider = Provider(deployment.resources, activate=nothing, deactivate=nothing, faults=Faults(faults))
    answer = answer_to(deployment, *creation("cognitiveservices:Account", vision), provider)
    assert answer.startswith("ResourceKindRequireAcceptTerms: This subscription cannot create ComputerVision")
    logged: list[str] = []
    monkeypatch.setattr("pulumi.log.error", logged.append)
    assert not matches(TERMS_NOT_ACCEPTED, answer)
    assert "accept" in logged[0]
    faults.write_text('{"termsNotAccepted": 2}')
    answer = answer_to(deployment, *creation("cognitiveservices:Account", vision), provider)
    assert answer.startswith(f"the faults file of the emulator is not valid: {faults}: Expected `float` <= 1.0")
    faults.unlink()
    assert answer_to(deployment, *creation("cognitiveservices:Account", vision), provider) == ""
