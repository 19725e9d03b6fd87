"""Limits of Image Analysis 4.0, by its own error messages: all bounds are inclusive.

https://learn.microsoft.com/answers/questions/1688452: "The image size is not allowed to be zero or larger than 20971520
bytes", "The image dimension is not allowed to be smaller than 50 and larger than 16000". The input requirements have
"less than 20 megabytes" and "greater than 50 x 50 pixels and less than 16,000 x 16,000 pixels" instead:
https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis.
"""

from classifier.domain.errors import ImageRejectedError
from classifier.domain.models import Blob, Dimensions, ImageFormat, ImageInfo, InclusiveRange

MAX_BYTES = 20_971_520
MIN_SIDE, MAX_SIDE = 50, 16_000
# The code of the one reason that does not last: the blob can be rehydrated.
ARCHIVED = "Archived"
FORMATS = tuple(ImageFormat)


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


def check_image(info: ImageInfo) -> None:
    """Check the dimensions of an image. Raises ImageRejectedError if the analyzer does not accept them."""
    for side, pixels in (("width", info.width), ("height", info.height)):
        if not MIN_SIDE <= pixels <= MAX_SIDE:
            raise ImageRejectedError(
                "BadDimensions",
                f"The {side} is {pixels} pixels; it must be at least {MIN_SIDE} and at most {MAX_SIDE}.",
                measured=Dimensions(width=info.width, height=info.height),
                limit=InclusiveRange(at_least=MIN_SIDE, at_most=MAX_SIDE),
            )
