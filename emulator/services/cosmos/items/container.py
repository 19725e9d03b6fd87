"""A deployed container, as the item store and the query engine need it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from emulator.core.container_policies import ContainerDefinition, path_segments, read_definition
from emulator.core.resource_store import Resource
from emulator.services.cosmos.items.effective_partition_key import (
    UNDEFINED,
    PartitionKeyValue,
    effective_partition_key,
)

Item = dict[str, Any]
type PartitionKey = tuple[PartitionKeyValue, ...]


def container_key(resource: Resource) -> str:
    """The key of a deployed container in the item store."""
    return resource.id.lower()


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container: `key` is unique in the emulator."""

    key: str
    definition: ContainerDefinition

    @classmethod
    def of_resource(cls, resource: Resource) -> "Container":
        """The container that a deployed resource stands for."""
        return cls(key=container_key(resource), definition=read_definition(resource.inputs["resource"]))

    @property
    def database_id(self) -> str:
        """The ARM id of the database, in lower case."""
        return self.key.rpartition("/containers/")[0]

    @property
    def is_hierarchical(self) -> bool:
        """Whether the partition key has levels."""
        return self.definition.partition_key.kind == "MultiHash"

    @cached_property
    def partition_paths(self) -> tuple[tuple[str, ...], ...]:
        """The names that lead to each part of the partition key."""
        return tuple(path_segments(path) for path in self.definition.partition_key.paths)

    def partition_key_of(self, item: Item) -> PartitionKey:
        """The item's partition key. A property that is missing, an object or an array counts as undefined."""
        return tuple(_value_at(item, path) for path in self.partition_paths)

    def effective_key(self, values: PartitionKey) -> str:
        """The effective partition key of a partition key, or of a prefix of a hierarchical one."""
        return effective_partition_key(values, hierarchical=self.is_hierarchical)


def _value_at(item: Item, path: tuple[str, ...]) -> PartitionKeyValue:
    value: Any = item
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return UNDEFINED
        value = value[name]
    if isinstance(value, (dict, list)):
        return UNDEFINED
    return value
