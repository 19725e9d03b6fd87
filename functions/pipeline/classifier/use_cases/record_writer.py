"""Record writer: every blob has one record, and it ends as the newest version of the blob says.

Events are delivered at least once and in any order, and several workers may process one blob at a time, so records are
written with optimistic concurrency: (1) read the record, (2) read the current ETag of the blob, (3) write if the record
is unchanged since (1). The first write of a record skips (1) and (2); the pipeline reads the ETag of the blob once more
afterwards.
"""

from typing import Any

from classifier.domain.errors import ConcurrencyError
from classifier.domain.events import BlobEvent
from classifier.domain.ports import ImageCopyStore, ImageStore, RecordRepository
from classifier.domain.record import part


class RecordWriter:
    """Writes and removes records."""

    def __init__(self, *, images: ImageStore, records: RecordRepository, image_copies: ImageCopyStore | None) -> None:
        self._images = images
        self._records = records
        self._image_copies = image_copies

    async def write(self, record: dict[str, Any], name: str) -> dict[str, Any] | None:
        """Write the record of one version of the blob `name`.

        Returns:
            The stored record: `record`, or the existing one if that says the same already or is better than a failure.
            None if the blob has a newer version.
        """
        etag = record["blob"]["etag"]
        fingerprint = part(record, "analyzer").get("identity")
        existing: dict[str, Any] | None = None
        while True:
            try:
                await self._records.put(record, existing)
            except ConcurrencyError:
                existing = await self._records.get(record["id"])
            else:
                return record
            if existing is None:
                continue
            existing_result = (existing["status"], part(existing, "analyzer").get("identity"))
            # An image that was analyzed and then archived keeps its ETag and its record.
            unread = record["blob"]["contentSha256"] is None and existing["blob"]["contentSha256"] is not None
            if existing["blob"]["etag"] == etag and (
                record["status"] == "failed" or unread or existing_result == (record["status"], fingerprint)
            ):
                return existing
            if await self._images.get_etag(name) != etag:
                return None
            await self._delete_copy(existing, record["copy"])

    async def remove(self, event: BlobEvent) -> bool:
        """Remove the record of a blob that does not exist. Returns False if the blob exists again."""
        while True:
            record = await self._records.get(event.record_id)
            if record is None and not await self._records.exists(event.record_id):
                return True
            if record is None:
                continue  # read from a replica that lags behind; the session has caught up now
            if await self._images.get_etag(event.name) is not None:
                return False
            await self._delete_copy(record, None)
            try:
                await self._records.delete(record)
            except ConcurrencyError:
                continue

    async def _delete_copy(self, record: dict[str, Any], new_path: str | None) -> None:
        """Delete the image copy that a record names, unless its path stays in use."""
        if self._image_copies is not None and record["copy"] not in {None, new_path}:
            await self._image_copies.delete(record["copy"], record["blob"]["etag"])
