"""Operations in progress: what Azure refuses during another operation on the same account or subnet."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from emulator.core.resource_store import Properties
from emulator.provider.errors import DeploymentError

# Long enough for operations that the engine starts together to overlap, short enough for a dozen in sequence.
_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock that one operation at a time may hold, and Azure's error for a second one."""

    key: str
    error: str


class OperationsInProgress:
    """The locks of the operations in progress. An operation with a lock takes `seconds` or more."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._locked_keys: set[str] = set()

    @asynccontextmanager
    async def begin(self, type_: str, inputs: Properties, resource_id: str) -> AsyncIterator[None]:
        """Hold the locks of an operation until it ends. Raises DeploymentError if one is held already."""
        locks = [*_locks(type_.removeprefix("azure-native:"), inputs, resource_id)]
        for lock in locks:
            if lock.key in self._locked_keys:
                raise DeploymentError(lock.error)
        keys = {lock.key for lock in locks}
        self._locked_keys |= keys
        try:
            if keys:
                await asyncio.sleep(self._seconds)
            yield
        finally:
            self._locked_keys -= keys


def _locks(type_: str, inputs: Properties, resource_id: str) -> Iterator[Lock]:
    if type_.startswith("cosmosdb:SqlResource"):
        account = "/".join(resource_id.split("/")[:9])
        # https://github.com/hashicorp/terraform-provider-azurerm/issues/15842
        yield Lock(
            key=account.lower(),
            error='Status=412 Code="PreconditionFailed" Message="There is another user operation in progress which'
            f' requires an exclusive lock on [{account.rpartition("/")[2]}]. Please retry after sometime."',
        )
    if type_ == "cognitiveservices:Deployment":
        account = "/".join(resource_id.split("/")[:9])
        # https://github.com/Azure/bicep/issues/11211
        yield Lock(
            key=account.lower(),
            error='Status=409 Code="RequestConflict" Message="Another operation is being performed on the parent'
            f" resource '{account}'. Please try again later.\"",
        )
    if type_ == "network:PrivateEndpoint":
        subnet = inputs["subnet"]["id"]
        # https://github.com/pulumi/pulumi-azure-native/issues/4509 and /3720
        yield Lock(
            key=subnet.lower(),
            error='Status=429 Code="RetryableError" Message="A retryable error occurred." Details:'
            f" RetryableErrorDueToAnotherOperation: Operation PutSubnetOperation is updating resource {subnet}.",
        )
        for connection in inputs["privateLinkServiceConnections"]:
            target = connection["privateLinkServiceId"]
            if "/providers/microsoft.cognitiveservices/accounts/" in target.lower():
                # https://github.com/hashicorp/terraform-provider-azurerm/issues/31712
                yield Lock(
                    key=target.lower(),
                    error='Status=400 Code="AccountProvisioningStateInvalid" Message="Call to'
                    f' Microsoft.CognitiveServices/accounts failed. Error message: Account {target} in state Accepted"',
                )
            if "/providers/microsoft.storage/storageaccounts/" in target.lower():
                # https://github.com/hashicorp/terraform-provider-azurerm/pull/28112
                yield Lock(
                    key=target.lower(),
                    error='Status=429 Code="RetryableError" Message="A retryable error occurred." Details:'
                    " StorageAccountOperationInProgress: An operation is currently performing on this storage account"
                    f" that requires exclusive access ({target}).",
                )
