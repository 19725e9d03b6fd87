"""Maps responses of Image Analysis to the findings of a record.

Of a response only what was requested is read: https://learn.microsoft.com/rest/api/computervision/image-analysis/analyze
"""

from collections.abc import Collection

import msgspec
from common.domain.findings import (
    AdultContent,
    AdultScore,
    AdultVerdict,
    BoundingBox,
    Caption,
    DenseCaption,
    DetectedObject,
    DetectedPerson,
    Findings,
    SmartCrop,
    Tag,
    TextLine,
)
from msgspec import UNSET, Struct

# The service's names of its features.
VISUAL_FEATURES = ("tags", "caption", "denseCaptions", "objects", "people", "read", "smartCrops")


class _Box(Struct, frozen=True):
    x: int
    y: int
    w: int
    h: int

    def to_finding(self) -> BoundingBox:
        return BoundingBox(x=self.x, y=self.y, width=self.w, height=self.h)


class _Values[Value](Struct, frozen=True):
    values: tuple[Value, ...]


class _TagsResponse(Struct, frozen=True, rename="camel"):
    tags_result: _Values[Tag]


class _CaptionResponse(Struct, frozen=True, rename="camel"):
    caption_result: Caption


class _DenseCaption(Struct, frozen=True, rename="camel"):
    text: str
    confidence: float
    bounding_box: _Box


class _DenseCaptionsResponse(Struct, frozen=True, rename="camel"):
    dense_captions_result: _Values[_DenseCaption]


class _DetectedObject(Struct, frozen=True, rename="camel"):
    """An object with one or more names, surest first."""

    bounding_box: _Box
    tags: tuple[Tag, ...]


class _ObjectsResponse(Struct, frozen=True, rename="camel"):
    objects_result: _Values[_DetectedObject]


class _DetectedPerson(Struct, frozen=True, rename="camel"):
    bounding_box: _Box
    confidence: float


class _PeopleResponse(Struct, frozen=True, rename="camel"):
    people_result: _Values[_DetectedPerson]


class _SmartCrop(Struct, frozen=True, rename="camel"):
    aspect_ratio: float
    bounding_box: _Box


class _SmartCropsResponse(Struct, frozen=True, rename="camel"):
    smart_crops_result: _Values[_SmartCrop]


class _Point(Struct, frozen=True):
    x: int
    y: int


class _Word(Struct, frozen=True):
    confidence: float


class _Line(Struct, frozen=True, rename="camel"):
    text: str
    bounding_polygon: tuple[_Point, ...]
    words: tuple[_Word, ...]

    def to_finding(self) -> TextLine:
        """Its confidence is the lowest of its words; its box is the upright bounding box of its polygon."""
        xs = [point.x for point in self.bounding_polygon]
        ys = [point.y for point in self.bounding_polygon]
        return TextLine(
            text=self.text,
            confidence=min((word.confidence for word in self.words), default=0.0),
            box=BoundingBox(x=min(xs), y=min(ys), width=max(xs) - min(xs), height=max(ys) - min(ys)),
        )


class _Block(Struct, frozen=True):
    lines: tuple[_Line, ...]


class _ReadResult(Struct, frozen=True):
    blocks: tuple[_Block, ...]


class _ReadResponse(Struct, frozen=True, rename="camel"):
    read_result: _ReadResult


class _AdultScores(Struct, frozen=True, rename="camel"):
    """https://learn.microsoft.com/azure/ai-services/computer-vision/concept-detecting-adult-content."""

    is_adult_content: bool
    is_racy_content: bool
    is_gory_content: bool
    adult_score: float
    racy_score: float
    gore_score: float


class _AdultResponse(Struct, frozen=True):
    adult: _AdultScores


class _ModelVersionResponse(Struct, frozen=True, rename="camel"):
    model_version: str


class _VectorResponse(Struct, frozen=True):
    vector: tuple[float, ...]


