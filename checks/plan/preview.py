"""The output of `pulumi preview --json`.

The JSON is the type PreviewDigest of Pulumi, whose states are of the type ResourceV3:
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/display/json.go
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/core.go
What Pulumi does not write into it is in the event log: `checks.plan.event_log`.
"""

from typing import Any

import msgspec


class PlanInputError(Exception):
    """An input cannot be read; the message names it and says why."""


class ResourceState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A resource before or after a step, as far as this command reads it."""

    type: str
    custom: bool = False
    # URN of the component that the resource belongs to.
    parent: str = ""
    inputs: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    # URNs of the resources that the value of an input comes from.
    property_dependencies: dict[str, list[str]] = msgspec.field(default_factory=dict[str, list[str]])
    protect: bool = False
    retain_on_delete: bool = False


class PropertyDiff(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a provider has classified the change of one property: `update`, `add-replace` and so on."""

    kind: str
    input_diff: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What Pulumi would do with one resource.

    Attributes:
        op: The operation, such as `create`, `update`, `replace`, `delete`; `same` where only `protect` has changed.
        urn: The resource's URN.
        old_state: The resource before the step.
        new_state: The resource after it.
        diff_reasons: Names of the changed properties.
        replace_reasons: Names of the properties whose change forces the replacement.
        detailed_diff: The changed properties by path, if the provider has reported them.
    """

    op: str
    urn: str
    old_state: ResourceState | None = None
    new_state: ResourceState | None = None
    diff_reasons: list[str] | None = None
    replace_reasons: list[str] | None = None
    detailed_diff: dict[str, PropertyDiff] | None = None


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message of the preview; `severity` is `info`, `info#err`, `warning` or `error`."""

    message: str = ""
    severity: str = ""
    urn: str = ""


class Preview(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A preview: its steps, and what was reported meanwhile."""

    steps: list[Step] = msgspec.field(default_factory=list[Step])
    diagnostics: list[Diagnostic] = msgspec.field(default_factory=list[Diagnostic])
    change_summary: dict[str, int] | None = None

    @property
    def errors(self) -> list[Diagnostic]:
        """What made the preview fail."""
        return [item for item in self.diagnostics if item.severity == "error"]


def read_preview(content: bytes) -> Preview:
    """Return the preview that is in the output of `pulumi preview --json`.

    Raises:
        PlanInputError: The content is empty, no JSON, or not a preview.
    """
    if not content.strip():
        raise PlanInputError("the preview is empty: `pulumi preview --json` wrote nothing, so it did not start")
    try:
        fields = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        preview = msgspec.json.decode(content, type=Preview)
    except msgspec.ValidationError as error:
        raise PlanInputError(f"the preview does not have the form of `pulumi preview --json`: {error}") from error
    except msgspec.DecodeError as error:
        raise PlanInputError(
            f"the preview is not one JSON document: {error}. Only the standard output of `pulumi preview --json` may be"
            " in it, and PULUMI_ENABLE_STREAMING_JSON_PREVIEW must not be set"
        ) from error
    if "version" in fields and "deployment" in fields:
        raise PlanInputError("this is the output of `pulumi stack export`, not of `pulumi preview --json`")
    if "manifest" in fields or "resourcePlans" in fields:
        raise PlanInputError("this is an update plan of `pulumi preview --save-plan`, not of `pulumi preview --json`")
    if not fields.keys() & {"steps", "diagnostics", "changeSummary"}:
        raise PlanInputError(
            "the preview has neither steps nor diagnostics: it is not of `pulumi preview --json`, or of a version of"
            " Pulumi that this command does not know (3.274 is known)"
        )
    return preview
