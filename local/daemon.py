"""The daemon: every stand-in in one process group, started together, stopped together."""

import asyncio
import fcntl
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from aiohttp import web

from local import pki
from local.faults import Faults
from local.gateway import front
from local.gateway.apps import Apps
from local.gateway.backend import StorageBackend
from local.gateway.eventgrid import EventGrid
from local.gateway.lifecycle import Lifecycle
from local.gateway.management import Management
from local.gateway.outages import with_outages
from local.gateway.proxy import Origins, Proxy
from local.gateway.storage import Storage
from local.gateway.topics import Topics
from local.gateway.vision import Vision
from local.home import Home, Ports, Running
from local.identity import Identities
from local.provider.server import Provider, serve
from local.resources import Resource, Resources
from local.services import azurite, process
from local.services.cosmos.server import Cosmos, container_key
from local.services.cosmos.store import Store
from local.services.functions.sites import Sites

_log = logging.getLogger("local.daemon")


class DaemonError(Exception):
    """The daemon cannot run; the text says why."""


class Effects:
    """What a resource means for the running services: containers and queues in Azurite, items in Cosmos, apps."""

    def __init__(self, backend: StorageBackend, store: Store, sites: Sites) -> None:
        self._backend = backend
        self._store = store
        self._sites = sites

    async def apply(self, resource: Resource) -> None:
        """Makes a resource real; again, when it is real already."""
        match resource.type.removeprefix("azure-native:"):
            case "storage:StorageAccount":
                self._backend.slots.of(resource.name)
            case "storage:BlobContainer":
                await self._storage(resource, "blob", "PUT", [("restype", "container")], {201, 409})
            case "storage:Queue":
                await self._storage(resource, "queue", "PUT", [], {201, 204, 409})
            case "web:WebApp":
                await self._sites.apply(resource)
            case _:
                return

    async def remove(self, resource: Resource) -> None:
        """Takes a resource away, with everything in it."""
        match resource.type.removeprefix("azure-native:"):
            case "storage:StorageAccount":
                self._backend.slots.release(resource.name)
            case "storage:BlobContainer":
                await self._storage(resource, "blob", "DELETE", [("restype", "container")], {202, 404})
            case "storage:Queue":
                await self._storage(resource, "queue", "DELETE", [], {204, 404})
            case "cosmosdb:SqlResourceSqlContainer":
                self._store.drop(container_key(resource))
            case "web:WebApp":
                await self._sites.remove(resource)
            case _:
                return

    async def _storage(
        self, resource: Resource, service: str, method: str, query: list[tuple[str, str]], expected: set[int]
    ) -> None:
        account = resource.inputs["accountName"]
        async with self._backend.request(service, account, method, f"/{resource.name}", query=query) as response:
            if response.status not in expected:
                raise DaemonError(f"Azurite answered {response.status} to {method} {resource.id}")


async def run(home: Home, *, node: str, models: Path, worker_library: Path) -> None:
    """Runs until SIGTERM or SIGINT. Raises DaemonError when there is a daemon already."""
    home.make()
    # Never closed: the system lets go of the lock when the process is gone, which is what others wait for.
    lock = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DaemonError(f"a daemon is running on {home.root} already") from error
    home.announcement.unlink(missing_ok=True)
    try:
        async with AsyncExitStack() as stack:
            await _start(home, stack, node, models, worker_library)
            await _signalled()
            _log.info("stopping")
    finally:
        home.announcement.unlink(missing_ok=True)


