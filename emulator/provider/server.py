"""The gRPC server that the Pulumi engine attaches to (`PULUMI_DEBUG_PROVIDERS=azure-native:<port>`)."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from emulator.core.faults import Faults
from emulator.core.identity import SUBSCRIPTION, TENANT, USER, USER_CLIENT
from emulator.core.resource_store import Properties, Resource, Resources
from emulator.core.virtual_networks import keep_association_link
from emulator.provider import subscription
from emulator.provider import unsupported as limits
from emulator.provider import validation as rules
from emulator.provider.concurrency import OperationsInProgress
from emulator.provider.network_rules import check_deletion
from emulator.provider.outputs import outputs, planned
from emulator.provider.replication import Replication
from schemas.azure_native.resource_type import Kind
from schemas.azure_native.resource_types import KINDS

VERSION = "3.29.0"
_INTERNAL = frozenset({"azureApiVersion"})
_log = logging.getLogger("emulator.provider")

Effect = Callable[[Resource], Awaitable[None]]
# The engine's messages can be large: a whole resource's state in one.
_OPTIONS = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Creates, changes and deletes resources in `resources`.

    `applied` and `removed` bring the running services in line after, and before, each such change. One that is
    `planning` checks and plans as Azure would, what the laptop cannot do included, and changes nothing. `faults` are
    what a test asks for.
    """

    def __init__(
        self,
        resources: Resources,
        *,
        applied: Effect,
        removed: Effect,
        planning: bool = False,
        faults: Faults | None = None,
        replication: Replication | None = None,
    ) -> None:
        self._resources = resources
        self._planning = planning
        self._faults = faults
        self._operations = OperationsInProgress()
        self._replication = replication or Replication()
        self._applied = applied
        self._removed = removed

    async def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    async def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    async def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False, accept_resources=False)

    async def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Configure(self, request: Any, context: Any) -> Any:
        # Secrets are not accepted, so the engine keeps track of which values are secret by itself.
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptResources=False)

    async def Invoke(self, request: Any, context: Any) -> Any:
        if request.tok != "azure-native:authorization:getClientConfig":
            await _refuse(context, f"the laptop's stand-in does not support the function {request.tok}")
        answer = {"subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "objectId": USER, "clientId": USER_CLIENT}
        return provider_pb2.InvokeResponse(**{"return": _struct(answer)})

    async def Check(self, request: Any, context: Any) -> Any:
        kind = await _kind(request.urn, context)
        given = _inputs(request.news)
        found = [*rules.inputs(kind, given), *(() if self._planning else limits.inputs(kind, given))]
        failures = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in found]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    async def Diff(self, request: Any, context: Any) -> Any:
        kind = await _kind(request.urn, context)
        old, new = _inputs(request.old_inputs), _inputs(request.news)
        changed = sorted(
            key for key in old.keys() | new.keys() if old.get(key) != new.get(key) and key not in request.ignoreChanges
        )
        replaced = [key for key in changed if key in kind.replaces]
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if changed else response.DIFF_NONE,
            diffs=changed,
            replaces=replaced,
            # The name stays the same, so the old one must go first.
            deleteBeforeReplace=bool(replaced) and old.get(kind.name) == new.get(kind.name),
        )

    async def Create(self, request: Any, context: Any) -> Any:
        kind = await _kind(request.urn, context)
        given = _inputs(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=_struct(planned(kind, given)))
        await self._may_change(context)
        resource_id = kind.id.format(**given, subscription=SUBSCRIPTION)
        try:
            async with self._operations.begin(kind.type, given, resource_id):
                resource = await self._create(kind, given, resource_id, context)
        except (rules.Refusal, LookupError) as error:
            await _refuse(context, str(error))
            raise
        return provider_pb2.CreateResponse(id=resource_id, properties=_struct(resource.outputs))

    async def _create(self, kind: Kind, given: Properties, resource_id: str, context: Any) -> Resource:
        subscription.check_terms(kind, given, self._faults)
        rules.creation(kind, given, resource_id, self._resources, pending=self._replication.pending())
        resource = self._resource(kind, given, resource_id)
        self._resources.put(resource)
        self._replication.record(None, resource)
        try:
            await self._applied(resource)
        except Exception as error:  # noqa: BLE001 (reported to the engine, nothing half made stays)
            self._resources.remove(resource_id)
            _log.exception("creating %s", resource_id)
            await _refuse(context, f"{resource_id} could not be created: {error}")
        return resource

    async def Update(self, request: Any, context: Any) -> Any:
        kind = await _kind(request.urn, context)
        given = _inputs(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=_struct(planned(kind, given)))
        await self._may_change(context)
        before = self._resources.get(request.id)
        if before is None:
            await _refuse(context, f"ResourceNotFound: {request.id} does not exist")
            raise AssertionError("unreachable: the call was aborted")
        try:
            async with self._operations.begin(kind.type, given, request.id):
                resource = await self._update(before, self._resource(kind, given, request.id), context)
        except rules.Refusal as error:
            await _refuse(context, str(error))
            raise
        return provider_pb2.UpdateResponse(properties=_struct(resource.outputs))

    async def _update(self, before: Resource, resource: Resource, context: Any) -> Resource:
        self._resources.put(resource)
        self._replication.record(before, resource)
        try:
            await self._applied(resource)
        except Exception as error:  # noqa: BLE001 (reported to the engine; what was there before stays)
            self._resources.put(before)
            _log.exception("updating %s", resource.id)
            await _refuse(context, f"{resource.id} could not be updated: {error}")
        return resource

    async def Read(self, request: Any, context: Any) -> Any:
        resource = self._resources.get(request.id)
        if resource is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=resource.id, inputs=_struct(resource.inputs), properties=_struct(resource.outputs)
        )

    async def Delete(self, request: Any, context: Any) -> Any:
        await self._may_change(context)
        resource = self._resources.get(request.id)
        if resource is not None:
            try:
                check_deletion(resource, self._resources)
                rules.check_assignments(resource, self._resources)
                async with self._operations.begin(resource.type, resource.inputs, resource.id):
                    await self._delete(resource)
            except rules.Refusal as error:
                await _refuse(context, str(error))
        return empty_pb2.Empty()

    async def _delete(self, resource: Resource) -> None:
        # As in Azure, what lies below a resource goes with it.
        for gone in (*self._resources.below(resource.id), resource):
            await self._removed(gone)
            self._resources.remove(gone.id)
            if gone.type == "azure-native:web:WebApp":
                keep_association_link(self._resources, gone)
            if gone.type == "azure-native:cognitiveservices:Account":
                self._resources.put(_soft_deleted(gone))

    async def _may_change(self, context: Any) -> None:
        if self._planning:
            await _refuse(context, "this provider only plans; deploy through `python -m local pulumi`")

    def _resource(self, kind: Kind, given: Properties, resource_id: str) -> Resource:
        answered = outputs(kind, given, resource_id, self._resources)
        return Resource(id=resource_id, type=kind.type, inputs=given, outputs=answered)


