"""Cosmos DB's handler with a deployed account, over HTTP and for Microsoft's SDKs."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AioHttpTransport, RequestsTransport
from azure.cosmos import CosmosClient
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient

from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.core.resource_store import Resource
from emulator.gateway.proxy import ConnectionOrigins
from emulator.gateway.router import create_application
from emulator.services.cosmos.handler import CosmosHandler
from emulator.services.cosmos.items.store import ItemStore
from tests.emulator.conftest import Deployment

HOST = "c.documents.azure.com"
PREFIX = "Microsoft.DocumentDB/databaseAccounts"
CONTAINERS = f"{PREFIX}/sqlDatabases/containers"
ALL_ACTIONS = (f"{PREFIX}/readMetadata", f"{CONTAINERS}/*", f"{CONTAINERS}/items/*")


class Credential:
    """Tokens of one principal, for both kinds of client."""

    def __init__(self, identities: Identities, principal: str) -> None:
        self._identities = identities
        self._principal = principal

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._identities.issue_token(self._principal, f"https://{HOST}")[0], 4_000_000_000)


class AsyncCredential:
    """The same for asynchronous clients."""

    def __init__(self, identities: Identities, principal: str) -> None:
        self._credential = Credential(identities, principal)

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return self._credential.get_token(*scopes, **options)

    async def close(self) -> None:
        return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, exc_type: object = None, exc_value: object = None, traceback: object = None) -> None:
        return


def _redirect(request: Any, port: int) -> None:
    request.headers["Host"] = urlsplit(request.url).netloc
    request.url = request.url.replace(f"https://{HOST}:443", f"http://127.0.0.1:{port}")
    request.url = request.url.replace(f"https://{HOST}", f"http://127.0.0.1:{port}")


class CosmosAccount:
    """A deployed account with the database `pipeline`."""

    def __init__(self, deployment: Deployment, identities: Identities, store: ItemStore, faults: Faults) -> None:
        self.deployment = deployment
        self.identities = identities
        self.store = store
        self.names = {"resourceGroupName": "rg", "accountName": "c"}
        deployment.add("resources:ResourceGroup", resourceGroupName="rg", location="x")
        self.resource = deployment.add("cosmosdb:DatabaseAccount", **self.names, location="x")
        deployment.add(
            "cosmosdb:SqlResourceSqlDatabase", **self.names, databaseName="pipeline", resource={"id": "pipeline"}
        )
        self.handler = CosmosHandler(deployment.resources, identities, store, faults)
        self.port = 0

    def add_container(self, name: str, *paths: str, options: Any = None, **resource: Any) -> Resource:
        """Deploy a container."""
        kind = "Hash" if len(paths) < 2 else "MultiHash"
        key = {"paths": list(paths) or ["/id"], "kind": kind, "version": 2}
        return self.deployment.add(
            "cosmosdb:SqlResourceSqlContainer",
            **self.names,
            databaseName="pipeline",
            containerName=name,
            resource={"id": name, "partitionKey": key, **resource},
            options=options or {},
        )

    def assign_role(self, principal: str, *actions: str, scope: str = "") -> None:
        """Let a principal do `actions`, in the account or below it."""
        role = self.deployment.add(
            "cosmosdb:SqlResourceSqlRoleDefinition",
            **self.names,
            roleDefinitionId=f"role-of-{principal}",
            permissions=[{"dataActions": list(actions)}],
        )
        self.deployment.add(
            "cosmosdb:SqlResourceSqlRoleAssignment",
            **self.names,
            roleAssignmentId=f"assignment-of-{principal}",
            principalId=principal,
            roleDefinitionId=role.id,
            scope=self.resource.id + scope,
        )

    @contextmanager
    def client(self, principal: str = "owner", **options: Any) -> Iterator[CosmosClient]:
        """Microsoft's synchronous client."""
        port = self.port

        class Transport(RequestsTransport):
            def send(self, request: Any, **options: Any) -> Any:
                _redirect(request, port)
                return super().send(request, **options)

        credential = Credential(self.identities, principal)
        with CosmosClient(f"https://{HOST}:443/", credential, transport=Transport(), **options) as client:
            yield client

    @asynccontextmanager
    async def async_client(self, principal: str = "owner") -> AsyncIterator[AsyncCosmosClient]:
        """Microsoft's asynchronous client."""
        port = self.port

        class Transport(AioHttpTransport):
            async def send(self, request: Any, **options: Any) -> Any:
                _redirect(request, port)
                return await super().send(request, **options)

        credential = AsyncCredential(self.identities, principal)
        async with AsyncCosmosClient(f"https://{HOST}:443/", credential, transport=Transport()) as client:
            yield client


@contextmanager
def _listening(application: web.Application) -> Iterator[int]:
    """Serve an application on 127.0.0.1 in a thread; its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def start() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner.addresses[0][1]

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def faults_file(tmp_path: Path) -> Path:
    return tmp_path / "faults.json"


@pytest.fixture
def partitions() -> int:
    return 3


@pytest.fixture
def now() -> Callable[[], float]:
    """The clock of the store."""
    return time.time


@pytest.fixture
def account(
    deployment: Deployment,
    identities: Identities,
    tmp_path: Path,
    faults_file: Path,
    partitions: int,
    now: Callable[[], float],
) -> Iterator[CosmosAccount]:
    with ExitStack() as stack:
        store = stack.enter_context(closing(ItemStore(tmp_path / "cosmos.db", now, partitions=partitions)))
        account = CosmosAccount(deployment, identities, store, Faults(faults_file))
        stack.enter_context(account.handler)
        account.assign_role("owner", *ALL_ACTIONS)
        application = create_application({"documents.azure.com": account.handler.handle}, ConnectionOrigins())
        account.port = stack.enter_context(_listening(application))
        yield account


@pytest.fixture
def client(account: CosmosAccount) -> Iterator[CosmosClient]:
    with account.client() as client:
        yield client
