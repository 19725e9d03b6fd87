"""Reading and writing single items."""

from aiohttp import web

from emulator.services.cosmos.addressing import OpenContainer
from emulator.services.cosmos.items.charges import format_charge, read_charge, replace_charge, write_charge
from emulator.services.cosmos.items.container import PartitionKey
from emulator.services.cosmos.items.item_rules import missing_partition_key, read_item, read_partition_key
from emulator.services.cosmos.items.partitions import partition_of
from emulator.services.cosmos.items.store import ItemStore, StoredItem
from emulator.services.cosmos.operation import Operation, OperationType
from emulator.services.cosmos.responses import item_response, json_response, write_response
from emulator.services.cosmos.throughput import Throughput

PARTITION_KEY_HEADER = "x-ms-documentdb-partitionkey"


class ItemOperations:
    """The operations on single items."""

    def __init__(self, store: ItemStore, throughput: Throughput) -> None:
        self._store = store
        self._throughput = throughput

    async def answer(self, request: web.Request, opened: OpenContainer, operation: Operation) -> web.Response:
        """The response to an operation on one item. Raises CosmosError."""
        key = _partition_key(request, opened)
        partition = partition_of(opened.container.effective_key(key), self._store.partitions)
        self._throughput.admit(opened.resource, partition)
        match operation.type:
            case OperationType.CREATE | OperationType.UPSERT:
                return await self._create(request, opened, operation.type, key)
            case OperationType.READ:
                return self._read(request, opened, key, operation.segments[5])
            case OperationType.REPLACE:
                return await self._replace(request, opened, key, operation.segments[5])
            case _:
                return self._delete(request, opened, key, operation.segments[5])

    async def _create(
        self, request: web.Request, opened: OpenContainer, operation_type: OperationType, key: PartitionKey
    ) -> web.Response:
        item = read_item(await request.read())
        if operation_type is OperationType.CREATE:
            stored = self._store.create(opened.container, key, item)
            charge = write_charge(opened.container, stored.body)
            return write_response(request, stored, 201, self._spend(opened, stored, charge))
        stored, is_new = self._store.upsert(opened.container, key, item, request.headers.get("If-Match"))
        charge = write_charge(opened.container, stored.body) if is_new else replace_charge(stored.body)
        return write_response(request, stored, 201 if is_new else 200, self._spend(opened, stored, charge))

    def _read(self, request: web.Request, opened: OpenContainer, key: PartitionKey, item_id: str) -> web.Response:
        stored = self._store.read(opened.container, key, item_id)
        headers = self._spend(opened, stored, read_charge(stored.body))
        if request.headers.get("If-None-Match") == stored.etag:
            return json_response(None, 304, {"etag": stored.etag, **headers})
        return item_response(stored, 200, headers)

    async def _replace(
        self, request: web.Request, opened: OpenContainer, key: PartitionKey, item_id: str
    ) -> web.Response:
        item = read_item(await request.read())
        stored = self._store.replace(opened.container, key, item_id, item, request.headers.get("If-Match"))
        return write_response(request, stored, 200, self._spend(opened, stored, replace_charge(stored.body)))

    def _delete(self, request: web.Request, opened: OpenContainer, key: PartitionKey, item_id: str) -> web.Response:
        stored = self._store.delete(opened.container, key, item_id, request.headers.get("If-Match"))
        charge = write_charge(opened.container, stored.body)
        return json_response(None, 204, self._spend(opened, stored, charge))

    def _spend(self, opened: OpenContainer, stored: StoredItem, charge: float) -> dict[str, str]:
        """Count the charge; the headers of the response."""
        self._throughput.spend(opened.resource, stored.partition, charge)
        writes = self._store.open_container(opened.container).writes
        return {
            "x-ms-request-charge": format_charge(charge),
            "x-ms-session-token": session_token(stored.partition, writes),
            "x-ms-documentdb-partitionkeyrangeid": str(stored.partition),
        }


def session_token(partition: int, writes: int) -> str:
    """The session token of a physical partition: its id, a version, and the number of writes."""
    return f"{partition}:-1#{writes}"


def _partition_key(request: web.Request, opened: OpenContainer) -> PartitionKey:
    header = request.headers.get(PARTITION_KEY_HEADER)
    if header is None:
        raise missing_partition_key()
    return read_partition_key(header, opened.container)
