"""Responses in the form of Cosmos DB's REST API."""

import json
import uuid
from typing import Any

from aiohttp import web

from emulator.core.resource_store import Properties, Resource
from emulator.services.cosmos.items.charges import format_charge
from emulator.services.cosmos.items.errors import CosmosError
from emulator.services.cosmos.items.partitions import partition_ranges
from emulator.services.cosmos.items.resource_ids import database_rid
from emulator.services.cosmos.items.store import StoredContainer, StoredItem

# A read of metadata.
_METADATA_CHARGE = 1.0
# What the service adds to a policy that leaves it out.
_INDEXING_POLICY: Properties = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": '/"_etag"/?'}],
}
# Limits of the query engine that SDKs may read; the values of an account.
_QUERY_ENGINE = {
    "maxSqlQueryInputLength": 262144,
    "maxJoinsPerSqlQuery": 10,
    "maxLogicalAndPerSqlQuery": 2000,
    "maxLogicalOrPerSqlQuery": 2000,
    "maxUdfRefPerSqlQuery": 10,
    "maxInExpressionItemsCount": 16000,
    "queryMaxInMemorySortDocumentCount": 500,
    "maxQueryRequestTimeoutFraction": 0.9,
    "sqlAllowNonFiniteNumbers": False,
    "sqlAllowAggregateFunctions": True,
    "sqlAllowSubQuery": True,
    "sqlAllowScalarSubQuery": True,
    "allowNewKeywords": True,
    "sqlAllowLike": True,
    "sqlAllowGroupByClause": True,
    "maxSpatialQueryCells": 12,
    "spatialMaxGeometryPointCount": 256,
    "sqlDisableQueryILOptimization": False,
    "sqlDisableFilterPlanOptimization": False,
    "enableSpatialIndexing": True,
}


def account_response(request: web.Request, account: Resource) -> web.Response:
    """The properties of the account, with one location."""
    locations = [{"name": "Local", "databaseAccountEndpoint": f"https://{request.host}/"}]
    consistency = account.inputs.get("consistencyPolicy") or {}
    body = {
        "_self": "",
        "id": account.name,
        "_rid": request.host,
        "media": "//media/",
        "addresses": "//addresses/",
        "_dbs": "//dbs/",
        "writableLocations": locations,
        "readableLocations": locations,
        "enableMultipleWriteLocations": False,
        "continuousBackupEnabled": False,
        "userConsistencyPolicy": {"defaultConsistencyLevel": default_consistency(consistency)},
        "queryEngineConfiguration": json.dumps(_QUERY_ENGINE),
    }
    return json_response(body)


def default_consistency(policy: Properties) -> str:
    """The level of an account's consistency policy."""
    return policy.get("defaultConsistencyLevel", "Session")


def database_response(database: Resource) -> web.Response:
    """The properties of a database."""
    rid = database_rid(database.id)
    return json_response(
        {
            "id": database.name,
            "_rid": rid,
            "_self": f"dbs/{rid}/",
            "_etag": '"00000000-0000-0000-0000-000000000000"',
            "_colls": "colls/",
            "_users": "users/",
            "_ts": 0,
        }
    )


def container_response(resource: Resource, database: Resource, stored: StoredContainer) -> web.Response:
    """The properties of a container."""
    system = {
        "_rid": stored.rid,
        "_self": f"dbs/{database_rid(database.id)}/colls/{stored.rid}/",
        "_etag": '"00000000-0000-0000-0000-000000000000"',
        "_docs": "docs/",
        "_sprocs": "sprocs/",
        "_triggers": "triggers/",
        "_udfs": "udfs/",
        "_conflicts": "conflicts/",
        "_ts": 0,
    }
    stated = resource.inputs["resource"]
    policy = _INDEXING_POLICY | {key: value for key, value in (stated.get("indexingPolicy") or {}).items() if value}
    defaults = {"geospatialConfig": {"type": "Geography"}}
    return json_response({**defaults, **stated, "indexingPolicy": policy, **system})


def partition_key_ranges_response(request: web.Request, stored: StoredContainer, count: int) -> web.Response:
    """The container's physical partitions."""
    etag = f'"{count}"'
    if request.headers.get("If-None-Match") == etag:
        return json_response(None, 304, {"etag": etag})
    ranges = [
        {
            "_rid": stored.rid,
            "id": str(index),
            "_etag": etag,
            "minInclusive": keys.minimum,
            "maxExclusive": keys.maximum,
            "ridPrefix": index,
            "_self": f"dbs/{stored.rid[:6]}==/colls/{stored.rid}/pkranges/{index}/",
            "throughputFraction": 1 / count,
            "status": "online",
            "parents": [],
            "_ts": 0,
        }
        for index, keys in enumerate(partition_ranges(count))
    ]
    body = {"_rid": stored.rid, "PartitionKeyRanges": ranges, "_count": len(ranges)}
    return json_response(body, 200, {"etag": etag})


def item_response(item: StoredItem, status: int, headers: dict[str, str]) -> web.Response:
    """The item and its ETag."""
    return json_response(item.body, status, {"etag": item.etag, **headers})


def write_response(request: web.Request, item: StoredItem, status: int, headers: dict[str, str]) -> web.Response:
    """The stored item, unless the client does not want it: https://www.rfc-editor.org/rfc/rfc7240#section-4.2."""
    if request.headers.get("Prefer", "").lower() == "return=minimal":
        return json_response(None, status, {"etag": item.etag, **headers})
    return item_response(item, status, headers)


def error_response(error: CosmosError) -> web.Response:
    """An error, with the activity id at the end of its message."""
    activity = str(uuid.uuid4())
    body = {"code": error.code, "message": f"{error}\r\nActivityId: {activity}"}
    if error.additional_info is not None:
        body["additionalErrorInfo"] = error.additional_info
    headers = {"x-ms-activity-id": activity, "x-ms-substatus": str(error.sub_status), **error.headers}
    return json_response(body, error.status, headers)


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A response with a body that is JSON text, a JSON value, or None for no body."""
    common = {
        "x-ms-activity-id": str(uuid.uuid4()),
        "x-ms-request-charge": format_charge(_METADATA_CHARGE),
        "x-ms-gatewayversion": "2.0.0",
        "x-ms-version": "2020-07-15",
    }
    has_text = body is None or isinstance(body, str)
    text = body if has_text else json.dumps(body, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json", headers=common | (headers or {}))
