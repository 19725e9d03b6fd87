"""The emulated timer and HTTP triggers: schedules as NCRONTAB means them, routes, and what is refused."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from emulator.services.functions.bindings import check_bindings
from emulator.services.functions.configuration import ConfigurationError, HostOptions, QueueOptions
from emulator.services.functions.host import TriggerListeners
from emulator.services.functions.http_trigger import HttpListener
from emulator.services.functions.timer_trigger import TimerListener, next_run

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("0 */15 * * * *", datetime(2026, 11, 23, 12, 15, tzinfo=UTC)),
        ("*/10 * * * * *", datetime(2026, 11, 23, 12, 0, 10, tzinfo=UTC)),
        ("0 0 2 * * *", datetime(2026, 11, 24, 2, tzinfo=UTC)),
        # Both day fields must match: the first of a month that is a Monday.
        ("0 0 0 1 * 1", datetime(2027, 2, 1, tzinfo=UTC)),
        ("0 30 9 * Jan Mon", datetime(2027, 1, 4, 9, 30, tzinfo=UTC)),
    ],
)
def test_a_schedule_means_what_ncrontab_says(expression: str, following: datetime) -> None:
    assert next_run(expression, NOW) == following


@pytest.mark.parametrize("expression", ["*/15 * * * *", "00:15:00", "0 0 0 L * *", "0 99 * * * *", "@hourly", ""])
def test_what_is_no_ncrontab_is_refused(expression: str) -> None:
    with pytest.raises(ConfigurationError):
        next_run(expression, NOW)


def listen(expression: str, state: Path, runs: int = 1) -> list[dict[str, Any]]:
    async def run() -> list[dict[str, Any]]:
        timers: list[dict[str, Any]] = []
        enough = asyncio.Event()

        async def invoke(timer: dict[str, Any]) -> str | None:
            timers.append(timer)
            if len(timers) == runs:
                enough.set()
            return "it fails, and the next run comes all the same"

        listening = asyncio.create_task(TimerListener(expression, state, invoke).run())
        await asyncio.wait_for(enough.wait(), 20)
        listening.cancel()
        return timers

    return asyncio.run(run())


def test_a_timer_runs_again_and_again(tmp_path: Path) -> None:
    first, second = listen("* * * * * *", tmp_path / "state.json", runs=2)
    assert first["IsPastDue"] is False
    assert second["ScheduleStatus"]["Last"] < second["ScheduleStatus"]["Next"]


def test_a_run_that_was_missed_is_made_up_for_and_says_so(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text(json.dumps((datetime.now(UTC) - timedelta(days=3)).isoformat()))
    (late,) = listen("0 0 3 * * *", state)
    assert late["IsPastDue"] is True
    assert datetime.fromisoformat(json.loads(state.read_text())) > datetime.now(UTC) - timedelta(minutes=1)


def call(method: str, path: str) -> tuple[int, bytes]:
    async def invoke(request: dict[str, Any]) -> dict[str, Any]:
        if request["query"].get("fail"):
            return {"ok": False, "error": "secret details"}
        text = f"{request['method']} {base64.b64decode(request['body']).decode()}"
        body = base64.b64encode(text.encode()).decode()
        return {"ok": True, "response": {"status": "202", "headers": {"X-A": request["headers"]["x-b"]}, "body": body}}

    async def run() -> tuple[int, bytes]:
        listener = HttpListener()
        listener.add("redrive", {"route": "redrive", "authLevel": "ANONYMOUS", "methods": ["POST"]}, invoke)
        await listener.start()
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.request(method, listener.url + path, data=b"body", headers={"X-B": "b"}) as answer,
            ):
                return answer.status, await answer.read()
        finally:
            await listener.stop()

    return asyncio.run(run())


def test_a_request_reaches_its_function_and_its_answer_comes_back() -> None:
    assert call("POST", "/api/redrive") == (202, b"POST body")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/redrive", 404), ("POST", "/api/other", 404), ("POST", "/api/redrive?fail=1", 500)],
)
def test_anything_else_is_refused_without_details(method: str, path: str, status: int) -> None:
    assert call(method, path) == (status, b"")


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [
        ({"route": "x/{id:int}", "authLevel": "anonymous"}, "'{id:int}' in the route 'x/{id:int}'"),
        ({"route": "x/{id?}", "authLevel": "anonymous"}, "'{id[?]}'"),
        ({"route": "{*all}/x", "authLevel": "anonymous"}, "'{[*]all}'"),
        ({"authLevel": "function"}, "no keys"),
    ],
)
def test_functions_that_the_emulator_cannot_serve_are_named(trigger: dict[str, Any], reason: str) -> None:
    async def invoke(_request: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError

    with pytest.raises(ConfigurationError, match=f"f: .*{reason}"):
        HttpListener().add("f", trigger, invoke)


CLASSIFY = {"name": "classify", "bindings": [{"type": "queueTrigger"}]}
COPY = {"name": "copy", "bindings": [{"type": "timerTrigger"}, {"type": "queue"}, {"type": "blob"}]}
BUILT_IN = [
    {"name": "reconcile", "bindings": [{"type": "timerTrigger"}]},
    {"name": "redrive", "bindings": [{"type": "httpTrigger"}, {"type": "http"}]},
]


def test_without_an_extension_bundle_there_are_http_and_timer_triggers_only() -> None:
    check_bindings(BUILT_IN, has_extension_bundle=False)
    check_bindings([CLASSIFY, COPY], has_extension_bundle=True)
    with pytest.raises(ConfigurationError) as refusal:
        check_bindings([*BUILT_IN, CLASSIFY, COPY], has_extension_bundle=False)
    assert str(refusal.value) == (
        "classify: The binding type(s) 'queueTrigger' are not registered. "
        "Please ensure the type is correct and the binding extension is installed. "
        "copy: The binding type(s) 'blob, queue' are not registered. "
        "Please ensure the type is correct and the binding extension is installed. "
        "Without an extension bundle there are HTTP and timer triggers only: "
        'add "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"} '
        "to host.json."
    )


def test_the_host_does_not_start_an_app_whose_triggers_it_does_not_have(tmp_path: Path) -> None:
    worker: Any = SimpleNamespace(functions=[CLASSIFY])
    app = TriggerListeners(tmp_path, worker, HostOptions(queues=QueueOptions(), has_extension_bundle=False))
    with pytest.raises(ConfigurationError, match=r"classify: The binding type\(s\) 'queueTrigger' are not registered"):
        asyncio.run(app.listen())
