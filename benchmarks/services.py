"""Azure's services as the function code calls them, answering from memory: blobs, Vision in 300 ms, Cosmos DB, tokens.

A server for `functions.py`: it costs as little as can be, so that what is measured is the code that ships. Usage:
services.py CERTIFICATE IMAGE_BYTES; it says READY and its port, and ends with its standard input.
"""

import asyncio
import json
import os
import ssl
import struct
import sys
import time
import zlib
from typing import Any

from aiohttp import web

_VISION_SECONDS = 0.3
_TAGS = [{"name": f"tag {number}", "confidence": 1 - number / 40} for number in range(20)]
_BOX = {"x": 1, "y": 2, "w": 300, "h": 200}
_ANSWER = json.dumps(
    {
        "modelVersion": "2024-02-01",
        "metadata": {"width": 640, "height": 480},
        "tagsResult": {"values": _TAGS},
        "objectsResult": {"values": [{"boundingBox": _BOX, "tags": _TAGS[:1]} for _ in range(5)]},
        "captionResult": {"text": "a picture of something", "confidence": 0.8},
    }
).encode()


def _png(size: int) -> bytes:
    """A picture's header, and as many bytes behind it."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 640, 480, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    body = b"IDAT" + bytes(max(0, size - len(start) - 40))
    return start + struct.pack(">I", len(body) - 4) + body


class Services:
    """All of them, distinguished by path."""

    def __init__(self, image_bytes: int) -> None:
        self._image = _png(image_bytes)
        self._token = {
            "access_token": "eyJhbGciOiJub25lIn0.e30.",
            "expires_on": str(int(time.time()) + 86_400),
            "resource": "any",
            "token_type": "Bearer",
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers whatever the code asks."""
        path = request.path
        if path.startswith("/computervision/"):
            async for _ in request.content.iter_any():
                pass
            await asyncio.sleep(_VISION_SECONDS)
            return web.Response(body=_ANSWER, content_type="application/json")
        if path.startswith("/images/"):
            return self._blob(request)
        if path == "/msi/token":
            return web.json_response(self._token)
        return await self._cosmos(request)

    def _blob(self, request: web.Request) -> web.Response:
        name = request.path.rpartition("/")[2]
        # Every picture is another one: its name stands at its end.
        tail = name.encode().rjust(40, b"0")
        size = len(self._image) + len(tail)
        headers = {
            "ETag": f'"{name}"',
            "Last-Modified": "Mon, 23 Nov 2026 05:23:15 GMT",
            "x-ms-blob-type": "BlockBlob",
            "Content-Type": "image/png",
        }
        if request.method == "HEAD":
            return web.Response(headers=headers | {"Content-Length": str(size)})
        span = request.headers.get("x-ms-range") or request.headers.get("Range")
        if span is None:
            return web.Response(body=self._image + tail, headers=headers)
        first, last = (int(position) for position in span.removeprefix("bytes=").split("-"))
        last = min(last, size - 1)
        body = (self._image[first : last + 1] + tail)[: last + 1 - first]
        return web.Response(status=206, body=body, headers=headers | {"Content-Range": f"bytes {first}-{last}/{size}"})

    async def _cosmos(self, request: web.Request) -> web.Response:
        charge = {"x-ms-request-charge": "7.5", "etag": '"1"'}
        segments = request.path.strip("/").split("/")
        if not segments[0]:
            locations = [{"name": "Local", "databaseAccountEndpoint": f"https://{request.host}/"}]
            body: dict[str, Any] = {
                "id": "bench",
                "_rid": "",
                "_self": "",
                "_etag": "0",
                "_ts": 0,
                "writableLocations": locations,
                "readableLocations": locations,
                "enableMultipleWriteLocations": False,
                "queryEngineConfiguration": "{}",
                "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
            }
        elif len(segments) == 4:
            key = {"paths": ["/id"], "kind": "Hash", "version": 2}
            body = {"id": segments[3], "_rid": "abc", "partitionKey": key}
        elif segments[4] == "pkranges":
            whole = {"id": "0", "minInclusive": "", "maxExclusive": "FF", "status": "online", "parents": []}
            body = {"PartitionKeyRanges": [whole], "_count": 1}
        else:
            await request.read()
            return web.Response(status=201 if request.method == "POST" else 200, headers=charge)
        return web.json_response(body, headers=charge)


async def _serve(certificate: str, image_bytes: int) -> None:
    services = Services(image_bytes)
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", services.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    secure = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    plain = web.TCPSite(runner, "127.0.0.1", 0)
    await secure.start()
    await plain.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, lambda: None if os.read(0, 4096) else ended.set())
    ports = [address[1] for address in runner.addresses]
    print(f"READY {ports[0]} {ports[1]}", flush=True)
    await ended.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2])))
