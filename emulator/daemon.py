"""The daemon: all emulated services in one process group, started and stopped together."""

import asyncio
import fcntl
import logging
import os
import signal
import ssl
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from emulator.core import pki, process
from emulator.core.directory import Directory
from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.core.identity_endpoint import create_identity_application
from emulator.core.resource_store import ResourceStore
from emulator.core.state_directory import DaemonInfo, Ports, StateDirectory
from emulator.gateway.browser_gateway import BrowserGateway, create_address_application
from emulator.gateway.proxy import ConnectionOrigins, Proxy
from emulator.gateway.router import Handler, create_application, service_of
from emulator.resource_activator import ResourceActivator
from emulator.servers import listen, serve_providers
from emulator.services.ai_services import create_ai_handlers
from emulator.services.content_understanding.analyzer_store import AnalyzerStore
from emulator.services.cosmos.handler import CosmosHandler
from emulator.services.cosmos.items.store import ItemStore
from emulator.services.event_grid.delivery import BlobEventDelivery
from emulator.services.event_grid.handler import TopicHandler
from emulator.services.functions.deployment_handler import DeploymentHandler
from emulator.services.functions.function_apps import FunctionApps
from emulator.services.functions.handler import FunctionAppHandler
from emulator.services.resource_manager.handler import ResourceManagerHandler
from emulator.services.sign_in.handler import SignInHandler
from emulator.services.storage import azurite
from emulator.services.storage.azurite_client import AzuriteClient
from emulator.services.storage.handler import StorageHandler
from emulator.services.storage.lifecycle import Lifecycle
from emulator.services.storage.user_delegation import UserDelegationKeys, derive_secret

_log = logging.getLogger("emulator.daemon")


class DaemonError(Exception):
    """The daemon cannot run; the message has the reason."""


@dataclass(frozen=True, kw_only=True)
class Programs:
    """The programs and libraries that the daemon needs, as scripts/setup.py has installed them.

    Attributes:
        node: Path of Node.js, which runs Azurite.
        models: Folder with the Vision models as ONNX files.
        worker_library: Folder with Azure's Python worker library.
    """

    node: str
    models: Path
    worker_library: Path


async def run(state_directory: StateDirectory, programs: Programs, *, cosmos_partitions: int | None) -> None:
    """Run the services until SIGTERM or SIGINT. Raises DaemonError if a daemon runs already.

    `cosmos_partitions` is the number of physical partitions of each Cosmos DB container; None: as it was.
    """
    state_directory.create()
    # Never closed: the system releases the lock when the process has ended, for which other processes wait.
    lock = os.open(state_directory.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DaemonError(f"a daemon is running on {state_directory.root} already") from error
    state_directory.daemon_file.unlink(missing_ok=True)
    try:
        async with AsyncExitStack() as stack:
            await _start(state_directory, stack, programs, cosmos_partitions)
            await _wait_for_signal()
            _log.info("stopping")
    finally:
        state_directory.daemon_file.unlink(missing_ok=True)


async def _start(
    state_directory: StateDirectory, stack: AsyncExitStack, programs: Programs, cosmos_partitions: int | None
) -> None:
    keys = pki.load_or_create(state_directory)
    resources = ResourceStore(state_directory.data / "resources.db")
    stack.callback(resources.close)
    store = ItemStore(state_directory.data / "cosmos.db", partitions=cosmos_partitions)
    stack.callback(store.close)
    objects = ResourceStore(state_directory.data / "directory.db")
    stack.callback(objects.close)
    directory = Directory(objects)
    analyzers = AnalyzerStore(state_directory.data / "content_understanding.db")
    stack.callback(analyzers.close)
    identities = Identities(keys.signing_key, resources, directory)
    faults = Faults(state_directory.run / "faults.json")
    session = await stack.enter_async_context(
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=3), auto_decompress=False)
    )

    # --- Child processes
    running_azurite, (model_server, model_server_output) = await asyncio.gather(
        azurite.start(state_directory, programs.node),
        _start_model_server(state_directory, programs.models),
    )
    stack.push_async_callback(running_azurite.child.stop)
    stack.push_async_callback(model_server.stop)
    slots = azurite.AccountSlots(state_directory.data / "slots.json")
    azurite_client = AzuriteClient(running_azurite, slots, session)

    # --- Databases, which are closed after the gateway
    events = BlobEventDelivery(state_directory.data / "events.db", resources, azurite_client, faults)
    stack.callback(events.close)
    topics = TopicHandler(state_directory.data / "topics.db", resources, identities, faults)
    stack.callback(topics.close)

    # --- Gateway
    handlers: dict[str, Handler] = {}
    origins = ConnectionOrigins()
    identity_port = await listen(stack, create_identity_application(identities, faults), None)
    gateway_port = await listen(stack, create_application(handlers, origins), keys)
    proxy = Proxy(gateway_port, lambda host: service_of(host) is not None, resources, origins)
    proxy_server, proxy_port = await proxy.start()
    stack.callback(proxy_server.close)

    # --- Services
    function_apps = FunctionApps(
        state_directory,
        Ports(
            provider=0,
            preview_provider=0,
            directory_provider=0,
            preview_directory_provider=0,
            identity=identity_port,
            proxy=proxy_port,
            browser_addresses=0,
        ),
        resources=resources,
        identities=identities,
        azurite_client=azurite_client,
        faults=faults,
        worker_library=programs.worker_library,
    )
    stack.push_async_callback(function_apps.stop)
    for service in ("blob", "queue"):
        storage = StorageHandler(
            service,
            resources=resources,
            identities=identities,
            azurite_client=azurite_client,
            publish_event=events.publish,
            faults=faults,
            delegation_keys=UserDelegationKeys(derive_secret(keys.signing_key)),
        )
        handlers[f"{service}.core.windows.net"] = storage.handle
    handlers |= create_ai_handlers(
        resources, identities, session, model_server_output["url"], faults, analyzers=analyzers
    )
    handlers["documents.azure.com"] = stack.enter_context(CosmosHandler(resources, identities, store, faults)).handle
    handlers["eventgrid.azure.net"] = topics.handle
    handlers["login.microsoftonline.com"] = SignInHandler(identities, directory).handle
    handlers["azurewebsites.net"] = FunctionAppHandler(function_apps, session).handle
    handlers["scm.azurewebsites.net"] = DeploymentHandler(identities, function_apps).handle
    handlers["management.azure.com"] = ResourceManagerHandler(resources, identities, function_apps).handle

    # --- Deployed resources: after a crash, the services may lag behind.
    activator = ResourceActivator(azurite_client, store, function_apps, analyzers)
    for resource in resources:
        await activator.activate(resource)
    lifecycle = Lifecycle(resources, azurite_client, events.publish)
    for endless in (events.run(), lifecycle.run()):
        task = asyncio.create_task(endless)
        stack.callback(task.cancel)
        task.add_done_callback(_stop_when_ended)

    ports = Ports(
        **await serve_providers(stack, resources, directory, activator, faults),
        identity=identity_port,
        proxy=proxy_port,
        browser_addresses=await _serve_browser(stack, state_directory, resources, gateway_port),
    )
    state_directory.write_daemon_info(
        DaemonInfo(pid=os.getpid(), ports=ports, user_secrets={**identities.user_secrets})
    )
    _log.info("ready: %s", ports)
    for child in (running_azurite.child, model_server):
        stack.callback(asyncio.create_task(_stop_with_child(child)).cancel)


