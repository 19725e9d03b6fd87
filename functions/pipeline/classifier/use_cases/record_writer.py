"""Record writer: every blob has one record, and it ends as the newest version of the blob says.

Events are delivered at least once and in any order, and several workers may process one blob at a time, so records are
written with optimistic concurrency: (1) read the record, (2) read the current ETag of the blob, (3) write if the record
is unchanged since (1). The first write of a record skips (1) and (2); the pipeline reads the ETag of the blob once more
afterwards.
"""

from common.domain.errors import ConcurrencyError, RetryLaterError
from common.domain.record import ImageRecord, RecordStatus, StoredRecord

from classifier.domain.events import BlobEvent
from classifier.domain.ports import ImageCopyStore, ImageStore, RecordRepository
from classifier.domain.retries import MAX_CONFLICTS

_CONFLICTS = f"the record was changed by others {MAX_CONFLICTS} times in a row"


class RecordWriter:
    """Writes and removes records."""

    def __init__(self, *, images: ImageStore, records: RecordRepository, image_copies: ImageCopyStore | None) -> None:
        self._images = images
        self._records = records
        self._image_copies = image_copies

    async def write(self, record: ImageRecord, name: str) -> ImageRecord | None:
        """Write the record of one version of the blob `name`.

        Returns:
            The stored record: `record`, or the existing one if that says the same already or is better than a failure.
            None if the blob has a newer version.

        Raises:
            RetryLaterError: the record keeps changing, or a replica that is read lags behind.
        """
        previous: StoredRecord | None = None
        for _ in range(MAX_CONFLICTS):
            try:
                await self._records.put(record, previous)
            except ConcurrencyError:
                previous = await self._records.get(record.id)
            else:
                return record
            if previous is None:
                continue
            existing = previous.value
            if existing is not None and _is_as_good(existing, record):
                return existing
            if await self._images.get_etag(name) != record.blob.etag:
                return None
            await self._delete_copy(existing, record.copy_path)
        raise RetryLaterError(_CONFLICTS)

    async def remove(self, event: BlobEvent) -> bool:
        """Remove the record of a blob that does not exist. Returns False if the blob exists again.

        Raises:
            RetryLaterError: the record keeps changing, or a replica that is read lags behind.
        """
        for _ in range(MAX_CONFLICTS):
            stored = await self._records.get(event.record_id)
            if stored is None and not await self._records.exists(event.record_id):
                return True
            if stored is None:
                continue  # read from a replica that lags behind; the session has caught up now
            if await self._images.get_etag(event.name) is not None:
                return False
            await self._delete_copy(stored.value, None)
            try:
                await self._records.delete(event.record_id, stored)
            except ConcurrencyError:
                continue
        raise RetryLaterError(_CONFLICTS)

    async def _delete_copy(self, record: ImageRecord | None, new_path: str | None) -> None:
        """Delete the image copy that a record names, unless its path stays in use."""
        if self._image_copies is None or record is None:
            return
        if record.copy_path is not None and record.copy_path != new_path:
            await self._image_copies.delete(record.copy_path, record.blob.etag)


def _is_as_good(existing: ImageRecord, record: ImageRecord) -> bool:
    """Return whether the existing record of the same version says the same as `record`, or more."""
    if existing.blob.etag != record.blob.etag:
        return False
    if record.status is RecordStatus.FAILED:
        return True
    if record.blob.content_sha256 is None and existing.blob.content_sha256 is not None:
        return True  # an image that was analyzed and then archived keeps its ETag and its record
    return (existing.status, existing.fingerprint) == (record.status, record.fingerprint)
