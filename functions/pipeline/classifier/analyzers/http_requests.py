"""Requests to Azure AI services: client options, and images as request bodies."""

import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any

from azure.core.rest import HttpRequest
from common.adapters.azure_clients import AzureClients

_CHUNK_BYTES = 256 * 1024
# Base64 makes four characters of three bytes, so slices of a multiple of three bytes can be joined.
_ENCODED_SLICE_BYTES = 3 * 64 * 1024
_SCOPE = "https://cognitiveservices.azure.com/.default"


def create_client_options(azure: AzureClients) -> dict[str, Any]:
    """Return the keyword arguments for a client of an AI service. `AccountPool` retries, at other accounts too."""
    return {"transport": azure.transport, "policies": azure.policies(_SCOPE, retry_total=0)}


class ChunkedBody:
    """A request body that is sent in chunks, from the start at every retry; a body of bytes would be copied whole."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)

    def __deepcopy__(self, _memo: object) -> "ChunkedBody":
        return self

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), _CHUNK_BYTES):
            yield bytes(self._content[start : start + _CHUNK_BYTES])


def build_image_request(url: str, content: bytes, query: Mapping[str, str]) -> HttpRequest:
    """Build a POST request with the bytes of an image."""
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))}
    body = content if len(content) <= _CHUNK_BYTES else ChunkedBody(content)
    return HttpRequest("POST", url, params=dict(query), headers=headers, content=body)


class Base64Body:
    """A text request body with an image in Base64, encoded slice by slice: its whole text would be held twice."""

    def __init__(self, prefix: str, content: bytes, suffix: str) -> None:
        self._prefix = prefix.encode()
        self._content = memoryview(content)
        self._suffix = suffix.encode()

    def __deepcopy__(self, _memo: object) -> "Base64Body":
        return self

    def __len__(self) -> int:
        return len(self._prefix) + 4 * ((len(self._content) + 2) // 3) + len(self._suffix)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._prefix
        for start in range(0, len(self._content), _ENCODED_SLICE_BYTES):
            yield base64.b64encode(self._content[start : start + _ENCODED_SLICE_BYTES])
        yield self._suffix


def build_json_image_request(url: str, *, prefix: str, content: bytes, suffix: str) -> HttpRequest:
    """Build a POST request whose JSON has the image in Base64 between `prefix` and `suffix`."""
    body = Base64Body(prefix, content, suffix)
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return HttpRequest("POST", url, headers=headers, content=body)