def _soft_deleted(account: Resource) -> Resource:
    """What is left of a Vision account for 48 hours, or until it is purged."""
    subscription, group = account.id.split("/")[2], account.inputs["resourceGroupName"]
    where = (
        f"/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/locations/{account.inputs['location']}"
    )
    left = f"{where}/resourceGroups/{group}/deletedAccounts/{account.name}"
    return Resource(id=left, type=rules.DELETED_ACCOUNT, inputs=account.inputs, outputs={})


async def serve(provider: Provider) -> tuple[grpc.aio.Server, int]:
    """A running server on 127.0.0.1, and its port."""
    server = grpc.aio.server(options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


async def _kind(urn: str, context: Any) -> Kind:
    type_name = urn.split("::")[2].rsplit("$", 1)[-1]
    if type_name not in KINDS:
        await _refuse(
            context, f"the laptop's stand-in does not support {type_name}; see schemas/azure_native/resource_types.py"
        )
    return KINDS[type_name]


async def _refuse(context: Any, message: str) -> None:
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)


def _inputs(properties: struct_pb2.Struct) -> Properties:
    decoded: Properties = json_format.MessageToDict(properties)
    return {key: _whole(value) for key, value in decoded.items() if not key.startswith("__") and key not in _INTERNAL}


def _whole(value: Any) -> Any:
    """Struct knows only floating-point numbers; those without a fraction are integers again."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value


def _struct(properties: Properties) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())
