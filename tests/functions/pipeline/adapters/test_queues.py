"""The queue adapter through the real SDK against a queue service in memory: every message arrives, decodable or not."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.utils import case_insensitive_dict
from classifier.adapters.queues import ReceivedMessage, StorageQueue, create_queue_client
from classifier.use_cases.redrive import RedriveReport, redrive
from common.adapters.azure_clients import AzureClients
from common.domain.errors import AccessDeniedError

from tests.support.fake_transport import FakeTransport
from tests.support.in_memory_services import NOW, message

ENDPOINT = "https://acct.queue.core.windows.net/"
DATE = "Fri, 02 Jan 2026 03:04:05 GMT"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Response:
    """An answer of the queue service."""

    def __init__(self, status: int, body: str) -> None:
        self.status_code, self.reason, self.content_type = status, "", "application/xml"
        self.headers = case_insensitive_dict({"Content-Type": "application/xml"})
        self._body = body

    async def read(self) -> bytes:
        return self._body.encode()

    async def close(self) -> None: ...

    def text(self, *_: Any) -> str:
        return self._body

    def body(self) -> bytes:
        return self._body.encode()


class QueueService(FakeTransport):
    """One queue to receive and delete from, and any other to send to; contents are as they are stored."""

    def __init__(self, *contents: str) -> None:
        self.visible = dict(enumerate(contents))
        self.deleted: list[str] = []
        self.sent: list[str] = []
        self.hidden_seconds: list[str] = []
        self.times = f"<InsertionTime>{DATE}</InsertionTime><ExpirationTime>{DATE}</ExpirationTime>"

    async def send(self, request: Any, **_: Any) -> Any:
        url = urlsplit(request.url)
        if request.method == "DELETE":
            self.deleted.append(url.path.rpartition("/")[2])
            return Response(204, "")
        receipt = f"<PopReceipt>p</PopReceipt><TimeNextVisible>{DATE}</TimeNextVisible>"
        if request.method == "POST":
            text = str(request.content if isinstance(request.content, str) else bytes(request.content).decode())
            self.sent.append(text.partition("<MessageText>")[2].partition("</MessageText>")[0])
            message = f"<QueueMessage><MessageId>n</MessageId>{self.times}{receipt}</QueueMessage>"
            return Response(201, f"<QueueMessagesList>{message}</QueueMessagesList>")
        self.hidden_seconds.append(request.url.partition("visibilitytimeout=")[2].partition("&")[0])
        page, self.visible = self.visible, {}
        messages = "".join(
            f"<QueueMessage><MessageId>m{number}</MessageId>{self.times}{receipt}<DequeueCount>1</DequeueCount>"
            f"<MessageText>{escape(content)}</MessageText></QueueMessage>"
            for number, content in page.items()
        )
        return Response(200, f"<QueueMessagesList>{messages}</QueueMessagesList>")


class Credential:
    """A token for the storage service."""

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://storage.azure.com/.default",)
        return AccessToken("token", 4_000_000_000)

    async def close(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


def storage_queue(service: QueueService, name: str) -> StorageQueue:
    azure: Any = AzureClients(credential=Credential(), transport=service)  # type: ignore[arg-type]
    return StorageQueue(create_queue_client(ENDPOINT, name, azure))


async def receive_all(service: QueueService) -> list[ReceivedMessage]:
    return [message async for message in storage_queue(service, "images-poison").receive(hidden_seconds=600)]


@pytest.mark.parametrize(
    "content", ["no base64!", "YQ", encoded("a") + "\x20b", base64.b64encode(b"\xff\xfe").decode()]
)
def test_a_message_that_is_not_text_in_base64_arrives_without_content(content: str) -> None:
    service = QueueService(encoded("before"), content, encoded("after"))
    received = asyncio.run(receive_all(service))
    assert [received_message.content for received_message in received] == ["before", None, "after"]
    assert service.hidden_seconds[0] == "600"


def test_redriving_a_queue_with_a_message_that_is_not_base64_sends_the_others() -> None:
    service = QueueService(encoded(message()), "no base64!", encoded(message("b.png")))

    async def run() -> RedriveReport:
        return await redrive(
            storage_queue(service, "images-poison"),
            storage_queue(service, "images"),
            deadline=NOW + timedelta(seconds=200),
            now=lambda: NOW,
        )

    assert asyncio.run(run()) == RedriveReport(redriven=2, left=1, finished=True)
    assert service.sent == [encoded(message()), encoded(message("b.png"))]
    assert service.deleted == ["m0", "m2"]


class RecordingQueueService(QueueService):
    """A queue service that records the URL and query of every request, and has 7 messages.

    `failure` is the status of every response, or None."""

    def __init__(self, *contents: str) -> None:
        super().__init__(*contents)
        self.queries: list[dict[str, str]] = []
        self.urls: list[str] = []
        self.failure: int | None = None

    async def send(self, request: Any, **options: Any) -> Any:
        url = urlsplit(request.url)
        self.urls.append(f"{request.method} {url.hostname}{url.path}")
        self.queries.append({name: values[0] for name, values in parse_qs(url.query).items()})
        if self.failure is not None:
            return Response(self.failure, "")
        if request.url.endswith("comp=metadata"):
            response = Response(200, "")
            response.headers["x-ms-approximate-messages-count"] = "7"
            return response
        return await super().send(request, **options)


def recording_queue(service: RecordingQueueService, name: str = "images") -> StorageQueue:
    azure: Any = AzureClients(credential=Credential(), transport=service)  # type: ignore[arg-type]
    return StorageQueue(create_queue_client(ENDPOINT, name, azure))


@pytest.mark.parametrize(
    ("delay", "visibility_timeout"),
    [(0, "0"), (0.4, "0"), (1.6, "2"), (900, "900"), (604_800, "604800"), (604_801, "604800"), (10**9, "604800")],
)
def test_a_message_is_hidden_for_its_delay_seven_days_at_most_and_never_expires(
    delay: float, visibility_timeout: str
) -> None:
    """https://learn.microsoft.com/rest/api/storageservices/put-message."""
    service = RecordingQueueService()
    asyncio.run(recording_queue(service).send("text", delay_seconds=delay))
    assert service.queries == [{"visibilitytimeout": visibility_timeout, "messagettl": "-1"}]
    assert service.urls == ["POST acct.queue.core.windows.net/images/messages"]
    assert service.sent == [base64.b64encode(b"text").decode()]


