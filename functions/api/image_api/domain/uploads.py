"""Uploads: the request for one, and the permission that it gets."""

from datetime import datetime
from typing import Annotated, Literal

from common.domain.image_limits import MAX_BYTES
from msgspec import Meta, Struct

from image_api.domain.blob_names import MAX_NAME_CHARACTERS

# Those of `image_limits.MEDIA_TYPES`, as a type, for the OpenAPI document.
type ImageContentType = Literal[
    "image/jpeg", "image/png", "image/gif", "image/bmp", "image/webp", "image/vnd.microsoft.icon", "image/tiff"
]


class UploadRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An image that a client wants to upload."""

    name: Annotated[
        str,
        Meta(
            description="Name of the image, with folders separated by slashes.",
            min_length=1,
            max_length=MAX_NAME_CHARACTERS,
            examples=["holiday/beach.jpg"],
        ),
    ]
    content_type: Annotated[
        ImageContentType, Meta(description="Media type of the file, one of those that the configuration has.")
    ]
    size_bytes: Annotated[int, Meta(description=f"Size of the file in bytes, at most {MAX_BYTES}.", ge=1, le=MAX_BYTES)]
    on_conflict: Annotated[
        Literal["refuse", "suffix"],
        Meta(description="What to do if the name exists: answer 409, or add a suffix to the name."),
    ] = "refuse"


class UploadHeader(Struct, frozen=True, kw_only=True):
    """A header that the upload has to have."""

    name: Annotated[str, Meta(description="Name of the header.")]
    value: Annotated[str, Meta(description="Its value.")]


class Upload(Struct, frozen=True, kw_only=True, rename="camel"):
    """The permission to upload one image with one Put Blob.

    The URL cannot say how large the file may be, nor of which type it is: the pipeline checks both after the upload, by
    the file itself, and the record of a file that is no image, or too large, ends `rejected`. If the upload's answer is
    lost and it is sent again, Storage answers 403 `UnauthorizedBlobOverwrite`: the first one succeeded, so read
    `statusUrl`.
    """

    id: Annotated[str, Meta(description="Id of the record that the image will have.")]
    name: Annotated[str, Meta(description="Name of the image, with the suffix if one was added.")]
    method: Annotated[Literal["PUT"], Meta(description="Method of the upload.")]
    url: Annotated[str, Meta(description="URL of the upload, with its signature. It is a secret until it expires.")]
    headers: Annotated[tuple[UploadHeader, ...], Meta(description="Headers that the upload has to have.")]
    expires_at: Annotated[datetime, Meta(description="When the URL expires.")]
    status_url: Annotated[str, Meta(description="Path to read the record from, once the image is uploaded.")]
