"""A fake of the API and of the storage account behind it, as an HTTP server."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, cast
from urllib.parse import parse_qs, unquote, urlsplit

from client.stack_outputs import record_id

TOKEN = "token-1"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server answers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def problem(status: int, code: str, detail: str = "no", errors: Any = ()) -> Answer:
    """A problem document."""
    return Answer(status=status, body={"code": code, "detail": detail, "errors": list(errors)})


@dataclass
class FakeImageApi:
    """The images of a stack: each upload is in flight for one read, and then classified.

    Attributes:
        url: Address of the API.
        blobs: Content, Content-Type and ETag by name.
        records: Records by id.
        may_delete: Whether the caller has the app role for deletions.
        plan: What happens to the next requests of each method; those after them are handled. The answer to a request
            that is `lost` does not arrive.
        requests: Method, path, and If-None-Match of each request.
    """

    url: str = ""
    blobs: dict[str, tuple[bytes, str, str]] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    may_delete: bool = True
    plan: dict[str, list[Answer | Literal["handled", "lost"]]] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    _etags: int = 0
    _in_flight: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put_blob(self, name: str, content: bytes, content_type: str = "image/png") -> str:
        """Store a blob whose record is in flight; return its ETag."""
        self._etags += 1
        etag = f"0x{self._etags}"
        self.blobs[name] = (content, content_type, etag)
        digest = hashlib.sha256(content).hexdigest()
        record = {"status": "classified", "blob": {"name": name, "etag": etag, "contentSha256": digest}}
        self._in_flight[record_id("images", name)] = record
        return etag

    def finish(self) -> None:
        """Let all images have their records."""
        self.records |= self._in_flight
        self._in_flight.clear()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer | None:
        """Answer a request; None if the connection ends without an answer."""
        with self._lock:
            self.requests.append((method, target, headers.get("if-none-match")))
            plan = self.plan.get(method)
            effect = plan.pop(0) if plan else "handled"
            if isinstance(effect, Answer):
                return effect
            answer = self._handle(method, target, headers, body)
        return None if effect == "lost" else answer

    def _handle(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        url = urlsplit(target)
        if url.path.startswith("/blobs/"):
            return self._put(unquote(url.path.removeprefix("/blobs/")), headers, body)
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return problem(401, "unauthenticated")
        image_id = url.path.rpartition("/")[2]
        match method:
            case "POST":
                return self._create_upload(json.loads(body))
            case "DELETE":
                return self._delete(image_id)
            case _:
                name = parse_qs(url.query).get("name", [""])[0]
                return self._get(image_id, name, headers.get("if-none-match"))

    def _create_upload(self, request: dict[str, Any]) -> Answer:
        name = request["name"]
        if not request["contentType"].startswith("image/"):
            errors = [{"location": "body", "detail": "Invalid enum value - at `$.contentType`"}]
            return problem(400, "invalidRequest", "The body is not valid.", errors)
        if name in self.blobs:
            if request["onConflict"] == "refuse":
                return problem(409, "nameTaken")
            name += "-suffix"
        permission = {
            "name": name,
            "url": f"{self.url.removesuffix('/api')}/blobs/{name}?sig=1",
            "headers": [
                {"name": "x-ms-blob-type", "value": "BlockBlob"},
                {"name": "Content-Type", "value": request["contentType"]},
            ],
            "statusUrl": f"/api/images/{record_id('images', name)}?name={name}",
        }
        return Answer(status=201, body=permission)

    def _put(self, name: str, headers: dict[str, str], body: bytes) -> Answer:
        assert headers["x-ms-blob-type"] == "BlockBlob"
        assert "authorization" not in headers
        if name in self.blobs:
            return Answer(status=403, headers={"x-ms-error-code": "UnauthorizedBlobOverwrite"})
        etag = self.put_blob(name, body, headers["content-type"])
        return Answer(status=201, headers={"ETag": f'"{etag}"'})

    def _get(self, image_id: str, name: str, etag: str | None) -> Answer:
        answer = Answer(status=202 if name in self.blobs else 404)
        if image_id in self.records:
            record = self.records[image_id]
            version = f'"{record["blob"]["etag"]}"'
            answer = Answer(status=200, body=record, headers={"ETag": version})
            if etag == version:
                answer = Answer(status=304)
        if image_id in self._in_flight:
            self.records[image_id] = self._in_flight.pop(image_id)
        return answer

    def _delete(self, image_id: str) -> Answer:
        if not self.may_delete:
            return problem(403, "forbidden")
        if image_id not in self.records:
            return problem(404, "notFound")
        del self.blobs[self.records[image_id]["blob"]["name"]]
        return Answer(status=202)


@contextmanager
def serve() -> Iterator[FakeImageApi]:
    """A fake that answers on a port of its own."""
    api = FakeImageApi()

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = api.answer(self.command, self.path, headers, body)
            if answer is None:
                self.close_connection = True
                return
            content = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 304:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _respond  # noqa: N815 (names of the library)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (name of the library)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    api.url = f"http://127.0.0.1:{cast('tuple[str, int]', server.server_address)[1]}/api"
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
