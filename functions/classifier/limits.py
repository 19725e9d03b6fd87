"""What Image Analysis 4.0 accepts: https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis."""

from typing import Any

from classifier.models import ImageInfo

# The service wants fewer than 20 MB.
MAX_BYTES = 20 * 1024 * 1024 - 1
MIN_SIDE, MAX_SIDE = 50, 16_000
# By Pillow's names.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "ICO", "TIFF", "MPO")


class Rejected(Exception):
    """The image can never be analysed, however often it is tried.

    `code` is stable, the text is for people; `measured` and `limit` say by how much it fails, where that can be said.
    """

    def __init__(self, code: str, sentence: str, *, measured: Any = None, limit: Any = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.measured = measured
        self.limit = limit

    def reason(self) -> dict[str, Any]:
        """As it stands in the record."""
        return {"code": self.code, "sentence": str(self), "measured": self.measured, "limit": self.limit}


def check_size(size_bytes: int) -> None:
    """Raises Rejected for a file that is empty or too large to be sent."""
    if size_bytes == 0:
        raise Rejected("EmptyFile", "The file is empty.", measured=0, limit=1)
    if size_bytes > MAX_BYTES:
        raise Rejected(
            "TooLarge",
            f"The file has {size_bytes} bytes; it may have at most {MAX_BYTES}.",
            measured=size_bytes,
            limit=MAX_BYTES,
        )


def check_image(info: ImageInfo) -> None:
    """Raises Rejected for an image whose dimensions the service refuses."""
    for side, pixels in (("width", info.width), ("height", info.height)):
        if not MIN_SIDE < pixels < MAX_SIDE:
            raise Rejected(
                "BadDimensions",
                f"The {side} is {pixels} pixels; it must be more than {MIN_SIDE} and less than {MAX_SIDE}.",
                measured={"width": info.width, "height": info.height},
                limit={"moreThan": MIN_SIDE, "lessThan": MAX_SIDE},
            )
