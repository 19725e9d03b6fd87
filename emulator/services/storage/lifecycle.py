"""Lifecycle management: deletes old blobs as the deployed management policies say."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET

from emulator.core.resource_store import Resource, ResourceStore
from emulator.services.storage.azurite_client import AzuriteClient
from emulator.services.storage.blob_event import BlobEvent, PublishEvent
from emulator.services.storage.operations import read_blob_operation

# Azure evaluates policies once a day: https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-overview
_INTERVAL_SECONDS = 24 * 3600
_log = logging.getLogger("emulator.lifecycle")


class Lifecycle:
    """Deletes block blobs a number of days after their last modification, and publishes an event for each."""

    def __init__(self, resources: ResourceStore, azurite_client: AzuriteClient, publish_event: PublishEvent) -> None:
        self._resources = resources
        self._azurite_client = azurite_client
        self._publish_event = publish_event

    async def run(self) -> None:
        """Apply the policies now, and again every day."""
        while True:
            await self.apply_policies(datetime.now(UTC))
            await asyncio.sleep(_INTERVAL_SECONDS)

    async def apply_policies(self, now: datetime) -> list[str]:
        """Delete the blobs that are old enough at `now`; the paths of what was deleted, each with a leading slash."""
        deleted: list[str] = []
        for policy in self._resources.of_type("storage:ManagementPolicy"):
            account = self._resources.find_by_name("storage:StorageAccount", policy.inputs["accountName"])
            if account is None:
                continue
            for rule in policy.inputs["policy"]["rules"]:
                definition = rule["definition"]
                days = definition["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"]
                for prefix in definition["filters"]["prefixMatch"]:
                    async for path in self._modified_before(account, prefix, now - timedelta(days=days)):
                        await self._delete(account, path)
                        deleted.append(path)
        if deleted:
            _log.info("deleted %d blobs that were old enough", len(deleted))
        return deleted

    async def _modified_before(self, account: Resource, prefix: str, moment: datetime) -> AsyncIterator[str]:
        container, _, start = prefix.partition("/")
        marker = ""
        while True:
            query = [("restype", "container"), ("comp", "list"), ("prefix", start), ("marker", marker)]
            async with self._azurite_client.request(
                "blob", account.name, "GET", f"/{container}", query=query
            ) as response:
                if response.status == 404:
                    return
                # The XML comes from Azurite, not from a client.
                listing = ET.fromstring(await response.read())  # noqa: S314
            for blob in listing.iterfind("Blobs/Blob"):
                if parsedate_to_datetime(blob.findtext("Properties/Last-Modified", "")) < moment:
                    yield f"/{container}/{blob.findtext('Name')}"
            marker = listing.findtext("NextMarker") or ""
            if not marker:
                return

    async def _delete(self, account: Resource, path: str) -> None:
        raw_path = quote(path)
        async with self._azurite_client.request("blob", account.name, "DELETE", raw_path) as response:
            if response.status != 202:
                raise OSError(f"Azurite answered {response.status} to DELETE {path}")
        operation = read_blob_operation("DELETE", raw_path, {}, {})
        self._publish_event(
            BlobEvent(type="Microsoft.Storage.BlobDeleted", account=account, operation=operation, data={})
        )
