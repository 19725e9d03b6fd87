"""What is known of a resource type: the form of its id, the rule of its name, its inputs."""

import re
from dataclasses import dataclass, field

RESOURCE_GROUP = "/subscriptions/{subscription}/resourceGroups/{resourceGroupName}"
GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_COMMON = r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]"


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A resource type.

    Attributes:
        type: Pulumi type token, such as `azure-native:storage:Queue`.
        id: Id with the names of inputs in braces; an ARM id has `{subscription}` too.
        name: The input that has the resource's name.
        pattern: Regular expression of legal names.
        required: Inputs that must be set.
        optional: Inputs that may be set. The emulator refuses all others.
        replaces: Inputs whose change replaces the resource.
    """

    type: str
    id: str
    name: str
    pattern: str
    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    replaces: frozenset[str] = field(default=frozenset())

    @property
    def parents(self) -> list[str]:
        """Id templates of the parent resources, the outermost first."""
        ends = [match.end() for match in re.finditer(r"\{\w+\}", self.id)]
        prefixes = [self.id[:end] for end in ends if end < len(self.id)]
        return [prefix for prefix in prefixes if not prefix.endswith("{subscription}")]


def define_resource_type(
    type_: str,
    id_: str,
    *,
    name: str,
    pattern: str = _COMMON,
    required: str = "",
    optional: str = "",
    replaces: str = "",
) -> ResourceType:
    """A ResourceType; `type_` is without `azure-native:`, lists of inputs are separated by blanks.

    The inputs in the id are required too, and their change replaces the resource, as does that of `location`.
    """
    in_id = frozenset(re.findall(r"\{(\w+)\}", id_)) - {"subscription"}
    return ResourceType(
        type=f"azure-native:{type_}",
        id=id_,
        name=name,
        pattern=pattern,
        required=in_id | set(required.split()),
        optional=frozenset(optional.split()),
        replaces=in_id | {"location"} | set(replaces.split()),
    )
