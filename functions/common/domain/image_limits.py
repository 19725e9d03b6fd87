"""Limits of images: those of the pipeline, which hold for every analyzer, and what an analyzer accepts.

The figures are those of Image Analysis 4.0, by its own error messages; all bounds are inclusive.

https://learn.microsoft.com/answers/questions/1688452: "The image size is not allowed to be zero or larger than 20971520
bytes", "The image dimension is not allowed to be smaller than 50 and larger than 16000". The input requirements have
"less than 20 megabytes" and "greater than 50 x 50 pixels and less than 16,000 x 16,000 pixels" instead:
https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from common.domain.models import ImageFormat

MAX_BYTES = 20_971_520
MIN_SIDE = 50
MAX_SIDE = 16_000
# The code of the one reason that does not last: the blob can be rehydrated.
ARCHIVED = "Archived"
FORMATS = tuple(ImageFormat)
# https://www.iana.org/assignments/media-types. The file of an MPO is a JPEG.
MEDIA_TYPES: Mapping[ImageFormat, str] = {
    ImageFormat.JPEG: "image/jpeg",
    ImageFormat.PNG: "image/png",
    ImageFormat.GIF: "image/gif",
    ImageFormat.BMP: "image/bmp",
    ImageFormat.WEBP: "image/webp",
    ImageFormat.ICO: "image/vnd.microsoft.icon",
    ImageFormat.TIFF: "image/tiff",
    ImageFormat.MPO: "image/jpeg",
}


@dataclass(frozen=True, kw_only=True)
class ImageLimits:
    """What an analyzer accepts; an image beyond it is rejected before a call is charged.

    The size of a file is no part of it: MAX_BYTES is what an instance has memory for.

    Attributes:
        formats: the formats of files.
        min_side: the shortest width and height, in pixels.
        max_side: the longest width and height, in pixels.
    """

    formats: tuple[ImageFormat, ...]
    min_side: int
    max_side: int

    @property
    def media_types(self) -> tuple[str, ...]:
        """The media types of the formats."""
        return tuple(dict.fromkeys(MEDIA_TYPES[image_format] for image_format in self.formats))


IMAGE_ANALYSIS_LIMITS = ImageLimits(formats=FORMATS, min_side=MIN_SIDE, max_side=MAX_SIDE)
# https://learn.microsoft.com/azure/foundry/openai/how-to/gpt-with-vision. Models see the first frame of an animation.
# There is no documented limit of the sides: MAX_SIDE keeps what the pipeline accepts with every other analyzer.
FOUNDRY_VISION_LIMITS = ImageLimits(
    formats=(ImageFormat.JPEG, ImageFormat.MPO, ImageFormat.PNG, ImageFormat.GIF, ImageFormat.WEBP),
    min_side=1,
    max_side=MAX_SIDE,
)
# https://learn.microsoft.com/azure/ai-services/content-understanding/service-limits. HEIF is accepted too, but the
# pipeline does not read its header.
CONTENT_UNDERSTANDING_LIMITS = ImageLimits(
    formats=(ImageFormat.JPEG, ImageFormat.MPO, ImageFormat.PNG, ImageFormat.BMP), min_side=MIN_SIDE, max_side=10_000
)
# By the name of the analyzer. The pipeline checks images by them, and the API states them to its clients.
ANALYZER_LIMITS: Mapping[str, ImageLimits] = {
    "image-analysis": IMAGE_ANALYSIS_LIMITS,
    "custom-vision": IMAGE_ANALYSIS_LIMITS,
    "foundry-vision": FOUNDRY_VISION_LIMITS,
    "content-understanding": CONTENT_UNDERSTANDING_LIMITS,
}
