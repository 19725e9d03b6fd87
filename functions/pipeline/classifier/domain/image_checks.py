"""Checks whether the analyzer accepts an image, before a call is charged."""

from common.domain.image_limits import MAX_BYTES, ImageLimits
from common.domain.models import Dimensions, ImageInfo, InclusiveRange

from classifier.domain.errors import ImageRejectedError
from classifier.domain.models import Blob


def require_content(blob: Blob) -> bytes:
    """Return the content to be analyzed.

    Raises:
        ImageRejectedError: the blob is empty or too large, or can never be read.
        ValueError: the content is missing, and the blob has no reason for that.
    """
    if blob.rejection is not None:
        reason = blob.rejection
        raise ImageRejectedError(reason.code, reason.sentence, measured=reason.measured, limit=reason.limit)
    check_size(blob.size_bytes if blob.content is None else len(blob.content))
    if blob.content is None:
        raise ValueError(f"{blob.size_bytes} bytes are within the limit and were not read")
    return blob.content


def check_size(size_bytes: int) -> None:
    """Check the size of a file. Raises ImageRejectedError if it is empty or too large for the analyzer."""
    if size_bytes == 0:
        raise ImageRejectedError("EmptyFile", "The file is empty.", measured=0, limit=1)
    if size_bytes > MAX_BYTES:
        raise ImageRejectedError(
            "TooLarge",
            f"The file has {size_bytes} bytes; it may have at most {MAX_BYTES}.",
            measured=size_bytes,
            limit=MAX_BYTES,
        )


def check_image(info: ImageInfo, limits: ImageLimits) -> None:
    """Check format and dimensions of an image. Raises ImageRejectedError if the analyzer does not accept them."""
    if info.format not in limits.formats:
        raise ImageRejectedError(
            "UnsupportedFormat",
            f"The format is {info.format}; the analyzer accepts {', '.join(limits.formats)}.",
            measured=info.format.value,
            limit=limits.formats,
        )
    for side, pixels in (("width", info.width), ("height", info.height)):
        if not limits.min_side <= pixels <= limits.max_side:
            raise ImageRejectedError(
                "BadDimensions",
                f"The {side} is {pixels} pixels; it must be at least {limits.min_side} and at most {limits.max_side}.",
                measured=Dimensions(width=info.width, height=info.height),
                limit=InclusiveRange(at_least=limits.min_side, at_most=limits.max_side),
            )
