"""What a deployed resource means for the running services."""

from emulator.core.resource_store import Resource
from emulator.services.content_understanding.analyzer_store import AnalyzerStore
from emulator.services.cosmos.items.container import container_key
from emulator.services.cosmos.items.store import ItemStore
from emulator.services.functions.function_apps import FunctionApps
from emulator.services.storage.azurite_client import AzuriteClient


class ActivationError(Exception):
    """A service did not create or delete what a resource stands for."""


class ResourceActivator:
    """Creates and deletes containers and queues in Azurite, items, analyzers, and hosts of function apps."""

    def __init__(
        self, azurite_client: AzuriteClient, store: ItemStore, function_apps: FunctionApps, analyzers: AnalyzerStore
    ) -> None:
        self._azurite_client = azurite_client
        self._store = store
        self._function_apps = function_apps
        self._analyzers = analyzers

    async def activate(self, resource: Resource) -> None:
        """Create or update what the resource stands for. Raises ActivationError."""
        match resource.type.removeprefix("azure-native:"):
            case "storage:StorageAccount":
                self._azurite_client.slots.slot_of(resource.name)
            case "storage:BlobContainer":
                await self._send(resource, "blob", "PUT", [("restype", "container")], {201, 409})
            case "storage:Queue":
                await self._send(resource, "queue", "PUT", [], {201, 204, 409})
            case "web:WebApp":
                await self._function_apps.apply(resource)
            case _:
                return

    async def deactivate(self, resource: Resource) -> None:
        """Delete what the resource stands for, with its content. Raises ActivationError."""
        match resource.type.removeprefix("azure-native:"):
            case "storage:StorageAccount":
                self._azurite_client.slots.release(resource.name)
            case "storage:BlobContainer":
                await self._send(resource, "blob", "DELETE", [("restype", "container")], {202, 404})
            case "storage:Queue":
                await self._send(resource, "queue", "DELETE", [], {204, 404})
            case "cosmosdb:SqlResourceSqlContainer":
                self._store.drop(container_key(resource))
            case "cognitiveservices:Account":
                self._analyzers.drop_account(resource.id)
            case "web:WebApp":
                await self._function_apps.remove(resource)
            case _:
                return

    async def _send(
        self, resource: Resource, service: str, method: str, query: list[tuple[str, str]], expected: set[int]
    ) -> None:
        account = resource.inputs["accountName"]
        path = f"/{resource.name}"
        async with self._azurite_client.request(service, account, method, path, query=query) as response:
            if response.status not in expected:
                raise ActivationError(f"Azurite answered {response.status} to {method} {resource.id}")
