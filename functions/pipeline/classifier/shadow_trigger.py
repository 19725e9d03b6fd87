"""The function of the shadow, which the app has with a shadow only (`function_app`).

It has a log line and an application of its own: wrong settings of a successor stop no image from being classified.
"""

import os
from functools import cache
from typing import TYPE_CHECKING

import azure.functions as func
from common.domain import timeouts

from classifier.domain.outcomes import OutcomeStatus
from classifier.settings import Settings
from classifier.triggers import run_delivery

if TYPE_CHECKING:
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


# The types of **kwargs are missing in the library.
@blueprint.queue_trigger(  # pyright: ignore[reportUnknownMemberType]
    arg_name="message", queue_name=f"%{_QUEUE_SETTING}%", connection="IMAGES"
)
async def shadow(message: func.QueueMessage) -> None:
    """Compare what the successor finds in the image of a message with its record."""
    await run_delivery(
        "shadow",
        message,
        _shadow,
        queue_setting=_QUEUE_SETTING,
        max_retry_age=timeouts.SHADOW_RETRY_AGE,
        errors={OutcomeStatus.MISCONFIGURED, OutcomeStatus.POISON},
    )
