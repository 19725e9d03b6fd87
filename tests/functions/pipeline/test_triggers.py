"""The triggers: each calls one use case and logs one line; HTTP functions reject every caller but operators."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import azure.functions as func
import pytest
from classifier import triggers
from classifier.composition import create_trigger_queue
from classifier.domain.events import Message as PipelineMessage
from classifier.domain.events import create_poison_message, parse_poison_message
from classifier.domain.outcomes import Outcome, OutcomeStatus
from classifier.settings import TriggerConnection
from classifier.use_cases.reconcile import Report
from classifier.use_cases.redrive import RedriveReport, redrive
from common.domain import metrics
from common.domain.errors import AuthorizationError
from common.domain.principal import AppRole, Principal
from common.settings import SettingsError

from tests.support.fake_vision_service import FakeVisionService
from tests.support.in_memory_services import (
    NOW,
    InMemoryQueue,
    InMemoryRecordRepository,
    InMemoryServices,
    message,
)


class Message(func.QueueMessage):
    """A message as the worker hands it over."""

    def __init__(self, attempt: int, body: bytes = b"event") -> None:
        super().__init__(body=body, id="m1")
        self._attempt = attempt

    @property
    def dequeue_count(self) -> int:
        return self._attempt


def plain(function: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
    """The function behind its decorators."""
    return cast("Callable[..., Coroutine[Any, Any, Any]]", function._function.get_user_function())


def line(caplog: pytest.LogCaptureFixture, what: str) -> dict[str, Any]:
    (record,) = [record for record in caplog.records if record.message.startswith(f"{what} ")]
    return json.loads(record.message.removeprefix(f"{what} ")) | {"level": record.levelname}


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="classifier")


@pytest.mark.parametrize(
    ("status", "level"), [("classified", "INFO"), ("failed", "ERROR"), ("misconfigured", "ERROR"), ("poison", "ERROR")]
)
def test_what_came_of_a_message_is_one_line_with_all_that_was_measured(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: str, level: str
) -> None:
    async def handle(text: str, *, attempt: int) -> Outcome:
        assert (text, attempt) == ("event", 3)
        metrics.add("visionMs", 300.5)
        metrics.add("requestUnits", 7)
        return Outcome(status=OutcomeStatus(status), detail="cat", record_id="r", event_id="e")

    monkeypatch.setattr(triggers, "_application", lambda: SimpleNamespace(pipeline=SimpleNamespace(handle=handle)))
    asyncio.run(plain(triggers.classify)(Message(3)))
    assert line(caplog, "outcome") == {
        "status": status,
        "detail": "cat",
        "record_id": "r",
        "event_id": "e",
        "messageId": "m1",
        "attempt": 3,
        "visionMs": 300.5,
        "requestUnits": 7,
        "level": level,
    }


def test_what_is_raised_is_the_hosts_to_repeat_and_measured_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(_text: str, **_: Any) -> Outcome:
        metrics.add("visionCalls")
        raise ConnectionError("down")

    monkeypatch.setattr(triggers, "_application", lambda: SimpleNamespace(pipeline=SimpleNamespace(handle=handle)))
    with pytest.raises(ConnectionError):
        asyncio.run(plain(triggers.classify)(Message(1)))
    assert line(caplog, "outcome") == {
        "status": "raised",
        "detail": "ConnectionError",
        "messageId": "m1",
        "attempt": 1,
        "visionCalls": 1,
        "level": "ERROR",
    }


def test_a_message_that_is_no_utf8_is_poison_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    services = InMemoryServices()
    monkeypatch.setattr(triggers, "_application", lambda: SimpleNamespace(pipeline=services.pipeline()))
    asyncio.run(plain(triggers.classify)(Message(1, message().encode().replace(b"cat.png", b"cat\xff.png"))))
    (poison,) = services.poison_messages
    assert poison["poison"]["code"] == "BadEvent"
    assert "cat\\udcff.png" in poison["message"]


def fail_to_load(*_: Any) -> None:
    raise SettingsError("PIPELINE_FEATURES is not set")


def test_wrong_settings_requeue_a_message_slowly_and_are_an_error_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The host would move every message to the poison queue within minutes, before the next deployment."""
    services = InMemoryServices()
    queue = InMemoryQueue(services.run_step, services.queued_messages.append)
    monkeypatch.setattr(triggers, "_application", fail_to_load)
    monkeypatch.setattr(triggers, "_trigger_queue", {"PIPELINE_IMAGES_QUEUE": queue}.__getitem__)
    asyncio.run(plain(triggers.classify)(Message(4, message().encode())))
    ((text, delay),) = services.queued_messages
    requeued = PipelineMessage.parse(text)
    assert (requeued.requeue_count, requeued.interruptions) == (1, 3)
    assert requeued.deadline is not None
    assert timedelta(hours=167) < requeued.deadline - datetime.now(UTC) <= timedelta(hours=168)
    assert 900 <= delay <= 1350
    outcome = line(caplog, "outcome")
    assert (outcome["status"], outcome["level"], outcome["putBacks"]) == ("misconfigured", "ERROR", 1)
    assert outcome["detail"].startswith("the app settings are wrong: PIPELINE_FEATURES is not set; back in ")


