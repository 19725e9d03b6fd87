"""The function of the shadow: when the app has it, its line, and what wrong settings do; and its composition."""

import asyncio
import importlib
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from classifier import composition, shadow_trigger, triggers
from classifier.composition import create_shadow
from classifier.domain.events import Message as PipelineMessage
from classifier.domain.outcomes import Outcome, OutcomeStatus
from classifier.settings import TriggerConnection
from common.adapters.azure_clients import create_transport
from common.domain import metrics, timeouts
from common.settings import SettingsError

from tests.functions.pipeline.test_composition_clients import Credential, settings
from tests.functions.pipeline.test_triggers import Message, heard, line, plain
from tests.support.fake_vision_service import FOUNDRY
from tests.support.in_memory_services import InMemoryQueue, message, run_effect

__all__ = ["heard"]


class FakeShadow:
    """A use case with one outcome, or one error."""

    def __init__(self, result: Outcome | Exception) -> None:
        self.result = result
        self.arguments: list[tuple[str, int]] = []

    async def handle(self, text: str, *, attempt: int) -> Outcome:
        self.arguments.append((text, attempt))
        metrics.add("inputTokens", 7)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.mark.parametrize(
    ("status", "level"),
    [("compared", "INFO"), ("skipped", "INFO"), ("delayed", "INFO"), ("misconfigured", "ERROR"), ("poison", "ERROR")],
)
def test_what_came_of_a_message_is_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: str, level: str
) -> None:
    """Not `outcome`, which the alerts and charts of the images count."""
    shadow = FakeShadow(Outcome(status=OutcomeStatus(status), detail="classified", record_id="r", event_id="e"))
    monkeypatch.setattr(shadow_trigger, "_shadow", lambda: shadow)
    asyncio.run(plain(shadow_trigger.shadow)(Message(2)))
    assert shadow.arguments == [("event", 2)]
    assert line(caplog, "shadow") == {
        "status": status,
        "detail": "classified",
        "record_id": "r",
        "event_id": "e",
        "messageId": "m1",
        "attempt": 2,
        "inputTokens": 7,
        "level": level,
    }
    assert [record for record in caplog.records if record.message.startswith("outcome")] == []