async def _start(home: Home, stack: AsyncExitStack, node: str, models: Path, worker_library: Path) -> None:
    keys = pki.load(home)
    resources = Resources(home.data / "resources.db")
    identities = Identities(keys.signing_key, resources)
    store = Store(home.data / "cosmos.db")
    stack.callback(resources.close)
    stack.callback(store.close)
    session = await stack.enter_async_context(
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=3), auto_decompress=False)
    )
    blobs, (vision_child, vision_said) = await asyncio.gather(azurite.start(home, node), _models(home, models))
    stack.push_async_callback(blobs.child.stop)
    stack.push_async_callback(vision_child.stop)
    backend = StorageBackend(blobs, azurite.Slots(home.data / "slots.json"), session)
    faults = Faults(home.run / "faults.json")
    events = EventGrid(home.data / "events.db", resources, backend, faults)
    stack.callback(events.close)
    topics = Topics(home.data / "topics.db", resources, identities)
    stack.callback(topics.close)

    identity_port = await _listen(stack, _identity_application(identities, faults), None)
    cosmos = Cosmos(resources, identities, store)
    vision = Vision(resources, identities, session, vision_said["url"], faults)
    common = {"resources": resources, "identities": identities, "backend": backend, "events": events}
    handlers: dict[str, front.Handler] = {
        "blob.core.windows.net": with_outages(faults, "blob", Storage("blob", **common).handle),
        "queue.core.windows.net": with_outages(faults, "queue", Storage("queue", **common).handle),
        "documents.azure.com": with_outages(faults, "cosmos", cosmos.handle),
        "cognitiveservices.azure.com": with_outages(faults, "vision", vision.handle),
        "eventgrid.azure.net": with_outages(faults, "eventgrid", topics.handle),
        "login.microsoftonline.com": identities.keys,
    }
    origins = Origins()
    gateway_port = await _listen(stack, front.application(handlers, origins), keys)
    proxy, proxy_port = await Proxy(
        gateway_port, lambda host: front.service_of(host) is not None, resources, origins
    ).start()
    stack.callback(proxy.close)
    sites = Sites(
        home,
        Ports(provider=0, planner=0, identity=identity_port, proxy=proxy_port),
        resources=resources,
        identities=identities,
        backend=backend,
        faults=faults,
        worker_library=worker_library,
    )
    stack.push_async_callback(sites.stop)
    management = Management(resources, identities, sites)
    handlers["azurewebsites.net"] = Apps(sites, session).handle
    handlers["scm.azurewebsites.net"] = management.scm
    handlers["management.azure.com"] = management.arm
    effects = Effects(backend, store, sites)
    # After a crash, the services may lag behind what is deployed.
    for resource in resources:
        await effects.apply(resource)
    for endless in (events.deliver(), Lifecycle(resources, backend, events).run()):
        task = asyncio.create_task(endless)
        stack.callback(task.cancel)
        task.add_done_callback(_ended)
    effect = {"applied": effects.apply, "removed": effects.remove}
    server, provider_port = await serve(Provider(resources, faults=faults, **effect))
    stack.push_async_callback(server.stop, 1)
    planner, planner_port = await serve(Provider(resources, **effect, planning=True))
    stack.push_async_callback(planner.stop, 1)
    ports = Ports(provider=provider_port, planner=planner_port, identity=identity_port, proxy=proxy_port)
    home.announce(Running(pid=os.getpid(), ports=ports, user_secret=identities.user_secret))
    _log.info("ready: %s", ports)
    for child in (blobs.child, vision_child):
        stack.callback(asyncio.create_task(_watch(child)).cancel)


async def _watch(child: process.Child) -> None:
    """Half a cloud would only give puzzling answers: the daemon ends, and the next `make up` starts it whole."""
    code = await child.ended
    _log.critical("%s ended unasked with %s; stopping", child.name, code)
    os.kill(os.getpid(), signal.SIGTERM)


def _ended(task: asyncio.Task[None]) -> None:
    """Deliveries and deletions go on for ever; if they do not, no image would ever be classified, or deleted, again."""
    if not task.cancelled():
        _log.critical("%s has ended; stopping", task.get_coro(), exc_info=task.exception())
        os.kill(os.getpid(), signal.SIGTERM)


async def _models(home: Home, models: Path) -> tuple[process.Child, dict[str, str]]:
    return await process.start(
        "vision",
        [sys.executable, "-m", "local.services.vision.server", str(models)],
        log=home.logs / "vision.log",
        ready={"url": r"^READY (\S+)$"},
        # Without it onnxruntime keeps a device id in the user's cache folder, for telemetry.
        environment={"ORT_DISABLE_TELEMETRY": "1"},
        folder=Path(__file__).parents[1],
    )


def _identity_application(identities: Identities, faults: Faults) -> web.Application:
    application = web.Application()
    application.router.add_get("/msi/token", with_outages(faults, "identity", identities.endpoint))
    return application


async def _listen(stack: AsyncExitStack, application: web.Application, keys: pki.Pki | None) -> int:
    runner = web.AppRunner(application, access_log=None, auto_decompress=False)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=keys.server if keys else None, shutdown_timeout=2).start()
    return runner.addresses[0][1]


async def _signalled() -> None:
    received = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received.set)
    await received.wait()
