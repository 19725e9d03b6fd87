"""The triggers: bindings, deadlines, attempts, log levels and responses; and the creation of the application."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from classifier import composition, triggers
from classifier.domain.outcomes import Outcome, OutcomeStatus
from classifier.settings import Settings, TriggerConnection
from classifier.use_cases.reconcile import Report
from common.domain import metrics

from tests.functions.pipeline.test_triggers import FakeApplication, call, heard, http_functions, line, plain
from tests.support.in_memory_services import message

__all__ = ["heard"]


class Message:
    """A message as the worker hands it over."""

    id = "m1"

    def __init__(self, dequeue_count: int | None) -> None:
        self.dequeue_count = dequeue_count

    def get_body(self) -> bytes:
        return "événement".encode()


def test_the_app_is_made_once_of_the_environment_for_five_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: list[tuple[Any, dict[str, int]]] = []

    def create_application(settings: Any, **options: int) -> object:
        arguments.append((settings, options))
        return object()

    monkeypatch.setattr(composition, "create_application", create_application)
    monkeypatch.setattr(Settings, "load", staticmethod(lambda: "the settings"))
    triggers._application.cache_clear()
    try:
        assert triggers._application() is triggers._application()
    finally:
        triggers._application.cache_clear()
    assert arguments == [("the settings", {"last_attempt": 5})]


def test_the_queue_of_each_trigger_is_made_once_of_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there even if the other app settings are wrong."""
    connections: list[Any] = []

    def create_trigger_queue(connection: Any) -> object:
        connections.append(connection)
        return object()

    monkeypatch.setattr(composition, "create_trigger_queue", create_trigger_queue)
    monkeypatch.setattr(TriggerConnection, "load", staticmethod(lambda *, queue_setting: queue_setting))
    triggers._trigger_queue.cache_clear()
    try:
        images = triggers._trigger_queue("PIPELINE_IMAGES_QUEUE")
        shadow = triggers._trigger_queue("PIPELINE_SHADOW_QUEUE")
        assert triggers._trigger_queue("PIPELINE_IMAGES_QUEUE") is images
        assert triggers._trigger_queue("PIPELINE_SHADOW_QUEUE") is shadow
    finally:
        triggers._trigger_queue.cache_clear()
    assert connections == ["PIPELINE_IMAGES_QUEUE", "PIPELINE_SHADOW_QUEUE"]


@pytest.mark.parametrize(("dequeue_count", "attempt"), [(None, 1), (0, 1), (1, 1), (6, 6)])
@pytest.mark.parametrize(
    ("status", "level"),
    [
        ("classified", "INFO"),
        ("rejected", "INFO"),
        ("removed", "INFO"),
        ("delayed", "INFO"),
        ("failed", "ERROR"),
        ("misconfigured", "ERROR"),
        ("poison", "ERROR"),
    ],
)
def test_each_status_has_its_level_and_each_message_its_attempt(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    dequeue_count: int | None,
    attempt: int,
    status: str,
    level: str,
) -> None:
    handled: list[tuple[str, int]] = []

    async def handle(text: str, *, attempt: int) -> Outcome:
        handled.append((text, attempt))
        return Outcome(status=OutcomeStatus(status), detail="d")

    monkeypatch.setattr(triggers, "_application", lambda: SimpleNamespace(pipeline=SimpleNamespace(handle=handle)))
    asyncio.run(plain(triggers.classify)(Message(dequeue_count)))
    assert handled == [("événement", attempt)]
    assert line(caplog, "outcome") == {
        "status": status,
        "detail": "d",
        "record_id": None,
        "event_id": None,
        "messageId": "m1",
        "attempt": attempt,
        "level": level,
    }


@pytest.mark.parametrize("late", [True, False])
def test_reconcile_has_seven_minutes_and_says_whether_it_is_late(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, late: bool
) -> None:
    before = datetime.now(UTC)
    deadlines: list[datetime] = []

    async def run(deadline: datetime) -> Report:
        deadlines.append(deadline)
        return Report(dead_letters=1, listed=5, enqueued=2, finished=True, ended_because="the round is finished")

    async def count(deadline: datetime) -> int:
        deadlines.append(deadline)
        return 3

    application = SimpleNamespace(reconciler=SimpleNamespace(run=run), record_counter=SimpleNamespace(run=count))
    monkeypatch.setattr(triggers, "_application", lambda: application)
    asyncio.run(plain(triggers.reconcile)(SimpleNamespace(past_due=late)))
    assert before + timedelta(seconds=420) <= deadlines[0] <= datetime.now(UTC) + timedelta(seconds=420)
    assert line(caplog, "reconcile") == {
        "dead_letters": 1,
        "listed": 5,
        "enqueued": 2,
        "finished": True,
        "ended_because": "the round is finished",
        "countedDays": 3,
        "late": late,
        "level": "INFO",
    }


