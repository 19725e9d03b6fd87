"""Findings: what an analyzer reports about an image. Confidences and scores are from 0 to 1, boxes are in pixels."""

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

type Confidence = Annotated[
    float | None, Meta(description="Confidence of the model, from 0 to 1; null if the analyzer states none.")
]


class BoundingBox(Struct, frozen=True, kw_only=True):
    """A rectangle of the image, in pixels from its upper left corner."""

    x: Annotated[int, Meta(description="Left edge.")]
    y: Annotated[int, Meta(description="Upper edge.")]
    width: Annotated[int, Meta(description="Width.")]
    height: Annotated[int, Meta(description="Height.")]


class Tag(Struct, frozen=True, kw_only=True):
    """A tag: a thing, a living being, a scene or an action in the image."""

    name: Annotated[str, Meta(description="Name of the tag, in the configured language.")]
    confidence: Confidence


class Caption(Struct, frozen=True, kw_only=True):
    """A sentence that describes the whole image."""

    text: Annotated[str, Meta(description="The sentence.")]
    confidence: Confidence


class DenseCaption(Struct, frozen=True, kw_only=True):
    """A sentence that describes a region of the image."""

    text: Annotated[str, Meta(description="The sentence.")]
    confidence: Confidence
    box: Annotated[BoundingBox, Meta(description="The region that the sentence describes.")]


class DetectedObject(Struct, frozen=True, kw_only=True):
    """An object with its position."""

    name: Annotated[str, Meta(description="Name of the object.")]
    confidence: Confidence
    box: Annotated[BoundingBox, Meta(description="Position of the object.")]


class DetectedPerson(Struct, frozen=True, kw_only=True):
    """A person with its position."""

    confidence: Confidence
    box: Annotated[BoundingBox, Meta(description="Position of the person.")]


class TextLine(Struct, frozen=True, kw_only=True):
    """A line of text that was read."""

    text: Annotated[str, Meta(description="Text of the line.")]
    confidence: Annotated[
        float | None,
        Meta(description="Lowest confidence of the line's words, from 0 to 1; null if the analyzer states none."),
    ]
    box: Annotated[
        BoundingBox | None, Meta(description="Upright bounding box of the line; null if the analyzer states none.")
    ]


class SmartCrop(Struct, frozen=True, kw_only=True, rename="camel"):
    """A region to crop the image to."""

    aspect_ratio: Annotated[float, Meta(description="Width divided by height.")]
    box: Annotated[BoundingBox, Meta(description="The region.")]


class AdultVerdict(StrEnum):
    """Whether an image has adult content."""

    FLAGGED = "flagged"
    CLEAR = "clear"
    UNKNOWN = "unknown"


class AdultScore(Struct, frozen=True, kw_only=True):
    """One category of adult content."""

    flagged: Annotated[bool, Meta(description="Whether the service considers the image to be of this category.")]
    score: Annotated[float, Meta(description="Score of the category, from 0 to 1.")]


class AdultContent(Struct, frozen=True, kw_only=True):
    """Adult content detection of Image Analysis 3.2."""

    verdict: Annotated[
        AdultVerdict,
        Meta(description="`flagged` if a category is, else `clear`; `unknown` if the service cannot take the image."),
    ]
    reason: Annotated[str | None, Meta(description="Why the verdict is unknown, or null.")]
    adult: Annotated[AdultScore | None, Meta(description="Adult content; null if the verdict is unknown.")]
    racy: Annotated[AdultScore | None, Meta(description="Racy content; null if the verdict is unknown.")]
    gory: Annotated[AdultScore | None, Meta(description="Gory content; null if the verdict is unknown.")]


class Findings(Struct, frozen=True, kw_only=True, rename="camel"):
    """The findings of one analysis; those that were not requested are absent.

    `category` is of an analyzer that chooses among configured categories; of any other, the surest label is it.
    """

    tags: tuple[Tag, ...] | UnsetType = UNSET
    category: str | UnsetType = UNSET
    caption: Caption | UnsetType = UNSET
    dense_captions: tuple[DenseCaption, ...] | UnsetType = UNSET
    objects: tuple[DetectedObject, ...] | UnsetType = UNSET
    people: tuple[DetectedPerson, ...] | UnsetType = UNSET
    read: tuple[TextLine, ...] | UnsetType = UNSET
    smart_crops: tuple[SmartCrop, ...] | UnsetType = UNSET
    adult: AdultContent | UnsetType = UNSET
    vector: tuple[float, ...] | UnsetType = UNSET
