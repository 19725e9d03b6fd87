"""Reads image headers in a thread, outside of the event loop."""

import asyncio
import struct

from common.domain import image_limits
from common.domain.models import ImageInfo

from classifier.adapters.header_parsers import parse_header
from classifier.domain.errors import ImageRejectedError


async def read_header(content: bytes) -> ImageInfo:
    """Implements `ports.ImageHeaderReader`."""
    return await asyncio.to_thread(_read, content)


def _read(content: bytes) -> ImageInfo:
    try:
        return parse_header(content)
    except (ValueError, LookupError, struct.error) as error:
        raise ImageRejectedError(
            "NotAnImage",
            f"The file's content is no image in one of the formats {', '.join(image_limits.FORMATS)}.",
            measured=content[:16].hex(),
            limit=image_limits.FORMATS,
        ) from error
