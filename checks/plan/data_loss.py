"""Changes after which data is gone, or is guarded less than before."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Any, cast

import msgspec

from checks.plan.changes import Action, ResourceChange, StepPair
from checks.plan.data_types import data_of
from checks.plan.properties import text_of
from checks.plan.urn import name_of, type_of

# Inputs of a Cosmos DB container that Azure decides when the container is created:
# https://learn.microsoft.com/azure/cosmos-db/nosql/vector-search, .../partitioning-overview, .../unique-keys.
_DECIDED_AT_CREATION = ("resource.partitionKey", "resource.uniqueKeyPolicy", "resource.vectorEmbeddingPolicy")
_CONTAINER = "cosmosdb:SqlResourceSqlContainer"
_SECONDS_PER_DAY = 24 * 3600


class DataStatus(StrEnum):
    """What a change means for data that exists, the worst first."""

    LOST = "lost"
    # Azure refuses the change. The resource would have to be created anew.
    LOST_OR_REFUSED = "lost or refused"
    GUARDED_LESS = "guarded less"
    # The resource leaves the stack, and Azure keeps it.
    RETAINED = "retained"

    @property
    def needs_approval(self) -> bool:
        """Whether somebody must approve the change."""
        return self in {DataStatus.LOST, DataStatus.LOST_OR_REFUSED, DataStatus.GUARDED_LESS}


class DataRisk(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One resource that holds data, and what a change means for the data.

    Attributes:
        status: What the change means for the data.
        type: Type token, without `azure-native:`.
        name: Logical name.
        effect: What happens, in a few words.
        data: What is lost, or what changes for the data.
        protected: Whether Pulumi refuses the change because the resource is protected.
    """

    status: DataStatus
    type: str
    name: str
    effect: str
    data: str
    protected: bool = False


def find_data_risks(
    pairs: Sequence[StepPair], changes: Sequence[ResourceChange], protected_urns: Sequence[str]
) -> list[DataRisk]:
    """Return the risks, the worst first.

    Args:
        pairs: All resources of the preview.
        changes: The same, as changes.
        protected_urns: URNs of protected resources that Pulumi refuses to delete or replace.
    """
    created = {pair.after.inputs.get("accountName") for pair in pairs if _creates_account(pair)}
    updates = [pair for pair in pairs if pair.action in {Action.UPDATE, Action.CREATE, Action.REPLACE}]
    existing = [pair for pair in updates if pair.after.inputs.get("accountName") not in created]
    new_containers = {
        str(pair.after.inputs.get("containerName"))
        for pair in pairs
        if pair.type == "storage:BlobContainer" and pair.action is Action.CREATE
    }
    removed = {change.urn for change in changes if change.deletes_resource}
    deleted_accounts = {
        pair.before.inputs.get("accountName")
        for pair in pairs
        if pair.type == "storage:StorageAccount" and pair.urn in removed
    }
    risks = [
        *(risk for change in changes for risk in _lost_with_resource(change)),
        *(risk for pair in existing for risk in _deleted_earlier(pair, new_containers)),
        *(risk for change in changes for risk in _refused_changes(change)),
        *(risk for urn in protected_urns if urn not in removed for risk in _protected(urn)),
        *(risk for change in changes for risk in _protection_removed(change)),
        *(risk for pair in pairs for risk in _recovery_reduced(pair, deleted_accounts)),
    ]
    order = [*DataStatus]
    return sorted(risks, key=lambda risk: order.index(risk.status))


def _creates_account(pair: StepPair) -> bool:
    return pair.action is Action.CREATE and pair.type in {"storage:StorageAccount", "cosmosdb:DatabaseAccount"}


def _lost_with_resource(change: ResourceChange) -> Iterator[DataRisk]:
    data = data_of(change.type)
    if data is None or change.action not in {Action.REPLACE, Action.DELETE}:
        return
    status = DataStatus.LOST
    if change.retained:
        status = DataStatus.RETAINED
        effect = "leaves the stack; Azure keeps it"
    elif change.action is Action.REPLACE:
        forcing = ", ".join(item.path for item in change.properties if item.forces_replacement)
        effect = f"replaced because of {forcing}" if forcing else "replaced with a resource that it depends on"
        if change.uncertain:
            effect += ", if the value changes"
    else:
        effect = "deleted"
    yield DataRisk(
        status=status,
        type=change.type,
        name=change.name,
        effect=effect,
        data=data,
        protected=change.protected and not change.protection_removed,
    )


def _deleted_earlier(pair: StepPair, new_containers: AbstractSet[str]) -> Iterator[DataRisk]:
    for what, before, after in _retentions(pair, new_containers):
        if after is not None and (before is None or after < before):
            earlier = "never" if before is None else f"{_number(before)} days"
            effect = f"deletes {what} after {_number(after)} days, before: {earlier}"
            yield DataRisk(status=DataStatus.LOST, type=pair.type, name=pair.name, effect=effect, data="what is older")


