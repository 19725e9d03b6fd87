"""The emulated azure-native provider; the engine attaches to it (`PULUMI_DEBUG_PROVIDERS=azure-native:<port>`)."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from emulator.core.faults import Faults
from emulator.core.identity import USER_OBJECT_ID
from emulator.core.resource_store import Properties, Resource, ResourceStore
from emulator.core.tenant import AZURE_CLI_CLIENT_ID, SUBSCRIPTION_ID, TENANT_ID
from emulator.core.virtual_networks import retain_association_link
from emulator.provider import subscription, unsupported, validation
from emulator.provider.concurrency import OperationsInProgress
from emulator.provider.container_rules import check_container_update
from emulator.provider.differences import diff_response
from emulator.provider.network_rules import check_deletion
from emulator.provider.outputs import preview_outputs, preview_update_outputs, resource_outputs
from emulator.provider.properties import to_inputs, to_struct
from emulator.provider.protocol import EmulatedProvider, check_response, invoke_response, refuse, type_of
from emulator.provider.replication import Replication
from schemas.azure_native.resource_type import ResourceType
from schemas.azure_native.resource_types import RESOURCE_TYPES

VERSION = "3.29.0"
_log = logging.getLogger("emulator.provider")

ResourceCallback = Callable[[Resource], Awaitable[None]]


class Provider(EmulatedProvider):
    """Creates, changes and deletes resources.

    Args:
        resources: The deployed resources.
        activate: Called after a resource is created or changed, to create what it stands for.
        deactivate: Called before a resource is deleted, to delete what it stands for.
        preview_only: Accept what Azure supports and the emulator does not, and refuse every change.
        faults: The faults to inject.
        replication: The replication delay of roles.
    """

    def __init__(
        self,
        resources: ResourceStore,
        *,
        activate: ResourceCallback,
        deactivate: ResourceCallback,
        preview_only: bool = False,
        faults: Faults | None = None,
        replication: Replication | None = None,
    ) -> None:
        super().__init__(version=VERSION, deployed=resources, preview_only=preview_only)
        self._faults = faults
        self._operations = OperationsInProgress()
        self._replication = replication or Replication()
        self._activate = activate
        self._deactivate = deactivate

    async def Invoke(self, request: Any, context: Any) -> Any:
        if request.tok != "azure-native:authorization:getClientConfig":
            await refuse(context, f"the emulator does not support the function {request.tok}")
        answer = {
            "subscriptionId": SUBSCRIPTION_ID,
            "tenantId": TENANT_ID,
            "objectId": USER_OBJECT_ID,
            "clientId": AZURE_CLI_CLIENT_ID,
        }
        return invoke_response(answer)

    async def Check(self, request: Any, context: Any) -> Any:
        resource_type = await _resource_type(request.urn, context)
        inputs = to_inputs(request.news)
        problems = [
            *validation.check_inputs(resource_type, inputs),
            *(() if self._preview_only else unsupported.find_unsupported_inputs(resource_type, inputs)),
        ]
        return check_response(request, problems)

    async def Diff(self, request: Any, context: Any) -> Any:
        resource_type = await _resource_type(request.urn, context)
        old = to_inputs(request.old_inputs)
        new = to_inputs(request.news)
        return diff_response(resource_type, old, new, request.ignoreChanges)

    async def Create(self, request: Any, context: Any) -> Any:
        resource_type = await _resource_type(request.urn, context)
        inputs = to_inputs(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=to_struct(preview_outputs(resource_type, inputs)))
        await self._check_deploys(context)
        resource_id = resource_type.id.format(**inputs, subscription=SUBSCRIPTION_ID)
        try:
            async with self._operations.begin(resource_type.type, inputs, resource_id):
                resource = await self._create(resource_type, inputs, resource_id, context)
        except (validation.DeploymentError, LookupError) as error:
            await refuse(context, str(error))
            raise
        return provider_pb2.CreateResponse(id=resource_id, properties=to_struct(resource.outputs))

    async def _create(
        self, resource_type: ResourceType, inputs: Properties, resource_id: str, context: Any
    ) -> Resource:
        subscription.check_terms(resource_type, inputs, self._faults)
        validation.check_creation(
            resource_type, inputs, resource_id, self._deployed, pending=self._replication.pending()
        )
        resource = self._resource(resource_type, inputs, resource_id)
        self._deployed.put(resource)
        self._replication.record(None, resource)
        try:
            await self._activate(resource)
        except Exception as error:  # noqa: BLE001 (reported to the engine; nothing incomplete stays)
            self._deployed.remove(resource_id)
            _log.exception("creating %s", resource_id)
            await refuse(context, f"{resource_id} could not be created: {error}")
        return resource

    async def Update(self, request: Any, context: Any) -> Any:
        resource_type = await _resource_type(request.urn, context)
        inputs = to_inputs(request.news)
        if request.preview:
            outputs = preview_update_outputs(resource_type, inputs, to_inputs(request.olds))
            return provider_pb2.UpdateResponse(properties=to_struct(outputs))
        await self._check_deploys(context)
        before = self._deployed.get(request.id)
        if before is None:
            await refuse(context, f"ResourceNotFound: {request.id} does not exist")
            raise AssertionError("unreachable: the call was aborted")
        try:
            if resource_type.type == "azure-native:cosmosdb:SqlResourceSqlContainer":
                check_container_update(before.inputs, inputs)
            async with self._operations.begin(resource_type.type, inputs, request.id):
                resource = await self._update(before, self._resource(resource_type, inputs, request.id), context)
        except validation.DeploymentError as error:
            await refuse(context, str(error))
            raise
        return provider_pb2.UpdateResponse(properties=to_struct(resource.outputs))

    async def _update(self, before: Resource, resource: Resource, context: Any) -> Resource:
        self._deployed.put(resource)
        self._replication.record(before, resource)
        try:
            await self._activate(resource)
        except Exception as error:  # noqa: BLE001 (reported to the engine; what was there before stays)
            self._deployed.put(before)
            _log.exception("updating %s", resource.id)
            await refuse(context, f"{resource.id} could not be updated: {error}")
        return resource

    async def Delete(self, request: Any, context: Any) -> Any:
        await self._check_deploys(context)
        resource = self._deployed.get(request.id)
        if resource is not None:
            try:
                check_deletion(resource, self._deployed)
                validation.check_assignments(resource, self._deployed)
                async with self._operations.begin(resource.type, resource.inputs, resource.id):
                    await self._delete(resource)
            except validation.DeploymentError as error:
                await refuse(context, str(error))
        return empty_pb2.Empty()

    async def _delete(self, resource: Resource) -> None:
        # As in Azure, the resources below a resource are deleted with it.
        descendants = self._deployed.descendants(resource.id)
        # The blob service itself cannot be deleted: azure-native resets its properties, and its containers stay.
        # https://github.com/pulumi/pulumi-azure-native (`GetDefaultResourceState`)
        if resource.type == "azure-native:storage:BlobServiceProperties":
            descendants = []
        for deleted in (*descendants, resource):
            await self._deactivate(deleted)
            self._deployed.remove(deleted.id)
            if deleted.type == "azure-native:web:WebApp":
                retain_association_link(self._deployed, deleted)
            if deleted.type == "azure-native:cognitiveservices:Account":
                self._deployed.put(_soft_deleted(deleted))

    def _resource(self, resource_type: ResourceType, inputs: Properties, resource_id: str) -> Resource:
        outputs = resource_outputs(resource_type, inputs, resource_id, self._deployed)
        return Resource(id=resource_id, type=resource_type.type, inputs=inputs, outputs=outputs)


def _soft_deleted(account: Resource) -> Resource:
    """The soft-deleted account that a deleted Vision account becomes, for 48 hours or until it is purged."""
    account_subscription = account.id.split("/")[2]
    group = account.inputs["resourceGroupName"]
    location = account.inputs["location"]
    deleted_id = (
        f"/subscriptions/{account_subscription}/providers/Microsoft.CognitiveServices/locations/{location}"
        f"/resourceGroups/{group}/deletedAccounts/{account.name}"
    )
    return Resource(id=deleted_id, type=validation.DELETED_ACCOUNT, inputs=account.inputs, outputs={})


async def _resource_type(urn: str, context: Any) -> ResourceType:
    type_name = type_of(urn)
    if type_name not in RESOURCE_TYPES:
        await refuse(context, f"the emulator does not support {type_name}; see schemas/azure_native/resource_types.py")
    return RESOURCE_TYPES[type_name]
