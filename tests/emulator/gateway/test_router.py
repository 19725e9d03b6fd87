"""The gateway's services over HTTP: tokens, roles, refusals, and what a new blob sets off."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from emulator.core.authorization import ANALYZE
from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.core.resource_store import Resource
from emulator.gateway.proxy import Origins
from emulator.gateway.router import Handler, application, service_of
from emulator.services.storage.handler import Storage
from emulator.services.vision.handler import Vision
from tests.emulator.conftest import ACCOUNT, CONTRIBUTOR, READER, SENDER, Deployment

IMAGES = f"{ACCOUNT}/blobServices/default/containers/images"
BLOB_HOST, QUEUE_HOST = "stdata.blob.core.windows.net", "stdata.queue.core.windows.net"
Answer = tuple[int, Mapping[str, str], bytes]


class Azurite:
    """Azurite's place: says yes, and remembers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, list[tuple[str, str]]]] = []

    @asynccontextmanager
    async def request(self, _service: str, _account: str, method: str, path: str, **named: Any) -> Any:
        self.asked.append((method, path, named.get("query", [])))

        class Response:
            status = {"PUT": 201, "POST": 201, "DELETE": 202}.get(method, 200)
            headers = {"ETag": '"0x1"', "Content-Length": "0" if method != "GET" else "3", "Content-Type": "image/png"}  # noqa: RUF012

            async def read(self) -> bytes:
                return b"cat" if method == "GET" else b""

        yield Response()


