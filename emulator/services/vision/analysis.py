"""Image Analysis 4.0 (2023-10-01) over the local models: the service's features, limits, errors and JSON."""

import io
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from emulator.services.vision.models import Box, Classifier, Cropper, Detection, Detector, Line, TextReader
from emulator.services.vision.tags import Level, Tag, TagHierarchy

API_VERSION = "2023-10-01"
MODEL_VERSION = "emulator-2"
_FEATURES = ("tags", "objects", "people", "read", "smartCrops", "caption", "denseCaptions")
_PARAMETERS = {
    "api-version",
    "features",
    "language",
    "model-version",
    "smartcrops-aspect-ratios",
    "gender-neutral-caption",
}
_FORMATS = {"JPEG", "PNG", "GIF", "BMP", "WEBP", "ICO", "TIFF", "MPO"}
_MAX_BYTES = 20 * 1024 * 1024
_MIN_SIDE = 50
_MAX_SIDE = 16_000
_CAPTION_FLOOR = 0.5
Image.MAX_IMAGE_PIXELS = _MAX_SIDE * _MAX_SIDE


class RequestError(Exception):
    """The request is refused with 400; `inner` is the service's own code, None where it gives none."""

    def __init__(self, inner: str | None, message: str) -> None:
        super().__init__(message)
        self.inner = inner


class Analyzer:
    """All models, loaded once; not for more than one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._classifier = Classifier(folder)
        self._detector = Detector(folder)
        self._hierarchy = TagHierarchy(folder / "hierarchy.json", self._detector.names)
        self._reader = TextReader()
        self._cropper = Cropper()

    def analyze(self, content: bytes, query: Mapping[str, str]) -> dict[str, Any]:
        """The service's answer to an image and the request's query. Raises RequestError."""
        features = _features(query)
        image = _decode(content)
        answer: dict[str, Any] = {
            "modelVersion": MODEL_VERSION,
            "metadata": {"width": image.width, "height": image.height},
        }
        detections = self._detector.detect(image) if set(features) - {"read", "smartCrops"} else []
        tags: list[Tag] = []
        if {"tags", "caption", "denseCaptions"} & set(features):
            tags = self._hierarchy.tags(self._classifier.probabilities(image), detections)
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
                    ratios = _ratios(query)
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
            text = f"template: {_with_article(self._hierarchy.subject(item, tags))}"
            captions.append({"text": text, "confidence": item.confidence, "boundingBox": _box(item.box)})
        return captions


def _features(query: Mapping[str, str]) -> list[str]:
    extra = sorted(set(query) - _PARAMETERS)
    if extra:
        raise RequestError("InvalidRequest", f"The emulator's Vision does not support {', '.join(extra)}.")
    for name, allowed in (
        ("api-version", {API_VERSION}),
        ("language", {"en"}),
        ("model-version", {"latest", MODEL_VERSION}),
        # Both are the same here: the captions are templates, and know people only as persons.
        ("gender-neutral-caption", {"false", "true"}),
    ):
        if query.get(name, next(iter(allowed))) not in allowed:
            raise RequestError(
                "InvalidRequest", f"{name} is {query[name]!r}; the emulator's Vision has {sorted(allowed)}."
            )
    features = [feature for feature in query.get("features", "").split(",") if feature]
    unknown = sorted(set(features) - set(_FEATURES))
    if unknown or not features:
        raise RequestError("NotSupportedVisualFeature", f"features is {query.get('features')!r}; allowed: {_FEATURES}.")
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
            "InvalidRequest", f"smartcrops-aspect-ratios is {text!r}; allowed: numbers from 0.75 to 1.8."
        )
    return ratios


def _decode(content: bytes) -> Image.Image:
    # The service's own messages, and bounds: https://learn.microsoft.com/answers/questions/1688452
    if not 0 < len(content) <= _MAX_BYTES:
        raise RequestError(None, f"The image size is not allowed to be zero or larger than {_MAX_BYTES} bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content))
            supported = image.format in _FORMATS
            if supported and all(_MIN_SIDE <= side <= _MAX_SIDE for side in image.size):
                return image.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise RequestError("InvalidImageFormat", "The image is corrupt, or not an image.") from error
    if not supported:
        raise RequestError("InvalidImageFormat", f"{image.format} is not a supported format.")
    raise RequestError(
        "InvalidImageSize",
        f"The image dimension is not allowed to be smaller than {_MIN_SIDE} and larger than {_MAX_SIDE}.",
    )


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
