"""The output of `pulumi refresh --preview-only --json`: one JSON document, the same as that of `pulumi preview --json`.

The format is Pulumi's `PreviewDigest`: https://github.com/pulumi/pulumi/blob/v3.274.1/pkg/display/json.go. Fields that
are not used are left out. Pulumi describes a changed resource only if its provider compares property by property, which
azure-native does; changes of outputs alone are not described.
"""

from typing import Any

import msgspec


class RefreshError(Exception):
    """The refresh failed, or its output is not what Pulumi writes; nothing is known about drift."""


class ResourceState(msgspec.Struct):
    """A resource before or after a step."""

    type: str
    id: str = ""
    inputs: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class Step(msgspec.Struct, rename="camel"):
    """What the refresh does with a resource: `refresh` (nothing differs), `update` or `delete`."""

    op: str
    urn: str
    old_state: ResourceState | None = None
    new_state: ResourceState | None = None


class Diagnostic(msgspec.Struct):
    """A message of the engine or of a provider."""

    message: str
    severity: str


class RefreshOutput(msgspec.Struct):
    """The whole document."""

    steps: list[Step] = msgspec.field(default_factory=list[Step])
    diagnostics: list[Diagnostic] = msgspec.field(default_factory=list[Diagnostic])


def read_steps(text: str) -> list[Step]:
    """Return the steps of a refresh, in the order in which resources were read.

    Args:
        text: The output of `pulumi refresh --preview-only --json`.

    Raises:
        RefreshError: The text is not such an output, or the refresh reported an error.
    """
    try:
        output = msgspec.json.decode(text, type=RefreshOutput)
    except msgspec.MsgspecError as error:
        raise RefreshError(
            f"this is not the output of `pulumi refresh --preview-only --json`: {error}: {text[:200]!r}"
        ) from error
    errors = [diagnostic.message.strip() for diagnostic in output.diagnostics if diagnostic.severity == "error"]
    if errors:
        raise RefreshError("the refresh failed:\n" + "\n".join(errors))
    return output.steps
