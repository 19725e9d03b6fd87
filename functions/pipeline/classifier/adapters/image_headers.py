"""Image headers, read outside of the event loop."""

import asyncio
import struct

from classifier.adapters.header_parsers import parse_header
from classifier.domain import image_limits as limits
from classifier.domain.errors import ImageRejectedError
from classifier.domain.models import ImageInfo


async def read_header(content: bytes) -> ImageInfo:
    """As `ports.Headers`."""
    return await asyncio.to_thread(_read, content)


def _read(content: bytes) -> ImageInfo:
    try:
        return parse_header(content)
    except (ValueError, LookupError, struct.error) as error:
        raise ImageRejectedError(
            "NotAnImage",
            f"The file's content is no image in one of the formats {', '.join(limits.FORMATS)}.",
            measured=content[:16].hex(),
            limit=list(limits.FORMATS),
        ) from error
