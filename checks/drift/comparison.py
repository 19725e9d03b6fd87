"""What differs between a resource as the program states it and as Azure reports it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.drift.refresh_output import ResourceState, Step

# What Pulumi writes in place of a secret.
_SECRET = "[secret]"  # noqa: S105
_MISSING = "(missing)"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A property that the program states and that has another value in Azure.

    Attributes:
        type: The resource type, such as azure-native:storage:StorageAccount.
        name: The resource's logical name in the program.
        property: The path of the property, such as `networkRuleSet.ipRules[0].value`.
        stated: The value that the program states.
        actual: The value that Azure reports.
    """

    type: str
    name: str
    property: str
    stated: Any
    actual: Any


@dataclass(frozen=True, kw_only=True)
class MissingResource:
    """A resource of the stack that does not exist in Azure any more."""

    type: str
    name: str
    id: str


def find_differences(steps: Sequence[Step]) -> list[Difference]:
    """Return the stated properties that have another value in Azure.

    Properties that only Azure knows (defaults, times, entries that a policy adds to a map such as `tags`) are no drift:
    the next deployment would not change them either.
    """
    differences: list[Difference] = []
    for step in steps:
        if step.op != "update" or step.old_state is None or step.new_state is None:
            continue
        for path, stated, actual in _compare(_visible_inputs(step.old_state), _visible_inputs(step.new_state), ""):
            differences.append(
                Difference(
                    type=step.old_state.type,
                    name=logical_name(step.urn),
                    property=path,
                    stated=stated,
                    actual=actual,
                )
            )
    return differences


def find_missing_resources(steps: Sequence[Step]) -> list[MissingResource]:
    """Return the resources that do not exist in Azure any more."""
    return [
        MissingResource(type=step.old_state.type, name=logical_name(step.urn), id=step.old_state.id)
        for step in steps
        if step.op == "delete" and step.old_state is not None
    ]


def logical_name(urn: str) -> str:
    """Return the last part of a URN: the name that the program has given to the resource."""
    return urn.rpartition("::")[2]


def _visible_inputs(state: ResourceState) -> dict[str, Any]:
    # Names that begin with two underscores are Pulumi's own.
    return {name: value for name, value in state.inputs.items() if not name.startswith("__")}


def _compare(stated: Any, actual: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    # A provider may return the plain value of what the program states as a secret; it must not be printed.
    if stated == _SECRET:
        return
    if isinstance(stated, Mapping) and isinstance(actual, Mapping):
        for name, value in stated.items():
            inner = f"{path}.{name}" if path else name
            yield from _compare(value, actual.get(name, _MISSING), inner)
    elif isinstance(stated, list) and isinstance(actual, list) and len(stated) == len(actual):
        for index, (before, after) in enumerate(zip(stated, actual, strict=True)):
            yield from _compare(before, after, f"{path}[{index}]")
    elif stated != actual:
        yield path, stated, actual
