"""The functions of the app: each calls one use case, and logs its result.

The result is one log line: its name and JSON. The Functions host sends it to Application Insights with its managed
identity, and the queries in infra/monitoring/queries.py make metrics of it (docs/decisions/0026).
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

import azure.functions as func
import msgspec
from common.domain import timeouts
from common.domain.errors import AuthorizationError
from common.domain.metrics import collect_metrics
from common.domain.principal import AppRole
from common.settings import SettingsError

from classifier.domain.outcomes import Outcome, OutcomeStatus
from classifier.settings import Settings, TriggerConnection
from classifier.use_cases.delete_image import delete_image as delete_blob_of_record
from classifier.use_cases.redrive import redrive as redrive_messages
from classifier.use_cases.requeue import requeue_without_settings

if TYPE_CHECKING:
    from classifier.composition import Application
    from classifier.domain.queue_ports import Queue

# One less than extensions.queues.maxDequeueCount in host.json: a message that ends the worker at every delivery is
# delivered once more, so that a failure is recorded before the host moves the message to the poison queue.
LAST_ATTEMPT = 5
_QUEUE_SETTING = "PIPELINE_IMAGES_QUEUE"
_log = logging.getLogger("classifier")
# At INFO the SDKs log every request in full; retaining that would cost more than running the pipeline.
logging.getLogger("azure").setLevel(logging.WARNING)

blueprint = func.Blueprint()


@cache
def _application() -> "Application":
    # Imported at the first call: importing the SDKs takes longer than everything else at the start of an instance.
    from classifier.composition import create_application  # noqa: PLC0415

    return create_application(Settings.load(), last_attempt=LAST_ATTEMPT)


@cache
def _trigger_queue(queue_setting: str) -> "Queue":
    from classifier.composition import create_trigger_queue  # noqa: PLC0415 (as in _application)

    return create_trigger_queue(TriggerConnection.load(queue_setting=queue_setting))


def _log_event(name: str, fields: Mapping[str, object], level: int = logging.INFO) -> None:
    _log.log(level, "%s %s", name, json.dumps(fields))


class MessageHandler(Protocol):
    """A use case that handles the messages of a queue."""

    async def handle(self, text: str, *, attempt: int) -> Outcome:
        """Handle one delivery of a message."""
        ...


async def _handle(
    text: str, attempt: int, load: Callable[[], MessageHandler], *, queue_setting: str, max_retry_age: timedelta
) -> Outcome:
    """Handle one delivery of a message. Wrong settings requeue it, as every configuration error does."""
    try:
        handler = load()
    except SettingsError as error:
        return await requeue_without_settings(
            text,
            error,
            attempt=attempt,
            queue=_trigger_queue(queue_setting),
            now=datetime.now(UTC),
            time_limit=asyncio.timeout,
            max_retry_age=max_retry_age,
        )
    return await handler.handle(text, attempt=attempt)


async def run_delivery(
    name: str,
    message: func.QueueMessage,
    load: Callable[[], MessageHandler],
    *,
    queue_setting: str,
    max_retry_age: timedelta,
    errors: Collection[OutcomeStatus],
) -> None:
    """Handle one delivery of a queue message, and log its outcome with its metrics.

    Args:
        name: the name of the log line.
        message: the message.
        load: returns the use case that handles the message, and creates it at the first call. Raises SettingsError.
        queue_setting: the app setting with the name of the queue.
        max_retry_age: how long after its first error a message is retried while the settings are wrong.
        errors: the outcomes that are logged as errors.
    """
    attempt = message.dequeue_count or 1
    delivery = {"messageId": message.id, "attempt": attempt}
    # Bytes that are no UTF-8 become lone surrogates, which no event has, so the message is poison with a reason.
    text = message.get_body().decode(errors="surrogateescape")
    with collect_metrics() as metrics:
        try:
            outcome = await _handle(text, attempt, load, queue_setting=queue_setting, max_retry_age=max_retry_age)
        except BaseException as error:
            # The host delivers the message again; its metrics so far are logged all the same.
            fields = {"status": "raised", "detail": type(error).__name__, **delivery, **metrics}
            _log_event(name, fields, logging.ERROR)
            raise
    fields = {**msgspec.to_builtins(outcome), **delivery, **metrics}
    _log_event(name, fields, logging.ERROR if outcome.status in errors else logging.INFO)


# The types of **kwargs are missing in the library.
@blueprint.queue_trigger(  # pyright: ignore[reportUnknownMemberType]
    arg_name="message", queue_name=f"%{_QUEUE_SETTING}%", connection="IMAGES"
)
async def classify(message: func.QueueMessage) -> None:
    """Classify the image that a message of the images queue is about."""
    await run_delivery(
        "outcome",
        message,
        lambda: _application().pipeline,
        queue_setting=_QUEUE_SETTING,
        max_retry_age=timeouts.DEFAULT_RETRY_AGE,
        errors={OutcomeStatus.FAILED, OutcomeStatus.MISCONFIGURED, OutcomeStatus.POISON},
    )


@blueprint.timer_trigger(  # pyright: ignore[reportUnknownMemberType]
    arg_name="timer", schedule="%PIPELINE_RECONCILE_SCHEDULE%"
)
async def reconcile(timer: func.TimerRequest) -> None:
    """Enqueue blobs without a final record; with the trigger `schedule`, all new blobs. Then count the records."""
    application = _application()
    deadline = datetime.now(UTC) + timedelta(seconds=timeouts.RECONCILE_SECONDS)
    counted_days = 0
    with collect_metrics() as metrics:
        report = await application.reconciler.run(deadline)
        try:
            counted_days = await application.record_counter.run(deadline)
        finally:
            fields = {**asdict(report), "countedDays": counted_days, "late": timer.past_due}
            _log_event("reconcile", {**fields, **metrics})


@blueprint.route(  # pyright: ignore[reportUnknownMemberType]
    "redrive", trigger_arg_name="request", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
async def redrive(request: func.HttpRequest) -> func.HttpResponse:
    """Send the messages of a poison queue again, for an operator. The response has their counts.

    `queue` in the query is `images`, the default, or `shadow`; 404 if there is no such queue.
    """
    queue_name = cast("Mapping[str, str]", request.params).get("queue", "images")

    async def run() -> tuple[int, dict[str, object]]:
        queues = _application().redrive_queues(queue_name)
        if queues is None:
            return 404, {"error": f"there is no queue {queue_name!r} to redrive"}
        poison_queue, queue = queues
        report = await redrive_messages(
            poison_queue,
            queue,
            deadline=datetime.now(UTC) + timedelta(seconds=timeouts.HTTP_FUNCTION_SECONDS),
            now=lambda: datetime.now(UTC),
        )
        return 200, {**msgspec.to_builtins(report), "queue": queue_name}

    return await _run_for_caller(request, "redrive", AppRole.PIPELINE_OPERATE, run)


@blueprint.route(  # pyright: ignore[reportUnknownMemberType]
    "backfill", trigger_arg_name="request", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
async def backfill(request: func.HttpRequest) -> func.HttpResponse:
    """Analyze every image again whose record was not made by the current analyzer, from the next reconcile run on."""

    async def run() -> tuple[int, dict[str, object]]:
        await _application().reconciler.start_backfill()
        return 200, {"backfill": "begins with the next run of reconcile"}

    return await _run_for_caller(request, "backfill", AppRole.PIPELINE_OPERATE, run)


@blueprint.route(  # pyright: ignore[reportUnknownMemberType]
    "images/{id}", trigger_arg_name="request", methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS
)
async def delete_image(request: func.HttpRequest) -> func.HttpResponse:
    """Delete the blob of a record, for the API, which passes on the token of its caller (docs/decisions/0044)."""
    record_id = cast("Mapping[str, str]", request.route_params).get("id", "")

    async def run() -> tuple[int, dict[str, object]]:
        application = _application()
        deleted = await delete_blob_of_record(record_id, records=application.records, images=application.images)
        return 200 if deleted else 404, {"id": record_id, "deleted": deleted}

    return await _run_for_caller(request, "delete-image", AppRole.IMAGES_DELETE, run)


async def _run_for_caller(
    request: func.HttpRequest, name: str, role: AppRole, run: Callable[[], Awaitable[tuple[int, dict[str, object]]]]
) -> func.HttpResponse:
    """Run a function for a caller with an app role, and for no other; it returns the status and what is answered.

    The Functions host lets every request through: it checks function keys only, and these functions accept none.
    """
    try:
        headers = cast("Mapping[str, str]", request.headers)
        caller = await _application().token_validator.authorize(headers.get("Authorization"), role)
    except AuthorizationError as error:
        _log_event(f"{name}-refused", {"status": error.status, "detail": str(error)}, logging.WARNING)
        body = json.dumps({"error": str(error)})
        return func.HttpResponse(body, status_code=error.status, mimetype="application/json")
    with collect_metrics() as metrics:
        status, result = await run()
    _log_event(name, {**result, "caller": caller.object_id, **metrics})
    return func.HttpResponse(json.dumps(result), status_code=status, mimetype="application/json")
