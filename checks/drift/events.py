"""The engine events of `pulumi refresh --preview-only --json`: one JSON object a line.

The format is Pulumi's `apitype.EngineEvent`:
https://github.com/pulumi/pulumi/blob/v3.274.1/sdk/go/common/apitype/events.go. Fields that are not used are left out.
"""

from collections.abc import Iterable
from typing import Any

import msgspec


class RefreshError(Exception):
    """The refresh failed, or its output is not what Pulumi writes; nothing is known about drift."""


class ResourceState(msgspec.Struct, rename="camel"):
    """A resource before or after a step."""

    type: str
    urn: str
    id: str = ""
    inputs: dict[str, Any] | None = None


class Step(msgspec.Struct, rename="camel"):
    """What the engine does with a resource: `refresh` (nothing differs), `update`, `delete` and so on."""

    op: str
    urn: str
    type: str
    old: ResourceState | None = None
    new: ResourceState | None = None


class ResourceOutputs(msgspec.Struct):
    """A resource was read from its provider."""

    metadata: Step


class Diagnostic(msgspec.Struct):
    """A message of the engine or of a provider."""

    message: str
    severity: str
    ephemeral: bool = False


class Summary(msgspec.Struct, rename="camel"):
    """The end of the operation."""

    maybe_corrupt: bool = False


class EngineEvent(msgspec.Struct, rename="camel"):
    """One line. At most one of the fields has a value; lines of other kinds have none."""

    res_outputs_event: ResourceOutputs | None = None
    diagnostic_event: Diagnostic | None = None
    summary_event: Summary | None = None


def read_steps(lines: Iterable[str]) -> list[Step]:
    """Return the steps of a refresh, in the order in which resources were read.

    Args:
        lines: The output of `pulumi refresh --preview-only --json`.

    Raises:
        RefreshError: A line is not an engine event, the refresh reported an error, or it did not reach its end.
    """
    decoder = msgspec.json.Decoder(EngineEvent)
    steps: list[Step] = []
    errors: list[str] = []
    complete = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            event = decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise RefreshError(f"line {number} is not an engine event of Pulumi: {error}: {line[:200]}") from error
        if event.res_outputs_event is not None:
            steps.append(event.res_outputs_event.metadata)
        if event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
            errors.append(event.diagnostic_event.message.strip())
        if event.summary_event is not None:
            complete = True
    if errors:
        raise RefreshError("the refresh failed:\n" + "\n".join(errors))
    if not complete:
        raise RefreshError("the output has no summary: the refresh did not reach its end")
    return steps
