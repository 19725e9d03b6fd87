"""Previews for the tests of `checks/plan`: recordings of real ones, and changes of these that cannot be recorded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from checks.plan.preview import Diagnostic, Preview, ResourceState, Step, read_preview

_RECORDINGS = Path(__file__).resolve().parents[1] / "checks/recordings"
STACK_URN = "urn:pulumi:dev::image-pipeline::pulumi:pulumi:Stack::image-pipeline-dev"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A recorded preview, as the bytes that Pulumi wrote: standard output and event log."""

    preview: bytes
    events: bytes


def recording_names() -> list[str]:
    """Return the names of all recordings."""
    return sorted(path.stem for path in _RECORDINGS.glob("*.json"))


def load_recording(name: str) -> Recording:
    """Return a recording."""
    content = json.loads((_RECORDINGS / f"{name}.json").read_text())
    events = "\n".join(json.dumps(event) for event in content["events"])
    return Recording(preview=json.dumps(content["preview"]).encode(), events=events.encode())


def load_preview(name: str) -> Preview:
    """Return the preview of a recording."""
    return read_preview(load_recording(name).preview)


def deployed(name: str) -> Step:
    """Return the deletion of a resource of dev as it was recorded, whose old state is the deployed one."""
    return next(step for step in load_preview("everything-deleted").steps if step.urn.endswith(f"::{name}"))


def state(type_: str, inputs: Mapping[str, Any], *, protect: bool = False, retain_on_delete: bool = False) -> Any:
    """Return the state of a resource of azure-native."""
    return ResourceState(
        type=f"azure-native:{type_}",
        custom=True,
        inputs=dict(inputs),
        protect=protect,
        retain_on_delete=retain_on_delete,
    )


def step(
    op: str,
    name: str,
    *,
    before: ResourceState | None = None,
    after: ResourceState | None = None,
    replace_reasons: list[str] | None = None,
) -> Step:
    """Return a step of a resource of azure-native in the stack dev."""
    type_ = next(item.type for item in (before, after) if item is not None)
    return Step(
        op=op,
        urn=f"urn:pulumi:dev::image-pipeline::{type_}::{name}",
        old_state=before,
        new_state=after,
        replace_reasons=replace_reasons,
    )


def deployed_inputs(name: str) -> dict[str, Any]:
    """Return the inputs of a resource of dev."""
    old_state = deployed(name).old_state
    return {} if old_state is None else old_state.inputs


def changed(
    name: str, inputs: Mapping[str, Any], *, op: str = "update", before: Mapping[str, Any] | None = None
) -> Step:
    """Return a change of a resource of dev.

    Args:
        name: Logical name.
        inputs: The inputs that change; None removes an input.
        op: Pulumi's operation.
        before: Inputs that the deployed resource has beside the recorded ones.
    """
    old = deployed(name)
    if old.old_state is None:
        raise ValueError(f"{name} is not deployed")
    old_inputs = {**old.old_state.inputs, **(before or {})}
    new_inputs = {key: value for key, value in {**old_inputs, **inputs}.items() if value is not None}
    return Step(
        op=op,
        urn=old.urn,
        old_state=msgspec.structs.replace(old.old_state, inputs=old_inputs),
        new_state=msgspec.structs.replace(old.old_state, inputs=new_inputs),
        diff_reasons=sorted(inputs),
        replace_reasons=sorted(inputs) if op == "replace" else None,
    )


def protected(name: str, *, before: bool, after: bool) -> Step:
    """Return the change of a resource's protection alone."""
    old = deployed(name)
    if old.old_state is None:
        raise ValueError(f"{name} is not deployed")
    return Step(
        op="same",
        urn=old.urn,
        old_state=msgspec.structs.replace(old.old_state, protect=before),
        new_state=msgspec.structs.replace(old.old_state, protect=after),
    )


def preview_of(*steps: Step, diagnostics: tuple[Diagnostic, ...] = ()) -> Preview:
    """Return a preview with these steps, in which nothing else changes."""
    stack = Step(op="same", urn=STACK_URN, new_state=ResourceState(type="pulumi:pulumi:Stack"))
    return Preview(steps=[stack, *steps], diagnostics=[*diagnostics], change_summary={"same": 1})
