"""What a request to Cosmos DB asks for, read from its method, path and headers."""

from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import unquote

from aiohttp import web

from emulator.core.authorization import COSMOS
from emulator.services.cosmos.items.errors import CosmosError, bad_request, not_implemented

_CONTAINERS = f"{COSMOS}/sqlDatabases/containers"
_METADATA = f"{COSMOS}/readMetadata"
_EXECUTE_QUERY = f"{_CONTAINERS}/executeQuery"
_READ_FEED = f"{_CONTAINERS}/readChangeFeed"
# Headers with which a request asks for what the emulator does not have.
_UNSUPPORTED_HEADERS = {
    "x-ms-documentdb-pre-trigger-include": "triggers",
    "x-ms-documentdb-pre-trigger-exclude": "triggers",
    "x-ms-documentdb-post-trigger-include": "triggers",
    "x-ms-documentdb-post-trigger-exclude": "triggers",
    "x-ms-indexing-directive": "indexing directives",
    "x-ms-cosmos-populateindexmetrics": "index metrics",
    "x-ms-cosmos-populatequeryadvice": "query advice",
}
# From the weakest to the strongest.
_CONSISTENCY_LEVELS = ("Eventual", "ConsistentPrefix", "Session", "BoundedStaleness", "Strong")


class OperationType(Enum):
    """The operations that the emulator supports."""

    ACCOUNT = auto()
    DATABASE = auto()
    CONTAINER = auto()
    PARTITION_KEY_RANGES = auto()
    CREATE = auto()
    UPSERT = auto()
    READ = auto()
    REPLACE = auto()
    DELETE = auto()
    LIST = auto()
    QUERY = auto()
    QUERY_PLAN = auto()


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation.

    Attributes:
        type: What to do.
        segments: The segments of the path, decoded.
        actions: The data actions that it requires.
    """

    type: OperationType
    segments: tuple[str, ...]
    actions: tuple[str, ...]


# https://learn.microsoft.com/azure/cosmos-db/reference-data-plane-security: "To execute NoSQL queries using the SDKs,
# you must have both executeQuery and readChangeFeed permissions". Which of them a list of items (GET docs) requires is
# not documented.
_ACTIONS = {
    OperationType.ACCOUNT: (_METADATA,),
    OperationType.DATABASE: (_METADATA,),
    OperationType.CONTAINER: (_METADATA,),
    OperationType.PARTITION_KEY_RANGES: (_METADATA,),
    OperationType.CREATE: (f"{_CONTAINERS}/items/create",),
    OperationType.UPSERT: (f"{_CONTAINERS}/items/upsert",),
    OperationType.READ: (f"{_CONTAINERS}/items/read",),
    OperationType.REPLACE: (f"{_CONTAINERS}/items/replace",),
    OperationType.DELETE: (f"{_CONTAINERS}/items/delete",),
    OperationType.LIST: (_READ_FEED,),
    OperationType.QUERY: (_EXECUTE_QUERY, _READ_FEED),
    OperationType.QUERY_PLAN: (_EXECUTE_QUERY, _READ_FEED),
}


def read_operation(request: web.Request) -> Operation:
    """The operation that a request asks for. Raises CosmosError 400, 403 or 501."""
    path = request.rel_url.raw_path.strip("/")
    segments = tuple(unquote(segment) for segment in path.split("/") if segment)
    if any(segments[index : index + 1] not in ((), (name,)) for index, name in ((0, "dbs"), (2, "colls"))):
        raise bad_request("Request url is invalid.")
    for header, feature in _UNSUPPORTED_HEADERS.items():
        if request.headers.get(header, "").lower() not in {"", "false"}:
            raise not_implemented(f"{feature} (header {header})")
    operation_type = _type(request, segments)
    if operation_type is OperationType.LIST and "A-IM" in request.headers:
        raise not_implemented("the change feed (header A-IM)")
    return Operation(type=operation_type, segments=segments, actions=_ACTIONS[operation_type])


def check_consistency(request: web.Request, default: str) -> None:
    """Raise CosmosError 400 if the request wants a stronger consistency than the account has.

    https://learn.microsoft.com/azure/cosmos-db/nosql/how-to-manage-consistency#override-the-default-consistency-level
    """
    level = request.headers.get("x-ms-consistency-level")
    if level is None:
        return
    if level not in _CONSISTENCY_LEVELS:
        raise bad_request(f"The consistency level {level} is none of {', '.join(_CONSISTENCY_LEVELS)}.")
    if _CONSISTENCY_LEVELS.index(level) > _CONSISTENCY_LEVELS.index(default):
        raise bad_request(
            f"ConsistencyLevel {level} specified in the request is invalid when service is configured with consistency"
            f" level {default}. Ensure the request consistency level is not stronger than the service consistency"
            " level."
        )


def flag(request: web.Request, header: str) -> bool:
    """Whether a header says true."""
    return request.headers.get(header, "").lower() == "true"


def _type(request: web.Request, segments: tuple[str, ...]) -> OperationType:
    method = request.method
    match segments:
        case () | ("dbs", _) | ("dbs", _, "colls", _) | ("dbs", _, "colls", _, "pkranges"):
            if method != "GET":
                raise _management_error()
            types = {
                0: OperationType.ACCOUNT,
                2: OperationType.DATABASE,
                4: OperationType.CONTAINER,
                5: OperationType.PARTITION_KEY_RANGES,
            }
            return types[len(segments)]
        case ("dbs",) | ("dbs", _, "colls"):
            if method != "GET" and not _is_query(request):
                raise _management_error()
            raise not_implemented("lists of databases and containers")
        case (_, _, _, _, "docs"):
            return _feed_type(request)
        case (_, _, _, _, "docs", _):
            types = {"GET": OperationType.READ, "PUT": OperationType.REPLACE, "DELETE": OperationType.DELETE}
            if method in types:
                return types[method]
            raise not_implemented(f"{method} of an item (patch)" if method == "PATCH" else f"{method} of an item")
        case _:
            raise not_implemented(f"{method} {request.path}: stored procedures, triggers, functions, users, offers")


def _feed_type(request: web.Request) -> OperationType:
    if request.method == "GET":
        return OperationType.LIST
    if request.method != "POST":
        raise not_implemented(f"{request.method} of a container's items")
    if flag(request, "x-ms-cosmos-is-batch-request"):
        raise not_implemented("transactional batches")
    if flag(request, "x-ms-cosmos-is-query-plan-request"):
        return OperationType.QUERY_PLAN
    if _is_query(request):
        return OperationType.QUERY
    return OperationType.UPSERT if flag(request, "x-ms-documentdb-is-upsert") else OperationType.CREATE


def _is_query(request: web.Request) -> bool:
    return flag(request, "x-ms-documentdb-isquery") or "query+json" in request.headers.get("Content-Type", "")


def _management_error() -> CosmosError:
    """The refusal of a change of databases and containers by a role of the data plane.

    https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-forbidden#non-data-operations-are-not-allowed
    """
    return CosmosError(
        403,
        "Forbidden",
        "The given request [POST /dbs] cannot be authorized by AAD token in data plane. Databases and containers are"
        " managed through ARM only.",
        sub_status=5300,
    )
