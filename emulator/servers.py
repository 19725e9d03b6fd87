"""The servers of the daemon: Pulumi providers over gRPC, and HTTP applications; all on 127.0.0.1."""

from contextlib import AsyncExitStack

from aiohttp import web

from emulator.core import pki
from emulator.core.directory import Directory
from emulator.core.faults import Faults
from emulator.core.resource_store import ResourceStore
from emulator.provider.directory_provider import DirectoryProvider
from emulator.provider.protocol import EmulatedProvider, serve
from emulator.provider.server import Provider
from emulator.resource_activator import ResourceActivator


async def serve_providers(
    stack: AsyncExitStack,
    resources: ResourceStore,
    directory: Directory,
    activator: ResourceActivator,
    faults: Faults,
) -> dict[str, int]:
    """Serve the Pulumi providers; return their ports by the fields of Ports."""
    activate = activator.activate
    deactivate = activator.deactivate
    providers = {
        "provider": Provider(resources, activate=activate, deactivate=deactivate, faults=faults),
        "preview_provider": Provider(resources, activate=activate, deactivate=deactivate, preview_only=True),
        "directory_provider": DirectoryProvider(directory, resources),
        "preview_directory_provider": DirectoryProvider(directory, resources, preview_only=True),
    }
    return {name: await _serve_provider(stack, provider) for name, provider in providers.items()}


async def _serve_provider(stack: AsyncExitStack, provider: EmulatedProvider) -> int:
    """Serve a Pulumi provider over gRPC; return the port."""
    server, port = await serve(provider)
    stack.push_async_callback(server.stop, 1)
    return port


async def listen(stack: AsyncExitStack, application: web.Application, keys: pki.Pki | None) -> int:
    """Serve an application on 127.0.0.1, with TLS if there are keys; return the port."""
    runner = web.AppRunner(application, access_log=None, auto_decompress=False)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    ssl_context = keys.server if keys else None
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context, shutdown_timeout=2).start()
    return runner.addresses[0][1]
