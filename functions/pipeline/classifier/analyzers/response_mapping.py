"""Maps responses of Image Analysis to the findings of a record."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

ServiceResponse = Mapping[str, Any]


def _box(box: Mapping[str, int]) -> dict[str, int]:
    return {"x": box["x"], "y": box["y"], "width": box["w"], "height": box["h"]}


def _values(response: ServiceResponse, result: str) -> Sequence[Mapping[str, Any]]:
    return response[result]["values"]


def _tags(response: ServiceResponse) -> list[dict[str, Any]]:
    return [{"name": tag["name"], "confidence": tag["confidence"]} for tag in _values(response, "tagsResult")]


def _caption(response: ServiceResponse) -> dict[str, Any]:
    caption = response["captionResult"]
    return {"text": caption["text"], "confidence": caption["confidence"]}


def _dense_captions(response: ServiceResponse) -> list[dict[str, Any]]:
    return [
        {"text": item["text"], "confidence": item["confidence"], "box": _box(item["boundingBox"])}
        for item in _values(response, "denseCaptionsResult")
    ]


def _objects(response: ServiceResponse) -> list[dict[str, Any]]:
    return [
        {"name": tag["name"], "confidence": tag["confidence"], "box": _box(item["boundingBox"])}
        for item in _values(response, "objectsResult")
        for tag in item["tags"][:1]
    ]


def _people(response: ServiceResponse) -> list[dict[str, Any]]:
    return [
        {"confidence": item["confidence"], "box": _box(item["boundingBox"])}
        for item in _values(response, "peopleResult")
    ]


def _smart_crops(response: ServiceResponse) -> list[dict[str, Any]]:
    return [
        {"aspectRatio": item["aspectRatio"], "box": _box(item["boundingBox"])}
        for item in _values(response, "smartCropsResult")
    ]


def _read(response: ServiceResponse) -> list[dict[str, Any]]:
    return [_line(line) for block in response["readResult"]["blocks"] for line in block["lines"]]


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """Map a line. Its confidence is the lowest of its words; its box is the upright bounding box of its polygon."""
    xs = [point["x"] for point in line["boundingPolygon"]]
    ys = [point["y"] for point in line["boundingPolygon"]]
    return {
        "text": line["text"],
        "confidence": min((word["confidence"] for word in line["words"]), default=0.0),
        "box": {"x": min(xs), "y": min(ys), "width": max(xs) - min(xs), "height": max(ys) - min(ys)},
    }


# By the service's names of its features: https://learn.microsoft.com/rest/api/computervision/image-analysis/analyze
FEATURE_MAPPERS: dict[str, Callable[[ServiceResponse], Any]] = {
    "tags": _tags,
    "caption": _caption,
    "denseCaptions": _dense_captions,
    "objects": _objects,
    "people": _people,
    "read": _read,
    "smartCrops": _smart_crops,
}


def map_adult_content(response: ServiceResponse) -> dict[str, Any]:
    """Map `adult` of Image Analysis 3.2; its `verdict` is `flagged` if one of the three scores is, else `clear`."""
    scores = response["adult"]
    categories = {
        "adult": {"flagged": scores["isAdultContent"], "score": scores["adultScore"]},
        "racy": {"flagged": scores["isRacyContent"], "score": scores["racyScore"]},
        "gory": {"flagged": scores["isGoryContent"], "score": scores["goreScore"]},
    }
    flagged = any(category["flagged"] for category in categories.values())
    return {"verdict": "flagged" if flagged else "clear", "reason": None, **categories}


def unknown_adult_content(reason: str) -> dict[str, Any]:
    """Return the findings for an image that version 3.2 does not accept: the verdict is `unknown`, never `clear`."""
    return {"verdict": "unknown", "reason": reason, **dict.fromkeys(("adult", "racy", "gory"))}