class Events:
    """Event Grid's place: remembers."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, Any]] = []

    def blob_event(self, kind: str, _account: Resource, operation: Any, data: Any) -> None:
        self.seen.append((kind, operation.item, data))


def ask(handlers: Mapping[str, Handler], host: str, method: str, path: str, **named: Any) -> Answer:
    """One request to the gateway under a host name."""

    async def conversation() -> Answer:
        async with TestClient(TestServer(application(handlers, Origins()))) as client:
            headers = {"Host": host} | named.pop("headers", {})
            async with client.request(method, path, headers=headers, **named) as response:
                return response.status, response.headers, await response.read()

    return asyncio.run(conversation())


@pytest.fixture
def azurite() -> Azurite:
    return Azurite()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def storage(deployment: Deployment, identities: Identities, azurite: Azurite, events: Events) -> dict[str, Handler]:
    deployment.storage()
    common: dict[str, Any] = {
        "resources": deployment.resources, "identities": identities, "backend": azurite, "events": events,
    }  # fmt: skip
    return {f"{kind}.core.windows.net": Storage(kind, **common).handle for kind in ("blob", "queue")}


@pytest.fixture
def token(identities: Identities) -> Callable[..., dict[str, str]]:
    def bearer(principal: str, audience: str = "https://storage.azure.com") -> dict[str, str]:
        return {"Authorization": f"Bearer {identities.issue(principal, audience)[0]}"}

    return bearer


def test_a_reader_reads_and_does_not_write(
    storage: dict[str, Handler], deployment: Deployment, token: Callable[..., dict[str, str]]
) -> None:
    deployment.grant("alice", READER, IMAGES)
    assert ask(storage, BLOB_HOST, "GET", "/images/a.png", headers=token("alice"))[::2] == (200, b"cat")
    status, headers, _ = ask(
        storage, BLOB_HOST, "PUT", "/images/a.png", headers=token("alice") | {"x-ms-blob-type": "BlockBlob"}, data=b"x"
    )
    assert (status, headers["x-ms-error-code"]) == (403, "AuthorizationPermissionMismatch")
    assert ask(storage, BLOB_HOST, "GET", "/deadletter/a.png", headers=token("alice"))[0] == 403


def test_a_new_blob_is_announced_and_a_refused_one_is_not(
    storage: dict[str, Handler], deployment: Deployment, token: Callable[..., dict[str, str]], events: Events
) -> None:
    upload = {"x-ms-blob-type": "BlockBlob"}
    ask(storage, BLOB_HOST, "PUT", "/images/a%20b.png", headers=token("alice") | upload, data=b"x")
    assert events.seen == []
    deployment.grant("alice", CONTRIBUTOR, IMAGES)
    ask(storage, BLOB_HOST, "PUT", "/images/a%20b.png", headers=token("alice") | upload, data=b"x")
    ask(storage, BLOB_HOST, "PUT", "/images/a.png?comp=block&blockid=1", headers=token("alice"), data=b"x")
    ask(storage, BLOB_HOST, "PUT", "/images/a.png?comp=metadata", headers=token("alice"))
    ((kind, name, data),) = events.seen
    assert (kind, name, data["eTag"]) == ("Microsoft.Storage.BlobCreated", "a b.png", "0x1")


@pytest.mark.parametrize(
    ("headers", "path", "status", "code"),
    [
        ({}, "/images/a", 401, "NoAuthenticationInformation"),
        ({"Authorization": "Bearer forged"}, "/images/a", 401, "InvalidAuthenticationInfo"),
        ({"Authorization": "SharedKey stdata:x"}, "/images/a", 403, "KeyBasedAuthenticationNotPermitted"),
        ({}, "/images/a?sv=1&sig=x", 501, "NotImplemented"),
    ],
)
def test_nobody_gets_in_without_a_token(
    storage: dict[str, Handler], azurite: Azurite, headers: dict[str, str], path: str, status: int, code: str
) -> None:
    answer = ask(storage, BLOB_HOST, "GET", path, headers=headers)
    assert (answer[0], answer[1]["x-ms-error-code"]) == (status, code)
    assert azurite.asked == []


def test_a_token_for_another_audience_is_refused(
    storage: dict[str, Handler], deployment: Deployment, token: Callable[..., dict[str, str]]
) -> None:
    deployment.grant("alice", READER, IMAGES)
    wrong = token("alice", "https://management.azure.com")
    assert ask(storage, BLOB_HOST, "GET", "/images/a.png", headers=wrong)[0] == 401
    own = token("alice", f"https://{BLOB_HOST}")
    assert ask(storage, BLOB_HOST, "GET", "/images/a.png", headers=own)[0] == 200


def test_a_sender_sends_and_receives_nothing(
    storage: dict[str, Handler], deployment: Deployment, token: Callable[..., dict[str, str]]
) -> None:
    deployment.grant("topic", SENDER, f"{ACCOUNT}/queueServices/default/queues/images")
    assert ask(storage, QUEUE_HOST, "POST", "/images/messages", headers=token("topic"), data=b"x")[0] == 201
    assert ask(storage, QUEUE_HOST, "GET", "/images/messages", headers=token("topic"))[0] == 403


def test_what_storage_does_not_support_and_who_does_not_exist(
    storage: dict[str, Handler], token: Callable[..., dict[str, str]]
) -> None:
    answer = ask(storage, BLOB_HOST, "PUT", "/images/a?comp=snapshot", headers=token("alice"))
    assert (answer[0], answer[1]["x-ms-error-code"]) == (501, "NotImplemented")
    assert ask(storage, "other.blob.core.windows.net", "GET", "/images/a", headers=token("alice"))[0] == 404


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("a.blob.core.windows.net", "blob.core.windows.net"), ("a.documents.azure.com:443", "documents.azure.com"),
        ("management.azure.com", "management.azure.com"), ("blob.core.windows.net", None), ("example.com", None),
        ("evil-blob.core.windows.net.example.com", None), ("a.table.core.windows.net", None),
    ],
)  # fmt: skip
def test_only_azures_names_lead_anywhere(host: str, service: str | None) -> None:
    assert service_of(host) == service


def test_vision_needs_a_token_and_a_role(
    deployment: Deployment, identities: Identities, token: Callable[..., dict[str, str]]
) -> None:
    deployment.add("resources:ResourceGroup", resourceGroupName="rg", location="x")
    account = deployment.add(
        "cognitiveservices:Account",
        resourceGroupName="rg", accountName="v", location="x", properties={"customSubDomainName": "v"},
    )  # fmt: skip
    path = "/computervision/imageanalysis:analyze?features=tags"
    body: dict[str, Any] = {"data": b"cat"}

    async def models(request: Any) -> Any:
        return web.json_response({"query": dict(request.query), "bytes": len(await request.read())})

    async def conversation(headers: dict[str, str], where: str = path) -> tuple[int, Any]:
        backend = web.Application()
        backend.router.add_post("/analyze", models)
        async with TestServer(backend) as server, ClientSession() as session:
            url = str(server.make_url("")).rstrip("/")
            vision = Vision(deployment.resources, identities, session, url, Faults(Path("none")))
            handlers = {"cognitiveservices.azure.com": vision.handle}
            async with TestClient(TestServer(application(handlers, Origins()))) as client:
                full = {"Host": "v.cognitiveservices.azure.com", "Content-Type": "application/octet-stream"} | headers
                async with client.post(where, headers=full, **body) as response:
                    return response.status, await response.json()

    def post(headers: dict[str, str], where: str = path) -> tuple[int, Any]:
        return asyncio.run(conversation(headers, where))

    audience = "https://cognitiveservices.azure.com"
    assert post({})[0] == 401
    assert post({"Ocp-Apim-Subscription-Key": "key"})[0] == 401
    status, answer = post(token("function", audience))
    assert (status, answer["error"]["code"]) == (401, "PermissionDenied")
    role = deployment.role("analyst", ANALYZE)
    deployment.grant("function", role, account.id)
    assert post(token("function", audience)) == (200, {"query": {"features": "tags"}, "bytes": 3})
    assert post(token("function", audience), "/vision/v3.2/analyze")[0] == 501
    assert post(token("function", audience) | {"Content-Type": "application/json"})[0] == 501
