"""Operations in progress: what Azure refuses while another operation on the same account or subnet is under way."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from emulator.core.resource_store import Properties
from emulator.provider.errors import Refusal

# Long enough for resources that an engine starts together to meet, and short enough for a dozen one after the other.
_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Lock:
    """What one operation at a time may hold, and Azure's answer to every other one."""

    key: str
    refusal: str


class OperationsInProgress:
    """The locks of the operations that have not ended; an operation with a lock lasts `seconds` or more."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._held: set[str] = set()

    @asynccontextmanager
    async def begin(self, type_: str, inputs: Properties, resource_id: str) -> AsyncIterator[None]:
        """Holds the locks of a creation, change or deletion until it has ended. Raises Refusal if one is held."""
        locks = [*_locks(type_.removeprefix("azure-native:"), inputs, resource_id)]
        for lock in locks:
            if lock.key in self._held:
                raise Refusal(lock.refusal)
        keys = {lock.key for lock in locks}
        self._held |= keys
        try:
            if keys:
                await asyncio.sleep(self._seconds)
            yield
        finally:
            self._held -= keys


def _locks(type_: str, inputs: Properties, resource_id: str) -> Iterator[Lock]:
    if type_.startswith("cosmosdb:SqlResource"):
        account = "/".join(resource_id.split("/")[:9])
        # https://github.com/hashicorp/terraform-provider-azurerm/issues/15842
        yield Lock(
            key=account.lower(),
            refusal='Status=412 Code="PreconditionFailed" Message="There is another user operation in progress which'
            f' requires an exclusive lock on [{account.rpartition("/")[2]}]. Please retry after sometime."',
        )
    if type_ == "network:PrivateEndpoint":
        subnet = inputs["subnet"]["id"]
        # https://github.com/pulumi/pulumi-azure-native/issues/4509 and /3720
        yield Lock(
            key=subnet.lower(),
            refusal='Status=429 Code="RetryableError" Message="A retryable error occurred." Details:'
            f" RetryableErrorDueToAnotherOperation: Operation PutSubnetOperation is updating resource {subnet}.",
        )
        for connection in inputs["privateLinkServiceConnections"]:
            target = connection["privateLinkServiceId"]
            if "/providers/microsoft.storage/storageaccounts/" in target.lower():
                # https://github.com/hashicorp/terraform-provider-azurerm/pull/28112
                yield Lock(
                    key=target.lower(),
                    refusal='Status=429 Code="RetryableError" Message="A retryable error occurred." Details:'
                    " StorageAccountOperationInProgress: An operation is currently performing on this storage account"
                    f" that requires exclusive access ({target}).",
                )