def _retentions(pair: StepPair, new_containers: AbstractSet[str]) -> Iterator[tuple[str, float | None, float | None]]:
    """What is deleted by age: description, days before the change, days after it; None means never."""
    if pair.type == "storage:ManagementPolicy":
        before = _lifecycle_rules(pair.before.inputs)
        for prefix, days in _lifecycle_rules(pair.after.inputs).items():
            # A container that the same change creates has no blobs yet.
            if prefix.partition("/")[0] not in new_containers:
                yield f"blobs below {prefix or 'every prefix'}", before.get(prefix), days
    elif pair.type == _CONTAINER and pair.action is Action.UPDATE:
        yield "items", _ttl_days(pair.before.inputs), _ttl_days(pair.after.inputs)
    elif pair.type == "operationalinsights:Workspace" and pair.action is Action.UPDATE:
        before_days = _at(pair.before.inputs, "retentionInDays")
        yield "logs", before_days, _at(pair.after.inputs, "retentionInDays")


def _lifecycle_rules(inputs: Mapping[str, Any]) -> dict[str, float]:
    """Days after which lifecycle rules delete blobs, by prefix; the prefix is empty for a rule without one."""
    rules: dict[str, float] = {}
    for rule in _at(inputs, "policy.rules") or ():
        days = _at(rule, "definition.actions.baseBlob.delete.daysAfterModificationGreaterThan")
        if days is None or rule.get("enabled") is False:
            continue
        for prefix in cast("list[str]", _at(rule, "definition.filters.prefixMatch") or [""]):
            rules[prefix] = min(days, rules.get(prefix, days))
    return rules


def _ttl_days(inputs: Mapping[str, Any]) -> float | None:
    """Days after which an item is deleted; Cosmos DB's -1 means that items may have an age of their own."""
    seconds = _at(inputs, "resource.defaultTtl")
    if not isinstance(seconds, int | float) or seconds < 0:
        return None
    return seconds / _SECONDS_PER_DAY


def _refused_changes(change: ResourceChange) -> Iterator[DataRisk]:
    if change.type != _CONTAINER or change.action is not Action.UPDATE:
        return
    for name in _DECIDED_AT_CREATION:
        if any(item.path == name or item.path.startswith((f"{name}.", f"{name}[")) for item in change.properties):
            yield DataRisk(
                status=DataStatus.LOST_OR_REFUSED,
                type=change.type,
                name=change.name,
                effect=f"Azure refuses to change {name} of a container that exists",
                data="all items of the container, if it is created anew for this change",
            )


def _protected(urn: str) -> Iterator[DataRisk]:
    data = data_of(type_of(urn))
    if data is not None:
        yield DataRisk(
            status=DataStatus.LOST_OR_REFUSED,
            type=type_of(urn),
            name=name_of(urn),
            effect="would have to be deleted or replaced",
            data=data,
            protected=True,
        )


def _protection_removed(change: ResourceChange) -> Iterator[DataRisk]:
    if change.protection_removed:
        yield DataRisk(
            status=DataStatus.GUARDED_LESS,
            type=change.type,
            name=change.name,
            effect="is no longer protected",
            data="a later change can delete it",
        )


def _recovery_reduced(pair: StepPair, deleted_accounts: AbstractSet[object]) -> Iterator[DataRisk]:
    # The blob service itself stays when its properties leave the stack, and azure-native may reset them.
    reset = pair.type == "storage:BlobServiceProperties" and pair.action is Action.DELETE
    if pair.action is not Action.UPDATE and not reset:
        return
    if pair.before.inputs.get("accountName") in deleted_accounts:
        return
    for path, value_of in _RECOVERY.get(pair.type, {}).items():
        before = _at(pair.before.inputs, path)
        after = _at(pair.after.inputs, path)
        if value_of(after) < value_of(before):
            effect = f"{path} is {text_of(after) or 'not set'}, before: {text_of(before)}"
            data = "deleted data can be recovered for a shorter time"
            yield DataRisk(status=DataStatus.GUARDED_LESS, type=pair.type, name=pair.name, effect=effect, data=data)


def _days(value: Any) -> float:
    return value if isinstance(value, int | float) else 0


def _continuous(value: Any) -> float:
    return 1 if value == "Continuous" else 0


# Settings with which deleted data can be recovered, and how much a value of them is worth.
_RECOVERY: dict[str, dict[str, Callable[[Any], float]]] = {
    "storage:BlobServiceProperties": {
        "deleteRetentionPolicy.days": _days,
        "containerDeleteRetentionPolicy.days": _days,
    },
    "cosmosdb:DatabaseAccount": {"backupPolicy.type": _continuous},
}


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else None
    return value


def _number(value: float) -> str:
    return f"{value:g}"
