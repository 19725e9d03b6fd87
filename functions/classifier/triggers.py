"""The functions themselves: each turns its trigger into one call of the app, and logs what came of it.

One line of JSON each, behind a word that says what it is: Application Insights gets them from the host, by identity,
and infra/monitoring/queries.py makes metrics of them (docs/decisions/0026).
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import azure.functions as func

from classifier import timeouts
from classifier.errors import AuthorizationError
from classifier.measures import measured
from classifier.redrive import redrive as send_again
from classifier.settings import Settings

if TYPE_CHECKING:
    from classifier.adapters.wiring import App

# One fewer than host.json's extensions.queues.maxDequeueCount: whatever ends the worker itself every time is delivered
# once more, so that it gets a record, before the host moves its message to the poison queue.
LAST_ATTEMPT = 5
_log = logging.getLogger("classifier")
# The SDKs log every request in full at INFO, which costs more to keep than the pipeline to run.
logging.getLogger("azure").setLevel(logging.WARNING)

blueprint = func.Blueprint()


@cache
def _app() -> "App":
    # Not before the first call: loading the SDKs takes longer than everything else at the start of an instance.
    from classifier.adapters.wiring import wire  # noqa: PLC0415

    return wire(Settings.load(), last_attempt=LAST_ATTEMPT)


def _say(what: str, values: Mapping[str, Any], level: int = logging.INFO) -> None:
    _log.log(level, "%s %s", what, json.dumps(values))


# The SDK leaves **kwargs without a type.
@blueprint.queue_trigger(  # pyright: ignore[reportUnknownMemberType]
    arg_name="message", queue_name="%PIPELINE_IMAGES_QUEUE%", connection="IMAGES"
)
async def classify(message: func.QueueMessage) -> None:
    """Classifies the image that a message is about."""
    attempt = message.dequeue_count or 1
    delivery = {"messageId": message.id, "attempt": attempt}
    with measured() as measures:
        try:
            outcome = await _app().pipeline.handle(message.get_body().decode(), attempt=attempt)
        except BaseException as error:
            # The host repeats it; what it has cost so far is measured all the same.
            _say("outcome", {"status": "raised", "detail": type(error).__name__, **delivery, **measures}, logging.ERROR)
            raise
    bad = outcome.status in {"failed", "misconfigured", "poison"}
    _say("outcome", {**asdict(outcome), **delivery, **measures}, logging.ERROR if bad else logging.INFO)


@blueprint.timer_trigger(  # pyright: ignore[reportUnknownMemberType]
    arg_name="timer", schedule="%PIPELINE_RECONCILE_SCHEDULE%"
)
async def reconcile(timer: func.TimerRequest) -> None:
    """Enqueues what was missed; where no events come, everything."""
    with measured() as measures:
        report = await _app().reconcile.run(datetime.now(UTC) + timedelta(seconds=timeouts.RECONCILE_SECONDS))
    _say("reconcile", {**asdict(report), "late": timer.past_due, **measures})


@blueprint.route(  # pyright: ignore[reportUnknownMemberType]
    "redrive", trigger_arg_name="request", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
async def redrive(request: func.HttpRequest) -> func.HttpResponse:
    """Sends the messages of the poison queue again, for an operator; answers with their counts."""

    async def run() -> Mapping[str, Any]:
        app = _app()
        until = datetime.now(UTC) + timedelta(seconds=timeouts.HTTP_FUNCTION_SECONDS)
        return await send_again(app.poison, app.images, until=until, now=lambda: datetime.now(UTC))

    return await _for_operator(request, "redrive", run)


@blueprint.route(  # pyright: ignore[reportUnknownMemberType]
    "backfill", trigger_arg_name="request", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
async def backfill(request: func.HttpRequest) -> func.HttpResponse:
    """Has every image analysed again whose record was not made by the present analyser, from the next reconcile on."""

    async def run() -> Mapping[str, Any]:
        await _app().reconcile.backfill()
        return {"backfill": "begins with the next run of reconcile"}

    return await _for_operator(request, "backfill", run)


async def _for_operator(
    request: func.HttpRequest, what: str, run: Callable[[], Awaitable[Mapping[str, Any]]]
) -> func.HttpResponse:
    """Runs what only operators may. The host lets everybody through to here: it knows keys only, and there are none."""
    try:
        headers = cast("Mapping[str, str]", request.headers)
        caller = await _app().operators.check(headers.get("Authorization"))
    except AuthorizationError as refusal:
        _say(f"{what}-refused", {"status": refusal.status, "detail": str(refusal)}, logging.WARNING)
        body = json.dumps({"error": str(refusal)})
        return func.HttpResponse(body, status_code=refusal.status, mimetype="application/json")
    with measured() as measures:
        result = await run()
    _say(what, {**result, "caller": caller, **measures})
    return func.HttpResponse(json.dumps(result), mimetype="application/json")
