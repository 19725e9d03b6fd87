"""The event log that a preview wrote (`--event-log`): what `pulumi preview --json` leaves out.

These are the violations of policies, and the outputs of the stack and of its components before and after the change.
The lines are of the type EngineEvent: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/events.go
"""

from typing import Any

import msgspec

from checks.plan.preview import PlanInputError
from checks.plan.urn import type_of

_STACK = "pulumi:pulumi:Stack"


class PolicyViolation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A violation of a rule of a policy pack; `enforcement_level` is `mandatory`, `advisory` or `warning`."""

    message: str
    policy_name: str
    policy_pack_name: str = ""
    enforcement_level: str = ""
    resource_urn: str = ""


class Outputs(msgspec.Struct, frozen=True, kw_only=True):
    """The outputs of the stack or of a component before and after the change; none where it does not exist."""

    before: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    after: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class EventLog(msgspec.Struct, frozen=True, kw_only=True):
    """What this command reads of an event log.

    Attributes:
        policy_violations: Violations of policies, each once, in the order of the log.
        outputs: Outputs of the stack and of its components by URN.
    """

    policy_violations: list[PolicyViolation] = msgspec.field(default_factory=list[PolicyViolation])
    outputs: dict[str, Outputs] = msgspec.field(default_factory=dict[str, Outputs])

    @property
    def stack_outputs(self) -> Outputs:
        """The outputs of the stack."""
        stacks = (outputs for urn, outputs in self.outputs.items() if type_of(urn) == _STACK)
        return next(stacks, Outputs())


class _State(msgspec.Struct, frozen=True, kw_only=True):
    custom: bool = False
    outputs: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class _StepMetadata(msgspec.Struct, frozen=True, kw_only=True):
    urn: str
    old: _State | None = None
    new: _State | None = None


class _ResourceOutputs(msgspec.Struct, frozen=True, kw_only=True):
    metadata: _StepMetadata


class _EngineEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    policy_event: PolicyViolation | None = None
    res_outputs_event: _ResourceOutputs | None = None


def read_event_log(content: bytes) -> EventLog:
    """Return what is in an event log.

    Raises:
        PlanInputError: A line is not an event.
    """
    violations: list[PolicyViolation] = []
    outputs: dict[str, Outputs] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            event = msgspec.json.decode(line, type=_EngineEvent)
        except msgspec.DecodeError as error:
            raise PlanInputError(f"line {number} of the event log is not an event of Pulumi: {error}") from error
        if event.policy_event is not None and event.policy_event not in violations:
            violations.append(event.policy_event)
        if event.res_outputs_event is not None:
            metadata = event.res_outputs_event.metadata
            before = metadata.old or _State()
            after = metadata.new or _State()
            if not before.custom and not after.custom:
                # The last event of a component is that of its own registration of outputs.
                outputs[metadata.urn] = Outputs(before=before.outputs, after=after.outputs)
    return EventLog(policy_violations=violations, outputs=outputs)
