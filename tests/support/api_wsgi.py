"""The functions of the API app as a WSGI application, for tools that send HTTP requests in process."""

import asyncio
import io
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from tests.support.in_memory_api import ApiClient


def create_wsgi_application(client: ApiClient) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """Return the WSGI application: https://peps.python.org/pep-3333."""

    def application(environment: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").title(): value
            for name, value in environment.items()
            if name.startswith("HTTP_")
        }
        if environment.get("CONTENT_TYPE"):
            headers["Content-Type"] = environment["CONTENT_TYPE"]
        length = int(environment.get("CONTENT_LENGTH") or 0)
        stream: io.BufferedIOBase = environment["wsgi.input"]
        # PEP 3333 has the decoded path in Latin-1; the Functions host decodes each segment when it knows the route.
        path = environment.get("RAW_URI") or quote(environment["PATH_INFO"].encode("latin-1"))
        url = f"{path.partition('?')[0]}?{environment.get('QUERY_STRING', '')}"
        token = headers.pop("Authorization", "").removeprefix("Bearer ") or None
        answer = asyncio.run(
            client.send(environment["REQUEST_METHOD"], url, token=token, headers=headers, body=stream.read(length))
        )
        status = HTTPStatus(answer.status)
        start_response(f"{status.value} {status.phrase}", [*answer.headers.items()])
        return [answer.body]

    return application
