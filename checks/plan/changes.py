"""The changes of a preview by resource."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from checks.plan.app_settings import expand_app_settings
from checks.plan.event_log import Outputs
from checks.plan.preview import Preview, ResourceState, Step
from checks.plan.properties import UNKNOWN, PropertyChange, compare
from checks.plan.urn import name_of, type_of


class Action(StrEnum):
    """What happens to a resource."""

    REPLACE = "replace"
    DELETE = "delete"
    UPDATE = "update"
    CREATE = "create"
    # Pulumi begins or ceases to manage a resource that exists.
    IMPORT = "import"
    READ = "read"
    # Only options of Pulumi have changed.
    SAME = "same"


# The operations of Pulumi's steps: https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step.go. A
# replacement has up to three steps, of which `pulumi preview --json` prints one or more.
_ACTIONS = {
    "same": Action.SAME,
    "create": Action.CREATE,
    "update": Action.UPDATE,
    "delete": Action.DELETE,
    "replace": Action.REPLACE,
    "create-replacement": Action.REPLACE,
    "delete-replaced": Action.REPLACE,
    "remove-pending-replace": Action.REPLACE,
    "import": Action.IMPORT,
    "import-replacement": Action.REPLACE,
    "read": Action.READ,
    "read-replacement": Action.READ,
    "refresh": Action.READ,
    "discard": Action.READ,
    "discard-replaced": Action.READ,
}
_EMPTY = ResourceState(type="")


class ResourceChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What happens to one resource.

    Attributes:
        action: What happens.
        type: Type token, without `azure-native:`.
        name: Logical name.
        urn: Pulumi's URN.
        properties: The changed properties; none for resources that are created or deleted.
        protected: Whether the deployed resource is protected against deletion by Pulumi.
        protection_removed: Whether the change removes that protection.
        retained: Whether Azure keeps the resource when Pulumi deletes it.
        uncertain: Whether a replacement depends on values that are known after the deployment only.
    """

    action: Action
    type: str
    name: str
    urn: str
    properties: list[PropertyChange] = msgspec.field(default_factory=list[PropertyChange])
    protected: bool = False
    protection_removed: bool = False
    retained: bool = False
    uncertain: bool = False

    @property
    def deletes_resource(self) -> bool:
        """Whether the deployed resource is deleted or leaves the stack, also as the first half of a replacement."""
        return self.action in {Action.DELETE, Action.REPLACE}


class StepPair(msgspec.Struct, frozen=True, kw_only=True):
    """One resource with its states before and after, whichever steps they come from; no state is an empty one."""

    action: Action
    urn: str
    before: ResourceState
    after: ResourceState
    changed: list[str]
    forcing: list[str]

    @property
    def type(self) -> str:
        """Type token, without `azure-native:`."""
        return type_of(self.urn)

    @property
    def name(self) -> str:
        """Logical name."""
        return name_of(self.urn)


def collect_pairs(preview: Preview) -> list[StepPair]:
    """Return the resources of a preview that Pulumi or a provider manages, in the preview's order.

    Components and the stack are left out: they exist in Pulumi only.
    """
    steps_by_urn: dict[str, list[Step]] = {}
    for step in preview.steps:
        state = step.new_state or step.old_state
        if state is not None and state.custom and not type_of(step.urn).startswith("pulumi:providers:"):
            steps_by_urn.setdefault(step.urn, []).append(step)
    return [_pair(urn, steps) for urn, steps in steps_by_urn.items()]


def collect_changes(pairs: Sequence[StepPair], outputs: Mapping[str, Outputs]) -> list[ResourceChange]:
    """Return the changes, those that do harm first: replaced, deleted, updated, created.

    Args:
        pairs: The resources.
        outputs: The outputs of components by URN; none without an event log.
    """
    order = [*Action]
    changes = [_change(pair, outputs) for pair in pairs]
    return sorted(changes, key=lambda change: (order.index(change.action), change.type, change.name))


def _pair(urn: str, steps: list[Step]) -> StepPair:
    actions = {_ACTIONS.get(step.op, Action.UPDATE) for step in steps}
    if {Action.DELETE, Action.CREATE} <= actions:
        actions.add(Action.REPLACE)
    # With --refresh, a step that reads the resource comes before the one that changes it.
    action = min(actions, key=[*Action].index)
    before = next((step.old_state for step in steps if step.old_state is not None), _EMPTY)
    after = next((step.new_state for step in reversed(steps) if step.new_state is not None), _EMPTY)
    changed = [name for step in steps for name in step.diff_reasons or ()]
    forcing = [name for step in steps for name in step.replace_reasons or ()]
    for step in steps:
        for path, difference in (step.detailed_diff or {}).items():
            name = path.partition(".")[0].partition("[")[0]
            changed.append(name)
            if difference.kind.endswith("-replace"):
                forcing.append(name)
    return StepPair(
        action=action,
        urn=urn,
        before=before,
        after=after,
        changed=sorted({*changed}),
        forcing=sorted({*forcing}),
    )


def _change(pair: StepPair, outputs: Mapping[str, Outputs]) -> ResourceChange:
    properties: list[PropertyChange] = []
    if pair.action in {Action.REPLACE, Action.UPDATE}:
        properties = compare(pair.before.inputs, pair.after.inputs, changed=pair.changed, forcing=pair.forcing)
        properties = expand_app_settings(properties, outputs.get(pair.after.parent, Outputs()))
    forcing = [item for item in properties if item.forces_replacement]
    return ResourceChange(
        action=pair.action,
        type=pair.type,
        name=pair.name,
        urn=pair.urn,
        properties=properties,
        protected=pair.before.protect,
        protection_removed=pair.before.protect and not pair.after.protect and pair.action is not Action.DELETE,
        retained=pair.before.retain_on_delete,
        uncertain=bool(forcing) and all(item.after == UNKNOWN for item in forcing),
    )
