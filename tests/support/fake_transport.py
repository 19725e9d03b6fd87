"""A transport of Azure's SDKs without connections, and its responses."""

import json
from typing import Any

from azure.core.pipeline.transport import AsyncHttpTransport


class FakeResponse:
    """A response with a JSON body."""

    def __init__(self, status: int, body: Any, headers: dict[str, str]) -> None:
        self.status_code = status
        self.reason = ""
        self.headers = {"Content-Type": "application/json"} | headers
        self.content_type = "application/json"
        self._body = body

    async def read(self) -> bytes:
        return self.text().encode()

    async def close(self) -> None: ...

    def json(self) -> Any:
        return self._body

    def text(self, *_: Any) -> str:
        return json.dumps(self._body)


class FakeTransport(AsyncHttpTransport[Any, Any]):
    """A transport that has nothing to open or close; a subclass responds in `send`."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...

    async def sleep(self, duration: float) -> None:
        raise AssertionError("the SDK retries, which a test would wait for")


async def read_content(request: Any) -> bytes | None:
    """The content of a request, which may come in pieces; None if it has none."""
    content = request.content
    if content is None or isinstance(content, bytes):
        return content
    return b"".join([piece async for piece in content])