@pytest.mark.parametrize("minutes", [-1, 10])
def test_wrong_settings_are_raised_when_the_deadline_of_a_message_comes_before_its_next_delivery(
    monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    """Its next delivery would be in 15 minutes at the earliest."""
    services = InMemoryServices()
    monkeypatch.setattr(triggers, "_application", fail_to_load)
    queue = InMemoryQueue(services.run_step, services.queued_messages.append)
    monkeypatch.setattr(triggers, "_trigger_queue", {"PIPELINE_IMAGES_QUEUE": queue}.__getitem__)
    deadline = datetime.now(UTC) + timedelta(minutes=minutes)
    envelope = {"event": json.loads(message()), "putBacks": 7, "deadline": deadline.isoformat()}
    with pytest.raises(SettingsError):
        asyncio.run(plain(triggers.classify)(Message(1, json.dumps(envelope).encode())))
    assert services.queued_messages == []


def test_the_queue_of_the_trigger_is_created_without_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier.composition.create_transport", FakeVisionService)
    environment = {
        "IMAGES__queueServiceUri": "https://data.queue.core.windows.net/",
        "IMAGES__clientId": "c",
        "PIPELINE_IMAGES_QUEUE": "images",
    }
    connection = TriggerConnection.load(environment, queue_setting="PIPELINE_IMAGES_QUEUE")
    assert connection == TriggerConnection(
        queue_endpoint="https://data.queue.core.windows.net/", client_id="c", queue="images"
    )

    assert create_trigger_queue(connection)._client.url == "https://data.queue.core.windows.net/images"


def test_a_run_of_reconcile_says_what_it_did(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def run(deadline: datetime) -> Report:
        assert timedelta(minutes=6) < deadline - datetime.now(UTC) < timedelta(minutes=9)
        return Report(listed=5, enqueued=2, finished=True, ended_because="the round is finished")

    async def count(deadline: datetime) -> int:
        assert timedelta(minutes=6) < deadline - datetime.now(UTC) < timedelta(minutes=9)
        return 3

    application = SimpleNamespace(reconciler=SimpleNamespace(run=run), record_counter=SimpleNamespace(run=count))
    monkeypatch.setattr(triggers, "_application", lambda: application)
    asyncio.run(plain(triggers.reconcile)(SimpleNamespace(past_due=False)))
    assert line(caplog, "reconcile")["enqueued"] == 2
    assert line(caplog, "reconcile")["countedDays"] == 3


class InMemoryPoisonQueue:
    """A poison queue in memory."""

    def __init__(self, *texts: str | None) -> None:
        self.messages = [self.message(text) for text in texts]

    @staticmethod
    def message(text: str | None, *, inserted_on: datetime = NOW - timedelta(hours=1)) -> SimpleNamespace:
        return SimpleNamespace(content=text, inserted_on=inserted_on)

    async def receive(self, *, hidden_seconds: int) -> AsyncIterator[Any]:
        assert hidden_seconds >= 200
        received: list[Any] = []
        while left := [
            poison_message for poison_message in self.messages if not any(poison_message is other for other in received)
        ]:
            received.append(left[0])
            assert len(received) < 100, "without end"
            yield left[0]

    async def delete(self, message: Any) -> None:
        self.messages.remove(message)


class InMemoryImagesQueue:
    """The images queue, as far as it is written to."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def send(self, text: str, *, delay_seconds: float = 0) -> None:
        assert delay_seconds == 0
        self.texts.append(text)


BACK = json.dumps({"event": json.loads(message("c.png")), "putBacks": 7, "deadline": NOW.isoformat()})
HOPELESS = create_poison_message("not json", "BadEvent", "no event", NOW)


def test_redriving_sends_everything_again_but_what_can_never_be_handled() -> None:
    queue = InMemoryPoisonQueue(
        create_poison_message(message(), "HttpResponseError", "down", NOW), message("b.png"), BACK, HOPELESS
    )
    sent = InMemoryImagesQueue()
    counts = asyncio.run(redrive(queue, sent, deadline=NOW, now=lambda: NOW - timedelta(seconds=1)))
    assert counts == RedriveReport(redriven=3, left=1, finished=True)
    assert sent.texts == [message(), message("b.png"), message("c.png")]
    assert [poison_message.content for poison_message in queue.messages] == [HOPELESS]


def test_redriving_keeps_a_message_that_cannot_be_decoded_and_sends_the_others() -> None:
    queue = InMemoryPoisonQueue(message(), None, message("b.png"))
    sent = InMemoryImagesQueue()
    counts = asyncio.run(redrive(queue, sent, deadline=NOW, now=lambda: NOW - timedelta(seconds=1)))
    assert counts == RedriveReport(redriven=2, left=1, finished=True)
    assert sent.texts == [message(), message("b.png")]
    assert [poison_message.content for poison_message in queue.messages] == [None]


def test_redriving_ends_in_time_and_says_so() -> None:
    queue = InMemoryPoisonQueue(message(), message())
    counts = asyncio.run(redrive(queue, InMemoryImagesQueue(), deadline=NOW, now=lambda: NOW))
    assert counts == RedriveReport(redriven=1, left=0, finished=False)


def test_redriving_ends_when_its_own_messages_come_back() -> None:
    queue = InMemoryPoisonQueue(*(message(f"{number}.png") for number in range(10)))
    sent = InMemoryImagesQueue()

    async def fail_to_send(text: str, *, delay_seconds: float = 0) -> None:
        await InMemoryImagesQueue.send(sent, text, delay_seconds=delay_seconds)
        queue.messages.append(queue.message(text, inserted_on=NOW))

    sent.send = fail_to_send  # type: ignore[method-assign]
    counts = asyncio.run(redrive(queue, sent, deadline=NOW, now=lambda: NOW - timedelta(seconds=1)))
    assert counts == RedriveReport(redriven=10, left=0, finished=True)
    assert len(queue.messages) == 10


@pytest.mark.parametrize("text", ["", "{", "[]", '{"poison": 1}', '{"poison": {"code": "A"}}'])
def test_whatever_lies_in_the_poison_queue_can_be_redriven(text: str) -> None:
    assert parse_poison_message(text)[1] == text


class FakeApplication:
    """An app that accepts one token."""

    def __init__(self) -> None:
        self.poison_queue = InMemoryPoisonQueue(message())
        self.images_queue = InMemoryImagesQueue()
        self.shadow_queue = InMemoryImagesQueue()
        self.token_validator = self
        self.reconciler = self
        self.backfill_started = False
        self.role = "Pipeline.Operate"
        self.services = InMemoryServices()
        self.records = InMemoryRecordRepository(self.services)
        self.images = self.services

    async def authorize(self, authorization: str | None, role: AppRole) -> Principal:
        if authorization != "Bearer good":
            raise AuthorizationError(401 if authorization is None else 403, "not you")
        assert role == self.role
        return Principal(object_id="operator-1", app_roles=frozenset({role}))

    async def start_backfill(self) -> None:
        self.backfill_started = True

    def redrive_queues(self, name: str) -> tuple[InMemoryPoisonQueue, InMemoryImagesQueue] | None:
        if name == "shadow":
            return InMemoryPoisonQueue(message("compared.png")), self.shadow_queue
        return (self.poison_queue, self.images_queue) if name == "images" else None


def call(name: str, token: str | None, **parameters: str) -> func.HttpResponse:
    headers = {} if token is None else {"Authorization": token}
    request = func.HttpRequest("POST", f"https://app/api/{name}", headers=headers, params=parameters, body=b"")
    return asyncio.run(cast("Any", plain(getattr(triggers, name))(request)))


@pytest.mark.parametrize("name", ["redrive", "backfill"])
@pytest.mark.parametrize(("token", "status"), [(None, 401), ("Bearer bad", 403)])
def test_a_caller_who_is_no_operator_changes_nothing_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, token: str | None, status: int
) -> None:
    application = FakeApplication()
    monkeypatch.setattr(triggers, "_application", lambda: application)
    answer = call(name, token)
    assert (answer.status_code, json.loads(answer.get_body())) == (status, {"error": "not you"})
    assert (application.images_queue.texts, application.backfill_started) == ([], False)
    assert line(caplog, f"{name}-refused") == {"status": status, "detail": "not you", "level": "WARNING"}


class NoCallerAccepted:
    """An app that refuses every token and has nothing else to use."""

    class token_validator:  # noqa: N801 (an attribute of the app)
        """A validator for which no token is valid."""

        @staticmethod
        async def authorize(_authorization: str | None, _role: AppRole) -> Principal:
            raise AuthorizationError(401, "no operator")


def http_functions() -> list[Any]:
    # An app of the test's own: the library lists the functions of an app only once.
    app = func.FunctionApp()
    app.register_functions(triggers.blueprint)
    functions: list[Any] = []
    for function in app.get_functions():
        trigger = function.get_trigger()
        assert trigger is not None
        if trigger.type == "httpTrigger":
            functions.append(function)
    return functions


HTTP_FUNCTIONS = http_functions()


def test_the_app_has_http_functions() -> None:
    assert {function.get_function_name() for function in HTTP_FUNCTIONS} == {"redrive", "backfill", "delete_image"}


@pytest.mark.parametrize("function", HTTP_FUNCTIONS, ids=lambda function: function.get_function_name())
def test_an_http_function_accepts_no_host_key_and_leaves_the_caller_to_the_token(
    monkeypatch: pytest.MonkeyPatch, function: Any
) -> None:
    """Every function app has host keys; a key counts only for a function whose level is not anonymous."""
    assert function.get_trigger().get_dict_repr()["authLevel"] == func.AuthLevel.ANONYMOUS
    monkeypatch.setattr(triggers, "_application", NoCallerAccepted)
    headers = {"x-functions-key": "the master key"}
    request = func.HttpRequest(
        "POST", "https://app/api/any?code=key", headers=headers, params={"code": "key"}, body=b""
    )
    response = asyncio.run(function.get_user_function()(request))
    assert (response.status_code, json.loads(response.get_body())) == (401, {"error": "no operator"})


def test_an_operator_gets_the_counts(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    application = FakeApplication()
    monkeypatch.setattr(triggers, "_application", lambda: application)
    answer = {"redriven": 1, "kept": 0, "finished": True}
    assert json.loads(call("redrive", "Bearer good").get_body()) == answer | {"queue": "images"}
    assert line(caplog, "redrive")["caller"] == "operator-1"
    assert call("backfill", "Bearer good").status_code == 200
    assert application.backfill_started


def delete(application: FakeApplication, record_id: str, token: str | None = "Bearer good") -> func.HttpResponse:
    headers = {} if token is None else {"Authorization": token}
    request = func.HttpRequest(
        "DELETE", f"https://app/api/images/{record_id}", headers=headers, body=b"", route_params={"id": record_id}
    )
    return asyncio.run(cast("Any", plain(triggers.delete_image)(request)))


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> FakeApplication:
    """An app with the classified image `cat.png`, whose caller may delete images."""
    application = FakeApplication()
    application.role = "Images.Delete"
    application.services.upload("cat.png", b"cat")
    asyncio.run(application.services.pipeline().handle(message(), attempt=1))
    monkeypatch.setattr(triggers, "_application", lambda: application)
    return application


def test_an_image_is_deleted_by_the_id_of_its_record(
    application: FakeApplication, caplog: pytest.LogCaptureFixture
) -> None:
    (record_id,) = application.services.records
    response = delete(application, record_id)
    assert (response.status_code, json.loads(response.get_body())) == (200, {"id": record_id, "deleted": True})
    assert "cat.png" not in application.services.blobs
    assert line(caplog, "delete-image")["caller"] == "operator-1"


def test_the_image_of_an_unknown_record_is_not_found(application: FakeApplication) -> None:
    response = delete(application, "a" * 52)
    assert (response.status_code, json.loads(response.get_body())["deleted"]) == (404, False)
    assert response.mimetype == "application/json"
    assert "cat.png" in application.services.blobs


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("Bearer bad", 403)])
def test_a_caller_who_may_not_delete_deletes_nothing(
    application: FakeApplication, token: str | None, status: int
) -> None:
    (record_id,) = application.services.records
    assert delete(application, record_id, token).status_code == status
    assert "cat.png" in application.services.blobs
