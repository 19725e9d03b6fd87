"""Replication delay of role definitions and role assignments, which take effect some time after their creation."""

import time
from collections.abc import Callable

from emulator.core.resource_store import Properties, Resource, ResourceStore
from emulator.provider.errors import DeploymentError

# Seconds to minutes on Azure; the stack `local` waits as long as this (stacks/Pulumi.local.yaml).
_SECONDS = 1.0
# The inputs whose change is replicated, by type.
_REPLICATED = {
    "azure-native:authorization:RoleDefinition": ("permissions", "assignableScopes"),
    "azure-native:authorization:RoleAssignment": ("principalId", "roleDefinitionId"),
}


class Replication:
    """What was created or changed less than `seconds` ago. A restart of the emulator ends the delay."""

    def __init__(self, seconds: float = _SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._changed_at: dict[str, float] = {}

    def record(self, before: Resource | None, after: Resource) -> None:
        """Record that a resource was created (`before` is None) or changed."""
        names = _REPLICATED.get(after.type, ())
        if any(before is None or before.inputs.get(name) != after.inputs.get(name) for name in names):
            self._changed_at[after.id.lower()] = self._clock()

    def pending(self) -> frozenset[str]:
        """The ids, in lower case, of resources that are not replicated yet."""
        now = self._clock()
        self._changed_at = {key: at for key, at in self._changed_at.items() if now - at < self._seconds}
        return frozenset(self._changed_at)


def check_replication(inputs: Properties, resources: ResourceStore, pending: frozenset[str]) -> None:
    """Raise DeploymentError for an assignment of a custom role whose definition is among `pending`.

    https://github.com/hashicorp/terraform-provider-azurerm/issues/19916
    """
    guid = inputs["roleDefinitionId"].rpartition("/")[2]
    definition = resources.find_by_name("authorization:RoleDefinition", guid)
    if definition is not None and definition.id.lower() in pending:
        raise DeploymentError(
            'Status=404 Code="RoleDefinitionDoesNotExist" Message="The specified role definition with ID'
            f" '{guid}' does not exist.\" It was created or changed a moment ago and is not replicated yet: let the"
            " assignment depend on a delay after the definition"
        )
