"""What Image Analysis 4.0 accepts: https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis."""

from classifier.models import ImageInfo

# The service wants fewer than 20 MB.
MAX_BYTES = 20 * 1024 * 1024 - 1
MIN_SIDE, MAX_SIDE = 50, 16_000
# By Pillow's names.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "ICO", "TIFF", "MPO")


class Rejected(Exception):
    """The image can never be analysed, however often it is tried. `code` is stable, the text is for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def check_size(size_bytes: int) -> None:
    """Raises Rejected for a file that is empty or too large to be sent."""
    if size_bytes == 0:
        raise Rejected("EmptyFile", "The file is empty.")
    if size_bytes > MAX_BYTES:
        raise Rejected("TooLarge", f"The file has {size_bytes} bytes; it may have at most {MAX_BYTES}.")


def check_image(info: ImageInfo) -> None:
    """Raises Rejected for an image whose format or dimensions the service refuses."""
    if info.format not in FORMATS:
        raise Rejected("UnsupportedFormat", f"The format is {info.format}; it must be one of {', '.join(FORMATS)}.")
    for side, pixels in (("width", info.width), ("height", info.height)):
        if not MIN_SIDE < pixels < MAX_SIDE:
            raise Rejected(
                "BadDimensions",
                f"The {side} is {pixels} pixels; it must be more than {MIN_SIDE} and less than {MAX_SIDE}.",
            )
