"""Bodies of requests to Azurite, and Azurite's responses."""

from collections.abc import AsyncIterable, Mapping

from aiohttp import ClientResponse, web
from multidict import CIMultiDict

from emulator.services.storage.azurite_client import HOP_BY_HOP_HEADERS

# Bodies up to this size are forwarded whole, larger ones in chunks of it.
_CHUNK_BYTES = 256 * 1024
_DROPPED_HEADERS = HOP_BY_HOP_HEADERS | {"date", "server", "content-length"}


async def read_body(request: web.Request) -> bytes | AsyncIterable[bytes] | None:
    """The body of a request: whole if it is small, as a stream if it is large or its length is not known."""
    if not request.body_exists:
        return None
    if request.content_length is None or request.content_length > _CHUNK_BYTES:
        return request.content.iter_chunked(_CHUNK_BYTES)
    return await request.read()


async def forward_response(
    request: web.Request, response: ClientResponse, more_headers: Mapping[str, str]
) -> web.StreamResponse:
    """Return Azurite's response with more headers; a long body is sent in chunks."""
    headers = CIMultiDict(
        (name, value) for name, value in response.headers.items() if name.lower() not in _DROPPED_HEADERS
    )
    headers.update(more_headers)
    length = response.headers.get("Content-Length")
    if request.method == "HEAD" or length is None or int(length) <= _CHUNK_BYTES:
        if request.method == "HEAD" and length is not None:
            headers["Content-Length"] = length
        return web.Response(status=response.status, headers=headers, body=await response.read())
    headers["Content-Length"] = length
    stream = web.StreamResponse(status=response.status, headers=headers)
    await stream.prepare(request)
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        await stream.write(chunk)
    await stream.write_eof()
    return stream
