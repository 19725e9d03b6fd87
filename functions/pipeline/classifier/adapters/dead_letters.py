"""Blob Storage: the dead letters of Event Grid."""

from collections.abc import AsyncIterator

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import ContainerClient
from common.adapters.service_errors import ServiceBoundary


class BlobDeadLetterStore:
    """`reconcile_ports.DeadLetterStore` for one container."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client
        self._boundary = ServiceBoundary("Blob Storage")

    async def names(self) -> AsyncIterator[str]:
        """Implements `reconcile_ports.DeadLetterStore.names`."""
        with self._boundary:
            async for blob in self._client.list_blobs():
                yield blob.name

    async def read(self, name: str) -> bytes:
        """Implements `reconcile_ports.DeadLetterStore.read`."""
        try:
            with self._boundary:
                return await (await self._client.download_blob(name)).readall()
        except ResourceNotFoundError:
            return b""

    async def delete(self, name: str) -> None:
        """Implements `reconcile_ports.DeadLetterStore.delete`."""
        try:
            with self._boundary:
                await self._client.delete_blob(name)
        except ResourceNotFoundError:
            return
