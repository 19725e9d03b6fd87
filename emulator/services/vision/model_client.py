"""What the packaged models see in an image, for services whose answers have a form of their own."""

import io
from collections.abc import Sequence

import aiohttp
import msgspec
from msgspec import Struct

# The request to the model server (emulator/services/vision/model_server.py).
_ANALYZE_PATH = "/computervision/imageanalysis:analyze"
_ANALYZE_QUERY = {"api-version": "2023-10-01", "features": "tags,caption,read"}
# A tag that is less likely than not is none, for services that state no confidences.
_FLOOR = 0.5
_MOST_TAGS = 10
OTHER = "other"


class UnreadableImageError(Exception):
    """The image cannot be decoded."""


class Point(Struct, frozen=True):
    """A corner of a polygon, in pixels."""

    x: float
    y: float


class Word(Struct, frozen=True, rename="camel"):
    """A word of a line."""

    text: str
    confidence: float = 1.0
    bounding_polygon: tuple[Point, ...] = ()


class Line(Struct, frozen=True, rename="camel"):
    """A line of text."""

    text: str
    bounding_polygon: tuple[Point, ...] = ()
    words: tuple[Word, ...] = ()


class _Tag(Struct, frozen=True):
    name: str
    confidence: float


class _Values(Struct, frozen=True):
    values: tuple[_Tag, ...]


class _Text(Struct, frozen=True):
    text: str


class _Block(Struct, frozen=True):
    lines: tuple[Line, ...]


class _Blocks(Struct, frozen=True):
    blocks: tuple[_Block, ...]


class _Size(Struct, frozen=True):
    width: int
    height: int


class ImageDescription(Struct, frozen=True, rename="camel"):
    """The model server's answer."""

    metadata: _Size
    tags_result: _Values
    caption_result: _Text
    read_result: _Blocks

    @property
    def tags(self) -> list[str]:
        """The surest tags, the surest first."""
        return [tag.name for tag in self.tags_result.values if tag.confidence >= _FLOOR][:_MOST_TAGS]

    @property
    def caption(self) -> str:
        """A sentence."""
        return self.caption_result.text

    @property
    def lines(self) -> list[Line]:
        """The lines of text."""
        return [line for block in self.read_result.blocks for line in block.lines]


# What a picture shows that is too small for the packaged models.
_NOTHING = ImageDescription(
    metadata=_Size(width=1, height=1),
    tags_result=_Values(values=()),
    caption_result=_Text(text="template: a picture"),
    read_result=_Blocks(blocks=()),
)


async def describe_image(session: aiohttp.ClientSession, models_url: str, image: bytes) -> ImageDescription:
    """Return what the packaged models see. Raises UnreadableImageError."""
    async with session.post(
        models_url + _ANALYZE_PATH,
        params=_ANALYZE_QUERY,
        # aiohttp warns of large bytes.
        data=io.BytesIO(image),
        headers={"Content-Type": "application/octet-stream"},
    ) as response:
        body = await response.read()
    if response.status == 200:
        return msgspec.json.decode(body, type=ImageDescription)
    if b"InvalidImageSize" in body:
        return _NOTHING
    raise UnreadableImageError("the image cannot be decoded")


def choose_category(categories: Sequence[str], tags: Sequence[str]) -> str:
    """Return the category that is called like the surest tag for which there is one; otherwise `other`."""
    by_name = {category.casefold(): category for category in categories}
    return next((by_name[tag.casefold()] for tag in tags if tag.casefold() in by_name), OTHER)
