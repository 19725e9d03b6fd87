"""Tokens that a vision model counts for an image and for text.

https://platform.openai.com/docs/guides/images-vision: patches of 32 x 32 pixels, at most 1,536, for smaller models
with a factor.
"""

import math

from emulator.services.vision.model_client import ImageDescription

_PATCH = 32
_MOST_PATCHES = 1_536
_PATCH_FACTOR = 1.62
_CHARACTERS_PER_TOKEN = 4


def image_tokens(description: ImageDescription | None) -> int:
    """Return the tokens of an image; before it was decoded, those of the largest image."""
    patches = _MOST_PATCHES
    if description is not None:
        size = description.metadata
        patches = min(_MOST_PATCHES, math.ceil(size.width / _PATCH) * math.ceil(size.height / _PATCH))
    return math.ceil(patches * _PATCH_FACTOR)


def text_tokens(characters: int) -> int:
    """Return the tokens of a text with so many characters."""
    return math.ceil(characters / _CHARACTERS_PER_TOKEN)