def test_a_redrive_has_two_hundred_seconds(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    application = FakeApplication()
    monkeypatch.setattr(triggers, "_application", lambda: application)
    before = datetime.now(UTC)

    async def redrive(poison_queue: Any, images_queue: Any, *, deadline: datetime, now: Any) -> dict[str, int]:
        assert (poison_queue, images_queue) == (application.poison_queue, application.images_queue)
        assert before + timedelta(seconds=200) <= deadline <= datetime.now(UTC) + timedelta(seconds=200)
        assert before <= now() <= datetime.now(UTC)
        return {"redriven": 3}

    monkeypatch.setattr(triggers, "redrive_messages", redrive)
    response = call("redrive", "Bearer good")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert json.loads(response.get_body()) == {"redriven": 3, "queue": "images"}
    assert line(caplog, "redrive") == {"redriven": 3, "queue": "images", "caller": "operator-1", "level": "INFO"}


def test_the_poison_queue_of_the_shadow_is_redriven_to_the_queue_of_the_shadow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application = FakeApplication()
    monkeypatch.setattr(triggers, "_application", lambda: application)
    response = call("redrive", "Bearer good", queue="shadow")
    assert json.loads(response.get_body()) == {"redriven": 1, "kept": 0, "finished": True, "queue": "shadow"}
    assert application.shadow_queue.texts == [message("compared.png")]
    assert application.images_queue.texts == []


@pytest.mark.parametrize("queue", ["other", ""])
def test_a_queue_that_the_app_has_not_is_not_found(monkeypatch: pytest.MonkeyPatch, queue: str) -> None:
    application = FakeApplication()
    monkeypatch.setattr(triggers, "_application", lambda: application)
    response = call("redrive", "Bearer good", queue=queue)
    assert (response.status_code, response.mimetype) == (404, "application/json")
    assert json.loads(response.get_body()) == {"error": f"there is no queue {queue!r} to redrive"}
    assert call("redrive", "Bearer bad", queue=queue).status_code == 403
    assert application.images_queue.texts == []


def test_a_backfill_says_when_it_begins(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(triggers, "_application", FakeApplication)
    response = call("backfill", "Bearer good")
    assert json.loads(response.get_body()) == {"backfill": "begins with the next run of reconcile"}
    assert line(caplog, "backfill")["caller"] == "operator-1"


def test_a_refusal_is_json_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triggers, "_application", FakeApplication)
    assert call("backfill", None).mimetype == "application/json"


@pytest.mark.parametrize("function", http_functions(), ids=lambda function: function.get_function_name())
def test_an_http_function_has_one_route_and_one_method(function: Any) -> None:
    trigger = function.get_trigger().get_dict_repr()
    routes = {
        "redrive": ("redrive", "POST"),
        "backfill": ("backfill", "POST"),
        "delete_image": ("images/{id}", "DELETE"),
    }
    (method,) = trigger["methods"]
    assert (trigger["route"], method.value) == routes[function.get_function_name()]


def test_each_trigger_has_the_name_and_the_settings_that_the_host_resolves() -> None:
    app = func.FunctionApp()
    app.register_functions(triggers.blueprint)
    bindings_by_name: dict[str, dict[str, Any]] = {}
    for function in app.get_functions():
        trigger = function.get_trigger()
        name = function.get_function_name()
        assert trigger is not None
        assert name is not None
        bindings_by_name[name] = trigger.get_dict_repr()
    assert {name: trigger["name"] for name, trigger in bindings_by_name.items()} == {
        "classify": "message",
        "reconcile": "timer",
        "redrive": "request",
        "backfill": "request",
        "delete_image": "request",
    }
    assert (bindings_by_name["classify"]["queueName"], bindings_by_name["classify"]["connection"]) == (
        "%PIPELINE_IMAGES_QUEUE%",
        "IMAGES",
    )
    assert bindings_by_name["reconcile"]["schedule"] == "%PIPELINE_RECONCILE_SCHEDULE%"


def test_what_an_operators_call_costs_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Measured(FakeApplication):
        async def start_backfill(self) -> None:
            metrics.add("requestUnits", 7)

    monkeypatch.setattr(triggers, "_application", Measured)
    call("backfill", "Bearer good")
    assert line(caplog, "backfill")["requestUnits"] == 7


def test_the_sdks_do_not_log_every_request() -> None:
    assert logging.getLogger("azure").level == logging.WARNING
