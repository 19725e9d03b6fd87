"""Resources and rules of the policy pack, independent of Pulumi's own classes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast


class Unknown:
    """The type of UNKNOWN."""

    def __repr__(self) -> str:
        return "not known before it is deployed"


# A value that a preview does not know yet. A rule about a property treats it as a violation: what cannot be checked
# before it is deployed is refused, where Pulumi alone would turn a mandatory rule into advice.
UNKNOWN: Final = Unknown()


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource of a stack.

    Attributes:
        urn: Pulumi's URN.
        type: Type token; of azure-native, without the provider's name.
        properties: Inputs before the deployment, outputs after it.
        property_dependencies: For each property, the URNs of the resources that its value comes from; known at preview,
            when the value is not.
        dependencies: URNs of all resources that are created before it.
        secret_outputs: Names of the outputs that are encrypted in the state.
    """

    urn: str
    type: str
    properties: Mapping[str, Any]
    property_dependencies: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    dependencies: frozenset[str] = frozenset()
    secret_outputs: frozenset[str] = frozenset()

    def get(self, path: str) -> Any:
        """The value at a dotted path, None when there is none, UNKNOWN when it or what holds it is not known."""
        value: Any = self.properties
        for name in path.split("."):
            if value is UNKNOWN:
                return UNKNOWN
            value = cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else None
        return value


@dataclass(frozen=True, kw_only=True)
class ResourceRule:
    """A rule about single resources, checked before they are created; `check` yields a sentence for each violation."""

    name: str
    description: str
    check: Callable[[Resource], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class StackRule:
    """A rule about all resources together; `check` yields the resource and a sentence for each violation."""

    name: str
    description: str
    check: Callable[[Sequence[Resource]], Iterator[tuple[Resource, str]]]


Rule = ResourceRule | StackRule
