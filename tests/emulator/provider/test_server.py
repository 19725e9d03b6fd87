"""The provider refuses what Azure would refuse, and what the emulator does not support."""

import asyncio
from contextlib import closing
from typing import Any

import grpc.aio
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from emulator.core.resource_store import Resource, ResourceStore
from emulator.provider.protocol import serve
from emulator.provider.server import Provider
from emulator.provider.validation import UNKNOWN
from tests.emulator.conftest import Deployment

SITE: dict[str, Any] = {
    "name": "func",
    "resourceGroupName": "rg",
    "location": "x",
    "kind": "functionapp,linux",
    "serverFarmId": "p",
    "identity": {},
    "functionAppConfig": {"runtime": {"name": "python", "version": "3.13"}},
    "siteConfig": {},
}
STORAGE: dict[str, Any] = {
    "accountName": "stdata",
    "resourceGroupName": "rg",
    "location": "x",
    "kind": "StorageV2",
    "sku": {},
    "allowSharedKeyAccess": False,
}


def urn(type_: str) -> str:
    return f"urn:pulumi:local::image-pipeline::azure-native:{type_}::it"


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


def talk(
    resources: ResourceStore, method: str, request: Any, effects: list[str] | None = None, *, preview_only: bool = False
) -> Any:
    """One call over real gRPC."""

    async def effect(resource: Resource) -> None:
        if effects is not None:
            effects.append(resource.name)

    async def conversation() -> Any:
        server, port = await serve(Provider(resources, activate=effect, deactivate=effect, preview_only=preview_only))
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            try:
                return await getattr(provider_pb2_grpc.ResourceProviderStub(channel), method)(request)
            finally:
                await server.stop(0)

    return asyncio.run(conversation())


def failures(resources: ResourceStore, type_: str, inputs: dict[str, Any]) -> dict[str, str]:
    request = provider_pb2.CheckRequest(urn=urn(type_), news=struct(inputs))
    return {failure.property: failure.reason for failure in talk(resources, "Check", request).failures}


@pytest.mark.parametrize(
    ("type_", "inputs", "property_", "reason"),
    [
        ("storage:StorageAccount", STORAGE | {"allowSharedKeyAccess": True}, "allowSharedKeyAccess", "must be false"),
        ("storage:StorageAccount", STORAGE | {"accountName": "Too_Long"}, "accountName", "not a legal name"),
        ("storage:StorageAccount", STORAGE | {"isHnsEnabled": True}, "isHnsEnabled", "does not support isHnsEnabled"),
        ("storage:Queue", {"accountName": "a", "resourceGroupName": "b"}, "queueName", "needs queueName"),
        ("web:WebApp", SITE | {"siteConfig": {"alwaysOn": True}}, "siteConfig.alwaysOn", "51021"),
        (
            "web:WebApp",
            SITE | {"siteConfig": {"appSettings": [{"name": "WEBSITE_RUN_FROM_PACKAGE", "value": "1"}]}},
            "siteConfig.appSettings",
            "not supported on Flex",
        ),
        (
            "web:WebApp",
            SITE | {"functionAppConfig": {"runtime": {"name": "node", "version": "22"}}},
            "functionAppConfig.runtime",
            "python 3.13 only",
        ),
        (
            "authorization:RoleAssignment",
            {
                "scope": "/s",
                "roleAssignmentName": "x",
                "principalId": "p",
                "principalType": "Robot",
                "roleDefinitionId": "/x/r",
            },
            "principalType",
            "not a principal type",
        ),
        (
            "authorization:RoleDefinition",
            {"permissions": [{"actions": [], "dataActions": ["Microsoft.Storage/everything"]}]},
            "permissions.dataActions",
            "InvalidActionOrNotAction",
        ),
        (
            "authorization:RoleDefinition",
            {"permissions": [{"actions": ["*"], "dataActions": []}]},
            "permissions.actions",
            "dataActions only",
        ),
    ],
)
def test_inputs_that_are_refused(
    resources: ResourceStore, type_: str, inputs: dict[str, Any], property_: str, reason: str
) -> None:
    assert reason in failures(resources, type_, inputs)[property_]


@pytest.mark.parametrize(("type_", "inputs"), [("storage:StorageAccount", STORAGE), ("web:WebApp", SITE)])
def test_good_inputs_are_accepted_even_before_everything_is_known(
    resources: ResourceStore, type_: str, inputs: dict[str, Any]
) -> None:
    assert failures(resources, type_, inputs) == {}
    assert failures(resources, type_, inputs | {"resourceGroupName": UNKNOWN}) == {}


def test_an_unknown_type_is_refused_by_name(resources: ResourceStore) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="does not support azure-native:keyvault:Vault"):
        failures(resources, "keyvault:Vault", {})


def create(resources: ResourceStore, type_: str, inputs: dict[str, Any], *, preview: bool = False) -> Any:
    request = provider_pb2.CreateRequest(urn=urn(type_), properties=struct(inputs), preview=preview)
    return talk(resources, "Create", request)


def test_creation_needs_its_parents(resources: ResourceStore) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=r"ParentResourceNotFound: .*resourceGroups/rg"):
        create(resources, "storage:StorageAccount", STORAGE)


