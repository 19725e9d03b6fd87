"""Lifecycle: deletes old blobs as the deployed management policies say."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET

from emulator.core.resource_store import Resource, Resources
from emulator.services.event_grid.delivery import EventGrid
from emulator.services.storage import operations
from emulator.services.storage.azurite_client import StorageBackend

# Azure takes a day for a round, and says no more about when: the laptop need not be quicker.
_ROUND_SECONDS = 24 * 3600
_log = logging.getLogger("emulator.lifecycle")


class Lifecycle:
    """Deletes block blobs so many days after they were last written; an event tells of each."""

    def __init__(self, resources: Resources, backend: StorageBackend, events: EventGrid) -> None:
        self._resources = resources
        self._backend = backend
        self._events = events

    async def run(self) -> None:
        """One round at once, and one every day."""
        while True:
            await self.round(datetime.now(UTC))
            await asyncio.sleep(_ROUND_SECONDS)

    async def round(self, now: datetime) -> list[str]:
        """Deletes what is old enough `now`; the paths of what was deleted, with a slash in front."""
        deleted: list[str] = []
        for policy in self._resources.of_type("storage:ManagementPolicy"):
            account = self._resources.named("storage:StorageAccount", policy.inputs["accountName"])
            if account is None:
                continue
            for rule in policy.inputs["policy"]["rules"]:
                definition = rule["definition"]
                days = definition["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"]
                for prefix in definition["filters"]["prefixMatch"]:
                    async for path in self._written_before(account, prefix, now - timedelta(days=days)):
                        await self._delete(account, path)
                        deleted.append(path)
        if deleted:
            _log.info("deleted %d blobs that were old enough", len(deleted))
        return deleted

    async def _written_before(self, account: Resource, prefix: str, moment: datetime) -> AsyncIterator[str]:
        container, _, start = prefix.partition("/")
        marker = ""
        while True:
            query = [("restype", "container"), ("comp", "list"), ("prefix", start), ("marker", marker)]
            async with self._backend.request("blob", account.name, "GET", f"/{container}", query=query) as answer:
                if answer.status == 404:
                    return
                # Azurite's own answer, not something from outside.
                listing = ET.fromstring(await answer.read())  # noqa: S314
            for blob in listing.iterfind("Blobs/Blob"):
                if parsedate_to_datetime(blob.findtext("Properties/Last-Modified", "")) < moment:
                    yield f"/{container}/{blob.findtext('Name')}"
            marker = listing.findtext("NextMarker") or ""
            if not marker:
                return

    async def _delete(self, account: Resource, path: str) -> None:
        raw_path = quote(path)
        async with self._backend.request("blob", account.name, "DELETE", raw_path) as answer:
            if answer.status != 202:
                raise OSError(f"Azurite answered {answer.status} to DELETE {path}")
        self._events.blob_event(
            "Microsoft.Storage.BlobDeleted", account, operations.blob("DELETE", raw_path, {}, {}), {}
        )