def map_findings(response: object, features: Collection[str]) -> Findings:
    """Return the findings of `features`, which are among `VISUAL_FEATURES`.

    Raises:
        msgspec.ValidationError: the response has another structure.
        ValueError: a line of text has no position.
    """
    return Findings(
        tags=_map_tags(response) if "tags" in features else UNSET,
        caption=_map_caption(response) if "caption" in features else UNSET,
        dense_captions=_map_dense_captions(response) if "denseCaptions" in features else UNSET,
        objects=_map_objects(response) if "objects" in features else UNSET,
        people=_map_people(response) if "people" in features else UNSET,
        read=_map_read(response) if "read" in features else UNSET,
        smart_crops=_map_smart_crops(response) if "smartCrops" in features else UNSET,
    )


def map_model_version(response: object) -> str:
    """Return the version of the model. Raises msgspec.ValidationError if the response has none."""
    return msgspec.convert(response, _ModelVersionResponse).model_version


def map_vector(response: object) -> tuple[float, ...]:
    """Return the embedding. Raises msgspec.ValidationError if the response has none."""
    return msgspec.convert(response, _VectorResponse).vector


def map_adult_content(response: object) -> AdultContent:
    """Map `adult` of Image Analysis 3.2. Raises msgspec.ValidationError if the response has another structure."""
    scores = msgspec.convert(response, _AdultResponse).adult
    is_flagged = scores.is_adult_content or scores.is_racy_content or scores.is_gory_content
    return AdultContent(
        verdict=AdultVerdict.FLAGGED if is_flagged else AdultVerdict.CLEAR,
        reason=None,
        adult=AdultScore(flagged=scores.is_adult_content, score=scores.adult_score),
        racy=AdultScore(flagged=scores.is_racy_content, score=scores.racy_score),
        gory=AdultScore(flagged=scores.is_gory_content, score=scores.gore_score),
    )


def unknown_adult_content(reason: str) -> AdultContent:
    """Return the findings for an image that version 3.2 does not accept: the verdict is `unknown`, never `clear`."""
    return AdultContent(verdict=AdultVerdict.UNKNOWN, reason=reason, adult=None, racy=None, gory=None)


def _map_tags(response: object) -> tuple[Tag, ...]:
    return msgspec.convert(response, _TagsResponse).tags_result.values


def _map_caption(response: object) -> Caption:
    return msgspec.convert(response, _CaptionResponse).caption_result


def _map_dense_captions(response: object) -> tuple[DenseCaption, ...]:
    captions = msgspec.convert(response, _DenseCaptionsResponse).dense_captions_result.values
    return tuple(
        DenseCaption(text=caption.text, confidence=caption.confidence, box=caption.bounding_box.to_finding())
        for caption in captions
    )


def _map_objects(response: object) -> tuple[DetectedObject, ...]:
    objects = msgspec.convert(response, _ObjectsResponse).objects_result.values
    return tuple(
        DetectedObject(name=tag.name, confidence=tag.confidence, box=detected.bounding_box.to_finding())
        for detected in objects
        for tag in detected.tags[:1]
    )


def _map_people(response: object) -> tuple[DetectedPerson, ...]:
    people = msgspec.convert(response, _PeopleResponse).people_result.values
    return tuple(
        DetectedPerson(confidence=person.confidence, box=person.bounding_box.to_finding()) for person in people
    )


def _map_smart_crops(response: object) -> tuple[SmartCrop, ...]:
    crops = msgspec.convert(response, _SmartCropsResponse).smart_crops_result.values
    return tuple(SmartCrop(aspect_ratio=crop.aspect_ratio, box=crop.bounding_box.to_finding()) for crop in crops)


def _map_read(response: object) -> tuple[TextLine, ...]:
    blocks = msgspec.convert(response, _ReadResponse).read_result.blocks
    return tuple(line.to_finding() for block in blocks for line in block.lines)
