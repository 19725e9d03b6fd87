"""One image: its record, its file, its deletion."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.domain.models import Versioned
from common.domain.record import ImageRecord, StoredRecord
from common.domain.record_id import record_id
from msgspec import UNSET
from msgspec.structs import replace

from image_api.domain.blob_names import BlobNameError, check_blob_name
from image_api.domain.images import ImageContent, ImageDeletion, ImageInFlight
from image_api.domain.ports import ImageBlobs, ImageDeleter, RecordReader
from image_api.domain.problems import InvalidValue, ProblemError, ProblemType

# Long enough to load the images of a page that stays open, short enough for a copied address.
READ_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Images:
    """The images, one at a time.

    Attributes:
        records: the records.
        blobs: the container of the images.
        deleter: deletes images.
        container: the name of the container.
        now: returns the current time.
    """

    records: RecordReader
    blobs: ImageBlobs
    deleter: ImageDeleter
    container: str
    now: Callable[[], datetime]

    async def get(self, image_id: str, name: str | None) -> Versioned[ImageRecord] | ImageInFlight:
        """Return the record of an image without its embedding; or that the image is in flight.

        A record's id does not say which blob it belongs to. So a caller that waits for a record states the name of its
        upload, and an image that has a blob of this name and no record is in flight.

        Args:
            image_id: the id of the record.
            name: the name of the image, or None.

        Raises:
            ProblemError: there is no such image, or the id is not that of the name.
        """
        if name is not None:
            self._check_name(image_id, name)
        stored = await self.records.get(image_id)
        record = self._readable(stored)
        if record is not None and stored is not None:
            return Versioned(replace(record, vector=UNSET), stored.etag)
        if name is not None and await self.blobs.exists(name):
            return ImageInFlight(id=image_id, name=name, status="inFlight")
        raise _not_found(image_id)

    async def get_content(self, image_id: str) -> ImageContent:
        """Return where the file of an image can be read. Raises ProblemError if there is no such image."""
        record = self._readable(await self.records.get(image_id))
        if record is None or not await self.blobs.exists(record.blob.name):
            raise _not_found(image_id)
        now = self.now()
        expires_at = now + READ_LIFETIME
        url = await self.blobs.create_read_url(
            record.blob.name, record.blob.content_type, now=now, expires_at=expires_at
        )
        return ImageContent(url=url, expires_at=expires_at)

    async def delete(self, image_id: str, authorization: str) -> ImageDeletion:
        """Delete the file of an image. Raises ProblemError if there is no such image."""
        if not await self.deleter.delete(image_id, authorization):
            raise _not_found(image_id)
        return ImageDeletion(id=image_id, status="deleting")

    def _check_name(self, image_id: str, name: str) -> None:
        """Raise ProblemError unless the id is that of the record of the image `name`."""
        try:
            is_same = record_id(self.container, check_blob_name(name)) == image_id
        except BlobNameError as error:
            errors = (InvalidValue(location="query name", detail=str(error)),)
            raise ProblemError(ProblemType.INVALID_NAME, str(error), errors=errors) from error
        if not is_same:
            errors = (InvalidValue(location="query name", detail="the id is not that of this name"),)
            raise ProblemError(ProblemType.INVALID_REQUEST, "The id is not that of the name.", errors=errors)

    def _readable(self, stored: StoredRecord | None) -> ImageRecord | None:
        """Return the record if it matches the schema, and is about a blob of the API's own container."""
        if stored is None or stored.value is None or stored.value.blob.container != self.container:
            return None
        return stored.value


def _not_found(image_id: str) -> ProblemError:
    return ProblemError(ProblemType.NOT_FOUND, f"There is no image {image_id}.")
