"""The images in requests: media types, limits, and decoding."""

import io
import warnings
from collections.abc import Collection
from dataclasses import dataclass

from PIL import Image

from emulator.services.vision.requests import Request, RequestError, unsupported

_BINARY = "application/octet-stream"
MAX_SIDE = 16_000
Image.MAX_IMAGE_PIXELS = MAX_SIDE * MAX_SIDE


@dataclass(frozen=True, kw_only=True)
class ImageLimits:
    """What an operation accepts.

    Attributes:
        formats: Names of Pillow.
        max_bytes: Size of the file, inclusive.
        min_side: Pixels, inclusive.
        size_code: The inner code for a file of a wrong size; None where the service gives none.
    """

    formats: Collection[str]
    max_bytes: int
    min_side: int
    size_code: str | None


@dataclass(frozen=True, kw_only=True)
class DecodedImage:
    """Pixels in RGB, and the name of the file's format."""

    pixels: Image.Image
    format: str


def check_media_type(request: Request) -> None:
    """Raise RequestError unless the body of a request to Image Analysis 4.0 is an image.

    https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/call-analyze-image-40 (error codes)
    """
    if request.content_type in {"application/json", "multipart/form-data"}:
        raise unsupported(f"images as {request.content_type}, only as {_BINARY}")
    if request.content_type != _BINARY and not request.content_type.startswith("image/"):
        raise RequestError(None, f"The provided image content type {request.content_type} is not supported")


def decode_image(content: bytes, limits: ImageLimits) -> DecodedImage:
    """Return the image in a file. Raises RequestError if it is none, or not within the limits."""
    # The service's own messages, and bounds: https://learn.microsoft.com/answers/questions/1688452
    if not 0 < len(content) <= limits.max_bytes:
        message = f"The image size is not allowed to be zero or larger than {limits.max_bytes} bytes."
        raise RequestError(limits.size_code, message)
    try:
        return _decode(content, limits)
    except RequestError:
        raise
    except Image.DecompressionBombError as error:
        raise _wrong_dimension(limits) from error
    except Exception as error:
        # Pillow's decoders raise whatever a damaged file makes them stumble over.
        raise RequestError("InvalidImageFormat", "Image format is not valid") from error


def _decode(content: bytes, limits: ImageLimits) -> DecodedImage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image.open(io.BytesIO(content))
        file_format = image.format or ""
        if file_format not in limits.formats:
            raise RequestError("InvalidImageFormat", "Image format is not valid")
        # Before any pixel is decoded.
        if not all(limits.min_side <= side <= MAX_SIDE for side in image.size):
            raise _wrong_dimension(limits)
        return DecodedImage(pixels=image.convert("RGB"), format=file_format)


def _wrong_dimension(limits: ImageLimits) -> RequestError:
    return RequestError(
        "InvalidImageSize",
        f"The image dimension is not allowed to be smaller than {limits.min_side} and larger than {MAX_SIDE}.",
    )
