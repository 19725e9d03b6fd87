"""Cosmos DB's REST protocol, as far as the Python SDK needs it to work with single items.

What is not supported (queries, change feed, patch, batches, stored procedures) is refused with 501 and says so.
"""

import json
import uuid
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from emulator.core.authorization import COSMOS, Authorization
from emulator.core.identity import Identities, TokenError
from emulator.core.resource_store import Properties, Resource, Resources
from emulator.core.virtual_networks import admits
from emulator.services.cosmos.store import Container, CosmosError, Item, Store, Stored

_ITEMS = f"{COSMOS}/sqlDatabases/containers/items"
_METADATA = f"{COSMOS}/readMetadata"
_RANGES_ETAG = '"1"'


def container_key(resource: Resource) -> str:
    """The store's key of a deployed container."""
    return resource.id.lower()


class Cosmos:
    """Every deployed Cosmos DB account."""

    def __init__(self, resources: Resources, identities: Identities, store: Store) -> None:
        self._resources = resources
        self._identities = identities
        self._authorization = Authorization(resources)
        self._store = store

    async def handle(self, request: web.Request) -> web.Response:
        """Answers a request to `<account>.documents.azure.com`."""
        try:
            account = self._account(request)
            parts = [unquote(part) for part in request.rel_url.raw_path.strip("/").split("/") if part]
            action = _action(request, parts)
            self._authorize(request, account, action, parts)
            return await self._answer(request, account, parts)
        except CosmosError as error:
            return _response(
                {"code": error.code, "message": str(error)}, error.status, {"x-ms-substatus": str(error.sub_status)}
            )

    def _account(self, request: web.Request) -> Resource:
        name = request.host.partition(".")[0]
        account = self._resources.named("cosmosdb:DatabaseAccount", name)
        if account is None:
            raise CosmosError(404, "NotFound", f"The account {name} does not exist.")
        if not admits(self._resources, account, "Sql", request):
            # https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-forbidden#firewall-blocking-requests
            raise CosmosError(
                403,
                "Forbidden",
                f"Request originated from IP {request.remote} through public internet. This is blocked by your Cosmos"
                " DB account firewall settings. More info: https://aka.ms/cosmosdb-tsg-forbidden",
            )
        return account

    def _authorize(self, request: web.Request, account: Resource, action: str, parts: list[str]) -> None:
        header = dict(pair.partition("=")[::2] for pair in unquote(request.headers.get("Authorization", "")).split("&"))
        if header.get("type") != "aad":
            raise CosmosError(
                401, "Unauthorized", "Local Authorization is disabled. Use an AAD token to authorize all requests."
            )
        try:
            host = request.host.partition(":")[0]
            caller = self._identities.read(header.get("sig", ""), {f"https://{host}", "https://cosmos.azure.com"})
        except TokenError as error:
            raise CosmosError(401, "Unauthorized", f"The token was refused: {error}") from error
        path = "".join(f"/{part}" for part in parts[:4])
        if not self._authorization.allows_items(caller.object_id, action, account.id, path):
            raise CosmosError(
                403,
                "Forbidden",
                f"Request blocked by Auth {account.name} : Request is blocked because principal [{caller.object_id}]"
                f" does not have required RBAC permissions to perform action [{action}] on resource [{path}]."
                " Learn more: https://aka.ms/cosmos-native-rbac.",
                5301,
            )

    async def _answer(self, request: web.Request, account: Resource, parts: list[str]) -> web.Response:
        if not parts:
            return _response(_account_body(request))
        database = self._resources.get(f"{account.id}/sqlDatabases/{parts[1]}")
        if database is None:
            raise CosmosError(404, "NotFound", "Owner resource does not exist", 1003)
        if len(parts) == 2:
            return _response({"id": database.name, **_system(database.name)})
        if len(parts) < 4:
            raise _unsupported(request)
        container = self._resources.get(f"{database.id}/containers/{parts[3]}")
        if container is None:
            raise CosmosError(404, "NotFound", "Owner resource does not exist", 1003)
        if len(parts) == 4:
            return _response({**container.inputs["resource"], **_system(container.name)})
        if parts[4] == "pkranges":
            return _ranges(request)
        return await self._items(request, container, parts[5:])

    async def _items(self, request: web.Request, resource: Resource, rest: list[str]) -> web.Response:
        definition: Properties = resource.inputs["resource"]
        container = Container(
            key=container_key(resource),
            partition_path=tuple(definition["partitionKey"]["paths"][0].strip("/").split("/")),
            default_ttl=definition.get("defaultTtl"),
        )
        header = request.headers.get("x-ms-documentdb-partitionkey")
        partition = None if header is None else json.dumps(json.loads(header))
        if_match = request.headers.get("If-Match")
        if not rest:
            item = await _item(request)
            if _flag(request, "x-ms-documentdb-is-upsert"):
                stored, new = self._store.upsert(container, partition, item, if_match)
                return _written(request, stored, 201 if new else 200)
            return _written(request, self._store.create(container, partition, item), 201)
        if partition is None:
            raise CosmosError(400, "BadRequest", "PartitionKey value must be supplied for this operation.", 1001)
        match request.method:
            case "GET":
                stored = self._store.read(container, partition, rest[0])
                if request.headers.get("If-None-Match") == stored.etag:
                    return _response(None, 304, {"etag": stored.etag})
                return _stored(stored, 200)
            case "PUT":
                item = await _item(request)
                return _written(request, self._store.replace(container, partition, rest[0], item, if_match), 200)
            case "DELETE":
                self._store.delete(container, partition, rest[0], if_match)
                return _response(None, 204)
            case _:
                raise _unsupported(request)


