"""What all emulated providers answer alike to the Pulumi engine, which attaches to them over gRPC."""

from typing import Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

# The engine's messages can be large: a whole resource's state in one.
_OPTIONS = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]


class EmulatedProvider(provider_pb2_grpc.ResourceProviderServicer):
    """The calls that do not depend on what is deployed.

    Args:
        version: The version of the provider that this one stands for.
        preview_only: Refuse every change.
    """

    def __init__(self, *, version: str, preview_only: bool) -> None:
        self._version = version
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

    async def _check_deploys(self, context: Any) -> None:
        if self._preview_only:
            await refuse(context, "this provider previews only; deploy through `python -m emulator pulumi`")


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
