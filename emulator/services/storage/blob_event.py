"""Changes of blobs, as Blob Storage hands them to whatever publishes events."""

from collections.abc import Callable
from dataclasses import dataclass

from emulator.core.resource_store import Properties, Resource
from emulator.services.storage.operations import Operation


@dataclass(frozen=True, kw_only=True)
class BlobEvent:
    """A blob was created, replaced or deleted.

    Attributes:
        type: `Microsoft.Storage.BlobCreated` or `Microsoft.Storage.BlobDeleted`.
        account: The storage account.
        operation: The operation that has changed the blob.
        data: What only the service knows of the event's `data`.
    """

    type: str
    account: Resource
    operation: Operation
    data: Properties


# Publishes an event before the client of Blob Storage gets its response.
PublishEvent = Callable[[BlobEvent], None]