async def _item(request: web.Request) -> Item:
    try:
        item = json.loads(await request.read())
    except ValueError as error:
        raise CosmosError(400, "BadRequest", f"The body is not JSON: {error}") from error
    if not isinstance(item, dict):
        raise CosmosError(400, "BadRequest", "The body is not a JSON object.")
    return item


def _action(request: web.Request, parts: list[str]) -> str:
    """The data action a request needs.

    https://learn.microsoft.com/azure/cosmos-db/nosql/security/reference-data-plane-actions
    """
    method = request.method
    if len(parts) < 5 or parts[4] == "pkranges":
        if method == "GET":
            return _METADATA
        raise CosmosError(403, "Forbidden", "Databases and containers are managed through ARM only.", 5300)
    if parts[4] != "docs" or len(parts) > 6:
        raise _unsupported(request)
    if len(parts) == 6:
        verbs = {"GET": "read", "PUT": "replace", "DELETE": "delete"}
        if method not in verbs:
            raise _unsupported(request)
        return f"{_ITEMS}/{verbs[method]}"
    query = _flag(request, "x-ms-documentdb-isquery") or "query+json" in request.headers.get("Content-Type", "")
    if method != "POST" or query or _flag(request, "x-ms-cosmos-is-batch-request"):
        raise _unsupported(request)
    return f"{_ITEMS}/{'upsert' if _flag(request, 'x-ms-documentdb-is-upsert') else 'create'}"


def _flag(request: web.Request, header: str) -> bool:
    return request.headers.get(header, "").lower() == "true"


def _unsupported(request: web.Request) -> CosmosError:
    return CosmosError(
        501,
        "NotImplemented",
        f"The laptop's Cosmos DB supports reading and writing single items only, not {request.method} {request.path}"
        f" ({request.headers.get('Content-Type', 'no content')}).",
    )


def _account_body(request: web.Request) -> Properties:
    location = [{"name": "Local", "databaseAccountEndpoint": f"https://{request.host}/"}]
    return {
        "id": request.host.partition(".")[0],
        **_system(""),
        "writableLocations": location,
        "readableLocations": location,
        "enableMultipleWriteLocations": False,
        "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
        "queryEngineConfiguration": "{}",
    }


def _ranges(request: web.Request) -> web.Response:
    """One range for everything: the laptop has one partition."""
    if request.headers.get("If-None-Match") == _RANGES_ETAG:
        return _response(None, 304, {"etag": _RANGES_ETAG})
    whole = {"id": "0", "minInclusive": "", "maxExclusive": "FF", "status": "online", "parents": [], **_system("0")}
    return _response({"PartitionKeyRanges": [whole], "_count": 1}, 200, {"etag": _RANGES_ETAG})


def _system(name: str) -> Properties:
    return {"_rid": name, "_self": name, "_etag": '"0"', "_ts": 0}


def _stored(stored: Stored, status: int) -> web.Response:
    return _response(stored.body, status, {"etag": stored.etag})


def _written(request: web.Request, stored: Stored, status: int) -> web.Response:
    """With the item, unless the client has no use for it: https://www.rfc-editor.org/rfc/rfc7240#section-4.2."""
    if request.headers.get("Prefer", "").lower() == "return=minimal":
        return _response(None, status, {"etag": stored.etag})
    return _stored(stored, status)


def _response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    common = {
        "x-ms-activity-id": str(uuid.uuid4()),
        # Request units are not measured here; clients expect the header to be there.
        "x-ms-request-charge": "0",
        "x-ms-session-token": "0:-1#1",
    }
    text = None if body is None else body if isinstance(body, str) else json.dumps(body)
    return web.Response(status=status, text=text, content_type="application/json", headers=common | (headers or {}))
