"""Pillow, for headers alone: it is asked for the eight formats that the analyser takes, and decodes no pixel."""

import io
import warnings

from PIL import Image

from classifier import limits
from classifier.errors import ImageRejectedError
from classifier.models import ImageInfo

# Only headers are read here, never pixels, so a picture of 16,000 by 16,000 is no bomb.
Image.MAX_IMAGE_PIXELS = None
_FORMATS = [name for name in limits.FORMATS if name != "MPO"]  # Pillow opens those as JPEG, and tells them apart


def read_header(content: bytes) -> ImageInfo:
    """As `ports.Headers`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about damaged metadata, which says nothing about the picture
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                return ImageInfo(width=image.width, height=image.height, format=image.format or "unknown")
    except Exception as error:
        # Whatever a damaged header brings about in Pillow, and that is not only what it documents, the file is not an
        # image that can be read; the same bytes would bring about the same.
        raise ImageRejectedError(
            "NotAnImage",
            f"The file's content is no image in one of the formats {', '.join(limits.FORMATS)}.",
            measured=content[:16].hex(),
            limit=list(limits.FORMATS),
        ) from error
