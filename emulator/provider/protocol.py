"""What all emulated providers answer alike to the Pulumi engine, which attaches to them over gRPC."""

from collections.abc import Iterable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from emulator.core.resource_store import Properties, ResourceStore
from emulator.provider.properties import to_struct

# The engine's messages can be large: a whole resource's state in one.
_OPTIONS = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]


class EmulatedProvider(provider_pb2_grpc.ResourceProviderServicer):
    """The calls that do not depend on the types of the resources.

    Args:
        version: The version of the provider that this one stands for.
        deployed: The resources that this provider has deployed.
        preview_only: Refuse every change.
    """

    def __init__(self, *, version: str, deployed: ResourceStore, preview_only: bool) -> None:
        self._version = version
        self._deployed = deployed
        self._preview_only = preview_only

    async def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    async def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self._version)

    async def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False, accept_resources=False)

    async def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Configure(self, request: Any, context: Any) -> Any:
        # Secrets are not accepted, so the engine keeps track of which values are secret by itself.
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptResources=False)

    async def Read(self, request: Any, context: Any) -> Any:
        resource = self._deployed.get(request.id)
        if resource is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=resource.id, inputs=to_struct(resource.inputs), properties=to_struct(resource.outputs)
        )

    async def _check_deploys(self, context: Any) -> None:
        if self._preview_only:
            await refuse(context, "this provider previews only; deploy through `python -m emulator pulumi`")


def invoke_response(result: Properties) -> Any:
    """The response of a function with a result."""
    # `return` is a keyword, so the field cannot be a keyword argument.
    fields: dict[str, Any] = {"return": to_struct(result)}
    return provider_pb2.InvokeResponse(**fields)


def check_response(request: Any, problems: Iterable[tuple[str, str]]) -> Any:
    """The response of a check with problems of the inputs, each with the name of its property."""
    failures = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in problems]
    return provider_pb2.CheckResponse(inputs=request.news, failures=failures)


async def refuse(context: Any, message: str) -> None:
    """End the call with an error."""
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)


def type_of(urn: str) -> str:
    """The type token in a URN, without the parents' types."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


async def serve(provider: EmulatedProvider) -> tuple[grpc.aio.Server, int]:
    """A running server on 127.0.0.1, and its port."""
    server = grpc.aio.server(options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port
