"""Uploads: the permission to upload one image."""

import base64
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from common.domain.record_id import record_id

from image_api.domain.blob_names import MAX_NAME_CHARACTERS, BlobNameError, add_suffix, check_blob_name
from image_api.domain.ports import ImageBlobs
from image_api.domain.problems import InvalidValue, ProblemError, ProblemType
from image_api.domain.uploads import Upload, UploadHeader, UploadRequest

# Long enough for 20 MB over a slow line: 20,971,520 bytes in 15 minutes are 190 kbit/s.
UPLOAD_LIFETIME = timedelta(minutes=15)
# Five random bytes: with a million images under one name, the next suffix is taken once in a million times.
_SUFFIX_BYTES = 5


def random_suffix() -> str:
    """Return eight random letters and digits."""
    return base64.b32encode(secrets.token_bytes(_SUFFIX_BYTES)).decode().lower()


@dataclass(frozen=True, kw_only=True)
class Uploads:
    """Gives callers the permission to upload images.

    Attributes:
        blobs: the container of the images.
        container: its name.
        content_types: the media types that the analyzer accepts.
        now: returns the current time.
        suffix: returns a random suffix for the name of an image.
    """

    blobs: ImageBlobs
    container: str
    content_types: Collection[str]
    now: Callable[[], datetime]
    suffix: Callable[[], str] = random_suffix

    async def create(self, request: UploadRequest) -> Upload:
        """Return the permission to upload an image.

        Raises:
            ProblemError: the analyzer does not accept the type, or the name is not allowed, or taken.
        """
        if request.content_type not in self.content_types:
            detail = f"The analyzer accepts {', '.join(self.content_types)}, not {request.content_type}."
            errors = (InvalidValue(location="body $.contentType", detail=detail),)
            raise ProblemError(ProblemType.INVALID_REQUEST, detail, errors=errors)
        try:
            name = check_blob_name(request.name)
        except BlobNameError as error:
            errors = (InvalidValue(location="body $.name", detail=str(error)),)
            raise ProblemError(ProblemType.INVALID_NAME, str(error), errors=errors) from error
        if request.on_conflict == "suffix":
            if await self.blobs.exists(name):
                name = self._add_suffix(name)
        elif await self.blobs.exists(name):
            detail = f"There is an image {name!r}. Use another name, or set onConflict to suffix."
            raise ProblemError(ProblemType.NAME_TAKEN, detail)
        now = self.now()
        expires_at = now + UPLOAD_LIFETIME
        new_id = record_id(self.container, name)
        return Upload(
            id=new_id,
            name=name,
            method="PUT",
            url=await self.blobs.create_upload_url(name, now=now, expires_at=expires_at),
            headers=(
                UploadHeader(name="x-ms-blob-type", value="BlockBlob"),
                UploadHeader(name="Content-Type", value=request.content_type),
            ),
            expires_at=expires_at,
            status_url=f"/api/images/{new_id}?name={quote(name, safe='')}",
        )

    def _add_suffix(self, name: str) -> str:
        suffix = self.suffix()
        longest = MAX_NAME_CHARACTERS - len(suffix) - 1
        if len(name) > longest:
            detail = f"A name that gets a suffix has at most {longest} characters, and this one has {len(name)}."
            raise ProblemError(ProblemType.INVALID_NAME, detail)
        return add_suffix(name, suffix)
