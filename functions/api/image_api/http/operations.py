"""All operations of the API, and its OpenAPI document."""

from functools import cache

import msgspec

from image_api.http.image_operations import IMAGE_OPERATIONS
from image_api.http.openapi import openapi_document
from image_api.http.operation import AnyOperation
from image_api.http.search_operations import SEARCH_OPERATIONS
from image_api.http.service_operations import SERVICE_OPERATIONS

# Version of the API: the first number changes when a client has to change.
API_VERSION = "1.0.0"
OPENAPI_PATH = "api/openapi.json"
OPERATIONS: tuple[AnyOperation, ...] = (*IMAGE_OPERATIONS, *SEARCH_OPERATIONS, *SERVICE_OPERATIONS)


@cache
def openapi_json() -> bytes:
    """Return the OpenAPI document as JSON."""
    return msgspec.json.format(msgspec.json.encode(openapi_document(OPERATIONS, version=API_VERSION)), indent=2) + b"\n"