def test_a_message_without_a_delay_is_seen_at_once() -> None:
    service = RecordingQueueService()
    asyncio.run(recording_queue(service).send("text"))
    assert service.queries == [{"visibilitytimeout": "0", "messagettl": "-1"}]


def test_a_queues_length_is_what_the_service_says() -> None:
    assert asyncio.run(recording_queue(RecordingQueueService()).length()) == 7


def test_messages_are_received_in_pages_of_thirty_two() -> None:
    service = RecordingQueueService(encoded("a"))

    async def run() -> list[tuple[str | None, datetime]]:
        return [
            (message.content, message.inserted_on)
            async for message in recording_queue(service).receive(hidden_seconds=600)
        ]

    assert asyncio.run(run()) == [("a", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))]
    assert service.queries[0] == {"numofmessages": "32", "visibilitytimeout": "600"}
    assert DATE == "Fri, 02 Jan 2026 03:04:05 GMT"


def test_a_message_without_its_time_of_insertion_is_an_error() -> None:
    """A redrive ends at the first message that was inserted after its start."""
    service = QueueService(encoded("a"))
    service.times = ""
    with pytest.raises(ValueError, match=r"^the queue service did not say when message m0 was inserted$"):
        asyncio.run(receive_all(service))


@pytest.mark.parametrize(("status", "raises"), [(404, False), (403, True)])
def test_a_message_that_is_gone_needs_no_deletion(status: int, *, raises: bool) -> None:
    service = RecordingQueueService(encoded("a"))
    images = recording_queue(service)

    async def run() -> None:
        (message,) = [received_message async for received_message in images.receive(hidden_seconds=1)]
        service.failure = status
        await images.delete(message)

    if raises:
        with pytest.raises(HttpResponseError):
            asyncio.run(run())
    else:
        asyncio.run(run())
    assert service.urls[-1] == "DELETE acct.queue.core.windows.net/images/messages/m0"


@pytest.mark.parametrize("call", ["send", "length"])
def test_a_rejected_call_to_a_queue_is_an_error_of_the_pipeline(call: str) -> None:
    service = RecordingQueueService()
    service.failure = 403
    images = recording_queue(service)
    with pytest.raises(AccessDeniedError, match=r"^the queue: "):
        asyncio.run(images.send("a") if call == "send" else images.length())


def test_a_queue_is_called_however_often_it_fails() -> None:
    """Requeueing is what remains when everything else fails, so it has no breaker."""
    service = RecordingQueueService()
    service.failure = 403
    images = recording_queue(service)
    for _ in range(5):
        with pytest.raises(AccessDeniedError):
            asyncio.run(images.send("a"))
    assert len(service.urls) == 5
