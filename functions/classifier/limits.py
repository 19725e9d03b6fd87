"""What Image Analysis 4.0 accepts: https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis."""

from classifier.errors import ImageRejectedError
from classifier.models import ImageInfo

# The service wants fewer than 20 MB.
MAX_BYTES = 20 * 1024 * 1024 - 1
MIN_SIDE, MAX_SIDE = 50, 16_000
# By Pillow's names.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "ICO", "TIFF", "MPO")


def check_size(size_bytes: int) -> None:
    """Raises ImageRejectedError for a file that is empty or too large to be sent."""
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
    """Raises ImageRejectedError for an image whose dimensions the service refuses."""
    for side, pixels in (("width", info.width), ("height", info.height)):
        if not MIN_SIDE < pixels < MAX_SIDE:
            raise ImageRejectedError(
                "BadDimensions",
                f"The {side} is {pixels} pixels; it must be more than {MIN_SIDE} and less than {MAX_SIDE}.",
                measured={"width": info.width, "height": info.height},
                limit={"moreThan": MIN_SIDE, "lessThan": MAX_SIDE},
            )
