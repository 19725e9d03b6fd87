"""What Content Understanding accepts as an image, by the beginning of the file.

https://learn.microsoft.com/azure/ai-services/content-understanding/service-limits#input-file-limits
"""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from emulator.services.content_understanding.errors import unsupported

# By Pillow's names; the file of an MPO is a JPEG.
_MEDIA_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "BMP": "image/bmp"}
_HEIF_BRANDS = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypheif")
_LOWEST_SIDE = 50
_HIGHEST_SIDE = 10_000
# What the model server takes; Azure takes ten times as much.
_MOST_BYTES = 20 * 1024 * 1024


class ImageFileError(Exception):
    """A file that Azure does not analyze; `code` is that of the inner error of the failed operation."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """An image that can be analyzed, with its dimensions in pixels."""

    content: bytes
    media_type: str
    width: int
    height: int


def read_image_file(content: bytes) -> ImageFile:
    """Return the image in a file.

    Raises:
        ImageFileError: Azure would not analyze it.
        ContentUnderstandingError: Azure would, and the emulator cannot.
    """
    if content[4:12] in _HEIF_BRANDS:
        raise unsupported("HEIF images, which its models cannot read")
    if len(content) > _MOST_BYTES:
        raise unsupported(f"images of more than {_MOST_BYTES} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise _unreadable() from error
    media_type = _MEDIA_TYPES.get(image.format or "")
    if media_type is None:
        raise _unreadable()
    if not all(_LOWEST_SIDE <= side <= _HIGHEST_SIDE for side in image.size):
        raise ImageFileError(
            "InvalidContentDimensions",
            f"The input image dimensions are out of range: {_LOWEST_SIDE} to {_HIGHEST_SIDE} pixels are supported.",
        )
    return ImageFile(content=content, media_type=media_type, width=image.width, height=image.height)


def _unreadable() -> ImageFileError:
    return ImageFileError(
        "InvalidContent",
        "The file is corrupted or format is unsupported. Refer to documentation for the list of supported formats.",
    )
