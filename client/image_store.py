"""What `make classify` needs of a stack, and the files that it uploads. Storage and the API both offer it."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, Protocol, TypedDict

# Of Python's own tables: those of the operating system differ between machines.
_MEDIA_TYPES = mimetypes.MimeTypes()


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file and the name of the blob that it becomes."""

    path: Path
    blob_name: str

    @property
    def content_type(self) -> str:
        """The media type that belongs to the file's extension."""
        return _MEDIA_TYPES.guess_type(self.path.name)[0] or "application/octet-stream"


class _Blob(TypedDict):
    etag: str
    contentSha256: NotRequired[str | None]


class _Category(TypedDict):
    name: str
    confidence: float | None


class _Caption(TypedDict):
    text: str


class _Reason(TypedDict):
    sentence: str


class _Line(TypedDict):
    text: str


class ImageRecord(TypedDict):
    """The parts of a record that are read here; docs/record.md has all of them."""

    status: str
    blob: _Blob
    category: NotRequired[_Category | None]
    caption: NotRequired[_Caption | None]
    reason: NotRequired[_Reason | None]
    read: NotRequired[list[_Line] | None]


class UploadedImage(Protocol):
    """An image that was uploaded."""

    @property
    def blob_name(self) -> str:
        """The name that the image has got."""
        ...

    def read_record(self) -> ImageRecord | None:
        """Return the final record of exactly this upload, or None while there is none.

        Raises:
            AzureError, OSError, ClientError: The record cannot be read.
        """
        ...


class ImageStore(Protocol):
    """Where images are uploaded."""

    def upload(self, upload: Upload, timeout_seconds: float) -> UploadedImage:
        """Upload a file.

        Args:
            upload: The file.
            timeout_seconds: How long to wait for an earlier image of this name, if need be.

        Raises:
            AzureError, OSError, ClientError: The file cannot be read or uploaded.
        """
        ...
