"""The register: every blob has one record, and it ends as the newest version of the blob says.

Events come twice, late and in any order, and several workers may handle one blob at a time, so none of them is
believed: whoever is about to change a record that is there first asks the blob itself which version is the newest.
The order is what makes it right: read the record, then ask the blob, then write if the record is still the one read.
Whoever writes a first version that is old already finds out afterwards, when the pipeline asks the blob once more.
"""

from typing import Any

from classifier.domain.errors import ConcurrencyError
from classifier.domain.events import Notice
from classifier.domain.ports import Gallery, Images, Records
from classifier.domain.record import part


class Register:
    """Writes and removes records."""

    def __init__(self, *, images: Images, records: Records, gallery: Gallery | None) -> None:
        self._images = images
        self._records = records
        self._gallery = gallery

    async def write(self, record: dict[str, Any], name: str) -> dict[str, Any] | None:
        """The record that now stands for this version of the blob, or None when the blob has a newer version.

        It is `record`, or the one that was there if that says the same already; a failure replaces no success.
        """
        etag, identity = record["blob"]["etag"], part(record, "analyzer").get("identity")
        seen: dict[str, Any] | None = None
        while True:
            try:
                await self._records.put(record, seen)
            except ConcurrencyError:
                seen = await self._records.get(record["id"])
            else:
                return record
            if seen is None:
                continue
            said = (seen["status"], part(seen, "analyzer").get("identity"))
            # An image that was analyzed and then archived keeps its ETag and its record.
            unread = record["blob"]["contentSha256"] is None and seen["blob"]["contentSha256"] is not None
            if seen["blob"]["etag"] == etag and (
                record["status"] == "failed" or unread or said == (record["status"], identity)
            ):
                return seen
            if await self._images.etag(name) != etag:
                return None
            await self._discard_copy(seen, record["copy"])

    async def remove(self, notice: Notice) -> bool:
        """Removes the record of a blob that is gone; False when the blob has come back."""
        while True:
            seen = await self._records.get(notice.record_id)
            if seen is None and not await self._records.exists(notice.record_id):
                return True
            if seen is None:
                continue  # read from a replica that lags behind; the session is ahead of it by now
            if await self._images.etag(notice.name) is not None:
                return False
            await self._discard_copy(seen, None)
            try:
                await self._records.delete(seen)
            except ConcurrencyError:
                continue

    async def _discard_copy(self, seen: dict[str, Any], kept: str | None) -> None:
        if self._gallery is not None and seen["copy"] not in {None, kept}:
            await self._gallery.discard(seen["copy"], seen["blob"]["etag"])
