"""Image Analysis 4.0 over the local models: the service's features, limits, errors and JSON."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from PIL import Image

from emulator.services.vision.images import ImageLimits, check_media_type, decode_image
from emulator.services.vision.models import Box, Cropper, Detection, Line, TextReader
from emulator.services.vision.recognition import Recognizer
from emulator.services.vision.requests import (
    Request,
    RequestError,
    check_api_version,
    check_parameters,
    check_value,
    unsupported,
)
from emulator.services.vision.tags import Level, Tag

# Both have the same responses: https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/call-analyze-image-40
API_VERSIONS = ("2023-10-01", "2024-02-01")
MODEL_VERSION = "emulator-3"
_FEATURES = ("tags", "objects", "people", "read", "smartCrops", "caption", "denseCaptions")
_PARAMETERS = {
    "api-version",
    "features",
    "language",
    "model-version",
    "smartcrops-aspect-ratios",
    "gender-neutral-caption",
}
# Languages that Azure has and the emulator has not.
_OTHER_LANGUAGES = {"es", "ja", "pt", "zh"}
# https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis#input-requirements
_LIMITS = ImageLimits(
    formats=("JPEG", "PNG", "GIF", "BMP", "WEBP", "ICO", "TIFF", "MPO"),
    max_bytes=20 * 1024 * 1024,
    min_side=50,
    size_code=None,
)
_CAPTION_FLOOR = 0.5


class Analyzer:
    """All features of Image Analysis 4.0; not for more than one thread at a time."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._reader = TextReader()
        self._cropper = Cropper()

    def analyze(self, request: Request) -> dict[str, Any]:
        """Return the service's answer. Raises RequestError."""
        check_api_version(request.query, API_VERSIONS)
        features = _features(request.query)
        check_media_type(request)
        ratios = _ratios(request.query)
        image = decode_image(request.content, _LIMITS).pixels
        answer: dict[str, Any] = {
            "modelVersion": MODEL_VERSION,
            "metadata": {"width": image.width, "height": image.height},
        }
        detections = self._recognizer.detect(image) if set(features) - {"read", "smartCrops"} else []
        tags: list[Tag] = []
        if {"tags", "caption", "denseCaptions"} & set(features):
            tags = self._recognizer.tags(image, detections)
        lines = self._reader.read(image) if {"read", "caption"} & set(features) else []
        for feature in features:
            match feature:
                case "tags":
                    answer["tagsResult"] = {
                        "values": [{"name": tag.name, "confidence": tag.confidence} for tag in tags]
                    }
                case "objects":
                    answer["objectsResult"] = {"values": [_object(item) for item in detections]}
                case "people":
                    people = [item for item in detections if item.name == "person"]
                    answer["peopleResult"] = {
                        "values": [{"boundingBox": _box(item.box), "confidence": item.confidence} for item in people]
                    }
                case "read":
                    answer["readResult"] = {"blocks": [{"lines": [_line(line) for line in lines]}] if lines else []}
                case "smartCrops":
                    answer["smartCropsResult"] = {
                        "values": [
                            {"aspectRatio": ratio, "boundingBox": _box(self._cropper.crop(image, ratio))}
                            for ratio in ratios
                        ]
                    }
                case "caption":
                    answer["captionResult"] = _caption(tags, lines)
                case _:
                    answer["denseCaptionsResult"] = {"values": self._dense_captions(tags, detections, image)}
        return answer

    def _dense_captions(self, tags: list[Tag], detections: list[Detection], image: Image.Image) -> list[dict[str, Any]]:
        """The caption of the whole image, and one for each object."""
        whole = Box(x=0, y=0, width=image.width, height=image.height)
        captions = [{**_caption(tags, []), "boundingBox": _box(whole)}]
        for item in detections:
            text = f"template: {_with_article(self._recognizer.hierarchy.subject(item, tags))}"
            captions.append({"text": text, "confidence": item.confidence, "boundingBox": _box(item.box)})
        return captions


def _features(query: Mapping[str, str]) -> list[str]:
    # The texts of 400: https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/call-analyze-image-40
    check_parameters(query, _PARAMETERS)
    language = query.get("language", "en")
    if language in _OTHER_LANGUAGES:
        raise unsupported(f"the language {language}, only en")
    if language != "en":
        raise RequestError("NotSupportedLanguage", "The input language is not supported")
    check_value(query, "model-version", {"latest", MODEL_VERSION})
    # Both are the same here: the captions are templates, and know people only as persons.
    check_value(query, "gender-neutral-caption", {"false", "true"})
    features = [feature for feature in query.get("features", "").split(",") if feature]
    if not features:
        raise RequestError(None, "Either 'features' or 'model-name' needs to be specified in the query parameter")
    if set(features) - set(_FEATURES):
        raise RequestError("NotSupportedVisualFeature", "Specified feature type is not valid")
    return features


def _ratios(query: Mapping[str, str]) -> list[float]:
    text = query.get("smartcrops-aspect-ratios")
    if not text:
        return [1.0]
    try:
        ratios = [float(ratio) for ratio in text.split(",")]
    except ValueError:
        ratios = []
    if not ratios or not all(0.75 <= ratio <= 1.8 for ratio in ratios):
        raise RequestError(
            "BadArgument", "'smartcrops-aspect-ratios' aspect ratio is not in allowed range [0.75 to 1.8]"
        )
    return ratios


def _box(box: Box) -> dict[str, int]:
    sides = asdict(box)
    return {"x": sides["x"], "y": sides["y"], "w": sides["width"], "h": sides["height"]}


def _object(item: Detection) -> dict[str, Any]:
    return {"boundingBox": _box(item.box), "tags": [{"name": item.name, "confidence": item.confidence}]}


def _line(line: Line) -> dict[str, Any]:
    """A line with its words. The models find lines only, so a word has its line's polygon and confidence."""
    polygon = [{"x": x, "y": y} for x, y in line.polygon]
    words = [{"text": word, "boundingPolygon": polygon, "confidence": line.confidence} for word in line.text.split()]
    return {"text": line.text, "boundingPolygon": polygon, "words": words}


def _caption(tags: list[Tag], lines: list[Line]) -> dict[str, Any]:
    """A text from a template, which starts with `template: `: no captioning model is available as a package.

    It names the surest tag that is no special name. If none is more likely than not, it says "a picture".
    """
    subject = next((tag for tag in tags if tag.level is not Level.SPECIAL and tag.confidence >= _CAPTION_FLOOR), None)
    text = "template: " + ("a picture" if subject is None else _with_article(subject.name))
    if lines:
        text += f', with the text "{lines[0].text}"'
    return {"text": text, "confidence": 0.0 if subject is None else subject.confidence}


def _with_article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
