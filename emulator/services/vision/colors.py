"""How much of an image has each of the eleven basic color terms of English (Berlin and Kay, 1969)."""

from collections.abc import Iterable, Mapping

import numpy as np
from PIL import Image

from emulator.services.vision.models import Box

# Pixels a side to which an image is reduced.
_SIDE = 64
_DARK = 0.2
_BRIGHT = 0.8
_GRAYISH = 0.2
# A dull orange is brown.
_DULL = 0.55
_PALE = 0.5
# Upper limit of the hue in degrees; red is at both ends.
_HUES = ((15, "red"), (45, "orange"), (70, "yellow"), (170, "green"), (260, "blue"), (300, "purple"), (345, "pink"))


def color_shares(image: Image.Image, boxes: Iterable[Box]) -> Mapping[str, float]:
    """Return the share of the pixels of each color, 0 to 1: the largest of the whole image and of each box."""
    shares = _shares(image)
    for box in boxes:
        if box.width and box.height:
            box_shares = _shares(image.crop((box.x, box.y, box.x + box.width, box.y + box.height)))
            shares = {color: max(share, box_shares[color]) for color, share in shares.items()}
    return shares


def _shares(image: Image.Image) -> dict[str, float]:
    pixels = np.asarray(image.resize((_SIDE, _SIDE)).convert("HSV"), np.float32).reshape(-1, 3) / 255
    hue = pixels[:, 0] * 360
    saturation = pixels[:, 1]
    value = pixels[:, 2]
    black = value < _DARK
    gray = ~black & (saturation < _GRAYISH)
    white = gray & (value > _BRIGHT)
    colored = ~black & ~gray
    masks = {"black": black, "white": white, "gray": gray & ~white}
    lower = 0.0
    for upper, color in _HUES:
        masks[color] = colored & (hue >= lower) & (hue < upper)
        lower = upper
    masks["red"] |= colored & (hue >= lower)
    masks["brown"] = masks["orange"] & ((value < _DULL) | (saturation < _PALE))
    masks["orange"] &= ~masks["brown"]
    return {color: float(mask.mean()) for color, mask in masks.items()}
