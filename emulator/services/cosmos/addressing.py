"""Paths to resources: by names (`dbs/pipeline/colls/images`), or by resource ids (`_self`)."""

from dataclasses import dataclass, replace

from emulator.core.resource_store import Resource, ResourceStore
from emulator.services.cosmos.items.container import Container
from emulator.services.cosmos.items.errors import CosmosError, backend_error
from emulator.services.cosmos.items.resource_ids import database_rid, item_number
from emulator.services.cosmos.items.store import ItemStore, StoredContainer
from emulator.services.cosmos.operation import Operation

_NOT_FOUND = "Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found"


@dataclass(frozen=True, kw_only=True)
class OpenContainer:
    """A deployed container with its stored state."""

    resource: Resource
    database: Resource
    container: Container
    stored: StoredContainer


class Addressing:
    """Finds what a path stands for."""

    def __init__(self, resources: ResourceStore, store: ItemStore) -> None:
        self._resources = resources
        self._store = store

    def with_names(self, account: Resource, operation: Operation) -> Operation:
        """The operation with names in place of resource ids, as roles are assigned by them."""
        segments = list(operation.segments)
        database = self._find_database(account, segments[1]) if len(segments) > 1 else None
        if database is None:
            return operation
        segments[1] = database.name
        container = self._find_container(database, segments[3]) if len(segments) > 3 else None
        if container is None:
            return replace(operation, segments=tuple(segments))
        if container.name != segments[3] and len(segments) == 6:
            number = item_number(segments[5])
            stored = self._store.open_container(Container.of_resource(container))
            item_id = None if number is None else self._store.id_of(stored, number)
            segments[5] = segments[5] if item_id is None else item_id
        segments[3] = container.name
        return replace(operation, segments=tuple(segments))

    def database(self, account: Resource, operation: Operation) -> Resource:
        """The database. Raises CosmosError 404."""
        database = self._find_database(account, operation.segments[1])
        if database is None:
            raise _resource_not_found(operation, 2)
        return database

    def container(self, account: Resource, operation: Operation) -> OpenContainer:
        """The container. Raises CosmosError 404."""
        database = self.database(account, operation)
        resource = self._find_container(database, operation.segments[3])
        if resource is None:
            raise _resource_not_found(operation, 4)
        container = Container.of_resource(resource)
        stored = self._store.open_container(container)
        return OpenContainer(resource=resource, database=database, container=container, stored=stored)

    def _find_database(self, account: Resource, segment: str) -> Resource | None:
        named = self._resources.get(f"{account.id}/sqlDatabases/{segment}")
        if named is not None and named.name == segment:
            return named
        for database in self._resources.of_type("cosmosdb:SqlResourceSqlDatabase"):
            is_in_account = database.id.lower().startswith(f"{account.id.lower()}/")
            if is_in_account and database_rid(database.id) == segment:
                return database
        return None

    def _find_container(self, database: Resource, segment: str) -> Resource | None:
        named = self._resources.get(f"{database.id}/containers/{segment}")
        if named is not None and named.name == segment:
            return named
        key = self._store.key_of(segment)
        if key is None or not key.startswith(f"{database.id.lower()}/"):
            return None
        return self._resources.get(key)


def _resource_not_found(operation: Operation, depth: int) -> CosmosError:
    """404 for what does not exist at `depth` in the path; sub-status 1003 if the request is for something below it."""
    if len(operation.segments) == depth:
        return backend_error(_NOT_FOUND, status=404, code="NotFound")
    return CosmosError(404, "NotFound", "Owner resource does not exist", sub_status=1003)