async def _serve_browser(
    stack: AsyncExitStack, state_directory: StateDirectory, resources: ResourceStore, gateway_port: int
) -> int:
    """Open the listeners for a browser on this machine; return the port of the server of their addresses."""
    gateway = BrowserGateway(
        gateway_port,
        ssl.create_default_context(cafile=state_directory.ca_bundle),
        state_directory.data / "browser_ports.json",
        lambda host: _is_deployed(resources, host),
    )
    await stack.enter_async_context(gateway)
    return await listen(stack, create_address_application(gateway), None)


def _is_deployed(resources: ResourceStore, host: str) -> bool:
    """Whether there is a resource with this host name, or it is one that every subscription has."""
    name, _, suffix = host.partition(".")
    type_name = {"azurewebsites.net": "web:WebApp", "blob.core.windows.net": "storage:StorageAccount"}.get(suffix)
    return type_name is None or resources.find_by_name(type_name, name) is not None


async def _stop_with_child(child: process.ChildProcess) -> None:
    """Stop the daemon when a child process has ended: without it, the other services would fail in unclear ways."""
    code = await child.ended
    _log.critical("%s has ended by itself with %s; stopping", child.name, code)
    os.kill(os.getpid(), signal.SIGTERM)


def _stop_when_ended(task: asyncio.Task[None]) -> None:
    """Stop the daemon when the delivery of events or lifecycle management has ended, which only an error can cause."""
    if not task.cancelled():
        _log.critical("%s has ended; stopping", task.get_coro(), exc_info=task.exception())
        os.kill(os.getpid(), signal.SIGTERM)


async def _start_model_server(
    state_directory: StateDirectory, models: Path
) -> tuple[process.ChildProcess, dict[str, str]]:
    return await process.start(
        "vision",
        [sys.executable, "-m", "emulator.services.vision.model_server", str(models)],
        log=state_directory.logs / "vision.log",
        ready={"url": r"^READY (\S+)$"},
        # Without it onnxruntime stores a device id in the user's cache folder, for telemetry.
        environment={"ORT_DISABLE_TELEMETRY": "1"},
        folder=Path(__file__).parents[1],
    )


async def _wait_for_signal() -> None:
    received = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received.set)
    await received.wait()
