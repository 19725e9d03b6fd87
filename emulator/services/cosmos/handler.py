"""Cosmos DB's REST API, as far as the Python SDK needs it to read and write single items.

What is not supported (queries, change feed, patch, batches, stored procedures) is refused with 501.
"""

import json
from dataclasses import dataclass
from typing import override
from urllib.parse import unquote

from aiohttp import web

from emulator.core.authorization import COSMOS, Authorization
from emulator.core.errors import ServiceError
from emulator.core.faults import Faults
from emulator.core.http import ServiceHandler
from emulator.core.identity import Caller, Identities, TokenError
from emulator.core.outages import Outage
from emulator.core.resource_store import Properties, Resource, ResourceStore
from emulator.core.virtual_networks import allows_network_access
from emulator.services.cosmos.responses import (
    account_response,
    item_response,
    json_response,
    partition_key_ranges_response,
    system_properties,
    write_response,
)
from emulator.services.cosmos.store import Container, CosmosError, Item, ItemStore

_ITEMS = f"{COSMOS}/sqlDatabases/containers/items"
_METADATA = f"{COSMOS}/readMetadata"


def container_key(resource: Resource) -> str:
    """The key of a deployed container in the item store."""
    return resource.id.lower()


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a request asks for: the segments of its path, and the data action that it requires."""

    segments: list[str]
    action: str


class CosmosHandler(ServiceHandler[Resource, Operation]):
    """The requests to all deployed Cosmos DB accounts."""

    def __init__(self, resources: ResourceStore, identities: Identities, store: ItemStore, faults: Faults) -> None:
        super().__init__(identities, Outage(faults, "cosmos"))
        self._resources = resources
        self._authorization = Authorization(resources)
        self._store = store

    @override
    def find_target(self, request: web.Request) -> Resource:
        name = request.host.partition(".")[0]
        account = self._resources.find_by_name("cosmosdb:DatabaseAccount", name)
        if account is None:
            raise CosmosError(404, "NotFound", f"The account {name} does not exist.")
        return account

    @override
    def check_network(self, request: web.Request, target: Resource) -> None:
        if not allows_network_access(self._resources, target, "Sql", request):
            # https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-forbidden#firewall-blocking-requests
            raise CosmosError(
                403,
                "Forbidden",
                f"Request originated from IP {request.remote} through public internet. This is blocked by your Cosmos"
                " DB account firewall settings. More info: https://aka.ms/cosmosdb-tsg-forbidden",
            )

    @override
    def read_token(self, request: web.Request) -> str:
        """The token in `type=aad&ver=1.0&sig=<token>`, which is URL-encoded.

        https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
        """
        fields: dict[str, str] = {}
        for pair in unquote(request.headers.get("Authorization", "")).split("&"):
            name, _, value = pair.partition("=")
            fields[name] = value
        if fields.get("type") != "aad":
            message = "Local Authorization is disabled. Use an AAD token to authorize all requests."
            raise CosmosError(401, "Unauthorized", message)
        return fields.get("sig", "")

    @override
    def audiences(self, request: web.Request) -> set[str]:
        host = request.host.partition(":")[0]
        return {f"https://{host}", "https://cosmos.azure.com"}

    @override
    def token_error(self, request: web.Request, error: TokenError) -> ServiceError:
        return CosmosError(401, "Unauthorized", f"The token was refused: {error}")

    @override
    def read_operation(self, request: web.Request, target: Resource) -> Operation:
        path = request.rel_url.raw_path.strip("/")
        segments = [unquote(segment) for segment in path.split("/") if segment]
        return Operation(segments=segments, action=_action(request, segments))

    @override
    def check_role(self, caller: Caller, target: Resource, operation: Operation) -> None:
        path = "".join(f"/{segment}" for segment in operation.segments[:4])
        if not self._authorization.allows_cosmos(caller.object_id, operation.action, target.id, path):
            raise CosmosError(
                403,
                "Forbidden",
                f"Request blocked by Auth {target.name} : Request is blocked because principal [{caller.object_id}]"
                f" does not have required RBAC permissions to perform action [{operation.action}] on resource [{path}]."
                " Learn more: https://aka.ms/cosmos-native-rbac.",
                sub_status=5301,
            )

    @override
    async def answer(self, request: web.Request, target: Resource, operation: Operation) -> web.StreamResponse:
        segments = operation.segments
        if not segments:
            return account_response(request)
        database = self._resources.get(f"{target.id}/sqlDatabases/{segments[1]}")
        if database is None:
            raise _owner_not_found()
        if len(segments) == 2:
            return json_response({"id": database.name, **system_properties(database.name)})
        if len(segments) < 4:
            raise _unsupported(request)
        container = self._resources.get(f"{database.id}/containers/{segments[3]}")
        if container is None:
            raise _owner_not_found()
        if len(segments) == 4:
            return json_response({**container.inputs["resource"], **system_properties(container.name)})
        if segments[4] == "pkranges":
            return partition_key_ranges_response(request)
        return await self._answer_items(request, container, segments[5:])

    async def _answer_items(self, request: web.Request, resource: Resource, segments: list[str]) -> web.Response:
        definition: Properties = resource.inputs["resource"]
        container = Container(
            key=container_key(resource),
            partition_path=tuple(definition["partitionKey"]["paths"][0].strip("/").split("/")),
            default_ttl=definition.get("defaultTtl"),
        )
        header = request.headers.get("x-ms-documentdb-partitionkey")
        partition = None
        if header is not None:
            partition = json.dumps(json.loads(header))
        if_match = request.headers.get("If-Match")
        if not segments:
            item = await _read_item(request)
            if _flag(request, "x-ms-documentdb-is-upsert"):
                stored, is_new = self._store.upsert(container, partition, item, if_match)
                return write_response(request, stored, 201 if is_new else 200)
            return write_response(request, self._store.create(container, partition, item), 201)
        if partition is None:
            message = "PartitionKey value must be supplied for this operation."
            raise CosmosError(400, "BadRequest", message, sub_status=1001)
        item_id = segments[0]
        match request.method:
            case "GET":
                stored = self._store.read(container, partition, item_id)
                if request.headers.get("If-None-Match") == stored.etag:
                    return json_response(None, 304, {"etag": stored.etag})
                return item_response(stored, 200)
            case "PUT":
                item = await _read_item(request)
                stored = self._store.replace(container, partition, item_id, item, if_match)
                return write_response(request, stored, 200)
            case "DELETE":
                self._store.delete(container, partition, item_id, if_match)
                return json_response(None, 204)
            case _:
                raise _unsupported(request)

    @override
    def error_response(self, error: ServiceError) -> web.Response:
        sub_status = error.sub_status if isinstance(error, CosmosError) else 0
        headers = {"x-ms-substatus": str(sub_status), **error.headers}
        return json_response({"code": error.code, "message": str(error)}, error.status, headers)


async def _read_item(request: web.Request) -> Item:
    try:
        item = json.loads(await request.read())
    except ValueError as error:
        raise CosmosError(400, "BadRequest", f"The body is not JSON: {error}") from error
    if not isinstance(item, dict):
        raise CosmosError(400, "BadRequest", "The body is not a JSON object.")
    return item


def _action(request: web.Request, segments: list[str]) -> str:
    """The data action that a request requires.

    https://learn.microsoft.com/azure/cosmos-db/nosql/security/reference-data-plane-actions
    """
    method = request.method
    if len(segments) < 5 or segments[4] == "pkranges":
        if method == "GET":
            return _METADATA
        message = "Databases and containers are managed through ARM only."
        raise CosmosError(403, "Forbidden", message, sub_status=5300)
    if segments[4] != "docs" or len(segments) > 6:
        raise _unsupported(request)
    if len(segments) == 6:
        verbs = {"GET": "read", "PUT": "replace", "DELETE": "delete"}
        if method not in verbs:
            raise _unsupported(request)
        return f"{_ITEMS}/{verbs[method]}"
    is_query = _flag(request, "x-ms-documentdb-isquery") or "query+json" in request.headers.get("Content-Type", "")
    if method != "POST" or is_query or _flag(request, "x-ms-cosmos-is-batch-request"):
        raise _unsupported(request)
    if _flag(request, "x-ms-documentdb-is-upsert"):
        return f"{_ITEMS}/upsert"
    return f"{_ITEMS}/create"


def _flag(request: web.Request, header: str) -> bool:
    return request.headers.get(header, "").lower() == "true"


def _owner_not_found() -> CosmosError:
    return CosmosError(404, "NotFound", "Owner resource does not exist", sub_status=1003)


def _unsupported(request: web.Request) -> CosmosError:
    return CosmosError(
        501,
        "NotImplemented",
        f"The emulator's Cosmos DB supports reading and writing single items only, not {request.method} {request.path}"
        f" ({request.headers.get('Content-Type', 'no content')}).",
    )
