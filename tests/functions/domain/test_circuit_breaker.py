"""The figures of the breaker, of retries that a service asks for, of queues and of the results topic."""

import asyncio
import base64
import contextlib
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from classifier.adapters.azure_clients import AzureClients
from classifier.adapters.event_grid import EventGridResultPublisher, create_cloud_event
from classifier.adapters.queues import StorageQueue, create_queue_client
from classifier.adapters.service_errors import ServiceBoundary, retry_after_seconds, service_error
from classifier.domain.circuit_breaker import CircuitBreaker
from classifier.domain.errors import (
    AccessDeniedError,
    BlobNotFoundError,
    ConfigurationError,
    PipelineError,
    RetryLaterError,
)

from tests.functions.adapters.test_event_grid import RECORD
from tests.functions.adapters.test_queues import DATE, ENDPOINT, Credential, QueueService, Response, encoded
from tests.functions.adapters.test_service_errors import Clock, answered


class Breaker:
    """A breaker, its clock, and the share of its period that chance gives (0.75 to 1.25)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, jitter: float = 1.0) -> None:
        self.clock = Clock()
        self.breaker = CircuitBreaker("the service", clock=self.clock)

        def uniform(low: float, high: float) -> float:
            assert (low, high) == (0.75, 1.25)
            return jitter

        monkeypatch.setattr(random, "uniform", uniform)

    def fail(self, error: PipelineError | None = None) -> float:
        """A call that is allowed now, and fails; the seconds until the next one is."""
        self.breaker.check()
        self.breaker.reserve()
        self.breaker.on_failure(error or RetryLaterError("503"))
        return self.breaker.wait_seconds


def test_the_third_failure_in_a_row_stops_the_calls_for_five_seconds_and_each_further_one_for_twice_as_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Breaker(monkeypatch)
    waits: list[float] = []
    for _ in range(9):
        waits.append(found.fail())
        found.clock.now += waits[-1]
    assert waits == [0, 0, 5, 10, 20, 40, 75, 75, 75]
    found.clock.now += 1000
    assert found.breaker.wait_seconds == 0


@pytest.mark.parametrize("jitter", [0.75, 1.25])
def test_instances_that_failed_together_come_back_apart(monkeypatch: pytest.MonkeyPatch, jitter: float) -> None:
    found = Breaker(monkeypatch, jitter)
    assert [found.fail(), found.fail(), found.fail()] == [0, 0, 5 * jitter]


def test_a_success_closes_the_breaker_and_the_period_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Breaker(monkeypatch)
    for _ in range(5):
        found.clock.now += found.fail()
    found.breaker.on_success()
    assert [found.fail(), found.fail(), found.fail()] == [0, 0, 5]


def test_a_call_that_was_under_way_when_the_breaker_opened_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Breaker(monkeypatch)
    for _ in range(3):
        found.fail()
    found.breaker.on_failure(RetryLaterError("503", retry_after_seconds=60))
    found.breaker.on_failure(RetryLaterError("503"))
    assert found.breaker.wait_seconds == 5
    found.clock.now += 5
    assert found.fail() == 10


def test_only_one_call_of_a_period_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Breaker(monkeypatch)
    for _ in range(3):
        found.fail()
    found.clock.now += 5
    found.breaker.reserve()
    found.breaker.on_failure(RetryLaterError("503"))
    found.breaker.on_failure(RetryLaterError("503"))
    assert found.breaker.wait_seconds == 10


def test_while_a_call_is_tried_no_other_one_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Breaker(monkeypatch)
    for _ in range(3):
        found.fail()
    found.clock.now += 5
    found.breaker.check()
    found.breaker.reserve()
    assert found.breaker.wait_seconds == 5
    with pytest.raises(RetryLaterError, match=r"^the service is not called for 5 s: 503$") as raised:
        found.breaker.check()
    assert raised.value.retry_after_seconds == 5


@pytest.mark.parametrize(("after", "wait"), [(3, 5), (5, 5), (6, 6), (300, 300)])
def test_the_longer_of_the_period_and_what_the_service_asks_for_counts(
    monkeypatch: pytest.MonkeyPatch, after: float, wait: float
) -> None:
    found = Breaker(monkeypatch)
    found.fail()
    found.fail()
    assert found.fail(RetryLaterError("503", retry_after_seconds=after)) == wait


def test_the_error_that_opened_the_breaker_is_raised_with_its_code_and_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Breaker(monkeypatch)
    for _ in range(3):
        found.fail(ConfigurationError("UnknownHost", "no such host"))
    with pytest.raises(ConfigurationError, match="the service is not called for 5 s: no such host") as raised:
        found.breaker.check()
    assert raised.value.code == "UnknownHost"
    denied = Breaker(monkeypatch)
    for _ in range(3):
        denied.fail(AccessDeniedError("403"))
    with pytest.raises(AccessDeniedError, match="not called for 5 s: 403") as refused:
        denied.breaker.check()
    assert refused.value.retry_after_seconds == 5


def boundary_after(*errors: Exception | None) -> CircuitBreaker:
    """The breaker of a boundary that saw these errors (None: an answer)."""
    breaker = CircuitBreaker("the service", clock=Clock())
    boundary = ServiceBoundary("the service", breaker)
    for error in errors:
        with contextlib.suppress(KeyError, HttpResponseError, PipelineError), boundary:
            if error is not None:
                raise error
    return breaker


@pytest.mark.parametrize(
    ("errors", "is_open"),
    [
        ([answered(503)] * 3, True),
        ([answered(503), answered(503), None, answered(503)], False),
        ([answered(503), answered(503), answered(404), answered(503)], False),
        ([answered(503), answered(503), BlobNotFoundError("a"), answered(503)], False),
        ([answered(503), answered(503), KeyError("a bug"), answered(503)], True),
        ([RetryLaterError("inner")] * 3, True),
        ([ConfigurationError("C", "inner")] * 3, True),
    ],
)
def test_only_an_answer_ends_a_row_of_failures(errors: list[Exception | None], *, is_open: bool) -> None:
    assert (boundary_after(*errors).wait_seconds > 0) is is_open


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500", "x-ms-retry-after-ms": "250", "Retry-After": "9"}, 1.5),
        ({"x-ms-retry-after-ms": "0.5"}, 0.0005),
        ({"x-ms-retry-after-ms": "soon", "Retry-After": "9"}, 9),
        ({"Retry-After": "2.5"}, 2.5),
        ({"Retry-After": "2.5s"}, 0),
        ({"Retry-After": ""}, 0),
    ],
)
def test_a_retry_after_in_milliseconds_comes_first(headers: dict[str, str], seconds: float) -> None:
    assert retry_after_seconds(headers) == seconds


def test_a_retry_after_date_without_a_zone_is_in_utc() -> None:
    at = (datetime.now(UTC) + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S -0000")
    assert 80 < retry_after_seconds({"Retry-After": at}) <= 90


def test_a_retry_after_of_an_answer_is_kept() -> None:
    error = service_error(answered(503, **{"Retry-After": "17"}), "the service")
    assert isinstance(error, RetryLaterError)
    assert error.retry_after_seconds == 17


def test_an_error_is_told_by_its_first_line_cut_to_three_hundred_characters() -> None:
    assert str(service_error(ConnectionError("\n first \nsecond"), "the service")) == "the service: first "
    assert str(service_error(ConnectionError(), "the service")) == "the service: ConnectionError"
    assert str(service_error(ConnectionError("x" * 400), "the service")) == "the service: " + "x" * 300


@pytest.mark.parametrize("status", [400, 404, 409, 412, 416, 499])
def test_a_status_below_500_is_the_operations_own(status: int) -> None:
    assert service_error(answered(status), "the service") is None


class RecordingQueueService(QueueService):
    """A queue service that keeps the query of every request, and has 7 messages; `missing` messages are not there."""

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
    ("delay", "hidden"),
    [(0, "0"), (0.4, "0"), (1.6, "2"), (900, "900"), (604_800, "604800"), (604_801, "604800"), (10**9, "604800")],
)
def test_a_message_is_hidden_for_its_delay_seven_days_at_most_and_never_expires(delay: float, hidden: str) -> None:
    """https://learn.microsoft.com/rest/api/storageservices/put-message."""
    service = RecordingQueueService()
    asyncio.run(recording_queue(service).send("text", delay_seconds=delay))
    assert service.queries == [{"visibilitytimeout": hidden, "messagettl": "-1"}]
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


