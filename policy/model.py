"""What a rule sees of a resource, and what a rule is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast


class Unknown:
    """The type of UNKNOWN."""

    def __repr__(self) -> str:
        return "not known before it is deployed"


# A value that a preview does not know yet. A rule about a setting takes it for a violation: what cannot be checked
# before it is deployed is not let through, where Pulumi alone would turn a mandatory rule into advice.
UNKNOWN: Final = Unknown()


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of a stack; `type` is without azure-native's name in front.

    `refers` says, for each property, the URNs of the resources that its value comes from; it is known at preview, when
    the value is not. `dependencies` are the URNs of all resources that are made before it. `hidden` names the outputs
    that are encrypted in the state.
    """

    urn: str
    type: str
    properties: Mapping[str, Any]
    refers: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    dependencies: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    def at(self, path: str) -> Any:
        """The value at a dotted path, None when there is none, UNKNOWN when it or what holds it is not known."""
        value: Any = self.properties
        for name in path.split("."):
            if value is UNKNOWN:
                return UNKNOWN
            value = cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else None
        return value


@dataclass(frozen=True, kw_only=True)
class ResourceRule:
    """A rule about one resource at a time, checked before it is made; `check` gives a sentence for each violation."""

    name: str
    description: str
    check: Callable[[Resource], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class StackRule:
    """A rule about all resources together; `check` gives the resource and a sentence for each violation."""

    name: str
    description: str
    check: Callable[[Sequence[Resource]], Iterator[tuple[Resource, str]]]


Rule = ResourceRule | StackRule
