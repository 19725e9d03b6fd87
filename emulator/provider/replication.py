"""Replication: Azure's services learn of role definitions and role assignments some time after they were made."""

import time
from collections.abc import Callable

from emulator.core.resource_store import Properties, Resource, Resources
from emulator.provider.errors import Refusal

# Azure takes seconds to minutes; a stack of the emulator's own waits as long as this (stacks/Pulumi.local.yaml).
_SECONDS = 1.0
# The inputs whose change has to be replicated, by type.
_REPLICATED = {
    "azure-native:authorization:RoleDefinition": ("permissions", "assignableScopes"),
    "azure-native:authorization:RoleAssignment": ("principalId", "roleDefinitionId"),
}


class Replication:
    """What was made or changed less than `seconds` ago. A restart of the emulator ends the wait."""

    def __init__(self, seconds: float = _SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._changed_at: dict[str, float] = {}

    def record(self, before: Resource | None, after: Resource) -> None:
        """Takes note of a resource that was made (`before` is None) or changed."""
        names = _REPLICATED.get(after.type, ())
        if any(before is None or before.inputs.get(name) != after.inputs.get(name) for name in names):
            self._changed_at[after.id.lower()] = self._clock()

    def pending(self) -> frozenset[str]:
        """The ids, in lower case, of what is not replicated yet."""
        now = self._clock()
        self._changed_at = {key: at for key, at in self._changed_at.items() if now - at < self._seconds}
        return frozenset(self._changed_at)


def check_replication(given: Properties, resources: Resources, pending: frozenset[str]) -> None:
    """Raises Refusal for an assignment of a custom role whose definition is among `pending`.

    https://github.com/hashicorp/terraform-provider-azurerm/issues/19916
    """
    guid = given["roleDefinitionId"].rpartition("/")[2]
    definition = resources.named("authorization:RoleDefinition", guid)
    if definition is not None and definition.id.lower() in pending:
        raise Refusal(
            'Status=404 Code="RoleDefinitionDoesNotExist" Message="The specified role definition with ID'
            f" '{guid}' does not exist.\" It was made or changed a moment ago and is not replicated yet: let the"
            " assignment depend on a delay behind the definition"
        )
