"""The emulated azuread provider; the engine attaches to it (`PULUMI_DEBUG_PROVIDERS=azuread:<port>`)."""

from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from emulator.core.directory import Directory
from emulator.core.identity import USER_OBJECT_ID
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.tenant import AZURE_CLI_CLIENT_ID, TENANT_ID
from emulator.provider import directory_objects, directory_rules
from emulator.provider.differences import diff_response
from emulator.provider.errors import DeploymentError
from emulator.provider.properties import to_inputs, to_struct
from emulator.provider.protocol import EmulatedProvider, check_response, invoke_response, refuse, type_of
from schemas.azure_native.resource_type import ResourceType
from schemas.azuread.resource_types import AZUREAD_TYPES, REGISTRATION, SERVICE_PRINCIPAL

VERSION = "6.11.1"


class DirectoryProvider(EmulatedProvider):
    """Creates, changes and deletes objects of the emulated directory.

    Args:
        directory: The deployed objects.
        resources: The deployed resources of the subscription.
        preview_only: Accept what Entra ID supports and the emulator does not, and refuse every change.
    """

    def __init__(self, directory: Directory, resources: ResourceStore, *, preview_only: bool = False) -> None:
        super().__init__(version=VERSION, deployed=directory.objects, preview_only=preview_only)
        self._directory = directory
        self._resources = resources

    async def Invoke(self, request: Any, context: Any) -> Any:
        if request.tok != "azuread:index/getClientConfig:getClientConfig":
            await refuse(context, f"the emulator does not support the function {request.tok}")
        answer = {
            "id": f"{TENANT_ID}-{AZURE_CLI_CLIENT_ID}-{USER_OBJECT_ID}",
            "clientId": AZURE_CLI_CLIENT_ID,
            "objectId": USER_OBJECT_ID,
            "tenantId": TENANT_ID,
        }
        return invoke_response(answer)

    async def Check(self, request: Any, context: Any) -> Any:
        resource_type = await _resource_type(request.urn, context)
        inputs = to_inputs(request.news)
        problems = [*directory_rules.check_inputs(resource_type, inputs)]
        if not problems and not self._preview_only:
            problems = [*directory_rules.find_unsupported_inputs(resource_type, inputs)]
        return check_response(request, problems)

    async def Diff(self, request: Any, context: Any) -> Any:
        resource_type = await _resource_type(request.urn, context)
        return diff_response(
            resource_type, to_inputs(request.old_inputs), to_inputs(request.news), request.ignoreChanges
        )

    async def Create(self, request: Any, context: Any) -> Any:
        resource_type = await _resource_type(request.urn, context)
        inputs = to_inputs(request.properties)
        if request.preview:
            outputs = directory_objects.preview_outputs(resource_type, inputs)
            return provider_pb2.CreateResponse(properties=to_struct(outputs))
        await self._check_deploys(context)
        try:
            resource = directory_objects.create_object(resource_type, inputs, self._directory, self._resources)
        except DeploymentError as error:
            await refuse(context, str(error))
            raise
        self._deployed.put(resource)
        return provider_pb2.CreateResponse(id=resource.id, properties=to_struct(resource.outputs))

    async def Update(self, request: Any, context: Any) -> Any:
        resource_type = await _resource_type(request.urn, context)
        inputs = to_inputs(request.news)
        outputs = directory_objects.updated_outputs(resource_type, inputs, to_inputs(request.olds))
        if request.preview:
            return provider_pb2.UpdateResponse(properties=to_struct(outputs))
        await self._check_deploys(context)
        before = self._deployed.get(request.id)
        if before is None:
            await refuse(context, f"Request_ResourceNotFound: {request.id} does not exist")
            raise AssertionError("unreachable: the call was aborted")
        try:
            directory_objects.check_update(before, inputs, self._directory)
        except DeploymentError as error:
            await refuse(context, str(error))
            raise
        self._deployed.put(Resource(id=before.id, type=before.type, inputs=inputs, outputs=outputs))
        return provider_pb2.UpdateResponse(properties=to_struct(outputs))

    async def Delete(self, request: Any, context: Any) -> Any:
        await self._check_deploys(context)
        resource = self._deployed.get(request.id)
        if resource is not None:
            self._delete(resource)
        return empty_pb2.Empty()

    def _delete(self, resource: Resource) -> None:
        """Delete an object with its parts; with a registration, its service principal in the same tenant too."""
        if resource.type == REGISTRATION:
            service_principal = self._directory.find_service_principal(resource.outputs["clientId"])
            if service_principal is not None:
                self._delete(service_principal)
            for sub_resource in self._directory.sub_resources(resource.id):
                self._deployed.remove(sub_resource.id)
        if resource.type == SERVICE_PRINCIPAL:
            for assignment in self._deployed.descendants(resource.id):
                self._deployed.remove(assignment.id)
        self._deployed.remove(resource.id)


async def _resource_type(urn: str, context: Any) -> ResourceType:
    type_name = type_of(urn)
    if type_name not in AZUREAD_TYPES:
        await refuse(context, f"the emulator does not support {type_name}; see schemas/azuread/resource_types.py")
    return AZUREAD_TYPES[type_name]