def test_a_preview_creates_nothing_and_knows_no_outputs(resources: ResourceStore) -> None:
    answer = create(resources, "storage:StorageAccount", STORAGE, preview=True)
    assert answer.properties["primaryEndpoints"] == UNKNOWN
    assert list(resources) == []


def test_a_preview_of_an_update_changes_nothing_and_knows_the_name_alone(deployment: Deployment) -> None:
    account = deployment.storage()
    request = provider_pb2.UpdateRequest(
        id=account.id,
        urn=urn("storage:StorageAccount"),
        olds=struct(account.outputs),
        news=struct(STORAGE | {"tags": {"a": "b"}}),
        preview=True,
    )
    answer = talk(deployment.resources, "Update", request)
    assert answer.properties["name"] == "stdata"
    assert answer.properties["primaryEndpoints"] == UNKNOWN
    assert deployment.resources.get(account.id) == account


def test_created_twice_is_a_conflict(deployment: Deployment) -> None:
    deployment.storage()
    with pytest.raises(grpc.aio.AioRpcError, match="Conflict"):
        create(deployment.resources, "storage:StorageAccount", STORAGE)


def test_an_update_that_fails_leaves_what_was_there(deployment: Deployment) -> None:
    account = deployment.storage()

    async def fails(_resource: Resource) -> None:
        raise OSError("disk full")

    async def conversation() -> None:
        server, port = await serve(Provider(deployment.resources, activate=fails, deactivate=fails))
        request = provider_pb2.UpdateRequest(
            id=account.id, urn=urn("storage:StorageAccount"), news=struct(STORAGE | {"tags": {"a": "b"}})
        )
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            try:
                await provider_pb2_grpc.ResourceProviderStub(channel).Update(request)
            finally:
                await server.stop(0)

    with pytest.raises(grpc.aio.AioRpcError, match="could not be updated: disk full"):
        asyncio.run(conversation())
    assert deployment.resources.get(account.id) == account


@pytest.mark.parametrize(
    ("change", "changes", "replaces", "detailed"),
    [
        ({}, provider_pb2.DiffResponse.DIFF_NONE, [], {}),
        ({"tags": {"a": "b"}}, provider_pb2.DiffResponse.DIFF_SOME, [], {"tags": provider_pb2.PropertyDiff.ADD}),
        (
            {"location": "y"},
            provider_pb2.DiffResponse.DIFF_SOME,
            ["location"],
            {"location": provider_pb2.PropertyDiff.UPDATE_REPLACE},
        ),
    ],
)
def test_a_difference_is_told_apart_from_a_replacement(
    resources: ResourceStore, change: dict[str, Any], changes: Any, replaces: list[str], detailed: dict[str, Any]
) -> None:
    request = provider_pb2.DiffRequest(
        urn=urn("storage:StorageAccount"), old_inputs=struct(STORAGE), news=struct(STORAGE | change)
    )
    answer = talk(resources, "Diff", request)
    assert (answer.changes, list(answer.replaces)) == (changes, replaces)
    assert answer.deleteBeforeReplace is bool(replaces)
    assert answer.hasDetailedDiff
    assert {name: difference.kind for name, difference in answer.detailedDiff.items()} == detailed


@pytest.mark.parametrize(
    ("removed", "kind"),
    [
        ("minimumTlsVersion", provider_pb2.PropertyDiff.DELETE),
        ("location", provider_pb2.PropertyDiff.DELETE_REPLACE),
    ],
)
def test_a_removed_input_is_a_difference(resources: ResourceStore, removed: str, kind: Any) -> None:
    old = STORAGE | {"minimumTlsVersion": "TLS1_2"}
    new = {name: value for name, value in old.items() if name != removed}
    request = provider_pb2.DiffRequest(urn=urn("storage:StorageAccount"), old_inputs=struct(old), news=struct(new))
    answer = talk(resources, "Diff", request)
    assert {name: difference.kind for name, difference in answer.detailedDiff.items()} == {removed: kind}


def test_what_lies_below_a_deleted_resource_goes_first(deployment: Deployment) -> None:
    account = deployment.storage()
    effects: list[str] = []
    talk(deployment.resources, "Delete", provider_pb2.DeleteRequest(id=account.id), effects)
    assert effects[-1] == "stdata"
    assert set(effects) == {"images", "deadletter", "stdata"}
    assert [resource.name for resource in deployment.resources] == ["rg"]


def test_the_containers_outlive_the_settings_of_the_blob_service(deployment: Deployment) -> None:
    """A blob service cannot be deleted; azure-native resets its properties instead."""
    deployment.storage()
    service = deployment.add(
        "storage:BlobServiceProperties", resourceGroupName="rg", accountName="stdata", blobServicesName="default"
    )
    effects: list[str] = []
    talk(deployment.resources, "Delete", provider_pb2.DeleteRequest(id=service.id), effects)
    assert {"images", "deadletter"}.isdisjoint(effects)
    assert {"images", "deadletter"} <= {resource.name for resource in deployment.resources}
    assert "default" not in {resource.name for resource in deployment.resources}


def test_resources_outlive_the_daemon(deployment: Deployment, tmp_path: Any) -> None:
    account = deployment.storage()
    with closing(ResourceStore(tmp_path / "resources.db")) as again:
        assert again.get(account.id.upper()) == account
