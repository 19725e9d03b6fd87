"""The function of the shadow, which the app has with a shadow only (`function_app`).

It has a log line and an application of its own: wrong settings of a successor stop no image from being classified.
"""

import asyncio
import os
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import azure.functions as func
from common.domain import timeouts
from common.settings import SettingsError

from classifier.domain.outcomes import Outcome, OutcomeStatus
from classifier.settings import Settings, TriggerConnection
from classifier.triggers import run_delivery
from classifier.use_cases.requeue import requeue_without_settings

if TYPE_CHECKING:
    from classifier.domain.queue_ports import Queue
    from classifier.use_cases.shadow import Shadow

_QUEUE_SETTING = "PIPELINE_SHADOW_QUEUE"

blueprint = func.Blueprint()


def has_shadow() -> bool:
    """Return whether the app settings have a queue of a shadow."""
    return bool(os.environ.get(_QUEUE_SETTING))


@cache
def _shadow() -> "Shadow":
    # Imported at the first call, as in `triggers`.
    from classifier.composition import create_shadow  # noqa: PLC0415

    return create_shadow(Settings.load())


@cache
def _trigger_queue() -> "Queue":
    from classifier.composition import create_trigger_queue  # noqa: PLC0415 (as above)

    return create_trigger_queue(TriggerConnection.load(queue_setting=_QUEUE_SETTING))


async def _handle(text: str, attempt: int) -> Outcome:
    """Handle one delivery of a message. Wrong settings requeue it, as every configuration error does."""
    try:
        shadow = _shadow()
    except SettingsError as error:
        return await requeue_without_settings(
            text,
            error,
            attempt=attempt,
            queue=_trigger_queue(),
            now=datetime.now(UTC),
            time_limit=asyncio.timeout,
            max_retry_age=timeouts.SHADOW_RETRY_AGE,
        )
    return await shadow.handle(text, attempt=attempt)


# The types of **kwargs are missing in the library.
@blueprint.queue_trigger(  # pyright: ignore[reportUnknownMemberType]
    arg_name="message", queue_name=f"%{_QUEUE_SETTING}%", connection="IMAGES"
)
async def shadow(message: func.QueueMessage) -> None:
    """Compare what the successor finds in the image of a message with its record."""
    await run_delivery("shadow", message, _handle, errors={OutcomeStatus.MISCONFIGURED, OutcomeStatus.POISON})