def test_what_is_raised_is_the_hosts_to_repeat(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shadow_trigger, "_shadow", lambda: FakeShadow(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(plain(shadow_trigger.shadow)(Message(1)))
    assert line(caplog, "shadow") == {
        "status": "raised",
        "detail": "ZeroDivisionError",
        "messageId": "m1",
        "attempt": 1,
        "inputTokens": 7,
        "level": "ERROR",
    }


def test_wrong_settings_requeue_in_the_queue_of_the_shadow(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[tuple[str, float]] = []

    def no_shadow() -> None:
        raise SettingsError("PIPELINE_SHADOW_ANALYZER is 'x', and there is no such analyzer")

    monkeypatch.setattr(shadow_trigger, "_shadow", no_shadow)
    monkeypatch.setattr(
        triggers, "_trigger_queue", {"PIPELINE_SHADOW_QUEUE": InMemoryQueue(run_effect, sent.append)}.__getitem__
    )
    asyncio.run(plain(shadow_trigger.shadow)(Message(1, message().encode())))
    assert line(caplog, "shadow")["status"] == "misconfigured"
    ((text, delay),) = sent
    assert delay >= 900
    deadline = PipelineMessage.parse(text).deadline
    assert deadline is not None
    assert timedelta(minutes=119) < deadline - datetime.now(UTC) <= timedelta(hours=2)


def test_the_queue_of_the_trigger_is_that_of_the_shadow() -> None:
    environment = {
        "IMAGES__queueServiceUri": "https://q",
        "IMAGES__clientId": "c",
        "PIPELINE_IMAGES_QUEUE": "images",
        "PIPELINE_SHADOW_QUEUE": "images-shadow",
    }
    connection = TriggerConnection.load(environment, queue_setting="PIPELINE_SHADOW_QUEUE")
    assert connection == TriggerConnection(queue_endpoint="https://q", client_id="c", queue="images-shadow")


@pytest.mark.parametrize(("queue", "expected"), [("images-shadow", True), ("", False), (None, False)])
def test_the_app_has_the_function_with_the_setting_only(
    monkeypatch: pytest.MonkeyPatch, queue: str | None, expected: bool
) -> None:
    # Loaded anew, as by the worker: the library adds the functions of a blueprint once for each import. What other
    # tests use is loaded first, to be there again afterwards: the library also lists the functions of an app only once.
    monkeypatch.delenv("PIPELINE_SHADOW_QUEUE", raising=False)
    for name in ("function_app", "classifier.shadow_trigger", "classifier.triggers"):
        importlib.import_module(name)
        monkeypatch.delitem(sys.modules, name)
    if queue is not None:
        monkeypatch.setenv("PIPELINE_SHADOW_QUEUE", queue)
    app = importlib.import_module("function_app").app
    names = {str(function.get_function_name()) for function in app.get_functions()}
    assert ("shadow" in names) is expected
    assert names - {"shadow"} == {"backfill", "classify", "delete_image", "reconcile", "redrive"}


SHADOW = {
    "PIPELINE_SHADOW_ANALYZER_OPTIONS": json.dumps(FOUNDRY),
    "PIPELINE_SHADOW_FEATURES": '["caption"]',
}


def create(monkeypatch: pytest.MonkeyPatch, **changes: str) -> Any:
    transports: list[Any] = []

    def create_noted_transport() -> Any:
        transports.append(create_transport())
        return transports[-1]

    monkeypatch.setattr(composition, "ManagedIdentityCredential", Credential)
    monkeypatch.setattr(composition, "create_transport", create_noted_transport)

    async def run() -> Any:
        try:
            return create_shadow(settings(**SHADOW | changes))
        finally:
            for transport in transports:
                await transport.session.close()

    return asyncio.run(run())


def test_the_shadow_has_its_own_queue_container_and_analyzer(monkeypatch: pytest.MonkeyPatch) -> None:
    shadow = create(monkeypatch)
    assert shadow._queue._client.url == "https://acct.queue.core.windows.net/images-shadow"
    assert shadow._poison_queue._client.url == "https://acct.queue.core.windows.net/images-shadow-poison"
    assert shadow._comparisons._container._container.container_link == "dbs/pipeline/colls/comparisons"
    assert shadow._records._container._container.container_link == "dbs/pipeline/colls/image-records"
    # One circuit breaker for Cosmos DB, of its own.
    boundaries = {store._container._boundary for store in (shadow._comparisons, shadow._records)}
    boundaries.add(shadow._classifier._cached_analyzer._analyses._container._boundary)
    (boundary,) = boundaries
    assert boundary._breaker is not None
    analyzer = shadow._classifier._analyzer
    assert analyzer.fingerprint.startswith("foundry-vision/")
    assert analyzer.features == ("caption",)
    assert shadow._classifier._min_confidence == 0.0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"PIPELINE_SHADOW_QUEUE": ""}, "PIPELINE_SHADOW_QUEUE is not set"),
        (
            {"PIPELINE_SHADOW_ANALYZER": "guesswork"},
            "PIPELINE_SHADOW_ANALYZER is 'guesswork', and there is no such analyzer",
        ),
        ({"PIPELINE_SHADOW_ANALYZER_OPTIONS": "{}"}, "the analyzer foundry-vision: "),
    ],
)
def test_wrong_settings_of_the_shadow_are_its_own_error(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        create(monkeypatch, **changes)


def test_the_time_to_send_to_the_shadow_is_short() -> None:
    assert timeouts.SHADOW_SEND_SECONDS * 10 < timeouts.PROCESSING_SECONDS
