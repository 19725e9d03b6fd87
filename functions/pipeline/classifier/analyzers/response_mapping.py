"""The answers of Image Analysis, in the record's own words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Answer = Mapping[str, Any]


def _box(box: Mapping[str, int]) -> dict[str, int]:
    return {"x": box["x"], "y": box["y"], "width": box["w"], "height": box["h"]}


def _values(answer: Answer, result: str) -> Sequence[Mapping[str, Any]]:
    return answer[result]["values"]


def _tags(answer: Answer) -> list[dict[str, Any]]:
    return [{"name": tag["name"], "confidence": tag["confidence"]} for tag in _values(answer, "tagsResult")]


def _caption(answer: Answer) -> dict[str, Any]:
    caption = answer["captionResult"]
    return {"text": caption["text"], "confidence": caption["confidence"]}


def _dense_captions(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"text": item["text"], "confidence": item["confidence"], "box": _box(item["boundingBox"])}
        for item in _values(answer, "denseCaptionsResult")
    ]


def _objects(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"name": tag["name"], "confidence": tag["confidence"], "box": _box(item["boundingBox"])}
        for item in _values(answer, "objectsResult")
        for tag in item["tags"][:1]
    ]


def _people(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"confidence": item["confidence"], "box": _box(item["boundingBox"])} for item in _values(answer, "peopleResult")
    ]


def _smart_crops(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"aspectRatio": item["aspectRatio"], "box": _box(item["boundingBox"])}
        for item in _values(answer, "smartCropsResult")
    ]


def _read(answer: Answer) -> list[dict[str, Any]]:
    return [_line(line) for block in answer["readResult"]["blocks"] for line in block["lines"]]


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line's confidence is that of its least certain word; its box is the upright one around its polygon."""
    xs = [point["x"] for point in line["boundingPolygon"]]
    ys = [point["y"] for point in line["boundingPolygon"]]
    return {
        "text": line["text"],
        "confidence": min((word["confidence"] for word in line["words"]), default=0.0),
        "box": {"x": min(xs), "y": min(ys), "width": max(xs) - min(xs), "height": max(ys) - min(ys)},
    }


# By feature, as the service calls it: https://learn.microsoft.com/rest/api/computervision/image-analysis/analyze
READERS: dict[str, Callable[[Answer], Any]] = {
    "tags": _tags,
    "caption": _caption,
    "denseCaptions": _dense_captions,
    "objects": _objects,
    "people": _people,
    "read": _read,
    "smartCrops": _smart_crops,
}


def adult(answer: Answer) -> dict[str, Any]:
    """Image Analysis 3.2's `adult`, with one verdict over its three: `flagged` or `clear`."""
    found = answer["adult"]
    kinds = {
        "adult": {"flagged": found["isAdultContent"], "score": found["adultScore"]},
        "racy": {"flagged": found["isRacyContent"], "score": found["racyScore"]},
        "gory": {"flagged": found["isGoryContent"], "score": found["goreScore"]},
    }
    flagged = any(kind["flagged"] for kind in kinds.values())
    return {"verdict": "flagged" if flagged else "clear", "reason": None, **kinds}


def not_judged(reason: str) -> dict[str, Any]:
    """The verdict on an image that could not be judged: never `clear`."""
    return {"verdict": "unknown", "reason": reason, **dict.fromkeys(("adult", "racy", "gory"))}
