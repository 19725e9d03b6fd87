"""Azure AI Vision, Image Analysis 4.0, in the record's own words."""

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from azure.ai.vision.imageanalysis import ImageAnalysisClient
from azure.ai.vision.imageanalysis.models import VisualFeatures
from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError

from classifier.limits import Rejected
from classifier.models import Analysis

API_VERSION = "2023-10-01"
_NAME = "azure-image-analysis"
# The service's own verdicts on an image, which no retry will change:
# https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/call-analyze-image-40#error-codes
_VERDICTS = frozenset(
    {"InvalidImageFormat", "InvalidImageSize", "InvalidImageDimension", "NotSupportedImage", "InvalidImage"}
)


# One account answers about ten calls a second and refuses the rest with 429 and Retry-After, which the SDK's retry
# policy waits for. A refusal is no failure of the image, so many are borne before the message is given back: the
# policy's own three would make good images poison in a burst (docs/decisions/0008).
_PATIENCE = {"retry_total": 12, "retry_status": 12, "retry_backoff_max": 20}


class VisionAnalyzer:
    """`ports.Analyzer` over one Vision account; the image's bytes are sent, so the blobs may stay private."""

    def __init__(self, endpoint: str, credential: TokenCredential, **client_options: Any) -> None:
        # Azure gives the endpoint with a slash at its end, and the SDK would add a second one.
        self._client = ImageAnalysisClient(
            endpoint.rstrip("/"), credential, api_version=API_VERSION, **(_PATIENCE | client_options)
        )

    @property
    def identity(self) -> str:
        """The analyser, its API and its model, which is the service's latest."""
        return f"{_NAME}/{API_VERSION}/latest"

    def analyze(self, content: bytes, features: Sequence[str]) -> Analysis:
        """As `ports.Analyzer.analyze`."""
        try:
            result = self._client.analyze(content, [VisualFeatures(feature) for feature in features])
        except HttpResponseError as error:
            verdict = _verdict(error)
            if verdict is None:
                raise
            raise verdict from error
        answer: Mapping[str, Any] = result.as_dict()
        return Analysis(
            analyzer=_NAME,
            api_version=API_VERSION,
            model_version=answer["modelVersion"],
            findings={feature: _READERS[feature](answer) for feature in features},
        )


class VisionPool:
    """`ports.Analyzer` over several accounts, each in its turn; the first is chosen by chance.

    So many instances of the app together use all accounts alike, without knowing of each other.
    """

    def __init__(self, analyzers: Sequence[VisionAnalyzer]) -> None:
        start = random.randrange(len(analyzers))  # noqa: S311 (no secret depends on it)
        self._turns = itertools.cycle([*analyzers[start:], *analyzers[:start]])
        self.identity = analyzers[0].identity

    def analyze(self, content: bytes, features: Sequence[str]) -> Analysis:
        """As `ports.Analyzer.analyze`."""
        return next(self._turns).analyze(content, features)


def _verdict(error: HttpResponseError) -> Rejected | None:
    if error.status_code != 400 or error.error is None:
        return None
    inner: Mapping[str, Any] = error.error.innererror or {}
    code = str(inner.get("code") or error.error.code)
    return Rejected(code, str(inner.get("message") or error.error.message)) if code in _VERDICTS else None


def _box(box: Mapping[str, int]) -> dict[str, int]:
    return {"x": box["x"], "y": box["y"], "width": box["w"], "height": box["h"]}


def _values(answer: Mapping[str, Any], result: str) -> Sequence[Mapping[str, Any]]:
    return answer[result]["values"]


def _tags(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": tag["name"], "confidence": tag["confidence"]} for tag in _values(answer, "tagsResult")]


def _caption(answer: Mapping[str, Any]) -> dict[str, Any]:
    caption = answer["captionResult"]
    return {"text": caption["text"], "confidence": caption["confidence"]}


def _dense_captions(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"text": item["text"], "confidence": item["confidence"], "box": _box(item["boundingBox"])}
        for item in _values(answer, "denseCaptionsResult")
    ]


def _objects(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": tag["name"], "confidence": tag["confidence"], "box": _box(item["boundingBox"])}
        for item in _values(answer, "objectsResult")
        for tag in item["tags"][:1]
    ]


def _people(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"confidence": item["confidence"], "box": _box(item["boundingBox"])} for item in _values(answer, "peopleResult")
    ]


def _smart_crops(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"aspectRatio": item["aspectRatio"], "box": _box(item["boundingBox"])}
        for item in _values(answer, "smartCropsResult")
    ]


def _read(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
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


_READERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "tags": _tags,
    "caption": _caption,
    "denseCaptions": _dense_captions,
    "objects": _objects,
    "people": _people,
    "read": _read,
    "smartCrops": _smart_crops,
}
