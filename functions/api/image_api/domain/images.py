"""What the API answers about one image."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct


class ImageInFlight(Struct, frozen=True, kw_only=True, rename="camel"):
    """An image that was uploaded and has no record yet."""

    id: Annotated[str, Meta(description="Id of the record that the image will have.")]
    name: Annotated[str, Meta(description="Name of the image.")]
    status: Annotated[Literal["inFlight"], Meta(description="The image was uploaded, and is not analyzed yet.")]


class ImageContent(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the file of an image can be read for a few minutes."""

    url: Annotated[str, Meta(description="URL of the file, with its signature. It is a secret until it expires.")]
    expires_at: Annotated[datetime, Meta(description="When the URL expires.")]


class ImageDeletion(Struct, frozen=True, kw_only=True, rename="camel"):
    """An image whose file was deleted; its record is removed when the pipeline has handled the event."""

    id: Annotated[str, Meta(description="Id of the record.")]
    status: Annotated[Literal["deleting"], Meta(description="The file is deleted, and the record will be.")]
