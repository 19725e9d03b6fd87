"""The functions themselves: each turns its trigger into one call of the pipeline and logs what came of it."""

import logging
from functools import cache

import azure.functions as func

from classifier.adapters.wiring import wire
from classifier.pipeline import Pipeline
from classifier.settings import Settings

# host.json, extensions.queues.maxDequeueCount: after this attempt the host moves the message to the poison queue.
LAST_ATTEMPT = 5
_log = logging.getLogger("classifier")
# The SDKs log every request in full at INFO, which costs more to keep than the pipeline to run.
logging.getLogger("azure").setLevel(logging.WARNING)

blueprint = func.Blueprint()


@cache
def _pipeline() -> Pipeline:
    return wire(Settings.load())


# The SDK leaves **kwargs without a type.
@blueprint.queue_trigger(  # pyright: ignore[reportUnknownMemberType]
    arg_name="message", queue_name="%PIPELINE_IMAGES_QUEUE%", connection="IMAGES"
)
def classify(message: func.QueueMessage) -> None:
    """Classifies the image that an Event Grid message announces."""
    text = message.get_body().decode()
    attempt = message.dequeue_count or 1
    try:
        outcome = _pipeline().classify(text, attempt=attempt)
    except Exception as error:
        if attempt >= LAST_ATTEMPT:
            outcome = _pipeline().give_up(text, attempt=attempt, error=error)
            _log.error("%s %s after %d attempts: %s", outcome.record_id, outcome.status, attempt, outcome.detail)
        raise
    _log.info("%s %s: %s", outcome.record_id, outcome.status, outcome.detail)
