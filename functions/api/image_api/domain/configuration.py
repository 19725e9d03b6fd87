"""What a web page or another client needs to know before anybody has signed in; none of it is secret."""

from typing import Annotated

from common.domain.image_limits import MAX_BYTES, ImageLimits
from msgspec import Meta, Struct


class UploadLimits(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which images the pipeline accepts, with its analyzer."""

    max_bytes: Annotated[int, Meta(description="Largest file, in bytes.")]
    min_side: Annotated[int, Meta(description="Shortest side, in pixels.")]
    max_side: Annotated[int, Meta(description="Longest side, in pixels.")]
    formats: Annotated[tuple[str, ...], Meta(description="Formats of the files that the analyzer accepts.")]
    content_types: Annotated[tuple[str, ...], Meta(description="Media types that an upload may state.")]


def upload_limits(limits: ImageLimits) -> UploadLimits:
    """Return the limits of uploads for an analyzer with these limits."""
    return UploadLimits(
        max_bytes=MAX_BYTES,
        min_side=limits.min_side,
        max_side=limits.max_side,
        formats=tuple(limits.formats),
        content_types=limits.media_types,
    )


class ClientConfiguration(Struct, frozen=True, kw_only=True, rename="camel"):
    """How to sign in, and what to upload."""

    authority: Annotated[str, Meta(description="Authority of Entra ID that signs users in.")]
    client_id: Annotated[str, Meta(description="Client ID of the API's registration.")]
    scope: Annotated[str, Meta(description="Scope to request an access token for.")]
    blob_origin: Annotated[str, Meta(description="Origin of the URLs of uploads and files.")]
    limits: Annotated[UploadLimits, Meta(description="Limits of images.")]
    features: Annotated[tuple[str, ...], Meta(description="What the pipeline looks for in images.")]
