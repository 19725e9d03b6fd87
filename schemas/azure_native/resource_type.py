"""A resource type as the stand-in knows it: how its id is formed, and which inputs it takes."""

import re
from dataclasses import dataclass, field

RESOURCE_GROUP = "/subscriptions/{subscription}/resourceGroups/{resourceGroupName}"
GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_COMMON = r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A resource type: `id` is its ARM id with input names in braces; `name` is the input that names it."""

    type: str
    id: str
    name: str
    pattern: str
    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    replaces: frozenset[str] = field(default=frozenset())

    @property
    def parents(self) -> list[str]:
        """Id templates of what must exist first, the outermost first."""
        ends = [found.end() for found in re.finditer(r"\{\w+\}", self.id)]
        inner = ends[:-1] if self.id.endswith("}") else ends
        return [self.id[:end] for end in inner if not self.id[:end].endswith("{subscription}")]


def kind(
    type_: str,
    id_: str,
    *,
    name: str,
    pattern: str = _COMMON,
    required: str = "",
    optional: str = "",
    replaces: str = "",
) -> Kind:
    """A Kind; inputs are given as words in one text, and those in the id are required anyway."""
    in_id = frozenset(re.findall(r"\{(\w+)\}", id_)) - {"subscription"}
    return Kind(
        type=f"azure-native:{type_}",
        id=id_,
        name=name,
        pattern=pattern,
        required=in_id | set(required.split()),
        optional=frozenset(optional.split()),
        replaces=in_id | {"location"} | set(replaces.split()),
    )
