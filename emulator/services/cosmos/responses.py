"""Responses in the form of Cosmos DB's REST API."""

import json
import uuid
from typing import Any

from aiohttp import web

from emulator.core.resource_store import Properties
from emulator.services.cosmos.store import StoredItem

_RANGES_ETAG = '"1"'


def account_response(request: web.Request) -> web.Response:
    """The properties of the account, with one location."""
    locations = [{"name": "Local", "databaseAccountEndpoint": f"https://{request.host}/"}]
    account = {
        "id": request.host.partition(".")[0],
        **system_properties(""),
        "writableLocations": locations,
        "readableLocations": locations,
        "enableMultipleWriteLocations": False,
        "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
        "queryEngineConfiguration": "{}",
    }
    return json_response(account)


def partition_key_ranges_response(request: web.Request) -> web.Response:
    """One range for all items: the emulator has one physical partition."""
    if request.headers.get("If-None-Match") == _RANGES_ETAG:
        return json_response(None, 304, {"etag": _RANGES_ETAG})
    key_range = {
        "id": "0",
        "minInclusive": "",
        "maxExclusive": "FF",
        "status": "online",
        "parents": [],
        **system_properties("0"),
    }
    return json_response({"PartitionKeyRanges": [key_range], "_count": 1}, 200, {"etag": _RANGES_ETAG})


def system_properties(name: str) -> Properties:
    """The properties that Cosmos DB adds to accounts, databases, containers and partition key ranges."""
    return {"_rid": name, "_self": name, "_etag": '"0"', "_ts": 0}


def item_response(stored: StoredItem, status: int) -> web.Response:
    """The item and its ETag."""
    return json_response(stored.body, status, {"etag": stored.etag})


def write_response(request: web.Request, stored: StoredItem, status: int) -> web.Response:
    """The stored item, unless the client does not want it: https://www.rfc-editor.org/rfc/rfc7240#section-4.2."""
    if request.headers.get("Prefer", "").lower() == "return=minimal":
        return json_response(None, status, {"etag": stored.etag})
    return item_response(stored, status)


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A response with a body that is JSON text, a JSON value, or None for no body."""
    common = {
        "x-ms-activity-id": str(uuid.uuid4()),
        # The emulator does not measure request units; clients expect the header.
        "x-ms-request-charge": "0",
        "x-ms-session-token": "0:-1#1",
    }
    has_text = body is None or isinstance(body, str)
    text = body if has_text else json.dumps(body)
    return web.Response(status=status, text=text, content_type="application/json", headers=common | (headers or {}))