@pytest.mark.parametrize(("status", "raises"), [(404, False), (403, True)])
def test_a_message_that_is_gone_needs_no_deletion(status: int, *, raises: bool) -> None:
    service = RecordingQueueService(encoded("a"))
    images = recording_queue(service)

    async def run() -> None:
        (message,) = [found async for found in images.receive(hidden_seconds=1)]
        service.failure = status
        await images.delete(message)

    if raises:
        with pytest.raises(HttpResponseError):
            asyncio.run(run())
    else:
        asyncio.run(run())
    assert service.urls[-1] == "DELETE acct.queue.core.windows.net/images/messages/m0"


@pytest.mark.parametrize("call", ["send", "length"])
def test_what_a_queue_refuses_is_an_error_of_the_pipeline(call: str) -> None:
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


class Topic:
    """Stands where the results topic's client would."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.sent: list[Any] = []

    async def send(self, published: Any) -> None:
        self.sent.append(published)
        if self.failure is not None:
            raise self.failure


def publish(topic: Topic) -> None:
    asyncio.run(EventGridResultPublisher(topic).publish(RECORD))  # type: ignore[arg-type]


def test_a_result_is_published_as_one_event() -> None:
    topic = Topic()
    publish(topic)
    ((sent),) = topic.sent
    assert vars(sent) == vars(create_cloud_event(RECORD))


def test_a_results_event_stays_what_it_is() -> None:
    """Subscribers recognize what they have by the id, across releases."""
    found = create_cloud_event(RECORD)
    assert found.id == "249d33e9-ef5f-5135-96ba-b5116f67755a"
    assert found.time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (found.source, found.type, found.subject) == ("/acct/images", "ImageClassified", "a.png")
    assert found.datacontenttype == "application/json"
    assert found.data == {
        "recordId": "abc",
        "status": "classified",
        "category": "cat",
        "labels": ["cat", "sofa"],
        "reason": None,
        "etag": "e1",
    }


def test_a_topic_that_does_not_exist_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="the results topic does not exist") as raised:
        publish(Topic(answered(404, ResourceNotFoundError)))
    assert raised.value.code == "TopicNotFound"


def test_a_topic_that_keeps_failing_is_not_called() -> None:
    topic = Topic(answered(503))
    result_publisher = EventGridResultPublisher(topic)  # type: ignore[arg-type]
    for _ in range(5):
        with pytest.raises(RetryLaterError, match=r"^the results topic"):
            asyncio.run(result_publisher.publish(RECORD))
    assert len(topic.sent) == 3
